"""A copy of a log that lost lines tells nothing that the whole log does not: no number changes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.builders_claude import (
    SESSION,
    Json,
    assistant,
    msg,
    result,
    text,
    thinking,
    toolu,
    usage,
    use,
    user,
)
from tests.reference.settling import Model, compiled_models, settle, settler
from tracelab.load import load

TABLES = ("stg_steps", "stg_events", "stg_tool_calls")


def _log() -> list[Json]:
    """Message ids in falling order, so that no tie between steps falls right by chance."""
    used = usage(3, 1000, 0, 50)
    return [
        user(1, 0, "go"),
        assistant(2, 1, msg(9), thinking(), usage=used),
        assistant(3, 2, msg(9), use(toolu(1)), usage=used),
        user(4, 3, [result(toolu(1))]),
        assistant(5, 4, msg(9), use(toolu(2)), stop="tool_use", usage=used),
        user(6, 5, [result(toolu(2))]),
        assistant(7, 6, msg(8), use(toolu(3)), use(toolu(4)), stop="tool_use", usage=used),
        user(8, 7, [result(toolu(4))]),
        user(9, 8, [result(toolu(3))]),
        user(10, 9, "and the other"),
        assistant(11, 10, msg(7), use(toolu(5)), stop="tool_use", usage=used),
        user(12, 11, [result(toolu(5))]),
        assistant(13, 12, msg(6), text("done"), stop="end_turn", usage=used),
        user(14, 20, "next"),
        assistant(15, 21, msg(5), text("done"), stop="end_turn", usage=used),
    ]


@pytest.fixture(scope="module")
def files(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[Model], dict[str, str]]]:
    """The log and copies of it that lost one line or three, each a file: its id by what it lost."""
    folder = tmp_path_factory.mktemp("copies")
    lines = [json.dumps(record) + "\n" for record in _log()]
    kept = {"nothing": lines}
    for count in (1, 3):
        for start in range(len(lines) - count + 1):
            lost = [line[: len(line) // 2] + "\n" for line in lines[start : start + count]]
            kept[f"lines {start + 1} to {start + count}"] = lines[:start] + lost + lines[start + count :]
    for name, log in kept.items():
        (folder / name).mkdir()
        (folder / name / f"{SESSION}.jsonl").write_text("".join(log))
    db = folder / "tracelab.duckdb"
    assert load([folder], db=db).failed == 0
    models = compiled_models(db, folder / "target", "path:models/staging")
    with settler(db, models) as connection:
        rows = connection.execute("select path, file_id from loaded.raw.files").fetchall()
        yield connection, models, {Path(path).parent.name: file_id for path, file_id in rows}


def test_a_damaged_copy_of_a_log_changes_nothing(
    files: tuple[duckdb.DuckDBPyConnection, list[Model], dict[str, str]],
) -> None:
    connection, models, ids = files

    def told_by(*names: str) -> dict[str, list[tuple[Any, ...]]]:
        settle(connection, models, [ids[name] for name in names])
        return {
            table: connection.execute(f"from staging.{table} order by all").fetchall() for table in TABLES
        }

    whole = told_by("nothing")
    assert [len(rows) for rows in whole.values()] == [5, 16, 5]
    changed = {
        (name, table)
        for name in ids
        for table, rows in told_by("nothing", name).items()
        if rows != whole[table]
    }
    assert not changed
    assert told_by(*ids) == whole
