"""What a load writes, what it leaves alone, and what it says."""

import csv
import errno
import gc
import gzip
import hashlib
import json
import os
import pickle
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Any

import duckdb
import pytest
import zstandard

from tracelab import load as module
from tracelab import schema
from tracelab.arrow import Batches, record_batch
from tracelab.discover import Discovery, LogFile, Skipped, discover, sample_home
from tracelab.errors import TracelabError
from tracelab.load import LoadReport, _absent, _Known, load
from tracelab.processes import _portions
from tracelab.progress import Progress
from tracelab.providers import PROVIDERS
from tracelab.read import read_log

SHARED = Path(__file__).resolve().parents[2] / "shared"


def session(number: int, steps: int = 2, words: str = "word") -> bytes:
    """A Claude Code log: a prompt, then steps that each call a tool."""
    common = {
        "sessionId": f"{number:08d}-0000-4000-8000-000000000000",
        "version": "2.1.280",
        "isSidechain": False,
    }
    rows: list[dict[str, Any]] = [{"type": "user", "message": {"role": "user", "content": words}}]
    for step in range(steps):
        call = f"toolu_{number:08d}{step:012d}"
        message = {
            "id": f"msg_{number:08d}{step:012d}",
            "role": "assistant",
            "model": "claude-opus-4-8",
            "content": [{"type": "tool_use", "id": call, "name": "Bash", "input": {"command": words}}],
            "stop_reason": "tool_use",
            "usage": {"input_tokens": 3, "cache_read_input_tokens": 10, "output_tokens": 40},
        }
        rows.append({"type": "assistant", "message": message})
        answer = {"type": "tool_result", "tool_use_id": call, "content": words}
        rows.append({"type": "user", "message": {"role": "user", "content": [answer]}})
    for place, row in enumerate(rows):
        row |= common
        row["uuid"] = f"{number:08d}-0000-4000-8000-{place:012d}"
        row["parentUuid"] = rows[place - 1]["uuid"] if place else None
        row["timestamp"] = f"2026-09-20T10:{place // 60 % 60:02d}:{place % 60:02d}.000Z"
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


AGENT = session(0).replace(b'"isSidechain": false', b'"isSidechain": true')
"""A subagent's log, as its rows say; which agent's, its name says."""


def tables(db: Path, *, without: tuple[str, ...] = ()) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every raw table, in an order of their own."""
    found = {}
    with duckdb.connect(str(db), read_only=True) as warehouse:
        for table, row_type in schema.TABLES.items():
            names = [column.name for column in schema.columns(row_type) if column.name not in without]
            rows = warehouse.execute(f"select {', '.join(names)} from raw.{table}").fetchall()
            found[table] = sorted(rows, key=repr)
    return found


def query(db: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(db), read_only=True) as warehouse:
        return warehouse.execute(sql).fetchall()


def age(folder: Path) -> None:
    """Let a folder's logs be old: of such no place is kept."""
    for path in folder.iterdir():
        os.utime(path, (1e9, 1e9))


def folder_of(tmp_path: Path, sessions: int, steps: int = 2) -> Path:
    """Make a folder with sessions of so many steps."""
    folder = tmp_path / "logs"
    folder.mkdir()
    for number in range(sessions):
        (folder / f"{number}.jsonl").write_bytes(session(number, steps))
    return folder


def log_file(path: Path) -> LogFile:
    return LogFile(path.name, str(path), None, None, 0, 0, 0)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A folder with three sessions."""
    return folder_of(tmp_path, 3)


@pytest.fixture(params=["in this process", "in processes of their own"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The two ways to read files, whatever their size."""
    if request.param == "in processes of their own":
        monkeypatch.setattr(module, "_ALONE_BYTES", -1)
    yield request.param


def test_a_load_says_what_it_did(db: Path, logs: Path, way: str) -> None:  # noqa: ARG001
    (logs / "other.jsonl").write_text('{"x": 1}\n')
    report = load([logs], db=db)
    size = sum(path.stat().st_size for path in logs.iterdir())
    assert report == LoadReport(
        files=4,
        loaded=3,
        partial=0,
        set_aside=1,
        failed=0,
        unchanged=0,
        gone=0,
        pruned=0,
        bytes_read=size,
        steps=6,
        tool_calls=6,
        issues={"not_a_log": 1},
        files_with_issues=1,
        skipped=(),
        seconds=report.seconds,
    )
    assert query(db, "select count(*) from raw.steps") == [(6,)]
    assert query(db, "select count(*) from raw.tool_calls") == [(6,)]


