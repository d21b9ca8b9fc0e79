"""Logs that grow between loads: only what is new is parsed, and the rows are those of one load of it all."""

import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.test_load import query, session, tables
from tests.test_privacy import Marks, claude_log, codex_log
from tracelab import lines as module_of_lines
from tracelab import load as module
from tracelab import resume
from tracelab.discover import sample_home
from tracelab.load import load
from tracelab.progress import Progress


def as_lines(records: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


SAMPLE = sorted(sample_home().rglob("*.jsonl"), key=lambda path: -path.stat().st_size)
LOGS = {path.name: path.read_bytes() for path in SAMPLE}
LOGS |= {"claude.jsonl": as_lines(claude_log(Marks())), "codex.jsonl": as_lines(codex_log(Marks()))}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def equals_one_load(db: Path, path: Path) -> bool:
    fresh = db.with_name("fresh.duckdb")
    fresh.unlink(missing_ok=True)
    load([path], db=fresh)
    return tables(db, without=("loaded_at",)) == tables(fresh, without=("loaded_at",))


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


@pytest.mark.parametrize("name", LOGS)
def test_a_log_that_comes_line_by_line_gives_what_it_gives_at_once(name: str, db: Path, log: Path) -> None:
    lines = LOGS[name].splitlines(keepends=True)
    stride = max(1, len(lines) // 4)
    log.touch()
    for start in range(0, len(lines), stride):
        append(log, b"".join(lines[start : start + stride]))
        load([log], db=db)
    assert equals_one_load(db, log)


def test_only_what_was_appended_is_read_and_counted(db: Path, log: Path) -> None:
    whole = session(0, steps=9)
    known = whole[: whole.index(b"\n", len(whole) // 2) + 20]  # and a torn line
    log.write_bytes(known)
    first = load([log], db=db)
    log.write_bytes(whole)
    rest = load([log], db=db)
    assert (rest.loaded, rest.unchanged) == (1, 0)
    assert rest.bytes_read == len(whole) - (known.rindex(b"\n") + 1)
    assert (first.steps + rest.steps, first.tool_calls + rest.tool_calls) == (9, 9)
    assert 0 < rest.steps < 9
    assert equals_one_load(db, log)


def test_a_result_that_comes_later_finds_its_call(db: Path, log: Path) -> None:
    *lines, result = session(0, steps=3).splitlines(keepends=True)
    log.write_bytes(b"".join(lines))
    load([log], db=db)
    unanswered = "select count(*) from raw.tool_calls where result_at is null"
    assert query(db, unanswered) == [(1,)]
    append(log, result)
    assert load([log], db=db).bytes_read == len(result)
    assert query(db, unanswered) == [(0,)]
    assert equals_one_load(db, log)


def test_a_step_may_straddle_two_loads(db: Path, log: Path) -> None:
    prompt, answer, *_ = session(0, steps=1).splitlines(keepends=True)
    second = answer.replace(b'"output_tokens": 40', b'"output_tokens": 90').replace(
        b"000000000001", b"9" * 12
    )
    log.write_bytes(prompt + answer)
    load([log], db=db)
    append(log, second)
    assert load([log], db=db).bytes_read == len(second)
    assert query(db, "select output_tokens from raw.steps") == [(90,)]
    assert equals_one_load(db, log)


def test_a_step_without_usage_has_none_however_its_log_came(db: Path, log: Path) -> None:
    lines = session(0, steps=2).splitlines(keepends=True)
    lines[1] = as_lines([json.loads(lines[1]) | {"message": {"id": "msg_1", "content": []}}])
    log.write_bytes(b"".join(lines[:3]))
    load([log], db=db)
    append(log, b"".join(lines[3:]))
    load([log], db=db)
    assert query(db, "select usage_source from raw.steps order by step_seq") == [("none",), ("response",)]
    assert equals_one_load(db, log)


def test_a_log_whose_old_bytes_changed_is_read_whole(db: Path, log: Path) -> None:
    log.write_bytes(session(0, steps=5))
    load([log], db=db)
    log.write_bytes(session(0, steps=7).replace(b"claude-opus-4-8", b"claude-opus-4-7", 1))
    assert load([log], db=db).bytes_read == log.stat().st_size
    assert equals_one_load(db, log)


def test_a_place_that_other_code_kept_is_not_gone_on_from(
    db: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write_bytes(session(0, steps=5))
    load([log], db=db)
    log.write_bytes(session(0, steps=7))
    monkeypatch.setattr(resume, "code_sha256", lambda: "other")
    assert load([log], db=db).bytes_read == log.stat().st_size
    assert equals_one_load(db, log)


def test_places_are_kept_of_live_logs_for_some_days(
    db: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = "select place is not null from loader.bookmarks"
    log.write_bytes(session(0))
    os.utime(log, (1e9, 1e9))
    load([log], db=db)
    assert query(db, kept) == [(False,)], "written long ago"
    append(log, session(0, steps=1))
    load([log], db=db)
    assert query(db, kept) == [(True,)]
    other = log.with_name("other.jsonl")
    other.write_bytes(session(1))
    monkeypatch.setattr(module, "_KEPT_S", 0)
    load([other], db=db)
    assert query(db, f"{kept} order by all") == [(False,), (True,)]


@pytest.mark.parametrize(("bound", "most"), [("_MAX_ISSUES", 2), ("_MAX_HELD_BYTES", 500)])
def test_what_would_be_too_much_is_not_kept(
    db: Path, log: Path, monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    monkeypatch.setattr(resume, bound, most)
    log.write_bytes(session(0) + b"{broken\n" * 4)
    load([log], db=db)
    assert query(db, "select place from loader.bookmarks") == [(None,)]
    append(log, session(0, steps=4))
    assert load([log], db=db).bytes_read == log.stat().st_size
    assert equals_one_load(db, log)


@pytest.mark.parametrize("name", [*LOGS][:4])
def test_a_log_that_outgrows_memory_ends_where_it_ends_at_once(
    name: str, db: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = LOGS[name].splitlines(keepends=True)
    monkeypatch.setattr(module_of_lines, "MAX_HELD_BYTES", 25_000)
    monkeypatch.setattr(module_of_lines, "_ASKED_BYTES", 2_000)
    log.touch()
    for start in range(0, len(lines), 15):
        append(log, b"".join(lines[start : start + 15]))
        load([log], db=db)
    assert equals_one_load(db, log)
    ((status, error),) = query(db, "select status, error from raw.files")
    assert (status, error) == ("partial", "what is to be kept of it takes more than 256 MiB of memory")
    assert query(db, "select reason, detail from raw.load_issues where reason = 'unreadable'") == [
        ("unreadable", error)
    ]


@pytest.mark.parametrize("braces", [100_001, 300_000])
def test_whose_log_it_is_does_not_hang_on_where_it_ended(braces: int, db: Path, log: Path) -> None:
    """A first line without a client that is full of braces, and a second that names one."""
    log.write_bytes(as_lines([{"type": "system", "sessionId": "one", "content": "{" * braces}]))
    load([log], db=db)
    append(log, as_lines(codex_log(Marks())))
    load([log], db=db)
    assert equals_one_load(db, log)


def test_the_rarest_of_many_types_are_the_same_however_they_came(db: Path, log: Path) -> None:
    rare = [{"type": f"late{999 - number}", "sessionId": "one"} for number in range(150)]
    log.write_bytes(session(0) + as_lines(rare))
    load([log], db=db)
    append(log, as_lines([{"type": f"more{number}", "sessionId": "one"} for number in range(100)] * 2))
    load([log], db=db)
    assert equals_one_load(db, log)


def test_contexts_that_hang_on_each_other_are_too_deep_to_keep(db: Path, log: Path) -> None:
    """Each agent's row has the result of a call that the next agent is yet to make."""
    common = {"sessionId": "one", "isSidechain": True, "timestamp": "2026-09-20T10:00:00Z"}
    rows = []
    for number in range(300):
        result = {"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": "done"}
        use = {"type": "tool_use", "id": f"toolu_{number - 1}", "name": "Bash", "input": {}}
        mine = common | {"agentId": f"a{number}"}
        said = {"message": {"role": "user", "content": [result]}}
        made = {"message": {"id": f"msg_{number}", "content": [use]}}
        rows.append(mine | {"type": "user", "uuid": f"u{number}"} | said)
        rows.append(mine | {"type": "assistant", "uuid": f"r{number}"} | made)
    log.write_bytes(as_lines(rows[:-2]))
    assert load([log], db=db).loaded == 1
    append(log, as_lines(rows[-2:]))
    assert load([log], db=db).bytes_read == log.stat().st_size, "read whole"
    assert equals_one_load(db, log)


def test_a_text_under_another_id_is_another_whether_or_not_the_log_is_live(db: Path, log: Path) -> None:
    def said(name: str, text: str) -> dict[str, Any]:
        message = {"id": name, "role": "assistant", "content": [{"type": "text", "text": text}]}
        return {"type": "assistant", "sessionId": "one", "uuid": text, "message": message}

    log.write_bytes(as_lines([said("m", "x\ny"), said("m\nx", "y")]))
    load([log], db=db)
    assert query(db, "select visible_chars from raw.steps order by step_seq") == [(3,), (1,)]


def test_what_is_kept_of_a_log_makes_nothing_but_its_state() -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, ("true",)

    for thing in (Trap(), os.system, json.JSONDecoder, resume.Path):
        with pytest.raises(pickle.UnpicklingError, match="no part of a log's state"):
            resume.thaw(pickle.dumps((thing, None, [])))


def test_texts_are_known_again_by_another_process(db: Path, log: Path) -> None:
    """A prompt that was queued is told once, though it stands in the log twice."""
    lines = session(0, steps=1).splitlines(keepends=True)
    common = json.loads(lines[-1]) | {"parentUuid": None}
    queued = {"type": "attachment", "attachment": {"type": "queued_command", "prompt": "now this"}}
    said = {"type": "user", "message": {"role": "user", "content": "now this"}}
    rows = [
        common | {"message": None, "uuid": f"{number:08d}-1111-4000-8000-000000000000"} for number in (1, 2)
    ]
    later = as_lines([rows[0] | queued, rows[1] | said]).splitlines(keepends=True)
    log.touch()
    for number, line in enumerate([b"".join(lines), *later]):
        append(log, line)
        if number == 2:
            os.utime(log, (1e9, 1e9))  # as a copy of an old log: no place is kept of it any more
        subprocess.run(
            [sys.executable, "-m", "tracelab", "--db", str(db), "load", str(log)],
            env=os.environ | {"PYTHONHASHSEED": str(number)},
            check=True,
        )
    said_by = "select count(*) from raw.events where event_type = 'user_message'"
    assert query(db, said_by) == [(2,)]
    assert equals_one_load(db, log)


class Cut(Exception):
    """A load that ends before it is done."""


def cut(_: Progress) -> None:
    raise Cut


CHANGES = st.tuples(
    st.sampled_from(
        ["append", "append", "append", "line", "garbage", "truncate", "rewrite", "rename", "remove", "cut"]
    ),
    st.integers(0, 2),
    st.floats(0, 1, width=32),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    names=st.lists(st.sampled_from(sorted(LOGS)), min_size=3, max_size=3, unique=True),
    begun=st.floats(0, 1, width=32),
    loads=st.lists(st.lists(CHANGES, min_size=1, max_size=4), min_size=1, max_size=5),
)
def test_any_loads_of_changing_logs_end_as_one_load_of_the_last(
    names: list[str], begun: float, loads: list[list[tuple[str, int, float]]]
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder, db = Path(scratch) / "logs", Path(scratch) / "tracelab.duckdb"
        folder.mkdir()
        paths = [folder / name for name in names]
        rest = {}
        for number, path in enumerate(paths):
            data = LOGS[path.name]
            path.write_bytes(data[: int(begun * len(data))])
            rest[number] = data[int(begun * len(data)) :]
        load([folder], db=db)
        for changes in loads:
            is_cut = False
            for change, number, amount in changes:
                paths[number], rest[number] = changed(paths[number], rest[number], change, amount)
                is_cut |= change == "cut"
            if is_cut:
                try:
                    load([folder], db=db, progress=cut)
                except Cut:
                    continue
            load([folder], db=db)
        load([folder], db=db, prune=True)
        if any(path.exists() for path in paths):
            assert equals_one_load(db, folder)


def changed(path: Path, rest: bytes, change: str, amount: float) -> tuple[Path, bytes]:
    """Change a log; return its path, and what of it is yet to come."""
    if not path.exists():
        return path, rest
    data = path.read_bytes()
    count = int(amount * len(rest))
    match change:
        case "append":
            append(path, rest[:count])
            return path, rest[count:]
        case "line":
            end = rest.find(b"\n", count) + 1
            append(path, rest[:end])
            return path, rest[end:]
        case "garbage":
            append(path, b'\n{"broken\n\n{"a": 1}{"b": 2}\n')
        case "truncate":
            path.write_bytes(data[: int(amount * len(data))])
        case "rewrite":
            place = int(amount * (len(data) - 1))
            path.write_bytes(data[:place] + b" " + data[place + 1 :])
        case "rename":
            return path.rename(path.with_name(f"{path.stem}-.jsonl")), rest
        case "remove":
            path.unlink()
    return path, rest


def test_a_copy_of_many_logs_keeps_few_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, db = tmp_path / "home", tmp_path / "tracelab.duckdb"
    shutil.copytree(sample_home(), home, copy_function=shutil.copyfile)  # all written just now
    monkeypatch.setattr(module, "_PLACES_BYTES", 100_000)
    load([home], db=db)
    with duckdb.connect(str(db), read_only=True) as warehouse:
        [(places, kept_bytes)] = warehouse.execute(
            "select count(place), sum(octet_length(place)) from loader.bookmarks"
        ).fetchall()
    assert places
    assert kept_bytes <= 100_000


def test_many_logs_that_grow_at_once_go_on_from_few_places(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(4):  # one a load, each with its place
        (logs / f"{number}.jsonl").write_bytes(session(number, steps=9))
        load([logs], db=db)
    with duckdb.connect(str(db), read_only=True) as warehouse:
        [(most,)] = warehouse.execute("select max(octet_length(place)) from loader.bookmarks").fetchall()
    sizes = [path.stat().st_size for path in logs.iterdir()]
    for path in logs.iterdir():
        append(path, b"\n")
    monkeypatch.setattr(module, "_PLACES_BYTES", 2 * most)
    assert load([logs], db=db).bytes_read == sum(sizes[:2]) + 4
    assert equals_one_load(db, logs)
