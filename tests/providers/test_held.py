"""What is kept of a log until it ends: short names, and a size told in time to stop."""

import gc
import json
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import builders_claude as claude
from tests import builders_codex as codex
from tests.stretches import split
from tracelab.lines import GROWTH
from tracelab.providers import PROVIDERS
from tracelab.providers.base import Source, Tally, portions
from tracelab.schema import Session, Step, ToolCall

LONG = "x" * 5_000
RECORDS = 500
Records = Callable[[int], dict[str, Any]]


def said(place: int, **fields: Any) -> dict[str, Any]:
    """A Claude message without a second word."""
    return {"type": "user", "sessionId": "s", "message": {"role": "user", "content": f"{place}"}} | fields


def answered(place: int, message: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "assistant", "sessionId": "s", "message": {"id": f"m{place}"} | message} | fields


CLAUDE: dict[str, Records] = {
    "steps": lambda n: claude.assistant(n, n, claude.msg(n), claude.use(n), usage=claude.usage(fresh=n)),
    "iterations": lambda n: answered(
        n, {"usage": {"output_tokens": n, "iterations": [{"output_tokens": 999 + k} for k in range(n % 90)]}}
    ),
    "sessions": lambda n: said(n, sessionId=f"s{n}"),
    "agents": lambda n: answered(n, {"usage": claude.usage()}, agentId=f"a{n}"),
    "sidechains": lambda n: said(n, uuid=f"u{n}", isSidechain=True),
    "names": lambda n: answered(n, {"model": f"{n}" + "\U0001f600" * 100, "usage": claude.usage()}),
    "results": lambda n: said(n, message={"content": [{"type": "tool_result", "tool_use_id": f"t{n}"}]}),
    "hosted": lambda n: answered(0, {"content": [{"type": "server_tool_use", "id": f"{n}" + "\u4e2d" * 99}]}),
    "links": lambda n: said(n, uuid=f"u{n}", parentUuid=f"u{n - 1}"),
    "answers before questions": lambda n: answered(n, {"usage": claude.usage()}, parentUuid=f"x{n}"),
    "queued": lambda n: {
        "type": "attachment", "sessionId": "s", "attachment": {"type": "queued_command", "prompt": f"p{n}"}
    },
    "compactions": lambda n: {
        "type": "system", "subtype": "compact_boundary", "sessionId": "s", "uuid": f"u{n}",
        "compactMetadata": {"preTokens": 1_000 + n},
    },
    "totals": lambda n: {
        "type": "cost-state", "sessionId": f"s{n}",
        "modelUsage": {f"m{k}": {"inputTokens": 1_000 + n} for k in range(n % 20)},
    },
    "types": lambda n: {"type": f"t{n}", "sessionId": "s"},
    "progress": lambda n: {
        "type": "progress", "sessionId": "s", "parentToolUseID": f"t{n}",
        "data": {"type": "agent_progress", "message": answered(n, {"usage": claude.usage()}, uuid=f"v{n}")},
    },
}  # fmt: skip
CODEX: dict[str, Records] = {
    "steps": lambda n: codex.recorded(n, codex.resp(n), (n, 0, 300, 7), turn_id="t"),
    "counts": lambda n: codex.counted(n, (1_000 * n + 1_000, 0, 300, 0), (1_000, 0, 300 + n, 0)),
    "calls": lambda n: codex.asks(n, codex.call(n)),
    "results": lambda n: codex.gets(n, codex.call(n)),
    "ends": lambda n: codex.event(n, "exec_command_end", call_id=codex.call(n), exit_code=n),
    "threads": lambda n: codex.meta(n, f"t{n}", cwd="/a/" + "b" * 300, cli_version=f"0.{n}"),
    "turns": lambda n: codex.turn(n, f"{n}" + "\U0001f600" * 90, model=f"{n}" + "\U0001f600" * 90),
    "turns that speak": lambda n: codex.says(n) if n % 2 else codex.turn(n, f"t{n}"),
    "messages": lambda n: codex.person(n, "x" * n),
    "reasoning": lambda n: codex.thinks(n),
    "displayed": lambda n: codex.event(n, "agent_message"),
    "begun": lambda n: codex.mirror(n, "AgentMessage", started_at_ms=codex.ms(n)),
    "compactions": lambda n: codex.compacted(n, window_id=f"w{n}", compaction_response_id=f"r{n}"),
    "types": lambda n: codex.event(n, f"t{n}"),
}
PUBLISHED: dict[str, Records] = {
    "sessions": lambda n: {
        "provider": "claude", "session_id": f"s{n}", "round_index": 0, "project": f"{n}" + "\u4e2d" * 400,
        "tools": [{"tool_call_id": "c"}],
        "timing_events": [{"event_type": "tool_result", "tool_call_id": "c"}],
    },
}  # fmt: skip
ALL = {"claude": CLAUDE, "codex": CODEX, "published": PUBLISHED}


