"""The same logs give the same marts, byte for byte: in any order, in any number of loads, copied, moved."""

import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.reference.corpora import ROOT, SHARED, skip_unless_there

_PLACES = ("corpus/home", "real")
_REDACTED = "jazzyalex__agent-sessions"
"""Logs whose ids and texts are redacted to one and the same: what makes two rows copies cannot be told."""

Marts = dict[str, bytes]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for place in _PLACES:
        skip_unless_there(SHARED / place)
    return tmp_path_factory.mktemp("order")


@pytest.fixture(scope="module")
def at_once(scratch: Path) -> Marts:
    """The marts of all logs, loaded in one go."""
    with _copied(scratch / "at_once") as home:
        return _marts(scratch, [[home]])


@pytest.mark.parametrize(("seed", "files_a_load"), [(1, 4), (2, 1000)])
def test_reference_marts_are_the_same_in_any_order_and_number_of_loads(
    scratch: Path, at_once: Marts, seed: int, files_a_load: int
) -> None:
    with _copied(scratch / f"shuffled_{seed}") as home:
        files = _logs(home)
        random.Random(seed).shuffle(files)
        loads = [files[start : start + files_a_load] for start in range(0, len(files), files_a_load)]
        assert _changed(at_once, _marts(scratch, loads)) == {}


def test_reference_marts_are_the_same_with_copies_under_other_names(scratch: Path, at_once: Marts) -> None:
    with _copied(scratch / "doubled") as home:
        for log in _logs(home):
            shutil.copyfile(log, _beside(log))
        assert _changed(at_once, _marts(scratch, [[home]])) == {}


def test_reference_marts_are_the_same_with_beginnings_of_the_logs(scratch: Path, at_once: Marts) -> None:
    dice = random.Random(4)
    with _copied(scratch / "cut") as home:
        for log in _logs(home):
            if _REDACTED not in log.parts:
                lines = log.read_bytes().splitlines(keepends=True)
                _beside(log).write_bytes(b"".join(lines[: dice.randint(1, len(lines))]))
        assert _changed(at_once, _marts(scratch, [[home]])) == {}


def test_reference_marts_change_where_a_log_is_missing(scratch: Path, at_once: Marts) -> None:
    with _copied(scratch / "without_one") as home:
        next(home.glob("corpus/home/.claude/projects/*/*.jsonl")).unlink()
        assert {"sessions", "steps"} <= _changed(at_once, _marts(scratch, [[home]])).keys()


@contextmanager
def _copied(home: Path) -> Iterator[Path]:
    """Copy the logs to a folder of their own, for a while."""
    for place in _PLACES:
        shutil.copytree(SHARED / place, home / place, copy_function=shutil.copyfile)
    yield home
    shutil.rmtree(home)


def _logs(home: Path) -> list[Path]:
    return sorted(home.rglob("*.jsonl"))


def _beside(log: Path) -> Path:
    """Return another path for a log; a subagent's keeps its name, in which its id may stand."""
    if not log.name.startswith("agent-"):
        return log.with_name(f"copy-{log.name}")
    folder = log.parent / "copies"
    folder.mkdir(exist_ok=True)
    return folder / log.name


def _marts(scratch: Path, loads: Sequence[Sequence[Path]]) -> Marts:
    """Load in this order, build, and return every mart; one path for all databases keeps dbt's parse warm."""
    from tracelab.build import build
    from tracelab.export import export_tables
    from tracelab.load import load

    db = scratch / "tracelab.duckdb"
    db.unlink(missing_ok=True)
    for paths in loads:
        assert load(paths, db=db).failed == 0
    build(db, select=["+path:models/marts"], timezone="UTC")
    names = [path.stem for path in (ROOT / "models" / "marts").glob("*.sql")]
    return {path.stem: path.read_bytes() for path in export_tables(db, scratch / "out", names)}


def _changed(before: Marts, after: Marts) -> dict[str, list[str]]:
    """Return, for each mart that is not the same, the first lines that only one of the two has."""
    changed = {}
    for name in before.keys() | after.keys():
        old, new = (marts.get(name, b"").decode().splitlines() for marts in (before, after))
        if old != new:
            changed[name] = [f"- {line[:300]}" for line in _without(old, new)[:3]]
            changed[name] += [f"+ {line[:300]}" for line in _without(new, old)[:3]]
    return changed


def _without(lines: list[str], others: list[str]) -> list[str]:
    known = set(others)
    return [line for line in lines if line not in known]
