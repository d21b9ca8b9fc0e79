"""A released dataset is loaded like logs, in each of its forms, and counts what its own rows say."""

import json
import os
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.published_rows import (
    Row,
    session,
    without_event_indexes,
    write_database,
    write_lines,
)
from tracelab import schema
from tracelab.build import build
from tracelab.errors import TracelabError
from tracelab.load import LoadReport, load

ROOT = Path(__file__).resolve().parents[1]
DATASET = [*session("a", 4), *session("b", 3, "codex", minute=30)]


def raw(db: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every raw row but those about the file, in one order."""
    with duckdb.connect(str(db), read_only=True) as warehouse:
        return {
            table: warehouse.execute(f"select * exclude (file_id) from raw.{table} order by all").fetchall()
            for table in schema.TABLES
            if table != "files"
        }


def rows(db: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(db), read_only=True) as warehouse:
        return warehouse.execute(query).fetchall()


def loaded(tmp_path: Path, dataset: list[Row]) -> tuple[Path, LoadReport]:
    db = tmp_path / "tracelab.duckdb"
    return db, load([write_lines(tmp_path / "rounds.jsonl", dataset)], db=db)


def test_every_form_of_a_dataset_gives_the_same_rows(tmp_path: Path) -> None:
    plain = write_lines(tmp_path / "rounds.jsonl", DATASET)
    files = [
        plain,
        write_lines(tmp_path / "rounds.jsonl.gz", DATASET),
        write_lines(tmp_path / "rounds.jsonl.zst", DATASET),
        write_lines(tmp_path / "no_name_of_ours", without_event_indexes(DATASET)),
        write_database(tmp_path / "rounds.duckdb", plain),
    ]
    found = []
    for number, file in enumerate(files):
        db = tmp_path / f"{number}.db"
        report = load([file], db=db)
        assert (report.loaded, report.steps, report.tool_calls, report.issues) == (1, 7, 5, {}), file.name
        found.append(raw(db))
    assert len(found[0]["events"]) == 26
    assert all(tables == found[0] for tables in found)


def test_a_database_of_the_older_variant_lists_events_as_they_stand(tmp_path: Path) -> None:
    plain = write_lines(tmp_path / "rounds.jsonl", DATASET)
    older = write_lines(tmp_path / "older.jsonl", without_event_indexes(DATASET))
    for name, file in (("new", plain), ("old", write_database(tmp_path / "older.duckdb", older))):
        load([file], db=tmp_path / f"{name}.db")
    assert raw(tmp_path / "new.db") == raw(tmp_path / "old.db")


def test_a_row_without_our_keys_is_a_persons_main_session_of_unknown_finality(tmp_path: Path) -> None:
    db, _ = loaded(tmp_path, DATASET)
    assert rows(
        db, "select session_id, session_kind, user_name, project, is_own from raw.sessions order by all"
    ) == [
        ("claude:a", "main", "user_01020304", "project_0a1b2c3d", True),
        ("codex:b", "main", "user_01020304", "project_0a1b2c3d", True),
    ]
    assert rows(
        db,
        "select provider, min(message_id), any_value(usage_is_final), sum(cache_write_5m_tokens),"
        " sum(cache_write_1h_tokens), sum(append_tokens) from raw.steps group by all order by all",
    ) == [("claude", "msg_a_0", None, 4_006, 0, 4_806), ("codex", "turn_b:0", None, None, None, 3_603)]
    assert rows(db, "select distinct message_kind from raw.events where event_type = 'user_message'") == [
        ("human",)
    ]


def test_nobody_and_no_project_are_read_back_as_null(tmp_path: Path) -> None:
    dataset = [{**row, "user": "user_none", "project": "project_none"} for row in DATASET]
    db, _ = loaded(tmp_path, dataset)
    assert rows(db, "select distinct user_name, project from raw.sessions") == [(None, None)]


def test_what_a_row_of_zeros_used_is_not_known(tmp_path: Path) -> None:
    nothing = dict.fromkeys(
        ("input_tokens_total", "prefix_tokens", "newly_append_tokens", "output_tokens"), 0
    )
    db, _ = loaded(tmp_path, [{**DATASET[0], **nothing}, *DATASET[1:]])
    columns = "input_tokens, prefix_tokens, append_tokens, output_tokens, usage_is_final, usage_source"
    assert rows(db, f"select {columns} from raw.steps where line_no = 1") == [
        (None, None, None, None, False, "none")
    ]


def test_a_result_in_the_row_of_its_own_call_is_input_of_the_next_step(tmp_path: Path) -> None:
    dataset = session("c", 3, "codex")
    for row, after in pairwise(dataset):
        row["timing_events"].insert(0, after["timing_events"].pop(0))
    db, _ = loaded(tmp_path, dataset)
    results = "select step_seq, tool_call_id from raw.events where event_type = 'tool_result' order by all"
    assert rows(db, results) == [(1, "call_c_0"), (2, "call_c_1")]


def test_a_result_that_no_step_follows_is_kept(tmp_path: Path) -> None:
    dataset = session("c", 3, "codex")[:1]
    result = {"event_type": "tool_result", "tool_call_id": "call_c_0", "result_chars": 3}
    dataset[0]["timing_events"].append(result)
    db, _ = loaded(tmp_path, dataset)
    assert rows(db, "select step_seq, content_chars from raw.events where event_type = 'tool_result'") == [
        (None, 3)
    ]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda row: {k: v for k, v in row.items() if k != "session_id"}, "wrong_type"),
        (lambda row: {**row, "provider": "somebody"}, "wrong_type"),
        (
            lambda row: {**row, "provider": "somebody", "model": 5, "tools": [7, {"tool_name": 1}]},
            "wrong_type",
        ),
        (lambda row: {**row, "round_index": -1}, "wrong_type"),
        (lambda _: ["no", "row"], "bad_line"),
    ],
)
def test_a_row_that_fits_no_schema_is_set_aside_and_counted(tmp_path: Path, damage: Any, reason: str) -> None:
    db, report = loaded(tmp_path, [*DATASET[:2], damage(DATASET[2]), *DATASET[3:]])
    assert (report.loaded, report.steps) == (1, 6)
    assert report.issues == {reason: 1}
    assert rows(db, "select distinct line_no from raw.load_issues") == [(3,)]
    assert rows(db, "select sum(output_tokens) from raw.steps") == [
        (sum(row["output_tokens"] for row in DATASET) - DATASET[2]["output_tokens"],)
    ]


def test_an_event_of_unknown_type_is_counted_and_left_out(tmp_path: Path) -> None:
    dataset = session("a", 2)
    dataset[0]["timing_events"].append({"event_type": "telepathy"})
    db, report = loaded(tmp_path, dataset)
    assert report.issues == {"unknown_event_type": 1}
    assert rows(db, "select count(*) from raw.events where event_type = 'telepathy'") == [(0,)]


def test_a_duckdb_file_without_a_dataset_is_set_aside(tmp_path: Path) -> None:
    other = tmp_path / "other.duckdb"
    with duckdb.connect(str(other)) as database:
        database.execute("create table rounds as select 1 as something")
    db = tmp_path / "tracelab.duckdb"
    report = load([other], db=db)
    assert (report.set_aside, report.issues) == (1, {"not_a_log": 1})
    [(detail,)] = rows(db, "select detail from raw.load_issues")
    assert "no published dataset" in detail and "a warehouse is named with --db" in detail


def test_a_warehouse_is_not_loaded_into_itself(tmp_path: Path) -> None:
    db, _ = loaded(tmp_path, DATASET)
    before = raw(db)
    link = tmp_path / "link.duckdb"
    link.symlink_to(db)
    for path in (db, link):
        with pytest.raises(TracelabError, match=r"is the warehouse itself: .* name that with --db"):
            load([path], db=db)
    assert raw(db) == before


def test_a_view_in_a_database_reads_no_other_file(tmp_path: Path) -> None:
    secret = write_lines(tmp_path / "secret.jsonl", DATASET)
    hostile = tmp_path / "hostile.duckdb"
    with duckdb.connect(str(hostile)) as database:
        database.execute(f"create view rounds as select 1 as round_pk, * from read_json('{secret}')")
    db = tmp_path / "tracelab.duckdb"
    report = load([hostile], db=db)
    assert (report.loaded, report.steps) == (0, 0)


# Repeats


def planted() -> list[Row]:
    """A session, one of its rows repeated, and a fork that copies two of its rows, one with less output."""
    first = session("a", 4)
    fork = [{**row, "session_id": "claude:fork"} for row in session("a", 2)]
    fork[1]["output_tokens"] = 1
    own = [{**row, "session_id": "claude:fork"} for row in session("own", 2, minute=60)]
    return [*first, first[2], *fork, *own]


FIGURES = """
select
    (select count(*) from steps), (select count(*) from sessions), (select count(*) from tool_calls),
    (select sum(input_tokens) from steps)::bigint, (select sum(prefix_tokens) from steps)::bigint,
    (select sum(append_tokens) from steps)::bigint, (select sum(output_tokens) from steps)::bigint
"""
EVENTS = "select event_type, count(*) from staging.stg_events group by all"


def figures(dataset: list[Row]) -> tuple[int, ...]:
    return (
        len(dataset),
        len({row["session_id"] for row in dataset}),
        sum(len(row["tools"]) for row in dataset),
        *(
            sum(row[name] for row in dataset)
            for name in ("input_tokens_total", "prefix_tokens", "newly_append_tokens", "output_tokens")
        ),
    )


def events(dataset: list[Row]) -> Counter[str]:
    return Counter(event["event_type"] for row in dataset for event in row["timing_events"])


def test_repeats_count_once(tmp_path: Path) -> None:
    db, _ = loaded(tmp_path, planted())
    build(db, select=["+steps", "+tool_calls", "+sessions"], timezone="UTC")
    once = [*session("a", 4), *session("own", 2)]
    expected = list(figures(once))
    expected[1] = 2
    assert rows(db, FIGURES) == [tuple(expected)]
    assert rows(db, "select session_id, steps, replayed_steps from sessions order by all") == [
        ("claude:a", 4, 0),
        ("claude:fork", 2, 2),
    ]
    assert dict(rows(db, EVENTS)) == events(once)


def ours(dataset: list[Row]) -> list[Row]:
    """Rows as `tracelab publish` writes them."""
    return [{**row, "x_session_kind": "main", "x_usage_is_final": True} for row in dataset]


def test_of_two_releases_the_later_ones_telling_counts(tmp_path: Path) -> None:
    later = ours(session("a", 4, "codex"))
    usage = ("input_tokens_total", "prefix_tokens", "newly_append_tokens", "output_tokens")
    # made before the third response was written to its end
    cut = {key: value for key, value in later[2].items() if key not in usage}
    earlier = [*later[:2], {**cut, "round_id": "turn_a:cut", "x_usage_is_final": False}]
    lines = [write_lines(tmp_path / f"{name}.jsonl", rows) for name, rows in (("1", earlier), ("2", later))]
    db = tmp_path / "tracelab.duckdb"
    load(lines, db=db)
    build(db, select=["+steps", "+tool_calls", "+sessions"], timezone="UTC")
    assert rows(db, FIGURES) == [figures(later)]
    assert dict(rows(db, EVENTS)) == events(later)


def test_a_session_in_parts_keeps_its_compactions(tmp_path: Path) -> None:
    dataset = ours(session("a", 4))
    for number in (1, 3):
        marker = {"is_before_step": True, "pre_tokens": 100_000, "post_tokens": 900}
        at = dataset[number]["timing_events"][0]["timestamp"]
        dataset[number]["x_compactions"] = [{**marker, "compacted_at": at}]
    halves = [write_lines(tmp_path / "1.jsonl", dataset[:2]), write_lines(tmp_path / "2.jsonl", dataset[2:])]
    twice = write_lines(tmp_path / "3.jsonl", dataset[1:])
    db = tmp_path / "tracelab.duckdb"
    load([*halves, twice], db=db)
    build(db, select=["+compactions"], timezone="UTC")
    assert rows(db, "select step_id, compaction_index from compactions order by all") == [
        ("claude:a#1", 0),
        ("claude:a#3", 1),
    ]


def test_with_include_replays_the_counts_are_those_of_the_files_own_rows(tmp_path: Path) -> None:
    db, _ = loaded(tmp_path, planted())
    settings = {
        "TRACELAB_DB": str(db),
        "DBT_TARGET_PATH": str(tmp_path / "target"),
        "DBT_LOG_PATH": str(tmp_path / "logs"),
    }
    done = subprocess.run(
        [
            Path(sys.executable).with_name("dbt"),
            *("--warn-error", "build", "--exclude-resource-type", "unit_test"),
            *("--vars", json.dumps({"include_replays": True})),
        ],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert rows(db, FIGURES) == [figures(planted())]
    assert dict(rows(db, EVENTS)) == events(planted())
    assert rows(db, "select count(distinct (session_id, tool_call_id)) from tool_calls") == [
        (figures(planted())[2],)
    ]


def test_a_wrong_value_is_noted_without_itself(tmp_path: Path) -> None:
    told = "hunter2 - at `$.secret`"
    db, _ = loaded(tmp_path, [*DATASET, DATASET[0] | {"provider": told}, DATASET[1] | {"x_purpose": told}])
    assert rows(db, "select count(*) from raw.load_issues") > [(0,)]
    assert b"hunter2" not in db.read_bytes()
    assert rows(db, "select detail from raw.load_issues where detail like '%secret%'") == []


@pytest.mark.parametrize("column", ["model", "x_agent_type", "x_client_version", "user", "round_id"])
def test_a_text_in_the_place_of_a_name_is_absent_and_noted(tmp_path: Path, column: str) -> None:
    text = "Please read this. " * 40
    db, _ = loaded(tmp_path, [DATASET[0] | {column: text}, *DATASET[1:]])
    assert rows(db, "select reason, count(*) from raw.load_issues group by all") == [("wrong_type", 1)]
    assert b"Please read" not in db.read_bytes()


def test_a_message_is_of_a_kind_that_there_is(tmp_path: Path) -> None:
    own = session("a", 1)[0] | {"x_session_kind": "main"}
    [event] = [event for event in own["timing_events"] if event["event_type"] == "user_message"]
    event["x_message_kind"] = "sermon"
    db, _ = loaded(tmp_path, [own])
    assert rows(db, "select message_kind from raw.events where event_type = 'user_message'") == [(None,)]
    assert rows(db, "select reason from raw.load_issues") == [("wrong_type",)]
