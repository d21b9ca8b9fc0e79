"""A log that is cut off, beside a fork that copied all of it or beside its own rest: nothing is lost.

So it is where a home was copied half, or a backup is older than the fork. Every cut of the origin is tried.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from tests import builders_claude as claude
from tests import builders_codex as codex
from tests.reference.settling import Model, compiled_models, settle, settler
from tracelab.load import load

Json = dict[str, Any]
Tables = dict[str, list[tuple[Any, ...]]]

_LAST_THREAD = "019a0000-0000-7000-8000-00000000000c"

FACTS = {
    "stg_steps": "session_id, step_index, input_tokens, output_tokens",
    "stg_tool_calls": "session_id, step_id, tool_call_id, is_error, result_chars",
    "stg_compactions": "session_id, step_id, pre_tokens",
}
"""What a copy without times tells too."""


class Logs(NamedTuple):
    """Files by name, settled in any choice."""

    connection: duckdb.DuckDBPyConnection
    models: list[Model]
    file_ids: dict[str, str]

    def told_by(self, *names: str) -> Tables:
        """What these files tell together; one with nothing in it has no id."""
        settle(self.connection, self.models, [self.file_ids[name] for name in names if name in self.file_ids])
        return {
            table: self.ask(f"select {columns} from staging.{table} order by all")
            for table, columns in FACTS.items()
        }

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Ask of the files that were settled last."""
        return self.connection.execute(query).fetchall()


@contextmanager
def loaded(folder: Path, models: list[Model]) -> Iterator[Logs]:
    """Load a folder of folders of one file each, by whose names they are known."""
    db = folder / "tracelab.duckdb"
    load([folder], db=db)
    with settler(db, models) as connection:
        rows = connection.execute("select path, file_id from loaded.raw.files").fetchall()
        yield Logs(connection, models, {Path(path).parent.name: file_id for path, file_id in rows})


def codex_origin() -> list[Json]:
    """Three turns of responses with records and usage rows; the second ends in a compaction."""
    origin, compaction = codex.PARENT, (1500, 1400, 30, 0)
    total = [(1000, 500, 50, 0), (2200, 1500, 110, 0), (3600, 2700, 180, 0)]
    last = [total[0], (1200, 1000, 60, 0), (1400, 1200, 70, 0)]
    return [
        codex.meta(0, origin),
        codex.started(1, "t1"),
        codex.turn(1, "t1"),
        codex.person(1, "go"),
        codex.asks(3, codex.call(1)),
        codex.recorded(3.5, codex.resp(1), last[0], origin, "t1"),
        codex.gets(6, codex.call(1)),
        codex.counted(6, total[0], last[0]),
        codex.says(9, "done"),
        codex.recorded(9.5, codex.resp(2), last[1], origin, "t1"),
        codex.counted(9.6, total[1], last[1]),
        codex.started(20, "t2"),
        codex.turn(20, "t2"),
        codex.person(20, "more"),
        codex.asks(22, codex.call(2)),
        codex.recorded(24.5, codex.resp(3), last[2], origin, "t2"),
        codex.gets(25, codex.call(2)),
        codex.counted(25.6, total[2], last[2]),
        codex.recorded(26, codex.resp(4), compaction, origin, "t2"),
        codex.compacted(
            26.1, latest=(codex.resp(4), compaction), thread=origin,
            compaction_response_id=codex.resp(4), window_id="w2",
        ),
    ]  # fmt: skip


def codex_fork(
    origin: Sequence[Json], thread: str = codex.THREAD, second: float = 100, **header: Any
) -> list[Json]:
    """A thread that begins with a copy of another, stamped anew, and answers once."""
    turn = f"019b0000-0000-7000-8000-{second:012.0f}"
    copied = [
        record | {"timestamp": codex.clock(second + place / 1000)} for place, record in enumerate(origin)
    ]
    return [
        codex.meta(second, thread, forked_from_id=origin[0]["payload"]["id"], **header),
        *copied,
        codex.started(second + 5, turn),
        codex.turn(second + 5, turn),
        codex.event(
            second + 5, "thread_settings_applied", thread_id=thread, thread_settings={"model": "gpt-5.5"}
        ),
        codex.person(second + 6, "again"),
        codex.says(second + 10, "done"),
        codex.recorded(second + 10.5, codex.resp(int(second)), (700, 600, 25, 0), thread, turn),
        codex.counted(second + 10.6, (4300 + int(second), 3300, 205, 0), (700, 600, 25, 0)),
    ]


def without(log: Sequence[Json], *kinds: str) -> list[Json]:
    """The log without records of some types, or events of some."""
    return [record for record in log if not {record["type"], record["payload"].get("type")} & {*kinds}]