@pytest.mark.parametrize(
    ("provider", "kind"), [(provider, kind) for provider, kinds in ALL.items() for kind in kinds]
)
def test_what_is_kept_of_a_log_takes_no_more_than_is_told_and_grows_no_faster(
    provider: str, kind: str
) -> None:
    record = ALL[provider][kind]
    first = [codex.meta()] if provider == "codex" else []
    lines = [json.dumps(each).encode() + b"\n" for each in (*first, *map(record, range(RECORDS)))]
    (whole,) = split(b"".join(lines))
    stretches = [*whole.one_by_one()]
    reader, source, tally = PROVIDERS[provider], Source("f", "/a.jsonl"), Tally(file_id="f")
    list(reader.parse(stretches[:100], source, Tally()))  # so that what is cached for all logs is
    log = reader.log(source, tally)
    told, kept = log.held_bytes(), 0

    def checked() -> Iterator[Any]:
        nonlocal told, kept
        for portion, line in zip(portions(stretches, reader.records, tally), lines, strict=True):
            yield portion
            tally.issues.clear()
            before, told = told, log.held_bytes()
            assert told - before <= GROWTH * len(line)
        kept = tracemalloc.get_traced_memory()[0]

    gc.collect()
    tracemalloc.start()
    try:
        for _, rows in log.rows(checked()):
            list(rows)
    finally:
        tracemalloc.stop()
    assert RECORDS * 20 < kept <= told


def test_a_claude_id_too_long_to_be_kept_still_joins_what_it_names() -> None:
    parsed = claude.read(
        [
            claude.assistant(1, 1, LONG, claude.text("a"), stop=None, usage=claude.usage(out=2)),
            claude.assistant(2, 2, LONG, {"type": "tool_use", "id": LONG, "name": "A"}, usage=claude.usage()),
            claude.assistant(3, 3, LONG + "y", claude.text("b")),
            claude.user(4, 4, [{"type": "tool_result", "tool_use_id": LONG, "content": "ok"}]),
        ]
    )
    first, second = parsed.of(Step)
    assert (first.step_seq, first.output_tokens, second.step_seq) == (0, 100, 1)
    call = parsed.one(ToolCall)
    assert (call.step_seq, call.result_chars, parsed.reasons()) == (0, 2, [])
    assert first.message_id != second.message_id
    assert {len(first.message_id), len(second.message_id), len(call.tool_call_id)} == {64}


def test_what_a_sidecar_calls_by_a_long_id_is_what_the_log_calls_so() -> None:
    call = claude.read(
        [claude.assistant(1, 1, claude.msg(1), {"type": "tool_use", "id": LONG, "name": "Task"})]
    )
    agent = claude.read(
        [claude.assistant(1, 1, claude.msg(2), claude.text("a"), isSidechain=True)],
        "/home/ada/.claude/projects/-p/agent-a1.jsonl",
        {"toolUseId": LONG},
    )
    assert agent.one(Session).spawn_tool_call_id == call.one(ToolCall).tool_call_id


def test_a_codex_id_too_long_to_be_kept_still_joins_what_it_names() -> None:
    counts = (100, 0, 10, 0)
    parsed = codex.parse(
        [
            codex.meta(),
            codex.asks(1, LONG),
            codex.gets(2, LONG, "ok"),
            codex.recorded(3, LONG, counts),
            codex.recorded(4, LONG, counts),
        ]
    )
    (step,), (call,) = parsed.of(Step), parsed.of(ToolCall)
    assert (call.result_chars, len(call.tool_call_id), parsed.reasons) == (2, 64, [])
    assert len(step.message_id) < 128


def test_a_text_in_the_place_of_a_name_is_no_name() -> None:
    ours = claude.read([claude.assistant(1, 1, claude.msg(1), claude.text("a"), model=LONG, version="v")])
    step = ours.one(Step)
    assert (step.model, step.client_version, ours.reasons()) == (None, "v", ["wrong_type"])
    assert [issue.detail for issue in ours.tally.issues] == [
        "$.message.model: Expected `str` of length <= 128"
    ]
    theirs = codex.parse(
        [codex.meta(source=LONG, originator=LONG), codex.turn(1, "t", model=LONG), codex.says(2)]
    )
    assert [step.model for step in theirs.of(Step)] == [None]
    assert [session.entrypoint for session in theirs.of(Session)] == [None]
    assert theirs.reasons == ["wrong_type", "wrong_type"]