def test_a_file_row_says_what_was_read(db: Path, logs: Path) -> None:
    path = logs / "0.jsonl"
    load([path], db=db)
    with duckdb.connect(str(db), read_only=True) as warehouse:
        (row,) = warehouse.execute("from raw.files").fetchall()
    found = dict(zip(schema.File._fields, row, strict=True))
    data = path.read_bytes()
    assert found | {"loaded_at": None, "mtime_at": None} == {
        "file_id": hashlib.sha256(str(path).encode()).hexdigest()[:16],
        "path": str(path),
        "provider": "claude",
        "user_name": None,
        "store": None,
        "size_bytes": len(data),
        "mtime_at": None,
        "consumed_bytes": len(data),
        "consumed_sha256": hashlib.sha256(data).hexdigest(),
        "lines": 5,
        "bad_lines": 0,
        "objects": 5,
        "records_by_type": {"assistant": 2, "user": 3},
        "steps": 2,
        "synthetic_rows": 0,
        "rows_without_id": 0,
        "usage_echoes": 0,
        "hosted_calls": 0,
        "first_at": datetime(2026, 9, 20, 10, 0, 0),
        "last_at": datetime(2026, 9, 20, 10, 0, 4),
        "loaded_at": None,
        "status": "loaded",
        "error": None,
    }
    mtime = datetime.fromtimestamp(path.stat().st_mtime_ns // 1000 / 1e6, UTC).replace(tzinfo=None)
    assert abs((found["mtime_at"] - mtime).total_seconds()) < 1e-5


def test_both_ways_of_reading_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = tmp_path / "here.duckdb", tmp_path / "there.duckdb"
    one = load([sample_home()], db=here)
    monkeypatch.setattr(module, "_ALONE_BYTES", -1)
    other = load([sample_home()], db=there)
    assert one.steps > 0
    assert (one.files, one.loaded, one.steps, one.tool_calls) == (
        other.files,
        other.loaded,
        other.steps,
        other.tool_calls,
    )
    assert tables(here, without=("loaded_at",)) == tables(there, without=("loaded_at",))


def test_loading_again_leaves_the_file_as_it_is_byte_for_byte(db: Path, logs: Path) -> None:
    (logs / "other.jsonl").write_text("{}\n")
    (logs / "short.jsonl.gz").write_bytes(gzip.compress(session(9))[:-20])
    first = load([logs], db=db)
    before = db.read_bytes()
    again = load([logs], db=db)
    assert db.read_bytes() == before
    assert (again.files, again.unchanged, again.loaded, again.bytes_read) == (5, 5, 0, 0)
    assert again.files_with_issues == first.files_with_issues == 2


def test_small_logs_go_to_a_reader_in_portions_that_fit_any_pipe() -> None:
    sizes = [5_000_000, 3_000, *[10] * 200, 2_000_000, 7]
    logs = [
        log_file(Path("/home") / ("ö" * (number % 120)) / f"{number}.jsonl")._replace(size_bytes=size)
        for number, size in enumerate(sizes)
    ]
    portions = list(_portions(logs))
    assert [log for portion in portions for log in portion] == logs
    assert len(portions[0]) == 1
    assert 10 < len(portions) < 40
    assert all(len(pickle.dumps(portion)) < 4_096 for portion in portions)  # a page is the smallest pipe


def test_more_logs_than_a_portion_are_all_read(db: Path, tmp_path: Path, way: str) -> None:  # noqa: ARG001
    folder = folder_of(tmp_path, 150)
    (folder / "75.jsonl").write_bytes(b"no log\n")
    report = load([folder], db=db)
    assert (report.loaded, report.set_aside, report.failed) == (149, 1, 0)
    assert query(db, "select count(distinct file_id), count(*) from raw.sessions") == [(149, 149)]


def test_only_what_changed_is_read_again(db: Path, logs: Path, way: str) -> None:  # noqa: ARG001
    load([logs], db=db)
    before = dict(query(db, "select path, loaded_at from raw.files"))
    (logs / "1.jsonl").write_bytes(session(1, steps=5))
    (logs / "3.jsonl").write_bytes(session(3))
    report = load([logs], db=db)
    assert (report.loaded, report.unchanged, report.steps) == (
        2,
        2,
        5,
    )  # the three that are new of one, the two of the other
    after = dict(query(db, "select path, loaded_at from raw.files"))
    changed = {Path(path).name for path, at in after.items() if at != before.get(path)}
    assert changed == {"1.jsonl", "3.jsonl"}
    fresh = db.with_name("fresh.duckdb")
    load([logs], db=fresh)
    assert tables(db, without=("loaded_at",)) == tables(fresh, without=("loaded_at",))


def test_a_file_of_the_same_size_and_another_time_is_read_again(db: Path, logs: Path) -> None:
    load([logs], db=db)
    os.utime(logs / "0.jsonl", ns=(0, 1_700_000_000_000_001_000))
    assert load([logs], db=db).loaded == 1
    assert load([logs], db=db).loaded == 0


def test_a_torn_last_line_waits_for_the_next_load(db: Path, logs: Path) -> None:
    path, whole = logs / "0.jsonl", session(0, steps=3)
    torn = whole[: whole.rindex(b"msg_") + 5]
    path.write_bytes(torn)
    load([path], db=db)
    complete = torn[: torn.rindex(b"\n") + 1]
    consumed = "select consumed_bytes, consumed_sha256, bad_lines, status, steps from raw.files"
    assert query(db, consumed) == [(len(complete), hashlib.sha256(complete).hexdigest(), 0, "loaded", 2)]
    assert query(db, "from raw.load_issues") == []
    path.write_bytes(whole)
    load([path], db=db)
    assert query(db, consumed) == [(len(whole), hashlib.sha256(whole).hexdigest(), 0, "loaded", 3)]


def test_a_last_line_without_newline_that_decodes_counts(db: Path, logs: Path) -> None:
    path = logs / "0.jsonl"
    path.write_bytes(session(0).rstrip(b"\n"))
    load([path], db=db)
    assert query(db, "select lines, objects, steps, consumed_bytes = size_bytes from raw.files") == [
        (5, 5, 2, True)
    ]


def test_a_first_line_that_is_still_being_written_is_no_problem_later(db: Path, tmp_path: Path) -> None:
    path = tmp_path / "new.jsonl"
    path.write_bytes(session(0)[:50])
    load([path], db=db)
    assert query(db, "select status, steps, consumed_bytes from raw.files") == [("set_aside", 0, 0)]
    path.write_bytes(session(0))
    load([path], db=db)
    assert query(db, "select status, steps from raw.files") == [("loaded", 2)]
    assert query(db, "from raw.load_issues") == []


def test_bad_lines_are_noted_with_their_place_and_the_rest_counts(db: Path, tmp_path: Path) -> None:
    lines = session(0).splitlines(keepends=True)
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines[0] + b'"text"\n' + b"".join(lines[1:3]) + b"\n{broken\n" + b"".join(lines[3:]))
    report = load([path], db=db)
    first, second = len(lines[0]), len(b"".join(lines[:3])) + len(b'"text"\n\n')
    assert query(db, "select line_no, byte_offset, reason from raw.load_issues order by line_no") == [
        (2, first, "bad_line"),
        (6, second, "bad_line"),
    ]
    assert query(db, "select lines, bad_lines, objects, steps, status from raw.files") == [
        (8, 2, 5, 2, "loaded")
    ]
    assert report.issues == {"bad_line": 2}


