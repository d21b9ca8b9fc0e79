"""Codex: lines that mislead a reader who trusts one number, one name, or whatever looks like a call."""

from typing import Any

import pytest

from tests.builders_codex import (
    OTHER,
    OWN,
    PARENT,
    THREAD,
    Counts,
    Json,
    asks,
    at,
    call,
    compacted,
    counted,
    event,
    gets,
    item,
    meta,
    ms,
    parse,
    person,
    recorded,
    resp,
    says,
    started,
    thinks,
    turn,
    usage,
)
from tracelab.schema import Compaction, Session, Step, ToolCall

FIRST, SECOND, BOTH = (1000, 0, 50, 20), (1200, 900, 30, 0), (2200, 900, 80, 20)
NOTHING = (0, 0, 0, 0)
WINDOW = 258_400
SUMMARY = (210_000, 200_000, 900, 0)
SPAWN = {"subagent": {"thread_spawn": {"parent_thread_id": PARENT, "depth": 1, "agent_role": "explorer"}}}


def told(second: float, total: Json, last: Json) -> Json:
    """A `token_count` of any two usages."""
    info = {"total_token_usage": total, "last_token_usage": last, "model_context_window": WINDOW}
    return event(second, "token_count", info=info, rate_limits=None)


def size_only(tokens: int) -> Json:
    """A usage that names a size and nothing else."""
    return usage(NOTHING) | {"total_tokens": tokens}


def window_exceeded(second: float) -> Json:
    """What the client counts when the context window is full."""
    return told(second, size_only(WINDOW), size_only(WINDOW - 1050))


def own_settings(second: float, ordinal: object = None) -> Json:
    return event(
        second, "thread_settings_applied", ordinal=ordinal, thread_id=THREAD, thread_settings={"model": "m"}
    )


def mirrored(second: float, kind: str, **body: Any) -> Json:
    """An `item_completed` with everything that such an item may hold."""
    whole = {"type": kind, "id": call(1), "status": "failed", "exit_code": 1, "aggregated_output": "no"}
    whole |= {"command": ["bash", "-lc", "make"], "duration": {"secs": 2, "nanos": 500_000_000}, "result": {}}
    times = {"started_at_ms": ms(second - 1), "completed_at_ms": ms(second)}
    return event(second, "item_completed", thread_id=THREAD, turn_id="t1", item=whole | body, **times)


def sources(log: list[Json]) -> list[tuple[str, int | None]]:
    return [(step.usage_source, step.input_tokens) for step in parse(log).of(Step)]


# Usage.


@pytest.mark.parametrize("has_records", [False, True], ids=["before records", "after records"])
@pytest.mark.parametrize("restarts", [False, True])
def test_a_full_context_window_is_no_response_and_the_next_one_counts(
    has_records: bool, restarts: bool
) -> None:
    log = [meta(), started(1, "t1"), person(1), says(2), counted(4, FIRST), window_exceeded(5), says(6)]
    if has_records:
        log.insert(4, recorded(3, resp(1), FIRST))
    more = 0 if restarts else WINDOW
    total = usage(SECOND) | {"total_tokens": usage(SECOND)["total_tokens"] + more}
    log.append(told(7, total, usage(SECOND)))
    kept = "record" if has_records else "token_count"
    assert sources(log) == [(kept, 1000), ("token_count", 1200)]
    assert parse(log).reasons == []


def test_a_full_context_window_is_not_the_size_that_a_compaction_left() -> None:
    log = [meta(), started(1, "t1"), says(2), counted(3, FIRST), compacted(4)]
    estimate = told(4.1, usage(FIRST), size_only(12_000))
    (mark,) = parse([*log, estimate, window_exceeded(5)]).of(Compaction)
    assert mark.post_tokens == 12_000
    (mark,) = parse([*log, window_exceeded(5)]).of(Compaction)
    assert mark.post_tokens is None
    (mark,) = parse([*log, window_exceeded(5), told(6, size_only(WINDOW), size_only(9000))]).of(Compaction)
    assert mark.post_tokens == 9000


@pytest.mark.parametrize("total", [BOTH, (1500, 900, 40, 0)], ids=["goes on", "falls"])
def test_the_total_knows_nothing_of_a_compactions_response_and_may_fall(total: Counts) -> None:
    log = [
        meta(),
        started(1, "t1"),
        says(2),
        recorded(3, resp(1), FIRST),
        counted(3, FIRST),
        recorded(5, resp(2), SUMMARY),
        compacted(5, compaction_response_id=resp(2), latest=(resp(2), SUMMARY)),
        told(5.1, usage(FIRST), size_only(12_000)),
        says(6),
        recorded(7, resp(3), SECOND),
        counted(7.1, total, SECOND),
    ]
    parsed = parse(log)
    assert [(step.input_tokens, step.purpose) for step in parsed.of(Step)] == [
        (1000, None),
        (210_000, "compaction"),
        (1200, None),
    ]
    assert parsed.reasons == []


