"""Whatever stands in a log: reading it never fails, and what damage does not touch counts as ever, and once.

`make fuzz` tries many more inputs than a test run does.
"""

import gzip
import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import zstandard

from tests.conftest import SHARED
from tests.damage import BAD_LINES, CHANGES, ODD_OBJECTS, Change
from tests.test_load import log_file
from tracelab.arrow import Batches
from tracelab.build import build
from tracelab.discover import sample_home
from tracelab.load import load
from tracelab.read import Outcome, read_log
from tracelab.warehouse import open_read_only

INPUTS = int(os.environ.get("TRACELAB_FUZZ_INPUTS", "400"))
SEED = os.environ.get("TRACELAB_FUZZ_SEED", "1")
ALONE = os.environ.get("TRACELAB_FUZZ_INPUT")
"""The number of the one input to try."""

_LOG_BYTES = 100_000  # of longer logs most of the time would go to lines that are sound
_PLACES = {"file_id", "line_no", "step_seq", "before_step_seq"}
_PLACES |= {"tool_index", "event_index", "block_index", "call_index"}
_NAMES = {"session_id", "turn_id", "message_id", "echo_id", "tool_call_id", "event_id", "compaction_id"}
_NAMES |= {"model", "effort", "service_tier", "event_at", "started_at", "pre_tokens"}
"""What later lines may be told by a line: damaged, it may tell them another session, model, time or size."""
_WORDS = (_PLACES | _NAMES) - {"line_no"}
_SUMMED = ("steps", "tool_calls", "extra_calls", "events", "compactions")


class Reading(NamedTuple):
    """What one log gave."""

    outcome: Outcome
    rows: dict[str, list[dict[str, Any]]]

    def counted(self, *, without: set[str], line_no: int = 0) -> Counter[tuple[object, ...]]:
        """Count the rows that go into sums, by what they say besides these columns.

        The last step that begins up to a line, and what belongs to it, is left out.
        """
        begins = {(step["session_id"], step["step_seq"]): step["line_no"] for step in self.rows["steps"]}
        left_out = max((begin for begin in begins.values() if begin <= line_no), default=0)
        return Counter(
            (table, *((name, value) for name, value in row.items() if name not in without))
            for table in _SUMMED
            for row in self.rows[table]
            if begins.get((row["session_id"], row.get("step_seq")), -1) != left_out
        )

    def metered_steps(self) -> int:
        """Count steps with usage: cut off before it, outputs between inputs are a step each."""
        return sum(step["usage_source"] != "none" for step in self.rows["steps"])

    def lines_with_issues(self) -> set[int]:
        """Return the numbers of the lines that something is wrong with."""
        return {row["line_no"] for row in self.rows["load_issues"]}


def read(path: Path, data: bytes) -> Reading:
    """Read bytes as the log of that name; whatever they are, that must not fail, and must add up."""
    path.write_bytes(data)
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in (*_SUMMED, "load_issues")}
    batches = Batches(lambda table, batch: rows.setdefault(table, []).extend(batch.to_pylist()))
    outcome = read_log(log_file(path), datetime(2026, 1, 1, tzinfo=UTC), batches)
    batches.flush()
    assert not outcome.issues["internal_error"], outcome.file.error
    assert len(rows["steps"]) == outcome.file.steps
    for step in rows["steps"]:
        tokens = [value for name, value in step.items() if name.endswith("_tokens") and value is not None]
        assert all(0 <= value <= 2**53 for value in tokens), step
        if step["append_tokens"] is not None:
            assert step["input_tokens"] == step["prefix_tokens"] + step["append_tokens"], step
    return Reading(outcome, rows)


def inputs(what: str, count: int) -> Iterator[AbstractContextManager[random.Random]]:
    """Give each input's source of chance, which no other input draws from; one that fails is told."""
    return (_told(what, number) for number in ([int(ALONE)] if ALONE else range(count)))


@contextmanager
def _told(what: str, number: int) -> Iterator[random.Random]:
    try:
        yield random.Random(f"{SEED} {what} {number}")
    except Exception as failure:
        test, _, _ = os.environ["PYTEST_CURRENT_TEST"].rpartition(" (")
        failure.add_note(
            f"Input {number} of seed {SEED}. To try it alone:\n"
            f"TRACELAB_FUZZ_SEED={SEED} TRACELAB_FUZZ_INPUT={number} python -m pytest '{test}'"
        )
        raise