def test_an_issue_of_a_whole_line_names_its_place_too(db: Path, tmp_path: Path) -> None:
    lines = session(0).splitlines(keepends=True)
    nameless = b'{"type":"assistant","message":{"role":"assistant","model":"m","content":[]}}\n'
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(lines[:2]) + nameless + b"".join(lines[2:]) + nameless)
    load([path], db=db)
    size = path.stat().st_size
    assert query(db, "select line_no, byte_offset, reason from raw.load_issues order by line_no") == [
        (3, len(b"".join(lines[:2])), "no_message_id"),
        (7, size - len(nameless), "no_message_id"),
    ]


def test_what_is_no_log_gets_one_row_and_one_issue(db: Path, tmp_path: Path, way: str) -> None:  # noqa: ARG001
    path = tmp_path / "data.jsonl"
    path.write_bytes(b'{"x":1}\n[1]\n{"x":2}{"x":3}\nnot json\n')
    load([path], db=db)
    assert query(db, "select provider, status, lines, bad_lines, objects, steps, error from raw.files") == [
        (None, "set_aside", 4, 2, 3, 0, None)
    ]
    assert query(db, "select line_no, byte_offset, reason, detail from raw.load_issues") == [
        (None, None, "not_a_log", "JSON, but no session log that is known")
    ]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\xff\xfe" * 1000], ids=["empty", "blank", "binary"])
