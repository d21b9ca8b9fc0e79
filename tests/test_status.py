"""`tracelab status`: what the warehouse holds, how fresh it is, and what was set aside."""

import json
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from tests.raw_warehouse import LOADED_AT, raw_warehouse
from tracelab.errors import TracelabError
from tracelab.status import Issue, as_json, as_text, status
from tracelab.warehouse import raw_sha256


def built(db: Path) -> Path:
    """Give a warehouse marts, built of what it holds."""
    with duckdb.connect(str(db)) as warehouse:
        warehouse.execute("create schema staging")
        warehouse.execute(
            "create table staging.last_build as"
            " select ?::timestamp as built_at, 'UTC' as timezone, ? as raw_sha256,"
            " null::varchar as project_sha256",
            [LOADED_AT, raw_sha256(warehouse)],
        )
        warehouse.execute(
            "create table sessions as select unnest(['main', 'main', 'subagent']) as session_kind,"
            " unnest([0, 2, 3]) as steps"
        )
        for name, rows in {"requests": 4, "steps": 5, "tool_calls": 6}.items():
            warehouse.execute(f"create table {name} as from range({rows})")
    return db


def test_files_are_counted_by_provider_and_status(tmp_path: Path) -> None:
    files = [
        {"size_bytes": 10, "steps": 2, "first_at": datetime(2026, 1, 1), "last_at": datetime(2026, 1, 3)},
        {"size_bytes": 30, "steps": 1, "first_at": datetime(2026, 1, 2), "last_at": datetime(2026, 1, 5)},
        {"provider": "codex", "status": "gone"},
        {"provider": None, "status": "set_aside", "steps": 0},
    ]
    state = status(raw_warehouse(tmp_path / "w.duckdb", files=files))
    assert [(row.provider, row.status, row.files) for row in state.files] == [
        ("claude", "loaded", 2),
        ("codex", "gone", 1),
        (None, "set_aside", 1),
    ]
    assert state.files[0][3:] == (40, 3, datetime(2026, 1, 1), datetime(2026, 1, 5))
    assert state.newest_at == datetime(2026, 1, 5)


def test_what_was_set_aside_comes_with_its_first_place(tmp_path: Path) -> None:
    files = [{"path": "/logs/b.jsonl"}, {"path": "/logs/a.jsonl"}]
    issues = [
        {"file_id": "f0", "line_no": 1, "byte_offset": 0, "reason": "bad_line", "detail": "late"},
        {"file_id": "f1", "line_no": 9, "byte_offset": 90, "reason": "bad_line", "detail": "second"},
        {"file_id": "f1", "line_no": 7, "byte_offset": 70, "reason": "bad_line", "detail": "first"},
        {"file_id": "f1", "line_no": None, "byte_offset": None, "reason": "unreadable", "detail": None},
    ]
    state = status(raw_warehouse(tmp_path / "w.duckdb", files=files, issues=issues))
    assert state.issues == [
        Issue("bad_line", 3, 2, "/logs/a.jsonl", 7, "first"),
        Issue("unreadable", 1, 1, "/logs/a.jsonl", None, None),
    ]
    assert "  bad_line, 3 in 2 files: first\n      /logs/a.jsonl:7\n" in as_text(state)
    assert "  unreadable, 1 in 1 file\n      /logs/a.jsonl" in as_text(state)


@pytest.mark.parametrize(
    ("change", "is_stale"),
    [
        ("update raw.files set path = path", False),
        ("update raw.files set loaded_at = loaded_at + interval '1 us' where file_id = 'f1'", True),
        ("update raw.files set status = 'gone' where file_id = 'f1'", True),
        ("delete from raw.files where file_id = 'f1'", True),
    ],
    ids=["nothing", "read anew", "gone", "dropped"],
)
def test_tables_that_show_something_else_than_what_is_loaded_are_called_so(
    tmp_path: Path, change: str, is_stale: bool
) -> None:
    db = built(raw_warehouse(tmp_path / "w.duckdb", files=[{}, {}]))
    with duckdb.connect(str(db)) as warehouse:
        warehouse.execute(change)
    state = status(db)
    assert state.is_stale == is_stale
    assert ("older than what is loaded" in as_text(state)) == is_stale
    assert state.held == (3, 1, 1, 4, 5, 6)
    assert "3 sessions (1 of subagents, 1 without a step), 4 requests, 5 steps, 6 tool calls" in as_text(
        state
    )


def test_one_of_something_is_told_as_one(tmp_path: Path) -> None:
    db = built(raw_warehouse(tmp_path / "w.duckdb", files=[{}]))
    with duckdb.connect(str(db)) as warehouse:
        warehouse.execute("delete from sessions where session_kind = 'main'")
        warehouse.execute("create or replace table steps as select 1")
    assert "1 session (1 of subagents, 0 without a step), 4 requests, 1 step, 6 tool calls" in as_text(
        status(db)
    )


def test_what_is_gone_is_said_with_what_drops_it(tmp_path: Path) -> None:
    db = raw_warehouse(tmp_path / "w.duckdb", files=[{}, {"status": "gone"}, {"status": "gone"}])
    assert "2 files, whose rows stay until `tracelab load --prune`" in as_text(status(db))


@pytest.mark.parametrize("providers", [["published"], ["claude", "codex"], ["claude", "published"]])
def test_a_dataset_beside_logs_is_told_of(tmp_path: Path, providers: list[str]) -> None:
    db = raw_warehouse(tmp_path / "w.duckdb", files=[{"provider": provider} for provider in providers])
    assert ("a dataset beside logs" in as_text(status(db))) == (providers == ["claude", "published"])


def test_a_warehouse_that_was_never_built_says_what_to_run(tmp_path: Path) -> None:
    state = status(raw_warehouse(tmp_path / "w.duckdb", files=[{}]))
    assert (state.held, state.is_stale) == (None, True)
    assert "run `tracelab build`" in as_text(state)


def test_json_holds_all_of_it(tmp_path: Path) -> None:
    db = built(raw_warehouse(tmp_path / "w.duckdb", files=[{}], issues=[{"reason": "bad_line"}]))
    state = json.loads(as_json(status(db)))
    assert state["database"] == str(db)
    assert state["files"][0]["status"] == "loaded"
    assert state["issues"][0]["reason"] == "bad_line"
    assert state["held"]["tool_calls"] == 6
    assert state["loaded_at"] == "2026-01-02T03:04:05Z"
    assert state["is_stale"] is False


def test_an_escape_sequence_in_a_path_does_not_reach_the_terminal(tmp_path: Path) -> None:
    db = raw_warehouse(
        tmp_path / "w.duckdb", files=[{"path": "/logs/\x1b[31m.jsonl"}], issues=[{"reason": "bad_line"}]
    )
    assert "\x1b" not in as_text(status(db))


def test_a_warehouse_without_a_load_is_said_to_be_empty(tmp_path: Path) -> None:
    db = tmp_path / "w.duckdb"
    duckdb.connect(str(db)).close()
    with pytest.raises(TracelabError, match="tracelab load"):
        status(db)


def test_the_sample_is_built_and_fresh(warehouse: Path) -> None:
    state = status(warehouse)
    assert state.held is not None
    assert state.held.steps > 0
    assert not state.is_stale