def claude_origin() -> list[Json]:
    """Two prompts, each with a call that fails."""

    def used(prefix: int) -> Json:
        return claude.usage(3, 100, prefix, 50)

    return [
        claude.user(1, 0, "go"),
        claude.assistant(2, 1, claude.msg(1), claude.use(claude.toolu(1)), usage=used(0), stop="tool_use"),
        claude.user(3, 5, [claude.result(claude.toolu(1), error=True)]),
        claude.assistant(4, 8, claude.msg(2), claude.text("x"), usage=used(100), stop="end_turn"),
        claude.user(5, 20, "more"),
        claude.assistant(6, 22, claude.msg(3), claude.use(claude.toolu(3)), usage=used(200), stop="tool_use"),
        claude.user(7, 25, [claude.result(claude.toolu(3), error=True)]),
        claude.assistant(8, 27, claude.msg(4), claude.text("y"), usage=used(300), stop="end_turn"),
    ]


def claude_fork(origin: Sequence[Json], session: str = claude.OTHER, first: int = 100) -> list[Json]:
    """A session whose rows name those that they copy; its own are numbered from `first` on."""
    copied = [
        record
        | {
            "sessionId": session,
            "uuid": claude.uid(first + place),
            "parentUuid": claude.uid(first + place - 1) if place else None,
            "forkedFrom": {"sessionId": record["sessionId"], "messageUuid": record["uuid"]},
        }
        for place, record in enumerate(origin)
    ]
    end = first + len(origin)
    return [
        *copied,
        claude.user(end, first, "again", sessionId=session, parentUuid=claude.uid(end - 1)),
        claude.assistant(
            end + 1, first + 2, claude.msg(first), claude.text("t"), usage=claude.usage(3, 100, 400, 50),
            stop="end_turn", sessionId=session,
        ),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def staging(tmp_path_factory: pytest.TempPathFactory) -> list[Model]:
    folder = tmp_path_factory.mktemp("staging")
    write(folder / "a" / f"{claude.SESSION}.jsonl", claude_origin())
    db = folder / "tracelab.duckdb"
    load([folder / "a"], db=db)
    return compiled_models(db, folder / "target", "path:models/staging")


def write(path: Path, log: Sequence[Json]) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in log))


@pytest.mark.parametrize(
    "kind", ["codex", "codex without records in the copy", "codex before records", "claude"]
)
def test_a_fork_tells_what_its_cut_off_origin_does_not(
    kind: str, staging: list[Model], tmp_path: Path
) -> None:
    if kind == "claude":
        origin = claude_origin()
        fork, names = claude_fork(origin), (claude.SESSION, claude.OTHER)
    else:
        origin, names = codex_origin(), (codex.PARENT, codex.THREAD)
        if kind == "codex before records":
            origin = without(origin, "token_usage_record", "compacted")
        copied = origin if kind == "codex" else without(origin, "token_usage_record")
        fork = codex_fork(copied, **({} if kind == "codex" else {"cli_version": "0.150.0"}))
    write(tmp_path / "fork" / f"rollout-{names[1]}.jsonl", fork)
    for end in range(1, len(origin) + 1):
        write(tmp_path / f"{end}" / f"rollout-{names[0]}.jsonl", origin[:end])
    with loaded(tmp_path, staging) as logs:
        whole = logs.told_by(f"{len(origin)}", "fork")
        assert [len(rows) for rows in whole.values()] == {
            "claude": [5, 2, 0],
            "codex before records": [4, 2, 0],
        }.get(kind, [5, 2, 1])
        told = {end: logs.told_by(f"{end}", "fork") for end in range(1, len(origin) + 1)}
        assert {end for end in told if told[end] != whole} == set()


def test_a_call_has_the_result_that_stands_in_another_file_of_its_session(
    staging: list[Model], tmp_path: Path
) -> None:
    log = claude_origin()
    for name, part in (("whole", log), ("call", log[:2]), ("result", log[2:])):
        write(tmp_path / name / f"{claude.SESSION}.jsonl", part)
    with loaded(tmp_path, staging) as logs:
        times = "select tool_call_id, result_at, wall_ms from staging.stg_tool_calls order by all"
        whole, whole_times = logs.told_by("whole"), logs.ask(times)
        assert whole_times[0][2] == 4000
        assert logs.told_by("call", "result") == whole
        assert logs.ask(times) == whole_times


def test_what_a_fork_says_itself_of_a_call_that_was_open_is_no_result_of_it(
    staging: list[Model], tmp_path: Path
) -> None:
    origin = claude_origin()[:2]
    late = claude.result(claude.toolu(1), error=True)
    copied, (said, answered) = claude_fork(origin)[:2], claude_fork(origin)[2:]
    own = [said | {"message": claude.user(1, 0, [late])["message"]}, answered]
    write(tmp_path / "origin" / f"{claude.SESSION}.jsonl", origin)
    write(tmp_path / "fork" / f"{claude.OTHER}.jsonl", [*copied, *own])
    calling = codex_origin()[:5]
    answering = codex.gets(200, codex.call(1), "aborted")
    write(tmp_path / "calling" / f"rollout-{codex.PARENT}.jsonl", calling)
    write(tmp_path / "answering" / f"rollout-{codex.THREAD}.jsonl", [*codex_fork(calling), answering])
    with loaded(tmp_path, staging) as logs:
        logs.told_by(*logs.file_ids)
        calls = logs.ask("select result_at, wall_ms, is_error from staging.stg_tool_calls")
    assert calls == [(None, None, None)] * 2