def test_a_file_without_any_object_is_set_aside(db: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(content)
    load([path], db=db)
    assert query(db, "select status from raw.files") == [("set_aside",)]
    assert query(db, "select reason, detail from raw.load_issues") == [("not_a_log", "no JSON object in it")]


def test_packed_logs_give_the_rows_of_the_plain_one(db: Path, tmp_path: Path) -> None:
    data = session(0, steps=50)
    (tmp_path / "a.jsonl").write_bytes(data)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(data))
    (tmp_path / "c.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(data))
    load([tmp_path], db=db)
    columns = "consumed_bytes, consumed_sha256, lines, objects, steps, status"
    sha256 = hashlib.sha256(data).hexdigest()
    assert query(db, f"select {columns} from raw.files") == [(len(data), sha256, 101, 101, 50, "loaded")] * 3
    alike = "select columns(* exclude file_id) from raw.events group by all having count(*) = 3"
    assert query(db, f"select count(*) from ({alike})") == [(101,)]


def test_a_packed_log_cut_short_is_partial_and_keeps_what_came_before(db: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    words = "".join(random.Random(0).choices("abcdefghij", k=500))
    packed = gzip.compress(session(0, steps=200, words=words))
    path.write_bytes(packed[: len(packed) // 2])
    report = load([path], db=db)
    ((status, error, steps),) = query(db, "select status, error, steps from raw.files")
    assert (status, error) == ("partial", "compressed data ends early")
    assert 0 < steps < 200
    assert query(db, "select reason, detail from raw.load_issues") == [
        ("unreadable", "compressed data ends early")
    ]
    assert (report.partial, report.loaded) == (1, 0)


def test_a_packed_file_that_gives_nothing_failed(db: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(b"\x1f\x8b" + b"x" * 50)
    load([path], db=db)
    assert query(db, "select status, error from raw.files") == [("failed", "damaged compressed data")]
    assert query(db, "select reason from raw.load_issues") == [("unreadable",)]


def test_a_file_that_never_could_be_read_is_as_it_was_when_last_tried(db: Path, logs: Path) -> None:
    root = logs.with_name("homes")
    path = root / "ada/.claude/projects/a.jsonl.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\x1f\x8b" + b"x" * 50)
    load([path], db=db)
    fresh = db.with_name("fresh.duckdb")
    for size in (70, 90):
        path.write_bytes(b"\x1f\x8b" + b"x" * size)
        load(db=db, all_users=True, home_root=root)
    load(db=fresh, all_users=True, home_root=root)
    assert tables(db, without=("loaded_at",)) == tables(fresh, without=("loaded_at",))
    before = tables(db)
    assert load(db=db, all_users=True, home_root=root).failed == 1
    assert tables(db) == before, "failing again as before is nothing new to whoever builds"


def test_a_file_that_vanishes_before_it_is_read_is_noted(tmp_path: Path) -> None:
    rows: list[Any] = []
    batches = Batches(lambda table, batch: rows.append((table, batch.to_pylist())))
    outcome = read_log(log_file(tmp_path / "a.jsonl"), datetime.now(UTC), batches)
    batches.flush()
    assert (outcome.file.status, outcome.file.error) == ("gone", "vanished before it was read")
    ((table, (issue,)),) = rows
    assert (table, issue["reason"], issue["line_no"]) == ("load_issues", "vanished", None)


def test_a_file_that_cannot_be_read_is_noted_without_its_name(tmp_path: Path) -> None:
    outcome = read_log(log_file(tmp_path), datetime.now(UTC), Batches(lambda *_: None))
    assert (outcome.file.status, outcome.file.error) == ("failed", "cannot be read (EISDIR)")
    assert outcome.issues == {"unreadable": 1}


def test_a_mistake_in_a_provider_costs_its_file_and_no_other(
    db: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    age(logs)
    load([logs / "1.jsonl"], db=db)
    (logs / "1.jsonl").write_bytes(session(1, steps=4))
    age(logs)
    claude = PROVIDERS["claude"]

    class Broken:
        def __init__(self, source: Any, tally: Any) -> None:
            self.source, self.tally = source, tally

        def held_bytes(self) -> int:
            return 0

        def rows(self, portions: Any) -> Iterator[schema.Rows]:
            if self.source.path.endswith("1.jsonl"):
                self.tally.issue("no_message_id")  # goes with the rows of this reading
            yield from claude.log(self.source, self.tally).rows(portions)
            if self.source.path.endswith("1.jsonl"):
                raise KeyError("something a person wrote")

    broken = type(claude)(claude.name, claude.records, Broken)  # type: ignore[arg-type]
    with monkeypatch.context() as patch:
        patch.setitem(PROVIDERS, "claude", broken)
        report = load([logs], db=db)
        assert (report.loaded, report.failed, report.steps) == (2, 1, 4)
        assert query(db, "select count(*) from raw.steps") == [(6,)], "what it held before stays"
        before = tables(db)
        assert load([logs], db=db).failed == 1
        assert tables(db) == before, "failing again as before changes nothing"
    assert query(db, "select error from raw.files where status = 'failed'") == [("KeyError at line 9",)]
    assert query(db, "select reason, detail from raw.load_issues") == [("internal_error", "KeyError")]
    assert load([logs], db=db).loaded == 1, "and it is tried again"
    assert query(db, "select count(*) from raw.steps") == [(8,)]
    assert query(db, "from raw.load_issues") == []


def test_a_value_that_no_column_can_hold_is_absent(
    db: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    age(logs)
    claude = PROVIDERS["claude"]

    class Absurd:
        def __init__(self, source: Any, tally: Any) -> None:
            self.source, self.tally = source, tally

        def held_bytes(self) -> int:
            return 0

        def rows(self, portions: Any) -> Iterator[schema.Rows]:
            for row_type, rows in claude.log(self.source, self.tally).rows(portions):
                if row_type is schema.ToolCall:
                    rows = [schema.ToolCall._make(row)._replace(exit_code=10**30) for row in rows]
                yield row_type, rows

    monkeypatch.setitem(PROVIDERS, "claude", type(claude)(claude.name, claude.records, Absurd))  # type: ignore[arg-type]
    load([logs], db=db)
    assert query(db, "select distinct exit_code, tool_name from raw.tool_calls") == [(None, "Bash")]


def test_what_is_gone_keeps_its_rows_and_is_said_once(db: Path, logs: Path) -> None:
    load([logs], db=db)
    before = tables(db)
    (logs / "1.jsonl").unlink()
    report = load([logs], db=db)
    assert (report.gone, report.unchanged, report.loaded) == (1, 2, 0)
    after = tables(db)
    assert query(db, "select status from raw.files where path like '%1.jsonl'") == [("gone",)]
    assert {**before, "files": None} == {**after, "files": None}
    data = db.read_bytes()
    assert load([logs], db=db).gone == 0
    assert db.read_bytes() == data
    (logs / "1.jsonl").write_bytes(session(1))
    assert load([logs], db=db).loaded == 1
    returned = tables(db, without=("loaded_at", "mtime_at"))
    assert {**returned, "files": None} == {**before, "files": None}
    assert query(db, "select distinct status from raw.files") == [("loaded",)]


def rewrite(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def replace(path: Path, data: bytes) -> None:
    path.with_suffix(".new").write_bytes(data)
    path.with_suffix(".new").rename(path)


@pytest.mark.parametrize("write", [rewrite, replace])
def test_other_bytes_of_the_same_size_and_time_are_noticed(
    db: Path, logs: Path, write: Callable[[Path, bytes], None]
) -> None:
    path = logs / "1.jsonl"
    load([logs], db=db)
    before = path.stat()
    write(path, session(1).replace(b"claude-opus-4-8", b"claude-opus-4-7"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert load([logs], db=db).loaded == 1
    models = "select model, count(*) from raw.steps group by all order by all"
    assert query(db, models) == [("claude-opus-4-7", 2), ("claude-opus-4-8", 4)]
    assert load([logs], db=db).unchanged == 3


def test_pruning_drops_what_is_gone_from_the_places_searched(db: Path, logs: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "9.jsonl").write_bytes(session(9))
    load([logs, elsewhere], db=db)
    (elsewhere / "9.jsonl").unlink()
    (logs / "1.jsonl").unlink()
    assert load([logs], db=db).gone == 1  # known before it is pruned
    (logs / "2.jsonl").unlink()
    (logs / "0.jsonl").write_bytes(session(0, steps=4))
    report = load([logs], db=db, prune=True)
    assert (report.loaded, report.gone, report.pruned) == (1, 0, 2)
    assert query(db, "select right(path, 7), status from raw.files order by path") == [
        ("9.jsonl", "loaded"),
        ("0.jsonl", "loaded"),
    ]
    load([elsewhere], db=db, prune=True)
    fresh = db.with_name("fresh.duckdb")
    load([logs], db=fresh)
    assert tables(db, without=("loaded_at",)) == tables(fresh, without=("loaded_at",))
    assert query(db, "select count(*) from loader.bookmarks") == [(1,)]
    data = db.read_bytes()
    assert load([logs], db=db, prune=True).pruned == 0
    assert db.read_bytes() == data


def test_pruning_drops_what_is_gone_with_a_whole_store_or_home(db: Path, tmp_path: Path) -> None:
    root = tmp_path / "homes"
    stores = ("ann/.claude/projects", "ann/.codex/sessions", "bob/.codex/sessions", "eve/.claude/projects")
    for number, store in enumerate(stores):
        (root / store).mkdir(parents=True)
        (root / store / "s.jsonl").write_bytes(session(number))
    load(db=db, all_users=True, home_root=root)
    shutil.rmtree(root / "ann/.codex")
    assert load([root / "ann"], db=db, home_root=root, prune=True).pruned == 1
    shutil.rmtree(root / "bob")
    shutil.rmtree(root / "eve/.claude")
    assert load(db=db, all_users=True, home_root=root).gone == 2
    assert load(db=db, all_users=True, home_root=root, prune=True).pruned == 2
    fresh = db.with_name("fresh.duckdb")
    load(db=fresh, all_users=True, home_root=root)
    assert tables(db, without=("loaded_at",)) == tables(fresh, without=("loaded_at",))


def test_a_packed_log_beside_its_unpacked_one_is_gone_for_a_load(db: Path, logs: Path) -> None:
    (logs / "1.jsonl").rename(logs / "plain")
    (logs / "1.jsonl.gz").write_bytes(gzip.compress(session(1)))
    load([logs], db=db)
    (logs / "plain").rename(logs / "1.jsonl")
    report = load([logs], db=db, prune=True)
    assert (report.loaded, report.pruned) == (1, 1)
    assert query(db, "select count(*) from raw.steps") == [(6,)]


@pytest.mark.parametrize(
    "name",
    [
        "x.orphaned.jsonl",
        "x.orphaned.1.jsonl",
        "x.superseded-1.jsonl",
        "x.orphaned.jsonl.gz",
        "x.jsonl.orphaned.1",
        "x.jsonl.orphaned.jsonl",
    ],
)
def test_a_leftover_is_gone_once_its_original_is_there(db: Path, logs: Path, name: str) -> None:
    (logs / name).write_bytes(gzip.compress(session(7)) if name.endswith(".gz") else session(7))
    assert load([logs], db=db).loaded == 4
    (logs / "x.jsonl").write_bytes(session(7))
    report = load([logs], db=db, prune=True)
    assert (report.loaded, report.pruned) == (1, 1)
    assert query(db, "select count(*) from raw.steps") == [(8,)]


def rename_folder(logs: Path) -> None:
    (logs / "p").rename(logs / "a")
    (logs / "p").symlink_to("a")


def rename_folder_to_a_later_name(logs: Path) -> None:
    (logs / "p").rename(logs / "z")
    (logs / "p").symlink_to("z")


@pytest.mark.parametrize(
    "name_anew",
    [
        rename_folder,
        rename_folder_to_a_later_name,
        lambda logs: (logs / "p/0.jsonl").hardlink_to(logs / "p/1.jsonl"),
        lambda logs: (logs / "p/0.jsonl").symlink_to("1.jsonl"),
    ],
)
def test_a_log_by_another_name_is_not_there_twice(
    db: Path, tmp_path: Path, name_anew: Callable[[Path], None]
) -> None:
    (tmp_path / "logs/p").mkdir(parents=True)
    (tmp_path / "logs/p/1.jsonl").write_bytes(session(1))
    load([tmp_path / "logs"], db=db)
    name_anew(tmp_path / "logs")
    load([tmp_path / "logs"], db=db, prune=True)
    fresh = db.with_name("fresh.duckdb")
    load([tmp_path / "logs"], db=fresh)
    assert tables(db, without=("loaded_at",)) == tables(fresh, without=("loaded_at",))
    assert load([tmp_path / "logs"], db=db, prune=True).unchanged == 1


def test_a_log_loaded_by_two_ways_to_it_is_there_once_where_both_are_searched(
    db: Path, logs: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(logs)
    load([tmp_path / "link"], db=db)
    assert load([logs], db=db, prune=True).pruned == 0, "nobody looked at the link"
    assert load([logs, tmp_path / "link"], db=db, prune=True).pruned == 3
    assert query(db, "select count(*) from raw.steps") == [(6,)]


def test_a_file_of_any_name_that_was_named_by_hand_is_not_gone_from_its_folder(db: Path, logs: Path) -> None:
    (logs / "kept.txt").write_bytes(session(7))
    load([logs / "kept.txt"], db=db)
    assert load([logs], db=db).gone == 0


def test_what_lies_in_a_folder_that_may_not_be_searched_is_not_gone(tmp_path: Path) -> None:
    closed = Path(os.fsdecode(os.fsencode(tmp_path) + b"/closed-\xe9"))
    found = Discovery((), (tmp_path,), (Skipped(closed, "permission denied"),))
    known = {
        name: _Known(str(tmp_path / name), 0, 0, 0, None, None, "loaded", False, True)
        for name in ("closed-\ufffd/a.jsonl", "open/b.jsonl")
    }
    assert _absent(found, known) == (["open/b.jsonl"], {})


@pytest.mark.parametrize(
    "instead",
    [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere"), lambda path: path.symlink_to(path.name)],
)
def test_a_log_is_gone_where_its_name_is_now_that_of_no_file(
    db: Path, logs: Path, instead: Callable[[Path], None]
) -> None:
    load([logs], db=db)
    (logs / "1.jsonl").unlink()
    instead(logs / "1.jsonl")
    report = load([logs], db=db, prune=True)
    assert (report.unchanged, report.pruned) == (2, 1)


def test_a_log_that_may_not_be_looked_at_is_not_gone(
    db: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load([logs], db=db)
    looks = os.stat, os.lstat

    def refuse(look: Callable[..., os.stat_result], path: str | Path, **options: Any) -> os.stat_result:
        if str(path).endswith("1.jsonl"):  # root may look at everything
            raise PermissionError(errno.EACCES, "no")
        return look(path, **options)

    for look in looks:
        monkeypatch.setattr(os, look.__name__, partial(refuse, look))
    report = load([logs], db=db, prune=True)
    assert (report.unchanged, report.gone, report.pruned) == (2, 0, 0)


def test_a_folder_whose_logs_are_all_gone_is_no_error(db: Path, logs: Path) -> None:
    load([logs], db=db)
    for path in logs.iterdir():
        path.unlink()
    assert load([logs], db=db).gone == 3
    assert load([logs], db=db).gone == 0
    assert query(db, "select count(*) from raw.steps") == [(6,)]


def test_a_changed_file_that_cannot_be_read_keeps_what_it_held(
    db: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (logs / "1.jsonl").write_bytes(b"no line\n" + session(1))
    load([logs], db=db)
    before = tables(db)
    for number in (1, 2):
        (logs / f"{number}.jsonl").write_bytes(session(number, steps=5))

    def refuse(path: str) -> FileIO:
        if path.endswith("1.jsonl"):
            raise PermissionError(errno.EACCES, "no")
        if path.endswith("2.jsonl"):
            raise FileNotFoundError
        return FileIO(path)

    with monkeypatch.context() as patch:
        patch.setattr("tracelab.read.FileIO", refuse)
        for _ in range(2):
            report = load([logs], db=db)
            assert (report.failed, report.gone, report.unchanged) == (1, 1, 1)
    after = tables(db)
    changing = {"files": None, "load_issues": None}
    assert after | changing == before | changing
    assert query(db, "select right(path, 7), status, error, steps from raw.files order by path") == [
        ("0.jsonl", "loaded", None, 2),
        ("1.jsonl", "failed", "cannot be read (EACCES)", 2),
        ("2.jsonl", "gone", "vanished before it was read", 2),
    ]
    assert query(db, "select reason, line_no from raw.load_issues order by reason") == [
        ("bad_line", 1),
        ("unreadable", None),
        ("vanished", None),
    ]
    assert load([logs], db=db).loaded == 2
    fresh = db.with_name("fresh.duckdb")
    load([logs], db=fresh)
    assert tables(db, without=("loaded_at",)) == tables(fresh, without=("loaded_at",))


def test_a_sidecar_that_comes_later_or_goes_is_noticed(db: Path, tmp_path: Path) -> None:
    log = tmp_path / "agent-a1.jsonl"
    log.write_bytes(AGENT)
    load([log], db=db)
    assert load([log], db=db).unchanged == 1
    sidecar = tmp_path / "agent-a1.meta.json"
    sidecar.write_text('{"agentType": "explorer"}')
    os.utime(sidecar, (1e9, 1e9))  # as a copy keeps it
    assert load([log], db=db).loaded == 1
    assert query(db, "select agent_type from raw.sessions") == [("explorer",)]
    assert load([log], db=db).unchanged == 1
    log.write_bytes(AGENT)  # the later of the two again
    assert load([log], db=db).loaded == 1
    sidecar.unlink()
    assert load([log], db=db).loaded == 1
    assert query(db, "select agent_type from raw.sessions") == [(None,)]
    assert load([log], db=db).unchanged == 1


def test_a_sidecar_that_could_not_be_read_is_read_once_it_can(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "agent-a1.jsonl"
    log.write_bytes(AGENT)
    (tmp_path / "agent-a1.meta.json").write_text('{"agentType": "explorer"}')

    def refuse(path: str) -> FileIO:
        if path.endswith(".meta.json"):  # root may read everything
            raise PermissionError(errno.EACCES, "no")
        return FileIO(path)

    with monkeypatch.context() as patched:
        patched.setattr("tracelab.read.FileIO", refuse)
        assert load([log], db=db).steps == 2
        assert query(db, "select reason, detail from raw.load_issues") == [
            ("unreadable", "sidecar: cannot be read (EACCES)")
        ]
    assert load([log], db=db).loaded == 1
    assert query(db, "select agent_type from raw.sessions") == [("explorer",)]
    assert query(db, "select count(*) from raw.load_issues") == [(0,)]
    assert load([log], db=db).unchanged == 1


def test_a_pipe_in_the_place_of_a_sidecar_keeps_nobody_waiting(db: Path, tmp_path: Path) -> None:
    log = tmp_path / "agent-a1.jsonl"
    log.write_bytes(session(0))
    os.mkfifo(tmp_path / "agent-a1.meta.json")
    assert load([log], db=db).steps == 2


def test_what_is_no_name_of_a_type_is_counted_as_other(db: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    types = ["what a person wrote", "new-type", *(f"t{number}" for number in range(300))]
    path.write_bytes(session(0) + b"".join(b'{"type": "%s"}\n' % name.encode() for name in types))
    load([path], db=db)
    ((counts,),) = query(db, "select records_by_type from raw.files")
    assert sum(counts.values()) == 5 + len(types)
    assert (counts["assistant"], "what a person wrote" in counts, len(counts) < 250) == (2, False, True)


def test_only_places_that_were_searched_can_lose_a_file(db: Path, logs: Path) -> None:
    load([logs], db=db)
    (logs / "1.jsonl").unlink()
    assert load([logs / "0.jsonl"], db=db).gone == 0


def test_a_load_that_another_one_overtook_changes_nothing(
    db: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = module._reading

    def overtaken(*arguments: Any) -> Any:
        monkeypatch.undo()
        load([logs], db=db)
        return reading(*arguments)

    monkeypatch.setattr(module, "_reading", overtaken)
    with pytest.raises(TracelabError, match="another load has just changed"):
        load([logs], db=db)
    assert query(db, "select count(*) from raw.steps") == [(6,)]


def test_the_order_and_number_of_loads_change_nothing(tmp_path: Path) -> None:
    paths = sorted(path for path in sample_home().rglob("*.jsonl"))
    assert len(paths) > 3
    at_once, one_by_one = tmp_path / "a.duckdb", tmp_path / "b.duckdb"
    load(paths, db=at_once)
    random.Random(1).shuffle(paths)
    for path in paths:
        load([path], db=one_by_one)
    assert tables(at_once, without=("loaded_at",)) == tables(one_by_one, without=("loaded_at",))


def test_all_users_are_recorded(db: Path, tmp_path: Path) -> None:
    for number, user in enumerate(("ada", "bob")):
        folder = tmp_path / "homes" / user / ".claude/projects/-p"
        folder.mkdir(parents=True)
        (folder / "s.jsonl").write_bytes(session(number))
    load(all_users=True, home_root=tmp_path / "homes", db=db)
    assert query(db, "select user_name, store from raw.files order by all") == [
        ("ada", ".claude/projects"),
        ("bob", ".claude/projects"),
    ]
    assert query(db, "select user_name from raw.sessions order by all") == [("ada",), ("bob",)]


def test_a_file_loaded_by_hand_is_its_users_once_that_is_known(db: Path, tmp_path: Path) -> None:
    folder = tmp_path / "homes/ada/.claude/projects"
    (folder / "-p").mkdir(parents=True)
    (folder / "-p/s.jsonl").write_bytes(session(0))
    load([folder / "-p/s.jsonl"], db=db)
    assert query(db, "select user_name from raw.sessions") == [(None,)]
    for _ in range(2):
        load(all_users=True, home_root=tmp_path / "homes", db=db)
        assert query(db, "select user_name from raw.sessions") == [("ada",)]
        assert load([folder], db=db).unchanged == 1
    (folder / "-p/s.jsonl").write_bytes(session(0, steps=3))
    load([folder], db=db)
    assert query(db, "select user_name, store from raw.files") == [("ada", ".claude/projects")]


def test_more_files_than_two_bytes_count_are_one_batch() -> None:
    outcome = read_log(log_file(Path("/nowhere")), datetime.now(UTC), Batches(lambda *_: None))
    rows = [outcome.file._replace(file_id=f"{number:016x}") for number in range(70_000)]
    assert record_batch("files", rows).num_rows == 70_000


def test_a_name_that_is_no_utf8_is_loaded(db: Path, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/.claude/projects/caf\xe9"))
    folder.mkdir(parents=True)
    (folder / "s.jsonl").write_bytes(session(0))
    assert load([tmp_path], db=db).loaded == 1
    assert load([tmp_path], db=db).unchanged == 1


def test_a_folder_that_looks_like_the_one_searched_was_not_searched(db: Path, tmp_path: Path) -> None:
    for number, name in enumerate((b"/caf\xe9", b"/caf\xe8")):
        folder = Path(os.fsdecode(os.fsencode(tmp_path) + name))
        folder.mkdir()
        (folder / "s.jsonl").write_bytes(session(number))
    load([tmp_path], db=db)
    report = load([folder], db=db, prune=True)
    assert (report.unchanged, report.pruned) == (1, 0)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("x.orphaned.jsonl", b""),
        ("x.jsonl.gz", b""),
        ("x.orphaned.jsonl", None),
        ("x.jsonl.gz", None),
        ("y.jsonl", None),
    ],
)
def test_a_log_stays_where_what_stands_for_it_now_could_not_be_read(
    db: Path, tmp_path: Path, name: str, other: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`other` is what is in the file that stands for the log; None: it may not be read."""
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / name).write_bytes(gzip.compress(session(7)) if name.endswith(".gz") else session(7))
    load([folder], db=db)
    if name == "y.jsonl":
        (folder / "x.jsonl").hardlink_to(folder / name)
    else:
        (folder / "x.jsonl").write_bytes(session(7) if other is None else other)

    def refuse(path: str) -> FileIO:
        if other is None and path.endswith("x.jsonl"):  # root may read everything
            raise PermissionError(errno.EACCES, "no")
        return FileIO(path)

    with monkeypatch.context() as patched:
        patched.setattr("tracelab.read.FileIO", refuse)
        report = load([folder], db=db, prune=True)
    assert (report.pruned, query(db, "select count(*) from raw.steps")) == (0, [(2,)])
    (folder / "x.jsonl").unlink()
    (folder / "x.jsonl").write_bytes(session(7))
    report = load([folder], db=db, prune=True)
    is_another = name == "y.jsonl"
    assert (report.pruned, query(db, "select count(*) from raw.steps")) == (
        not is_another,
        [(2 + 2 * is_another,)],
    )


def test_what_is_not_in_a_store_is_not_gone_for_all_users(db: Path, tmp_path: Path) -> None:
    root = tmp_path / "homes"
    for number, folder in enumerate(("ann/.claude/projects", "ann/restored")):
        (root / folder).mkdir(parents=True)
        (root / folder / "s.jsonl").write_bytes(session(number))
    load([root / "ann/.claude/projects", root / "ann/restored"], db=db)
    shutil.rmtree(root / "ann/restored")
    assert load(db=db, all_users=True, home_root=root, prune=True).pruned == 0
    root.rename(tmp_path / "unmounted")
    root.mkdir()
    with pytest.raises(TracelabError, match=f"no session log found; looked in {root}"):
        load(db=db, all_users=True, home_root=root, prune=True)
    assert query(db, "select count(*) from raw.steps") == [(4,)]


def test_a_log_on_a_disk_that_does_not_answer_is_not_gone(
    db: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load([logs], db=db)
    look = Path.stat
    (logs / "1.jsonl").rename(logs / "1.away")

    def answer(path: Path, **options: Any) -> os.stat_result:
        if path.name == "1.jsonl":
            raise OSError(errno.ESTALE, "stale")
        return look(path, **options)

    monkeypatch.setattr(Path, "stat", answer)
    assert load([logs], db=db, prune=True).pruned == 0


def test_what_is_gone_is_known_from_the_root_on(tmp_path: Path) -> None:
    known = {"id": _Known(str(tmp_path / "a.jsonl"), 0, 0, 0, None, None, "loaded", False, True)}
    assert _absent(Discovery((), (Path("/"),), ()), known) == (["id"], {})
    assert _absent(Discovery((), (tmp_path.with_name("other"),), ()), known) == ([], {})


def test_progress_is_told_file_by_file_up_to_the_end(db: Path, logs: Path, way: str) -> None:  # noqa: ARG001
    told: list[Progress] = []
    load([logs], db=db, progress=told.append)
    size = sum(path.stat().st_size for path in logs.iterdir())
    assert [progress.files_done for progress in told] == [1, 2, 3]
    assert {(progress.files_total, progress.bytes_total) for progress in told} == {(3, size)}
    assert told[-1].bytes_done == size
    assert told[-1].remaining_s == 0


def test_progress_goes_on_within_a_large_file(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ALONE_BYTES", -1)
    path = tmp_path / "a.jsonl"
    path.write_bytes(session(0, steps=20, words="word " * 100_000))
    told: list[Progress] = []
    load([path], db=db, progress=told.append)
    assert len(told) > 3
    done = [progress.bytes_done for progress in told]
    assert done == sorted(set(done))
    assert (done[-1], told[-1].files_done) == (path.stat().st_size, 1)
    assert {progress.files_done for progress in told[:-1]} == {0}


def test_importing_the_loader_imports_nothing_heavy() -> None:
    script = (
        "import sys, {0}; print([name for name in ('duckdb', 'pyarrow', 'polars') if name in sys.modules])"
    )
    light, heavy = ("tracelab.load", "tracelab.processes"), "tracelab.worker"
    for name, imported in (*((name, "[]") for name in light), (heavy, "['pyarrow']")):
        done = subprocess.run(
            [sys.executable, "-c", script.format(name)], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == imported, name


def test_reference_real_files_are_counted_line_by_line(db: Path) -> None:
    real = SHARED / "real"
    if not real.is_dir():
        pytest.skip("no ../shared/real here")
    report = load([real], db=db)
    assert report.failed == report.partial == 0
    found = {
        path.removeprefix(f"{real}/"): tuple(rest)
        for path, *rest in query(
            db,
            "select path, provider, size_bytes, lines, bad_lines, objects, status, consumed_bytes"
            " from raw.files",
        )
    }
    expected = {}
    with (real / "expected.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            counts = (int(row[name]) for name in ("bytes", "lines", "bad_lines", "objects"))
            is_ours = row["provider"] != "other"
            status = "loaded" if is_ours else "set_aside"
            expected[row["path"]] = (
                row["provider"] if is_ours else None, *counts, status, int(row["bytes"])
            )  # fmt: skip
    assert found == expected


def test_what_is_read_leaves_no_garbage() -> None:
    loaded_at = datetime.now(UTC)
    logs = discover([sample_home()]).files
    batches = Batches(lambda *_: None)
    for log in logs:  # what is made once and kept
        read_log(log, loaded_at, batches)
    gc.collect()
    gc.disable()  # as in the processes that read
    try:
        for log in logs:
            read_log(log, loaded_at, batches)
        assert gc.collect() < len(logs)
    finally:
        gc.enable()