def test_running_totals_beside_a_usage_are_never_its_tokens() -> None:
    running = {"turn_token_usage": usage(BOTH), "thread_token_usage": usage(SUMMARY)}
    assert sources([meta(), says(1), recorded(2, resp(1), FIRST, **running)]) == [("record", 1000)]


def test_numbers_repeated_on_a_resume_are_no_response() -> None:
    log = [meta(), started(1, "t1"), says(2), recorded(3, resp(1), FIRST), counted(4, FIRST)]
    resumed = [meta(500), counted(501, FIRST), started(502, "t2"), counted(503, FIRST)]
    parsed = parse([*log, *resumed])
    assert ([step.input_tokens for step in parsed.of(Step)], parsed.reasons) == ([1000], [])


def test_numbers_of_the_origin_repeated_in_a_file_that_points_to_it_are_no_response() -> None:
    base = {"thread_id": PARENT, "end_ordinal_exclusive": 9}
    begun = [meta(60, history_base=base), started(61, "t1"), person(61)]
    answered = [
        asks(63, call(1)), recorded(64, resp(1), SECOND), gets(65, call(1)), counted(65, BOTH, SECOND)
    ]  # fmt: skip
    plain, repeated = parse([*begun, *answered]), parse([*begun, counted(62, FIRST), *answered])
    assert [step.input_tokens for step in repeated.of(Step)] == [1200]
    assert [(e.event_type, e.event_at, e.step_seq) for e in repeated.events] == [
        (e.event_type, e.event_at, e.step_seq) for e in plain.events
    ]
    first = parse([*begun, says(62), counted(63, BOTH, SECOND)])
    assert [step.input_tokens for step in first.of(Step)] == [1200], "an answer without a record"


def test_usage_between_a_call_and_its_output_closes_the_step_of_the_call() -> None:
    parsed = parse(
        [
            meta(cli_version="0.104.0"),
            started(1, "t1"),
            turn(1, "t1"),
            person(1),
            thinks(2),
            asks(3, call(1)),
            counted(3.1, FIRST),
            gets(9, call(1)),
            turn(9, "t1"),
            counted(9, FIRST),
            says(12),
            counted(12.1, BOTH, SECOND),
            counted(12.2, BOTH, SECOND),
        ]
    )
    assert [(row.event_type, row.step_seq) for row in parsed.events] == [
        ("user_message", 0),
        ("reasoning", 0),
        ("tool_call", 0),
        ("usage_report", 0),
        ("tool_result", 1),
        ("text", 1),
        ("usage_report", 1),
    ]
    assert parsed.tally.usage_echoes == 2


def test_turns_that_were_taken_back_stay_billed() -> None:
    log = [meta(), started(1, "t1"), says(2), recorded(3, resp(1), FIRST)]
    undone = [event(4, "thread_rolled_back", num_turns=1), started(5, "t2"), says(6)]
    assert sources([*log, *undone, recorded(7, resp(2), SECOND)]) == [("record", 1000), ("record", 1200)]


# Whose a line is.


def test_a_migrated_subagents_boundary_behind_its_last_line_hides_no_record() -> None:
    header = meta(
        60,
        ordinal=0,
        source=SPAWN,
        forked_from_id=PARENT,
        subagent_history_start_ordinal=8,
        session_id=PARENT,
    )
    copied = [started(60, "p1", ordinal=1), asks(60, call(1)), counted(60, FIRST), gets(60, call(1))]
    own = [own_settings(60, ordinal=5), says(60), recorded(60, resp(1), SECOND, ordinal=7)]
    parsed = parse([header, *copied, *own])
    assert [(step.session_id, step.usage_source, step.is_inherited) for step in parsed.of(Step)] == [
        (OWN, "record", False),
        (OTHER, "token_count", True),
    ]
    assert [tool.session_id for tool in parsed.of(ToolCall)] == [OTHER]
    assert parsed.reasons == []


def test_a_turn_that_a_copied_line_opened_is_not_the_childs() -> None:
    header = meta(60, ordinal=0, source=SPAWN, forked_from_id=PARENT, subagent_history_start_ordinal=3)
    log = [header, started(60, "p1", ordinal=1), says(60, ordinal=2), own_settings(60, ordinal=3)]
    steps = parse([*log, asks(61, call(2))]).of(Step)
    assert [(step.session_id, step.turn_id) for step in steps] == [(OWN, None), (OTHER, "p1")]


@pytest.mark.parametrize("beside", [None, {"inherited_user_message": True}])
def test_an_inherited_message_is_no_message_of_this_thread(beside: Json | None) -> None:
    parsed = parse([meta(), says(1, "please", role="user", beside=beside), person(2, "mine")])
    assert [(row.event_at, row.message_kind) for row in parsed.events] == [(at(2), "human")]