def test_what_a_fork_agent_answers_to_its_copy_of_an_open_call_is_no_result_of_it(
    staging: list[Model], tmp_path: Path
) -> None:
    agent = "a000000000000001"
    used = claude.usage(3, 100, 0, 50)
    calls = (claude.use(claude.toolu(1)), claude.use(claude.toolu(2), "Agent", subagent_type="fork"))
    shared = [
        claude.user(1, 0, "go"),
        *(claude.assistant(2 + place, 2 + place, claude.msg(1), call, usage=used, stop="tool_use")
          for place, call in enumerate(calls)),
    ]  # fmt: skip
    origin = [
        *shared,
        claude.user(4, 4, [claude.result(claude.toolu(2), "launched")]),
        claude.user(5, 63, [claude.result(claude.toolu(1), "no", error=True)]),
        claude.assistant(6, 65, claude.msg(2), claude.text("done"), usage=used, stop="end_turn"),
    ]
    own = [
        claude.user(11, 4, [claude.result(claude.toolu(number), "Fork started") for number in (1, 2)]),
        claude.assistant(12, 8, claude.msg(3), claude.text("found"), usage=used, stop="end_turn"),
    ]
    log = [record | {"isSidechain": True, "agentId": agent} for record in (*shared, *own)]
    write(tmp_path / "origin" / f"{claude.SESSION}.jsonl", origin)
    write(tmp_path / "fork" / f"agent-{agent}.jsonl", log)
    with loaded(tmp_path, staging) as logs:
        results = "select tool_call_id, result_at, wall_ms, is_error from staging.stg_tool_calls order by all"
        logs.told_by("origin")
        alone = logs.ask(results)
        logs.told_by("origin", "fork")
        assert logs.ask(results) == alone
    assert [wall_ms for _, _, wall_ms, _ in alone] == [61_000, 1_000]


def test_a_fork_of_a_fork_tells_nothing_twice(staging: list[Model], tmp_path: Path) -> None:
    """An interrupted response and a compaction of the one between, which the copy files under the first."""
    old = {"cli_version": "0.119.0"}
    first = without(codex_origin(), "token_usage_record", "compacted")[:7]
    aborted = [codex.asks(112, codex.call(7)), codex.gets(113, codex.call(7)), codex.compacted(114)]
    unnamed = ("token_usage_record", "thread_settings_applied")
    between = [*without(codex_fork(first, **old), *unnamed), *aborted]
    last = without(codex_fork(between, _LAST_THREAD, 300, **old), *unnamed)
    for thread, log in ((codex.PARENT, first), (codex.THREAD, between), (_LAST_THREAD, last)):
        write(tmp_path / thread / f"rollout-{thread}.jsonl", log)
    boundary = claude.row(
        "system", 9, 30, subtype="compact_boundary", compactMetadata={"trigger": "auto", "preTokens": 9}
    )
    told = [*claude_origin(), boundary, claude.user(10, 31, "sum", isCompactSummary=True)]
    fork = claude_fork(told)
    third = "33333333-3333-4333-8333-333333333333"
    for session, rows in (
        (claude.SESSION, told),
        (claude.OTHER, fork),
        (third, claude_fork(fork, third, 300)),
    ):
        write(tmp_path / session / f"{session}.jsonl", rows)
    with loaded(tmp_path, staging) as logs:
        logs.told_by(*logs.file_ids)
        counts = logs.ask("select provider, count(*) from staging.stg_compactions group by all order by all")
        steps = logs.ask("select provider, count(*) from staging.stg_steps group by all order by all")
        # nor where the first is not there
        logs.told_by(codex.THREAD, _LAST_THREAD)
        assert logs.ask("select count(*) from staging.stg_compactions") == [(1,)]
    assert counts == [("claude", 1), ("codex", 1)]
    assert steps == [("claude", 4 + 1 + 1), ("codex", 1 + 2 + 1)]


def test_a_copied_response_that_put_nothing_out_and_lost_its_record_takes_no_later_items(
    staging: list[Model], tmp_path: Path
) -> None:
    turn, counts = "0c060000-0000-4000-8000-000000000001", (6270, 5000, 600, 0)
    origin = [
        codex.meta(0, codex.PARENT),
        codex.started(1, turn),
        codex.turn(1, turn),
        codex.person(1, "go"),
        codex.recorded(2, codex.resp(1), counts, codex.PARENT, turn),
        codex.counted(2.1, counts),
        # answered through a proxy, which tells no usage
        codex.asks(5, codex.call(1)),
        codex.gets(8, codex.call(1)),
        codex.says(10, "done"),
    ]
    fork = codex_fork(without(origin, "token_usage_record"))
    write(tmp_path / "origin" / f"rollout-{codex.PARENT}.jsonl", origin)
    write(tmp_path / "fork" / f"rollout-{codex.THREAD}.jsonl", fork)
    with loaded(tmp_path, staging) as logs:
        steps = (
            f"select * from staging.stg_steps where session_id = 'codex:{codex.PARENT}' order by step_index"
        )
        logs.told_by("origin")
        alone = logs.ask(steps)
        logs.told_by("origin", "fork")
        assert logs.ask(steps) == alone
    assert len(alone) == 3