def joined(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, list[bytes]]]:
    """Names and lines of logs that are sound: the sample's, and real ones where there are any."""
    homes = [sample_home(), *(SHARED / "real" / provider for provider in ("claude", "codex"))]
    paths = sorted(path for home in homes for path in home.rglob("*.jsonl"))
    folder = tmp_path_factory.mktemp("sound")
    found = [(path.name, path.read_bytes()) for path in paths if path.stat().st_size < _LOG_BYTES]
    return [
        (name, data.splitlines())
        for name, data in found
        if data.count(b"\n") > 2 and read(folder / name, data).outcome.file.status == "loaded"
    ]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_damaged_line_changes_nothing_that_would_be_the_same_without_it(
    change: Change, logs: list[tuple[str, list[bytes]]], tmp_path: Path
) -> None:
    for each in inputs(change.__name__, INPUTS // len(CHANGES)):
        with each as chance:
            name, lines = chance.choice(logs)
            place = chance.randrange(len(lines))
            damaged = change(chance, lines[place] or b"{}").replace(b"\n", b" ")
            about = f"line {place + 1} of {name} is {damaged[:2000]!r}"
            head, tail = lines[:place], lines[place + 1 :]
            whole, rest, found = (
                read(tmp_path / name, joined(each)) for each in (lines, head + tail, [*head, damaged, *tail])
            )
            if whole.outcome.file.provider == rest.outcome.file.provider == found.outcome.file.provider:
                untouched = whole.counted(without=_PLACES | _NAMES, line_no=place + 1)
                untouched &= rest.counted(without=_PLACES | _NAMES)
                lost = [*(untouched - found.counted(without=_PLACES | _NAMES))]
                assert not lost[:3], about
                # a damaged name makes a response of its own at most, and no other line's step counts twice
                assert found.metered_steps() <= whole.metered_steps() + 1, about
                before = whole.counted(without=_WORDS)
                more = found.counted(without=_WORDS) - before
                assert not [row for row in more if row in before and row[0] == "steps"], about
                if found.outcome.file.bad_lines > whole.outcome.file.bad_lines:
                    assert place + 1 in found.lines_with_issues(), about


def test_lines_that_no_client_writes_change_no_row_and_are_told(
    logs: list[tuple[str, list[bytes]]], tmp_path: Path
) -> None:
    for each in inputs("lines between", INPUTS // 20):
        with each as chance:
            name, lines = chance.choice(logs)
            mixed, bad = lines[:1], set[int]()  # a log that names no session is named by its first line
            for line in lines[1:]:
                for junk in chance.choices(BAD_LINES + ODD_OBJECTS, k=chance.choice((0, 0, 1, 2))):
                    mixed.append(junk)
                    if junk in BAD_LINES:
                        bad.add(len(mixed))
                mixed.append(line)
            sound, found = read(tmp_path / name, joined(lines)), read(tmp_path / name, joined(mixed))
            rows, sound_rows = found.counted(without=_PLACES), sound.counted(without=_PLACES)
            changed = [*(rows - sound_rows), *(sound_rows - rows)][:5]
            assert not changed, name
            assert bad <= found.lines_with_issues(), name
            assert found.outcome.file.lines == len(mixed), name


@pytest.mark.parametrize("packing", ["gz", "zst"])
def test_a_damaged_packed_log_gives_what_came_before_the_damage(
    packing: str, logs: list[tuple[str, list[bytes]]], tmp_path: Path
) -> None:
    pack = gzip.compress if packing == "gz" else zstandard.ZstdCompressor(write_checksum=True).compress
    for each in inputs(packing, INPUTS // 20):
        with each as chance:
            name, lines = chance.choice(logs)
            packed = bytearray(pack(joined(lines)))
            if chance.random() < 0.5:
                del packed[chance.randrange(1, len(packed)) :]
            for _ in range(chance.randint(0, 2)):
                packed[chance.randrange(len(packed))] = chance.randrange(256)
            sound = read(tmp_path / name, joined(lines))
            found = read(tmp_path / f"{name}.{packing}", bytes(packed))
            assert found.metered_steps() <= sound.metered_steps(), name
            if found.outcome.file.consumed_sha256 != sound.outcome.file.consumed_sha256:
                assert found.outcome.file.status != "loaded", name


def test_tables_are_built_of_damaged_logs_and_their_rules_hold(
    logs: list[tuple[str, list[bytes]]], tmp_path: Path
) -> None:
    for each in inputs("tables", 1):
        with each as chance:
            for number in range(min(INPUTS // 10, 400)):
                name, lines = chance.choice(logs)
                damaged = [
                    chance.choice(CHANGES)(chance, line).replace(b"\n", b" ")
                    if line and chance.random() < 0.1
                    else line
                    for line in lines
                ]
                if chance.random() < 0.3:
                    chance.shuffle(damaged)
                (tmp_path / str(number)).mkdir()
                (tmp_path / str(number) / name).write_bytes(joined(damaged))
            db = tmp_path / "tracelab.duckdb"
            report = load([tmp_path], db=db)
            assert (report.failed, report.issues.get("internal_error")) == (0, None)
            build(db, timezone="UTC")
            with open_read_only(db) as warehouse:
                assert warehouse.execute("select count(*) > 0 from steps").fetchall() == [(True,)]