def test_a_compaction_that_copies_a_record_of_the_file_ends_the_copied_part() -> None:
    named = compacted(60.1, latest=(resp(1), FIRST), thread=THREAD)
    parsed = parse([meta(60), meta(60, PARENT), says(60, "theirs"), named, says(60.2, "mine")])
    assert [row.session_id for row in parsed.of(Compaction)] == [OWN]
    assert [(row.session_id, row.content_chars) for row in parsed.events] == [(OTHER, 6), (OWN, 4)]


@pytest.mark.parametrize("ordinals", [(7, 7), ("7", 7.5), (9, 3), (None, "x"), (True, {})])
def test_ordinals_are_no_key(ordinals: tuple[object, object]) -> None:
    first, second = ordinals
    log = [meta(ordinal=0), recorded(1, resp(1), FIRST, ordinal=first)]
    parsed = parse([*log, recorded(2, resp(2), SECOND, ordinal=second)])
    assert [(step.session_id, step.input_tokens) for step in parsed.of(Step)] == [(OWN, 1000), (OWN, 1200)]
    assert parsed.reasons == []


def test_a_window_may_be_numbered() -> None:
    log = [meta(), compacted(1, window_id=2), compacted(2, window_id=3)]
    assert [mark.compaction_id for mark in parse(log).of(Compaction)] == [f"{THREAD}/2", f"{THREAD}/3"]


# What looks like a call, a result or a message.


@pytest.mark.parametrize(
    "kind",
    [
        "HookPrompt", "AgentMessage", "Plan", "Reasoning", "CommandExecution", "DynamicToolCall",
        "CollabAgentToolCall", "SubAgentActivity", "WebSearch", "ImageView", "Sleep", "Extension",
        "ImageGeneration", "EnteredReviewMode", "ExitedReviewMode", "FileChange", "McpToolCall",
        "ContextCompaction", "FunctionCallOutput", "ItemToCome",
    ],
)  # fmt: skip
def test_a_mirror_is_neither_call_nor_result_nor_message(kind: str) -> None:
    log = [meta(), started(1, "t1"), asks(2, call(1)), mirrored(4, kind), gets(5, call(1))]
    parsed = parse([*log, recorded(6, resp(1), FIRST)])
    assert [row.event_type for row in parsed.events] == ["tool_call", "tool_result", "usage_report"]
    (tool,) = parsed.of(ToolCall)
    assert (tool.result_at, tool.is_error, tool.exit_code, tool.internal_ms) == (at(5), None, None, None)
    assert (parsed.of(Compaction), parsed.reasons) == ([], [])


def test_a_hooks_prompt_is_told_once() -> None:
    text = "<hook_prompt hook_run_id='1'>check</hook_prompt>"
    parsed = parse(
        [meta(), says(1, text, role="user"), mirrored(1, "HookPrompt", fragments=[{"text": text}])]
    )
    assert [row.message_kind for row in parsed.events] == ["meta"]


def test_what_an_item_says_of_calls_inside_it_makes_no_calls() -> None:
    inside = {"turn_id": "t9", "executed_tool_calls": [{"name": "exec_command", "arguments": "{}"}]}
    script = item(
        2,
        "custom_tool_call",
        call_id=call(1),
        name="exec",
        input="x",
        internal_chat_message_metadata_passthrough=inside,
    )
    parsed = parse([meta(), started(1, "t1"), script, recorded(3, resp(1), FIRST)])
    assert [(tool.tool_name, tool.tool_call_id) for tool in parsed.of(ToolCall)] == [("exec", call(1))]
    assert [step.turn_id for step in parsed.of(Step)] == ["t1"]


@pytest.mark.parametrize(
    "body",
    [
        {"type": "tool_search_output", "call_id": call(1), "tools": [{"name": "x"}]},
        {"type": "compaction", "encrypted_content": "x"},
        {"type": "context_compaction", "encrypted_content": "x"},
        {"type": "ghost_snapshot", "ghost_commit": {"id": "x"}},
    ],
    ids=lambda body: body["type"],
)
def test_items_that_only_keep_state_are_counted_and_change_nothing(body: Json) -> None:
    log = [meta(), asks(1, call(1)), item(2, body["type"], **{k: v for k, v in body.items() if k != "type"})]
    parsed = parse(log)
    assert parsed.tally.records_by_type[f"response_item/{body['type']}"] == 1
    assert [row.event_type for row in parsed.events] == ["tool_call"]
    assert (parsed.of(ToolCall)[0].result_at, parsed.of(Compaction), parsed.reasons) == (None, [], [])


def test_a_turns_own_times_are_no_times_of_its_responses() -> None:
    seconds: Json = {"started_at": 1_790_000_000, "time_to_first_token_ms": 1, "duration_ms": 5}
    body = [person(2), says(3), recorded(4, resp(1), FIRST)]
    ends = {"turn_id": "t1", "completed_at": 1_790_000_009, "duration_ms": 7}
    plain = parse([meta(), started(1, "t1"), *body])
    timed = parse([meta(), started(1, "t1", **seconds), *body, event(4, "task_complete", **ends)])
    assert timed.rows == plain.rows
    assert [row.ended_at for row in timed.of(Session)] == [at(4)]
