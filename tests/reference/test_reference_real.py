"""Real session logs, counted by others: each file alone, and whole folders, give the same counts."""

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from tests.reference.cells import Cell, differences
from tests.reference.corpora import REAL, skip_unless_there
from tests.reference.settling import Model, compiled_models, settle, settler

_QUERY = (Path(__file__).parent / "sql" / "real_counts.sql").read_text(encoding="utf-8")
_UNCOUNTED = {"path", "set", "format", "versions"}
"""Columns that name a row, or say how a log calls its format: nothing that we count."""

_TRIMMED = "claude/jazzyalex__agent-sessions/Resources/Fixtures/stage0/agents/claude/small.jsonl"
_OURS = {
    # its two steps cannot have three owners
    (_TRIMMED, "contexts"): -1,
}
"""Where ours is righter, and by how much: for the file alone, and for each set that it stands in."""


class _Logs(NamedTuple):
    """All the real logs, loaded once; any of them can be counted as if they alone were loaded."""

    connection: duckdb.DuckDBPyConnection
    models: list[Model]
    file_ids: dict[str, str]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Logs]:
    from tracelab.load import load

    skip_unless_there(REAL)
    folder = tmp_path_factory.mktemp("real")
    db = folder / "tracelab.duckdb"
    assert load([REAL], db=db).failed == 0
    models = compiled_models(db, folder / "target", "path:models/staging")
    with settler(db, models) as connection:
        rows = connection.execute("select path, file_id from loaded.raw.files").fetchall()
        yield _Logs(connection, models, {Path(path).relative_to(REAL).as_posix(): key for path, key in rows})


def test_reference_files_are_all_loaded(logs: _Logs) -> None:
    assert sorted(_below(logs, "")) == sorted(row["path"] for row in _rows("expected.csv"))


def test_reference_counts_of_each_real_file(logs: _Logs) -> None:
    found: list[str] = []
    for row in _rows("expected.csv"):
        found += _differences("expected.csv", row["path"], _count(logs, [row["path"]]), row, [row["path"]])
    assert not found, "\n".join(found)


def test_reference_counts_of_each_set_of_real_files(logs: _Logs) -> None:
    alone = {row["path"]: row for row in _rows("expected.csv")}
    found: list[str] = []
    for row in _rows("expected_set.csv"):
        paths = _below(logs, row["set"])
        counts = _count(logs, paths)
        before = sum(int(alone[path]["steps"] or 0) for path in paths)
        counts |= {
            "files": str(len(paths)),
            "steps_before_dedup": str(before),
            "replayed_steps": str(before - int(counts["steps"])),
        }
        found += _differences("expected_set.csv", row["set"], counts, row, paths)
    assert not found, "\n".join(found)


def test_reference_snapshots_of_a_growing_log_equal_its_last(logs: _Logs) -> None:
    folders = [row["set"] for row in _rows("expected_set.csv") if re.search("/_growing/.", row["set"])]
    assert folders
    of_files = {"files_loaded", "bytes", "lines", "bad_lines", "objects"}  # these add up
    for folder in folders:
        paths = sorted(_below(logs, folder))
        together, last = _count(logs, paths), _count(logs, paths[-1:])
        assert {name: together[name] for name in together.keys() - of_files} == {
            name: last[name] for name in last.keys() - of_files
        }


def _below(logs: _Logs, places: str) -> list[str]:
    """Return the files that are, or lie below, one of some places joined by ` + `."""
    return [path for path in logs.file_ids if path.startswith(tuple(places.split(" + ")))]


def _count(logs: _Logs, paths: list[str]) -> dict[str, str]:
    """Count what files hold together, by the names of `expected.csv`; absent is 0 there."""
    settle(logs.connection, logs.models, [logs.file_ids[path] for path in paths])
    result = logs.connection.execute(_QUERY)
    names = [column[0] for column in result.description or ()]
    return dict(zip(names, map(_text, result.fetchone() or ()), strict=True))


def _differences(
    file: str, name: str, counts: Mapping[str, str], expected: Mapping[str, str], paths: list[str]
) -> list[str]:
    """Compare one row; a set-aside file has counts of its lines only."""
    compared = [column for column, text in expected.items() if text and column not in _UNCOUNTED]
    theirs = {Cell((name,), column): expected[column] for column in compared}
    for (path, column), more in _OURS.items():
        if path in paths:
            theirs[Cell((name,), column)] = str(int(expected[column]) + more)
    ours = {cell: counts.get(cell.column) for cell in theirs}
    return differences(file, ours, theirs, {})


def _rows(table: str) -> list[dict[str, str]]:
    with (REAL / table).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds") + "Z"
    return str(value or 0)
