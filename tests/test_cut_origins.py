"""A log that is cut off, beside a fork that copied all of it or beside its own rest: nothing is lost.

So it is where a home was copied half, or a backup is older than the fork. Every cut of the origin is tried.
"""

import json
from collections.abc import Sequence
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
            table: self.connection.execute(f"select {columns} from staging.{table} order by all").fetchall()
            for table, columns in FACTS.items()
        }


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


def codex_fork(origin: Sequence[Json], **header: Any) -> list[Json]:
    """A thread that begins with a copy of another, stamped anew."""
    copied = [record | {"timestamp": codex.clock(100 + place / 1000)} for place, record in enumerate(origin)]
    return [
        codex.meta(100, forked_from_id=codex.PARENT, **header),
        *copied,
        codex.started(101, "t3"),
        codex.turn(101, "t3"),
        codex.event(
            101, "thread_settings_applied", thread_id=codex.THREAD, thread_settings={"model": "gpt-5.5"}
        ),
        codex.person(102, "again"),
        codex.says(110, "done"),
        codex.recorded(110.5, codex.resp(10), (700, 600, 25, 0), codex.THREAD, "t3"),
        codex.counted(110.6, (4300, 3300, 205, 0), (700, 600, 25, 0)),
    ]


def without(log: Sequence[Json], *kinds: str) -> list[Json]:
    return [record for record in log if record["type"] not in kinds]


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


def claude_fork(origin: Sequence[Json]) -> list[Json]:
    """A session whose rows name those that they copy."""
    copied = [
        record
        | {
            "sessionId": claude.OTHER,
            "uuid": claude.uid(100 + place),
            "parentUuid": claude.uid(99 + place) if place else None,
            "forkedFrom": {"sessionId": claude.SESSION, "messageUuid": record["uuid"]},
        }
        for place, record in enumerate(origin)
    ]
    end = claude.uid(99 + len(origin))
    return [
        *copied,
        claude.user(20, 60, "again", sessionId=claude.OTHER, parentUuid=end),
        claude.assistant(
            21, 62, claude.msg(9), claude.text("t"), usage=claude.usage(3, 100, 400, 50), stop="end_turn",
            sessionId=claude.OTHER,
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
    db = tmp_path / "tracelab.duckdb"
    load([tmp_path], db=db)
    with settler(db, staging) as connection:
        rows = connection.execute("select path, file_id from loaded.raw.files").fetchall()
        logs = Logs(connection, staging, {Path(path).parent.name: file_id for path, file_id in rows})
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
    db = tmp_path / "tracelab.duckdb"
    load([tmp_path], db=db)
    with settler(db, staging) as connection:
        rows = connection.execute("select path, file_id from loaded.raw.files").fetchall()
        logs = Logs(connection, staging, {Path(path).parent.name: file_id for path, file_id in rows})
        times = "select tool_call_id, result_at, wall_ms from staging.stg_tool_calls order by all"
        whole, whole_times = logs.told_by("whole"), connection.execute(times).fetchall()
        assert whole_times[0][2] == 4000
        assert logs.told_by("call", "result") == whole
        assert connection.execute(times).fetchall() == whole_times
