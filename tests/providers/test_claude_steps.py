"""Claude steps: which rows make one, whose usage wins, and what its tokens are."""

import json
from typing import Any

import pytest

from tests.builders_claude import (
    OTHER,
    SESSION,
    Json,
    Parsed,
    assistant,
    msg,
    read,
    result,
    row,
    text,
    thinking,
    toolu,
    usage,
    use,
    user,
)
from tracelab.schema import Event, ExtraCall, Step, ToolCall


def tokens(step: Step | ExtraCall) -> dict[str, int]:
    """The token columns that are not null."""
    columns = step._asdict().items()
    return {name: value for name, value in columns if name.endswith("_tokens") and value is not None}


def step_of(*rows: Json) -> Step:
    return read(rows).one(Step)


def with_iterations(top: Json, *calls: Json) -> Parsed:
    return read(
        [assistant(1, 0, msg(1), text("x"), usage=top | {"iterations": list(calls)}, stop="end_turn")]
    )


def test_a_step_holds_everything_that_its_row_says() -> None:
    log = [
        user(1, 0, "go"),
        assistant(
            2,
            5,
            msg(1),
            text("four"),
            use(toolu(1), command="ls"),
            usage=usage(
                3,
                500,
                40_000,
                90,
                service_tier="priority",
                speed="fast",
                output_tokens_details={"thinking_tokens": 25},
                cache_creation={"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 400},
            ),
            stop="tool_use",
            effort="high",
        ),
    ]
    assert read(log).one(Step) == Step(
        session_id=f"claude:{SESSION}",
        file_id="file",
        step_seq=0,
        line_no=2,
        provider="claude",
        model="claude-opus-4-8",
        message_id=msg(1),
        echo_id=None,
        usage_source="response",
        is_inherited=False,
        purpose=None,
        turn_id=None,
        calls=1,
        input_tokens=40_503,
        context_tokens=40_503,
        prefix_tokens=40_000,
        append_tokens=503,
        cache_write_tokens=500,
        cache_write_5m_tokens=100,
        cache_write_1h_tokens=400,
        output_tokens=90,
        reasoning_tokens=25,
        visible_chars=len("four") + len('{"command":"ls"}'),
        usage_is_final=True,
        stop_reason="tool_use",
        service_tier="priority",
        speed="fast",
        effort="high",
        client_version="2.1.300",
        context_window_tokens=None,
    )


def test_a_message_streamed_over_many_rows_is_one_step_with_its_usage_once() -> None:
    blocks = [thinking("hm"), text("a"), use(toolu(1)), use(toolu(2))]
    log = [assistant(n, n, msg(1), block, usage=usage(out=40)) for n, block in enumerate(blocks, 1)]
    parsed = read(log)
    assert (parsed.one(Step).output_tokens, parsed.tally.steps) == (40, 1)
    assert [event.event_type for event in parsed.of(Event)] == ["reasoning", "text", "tool_call", "tool_call"]
    assert [event.event_at.strftime("%S") for event in parsed.of(Event) if event.event_at] == [
        "01",
        "02",
        "03",
        "04",
    ]


def test_usage_that_grows_while_a_message_streams_counts_at_its_greatest() -> None:
    rows = [
        assistant(n, n, msg(1), text(str(n)), usage=usage(out=out)) for n, out in enumerate((3, 3, 205), 1)
    ]
    assert step_of(*rows).output_tokens == 205


def test_a_later_copy_with_zero_usage_takes_nothing_away() -> None:
    step = step_of(
        assistant(1, 1, msg(1), usage=usage(3, 10, 20, 205), stop="end_turn"),
        assistant(2, 2, msg(1), usage=usage(0, 0, 0, 0)),
    )
    assert (step.output_tokens, step.input_tokens, step.stop_reason) == (205, 33, "end_turn")


def test_at_equal_usage_the_row_with_a_stop_reason_wins_then_the_later_one() -> None:
    rows = [
        assistant(1, 1, msg(1), usage=usage(service_tier="a"), stop="tool_use", version="1"),
        assistant(2, 2, msg(1), usage=usage(service_tier="b"), stop="end_turn", version="2"),
        assistant(3, 3, msg(1), usage=usage(service_tier="c"), version="3"),
    ]
    step = step_of(*rows)
    assert (step.stop_reason, step.service_tier, step.client_version) == ("end_turn", "b", "2")


def test_a_message_without_usage_is_an_unmetered_step() -> None:
    step = step_of(assistant(1, 1, msg(1), text("hello"), model="glm-4.7", stop="end_turn"))
    assert tokens(step) == {}
    assert (step.usage_source, step.usage_is_final, step.calls, step.model) == ("none", False, 1, "glm-4.7")


def test_usage_found_on_one_row_only_is_the_messages() -> None:
    step = step_of(assistant(1, 1, msg(1), usage=usage(out=30)), assistant(2, 2, msg(1), model=None))
    assert (step.output_tokens, step.usage_source, step.model) == (30, "response", "claude-opus-4-8")


@pytest.mark.parametrize(
    ("out", "stop", "chars", "is_final"),
    [(8, None, 1, False), (9, None, 108, True), (9, None, 109, False), (1, "end_turn", 2000, True)],
)
def test_output_is_a_placeholder_if_small_or_far_below_what_is_visible(
    out: int, stop: str | None, chars: int, is_final: bool
) -> None:
    step = step_of(assistant(1, 1, msg(1), text("x" * chars), usage=usage(out=out), stop=stop))
    assert step.usage_is_final is is_final


def test_the_placeholder_test_knows_no_version_and_no_kind_of_session() -> None:
    step = step_of(
        assistant(
            1,
            1,
            msg(1),
            text("y" * 400),
            usage=usage(out=2),
            isSidechain=True,
            agentId="a01",
            version="2.1.280",
        )
    )
    assert step.usage_is_final is False


def test_visible_characters_count_a_repeated_block_once() -> None:
    block = use(toolu(1), command="ls")
    log = [
        assistant(1, 1, msg(1), text("abc"), usage=usage()),
        assistant(2, 2, msg(1), text("abc"), block, usage=usage()),
        assistant(3, 3, msg(1), text("defg"), block, usage=usage()),
    ]
    parsed = read(log)
    assert parsed.one(Step).visible_chars == 3 + 4 + len('{"command":"ls"}')
    assert parsed.one(ToolCall).tool_index == 0


def test_cache_writes_without_a_split_were_for_five_minutes() -> None:
    step = step_of(assistant(1, 1, msg(1), usage=usage(0, 900)))
    assert (step.cache_write_5m_tokens, step.cache_write_1h_tokens) == (900, 0)


def test_what_no_tier_explains_was_written_for_five_minutes() -> None:
    split = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 469}
    step = step_of(assistant(1, 1, msg(1), usage=usage(0, 1494, cache_creation=split)))
    assert (step.cache_write_5m_tokens, step.cache_write_1h_tokens) == (1025, 469)


def test_an_advisor_behind_a_message_leaves_one_step_and_an_extra_call() -> None:
    hour = {"ephemeral_5m_input_tokens": 0}
    first = usage(
        2, 400, 65_000, 300, type="message", cache_creation=hour | {"ephemeral_1h_input_tokens": 400}
    )
    advice = usage(67_000, 0, 0, 2_500, type="advisor_message", model="claude-other")
    last = usage(
        2, 1_000, 65_400, 670, type="message", cache_creation=hour | {"ephemeral_1h_input_tokens": 900}
    )
    parsed = with_iterations(usage(4, 1_400, 130_400, 970), first, advice, last)
    step = parsed.one(Step)
    assert tokens(step) == {
        "input_tokens": 131_804,
        "context_tokens": 66_402,
        "prefix_tokens": 130_400,
        "append_tokens": 1_404,
        "cache_write_tokens": 1_400,
        "cache_write_5m_tokens": 100,
        "cache_write_1h_tokens": 1_300,
        "output_tokens": 970,
    }
    assert step.calls == 2
    extra = parsed.one(ExtraCall)
    assert (extra.step_seq, extra.call_index, extra.call_type, extra.model) == (
        0,
        0,
        "advisor",
        "claude-other",
    )
    assert (extra.input_tokens, extra.append_tokens, extra.output_tokens) == (67_000, 67_000, 2_500)
    assert parsed.reasons() == []


def test_the_messages_own_split_stands_where_its_calls_writes_do_not_add_up() -> None:
    split = {"ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 3}
    call = usage(0, 4, 0, 5, type="message", cache_creation={"ephemeral_1h_input_tokens": 4})
    parsed = with_iterations(usage(0, 10, 0, 5, cache_creation=split), call)
    assert (parsed.one(Step).cache_write_5m_tokens, parsed.one(Step).cache_write_1h_tokens) == (7, 3)
    assert parsed.reasons() == ["unknown_usage_shape"]


def test_a_fallback_is_the_step_and_what_it_replaced_was_declined() -> None:
    declined = usage(900, 1_000, 40_000, 12, type="message", model="claude-a")
    served = usage(900, 41_000, 0, 300, type="fallback_message", model="claude-b")
    parsed = with_iterations(usage(900, 41_000, 0, 300), declined, served)
    step, extra = parsed.one(Step), parsed.one(ExtraCall)
    assert (step.calls, step.input_tokens, step.context_tokens) == (1, 41_900, 41_900)
    assert (extra.call_type, extra.model, extra.input_tokens) == ("declined", "claude-a", 41_900)
    assert parsed.reasons() == []


def test_a_summary_made_inside_the_request_is_an_extra_call() -> None:
    parsed = with_iterations(
        usage(5, 0, 100, 50), usage(9, 0, 9_000, 70, type="compaction"), usage(5, 0, 100, 50, type="message")
    )
    assert (parsed.one(ExtraCall).call_type, parsed.one(Step).calls) == ("compaction", 1)
    assert parsed.one(Step).context_tokens == 105


def test_an_iteration_of_an_unknown_type_is_a_call_apart() -> None:
    parsed = with_iterations(usage(10, 0, 0, 5), usage(9, 0, 0, 4, type="iteration"))
    extra = parsed.one(ExtraCall)
    assert (extra.call_type, extra.input_tokens, extra.output_tokens) == ("advisor", 9, 4)
    assert (parsed.one(Step).calls, parsed.one(Step).input_tokens, parsed.reasons()) == (1, 10, [])


@pytest.mark.parametrize(
    "fields",
    [{"message_id": "<synthetic>"}, {"model": "<synthetic>"}, {"isApiErrorMessage": True}],
)
def test_text_of_the_client_itself_is_no_step(fields: dict[str, Any]) -> None:
    row = assistant(
        1, 1, fields.pop("message_id", msg(1)), text("API Error"), usage=usage(0, out=0), **fields
    )
    parsed = read([row])
    assert (parsed.of(Step), parsed.of(Event), parsed.tally.synthetic_rows) == ([], [], 1)


@pytest.mark.parametrize(
    "message",
    [{"role": "assistant", "content": "x"}, {"0": "e", "1": "v", "content": []}, "plain", None],
    ids=["trimmed", "character-spread", "string", "absent"],
)
def test_a_row_without_a_message_id_is_an_issue_and_no_step(message: object) -> None:
    parsed = read([row("assistant", 1, 1, message=message)])
    assert (parsed.of(Step), parsed.tally.rows_without_id, parsed.reasons()) == ([], 1, ["no_message_id"])


def test_a_message_id_that_is_no_text_is_missing() -> None:
    parsed = read([assistant(1, 1, None, text("x")) | {"message": {"id": 7, "content": []}}])
    assert (parsed.of(Step), parsed.reasons()) == ([], ["wrong_type", "no_message_id"])


def test_retries_are_no_steps() -> None:
    log = [row("system", n, n, subtype="api_error", retryAttempt=n) for n in range(1, 30)]
    parsed = read(log)
    assert (parsed.of(Step), parsed.tally.records_by_type) == ([], {"system/api_error": 29})


def test_short_ids_mean_something_in_their_session_only() -> None:
    log = [
        assistant(1, 1, "msg_004", use("t1"), usage=usage()),
        assistant(2, 2, "msg_004", use("t1"), usage=usage(), sessionId=OTHER),
        user(3, 3, [result("t1", error=True)], sessionId=OTHER),
    ]
    parsed = read(log)
    assert [step.message_id for step in parsed.of(Step)] == [f"{SESSION}/msg_004", f"{OTHER}/msg_004"]
    assert [(call.tool_call_id, call.is_error) for call in parsed.of(ToolCall)] == [
        (f"{SESSION}/t1", None),
        (f"{OTHER}/t1", True),
    ]


def test_server_tools_run_inside_the_message_and_are_counted_apart() -> None:
    block = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "advisor", "input": {}}
    answer = {"type": "advisor_tool_result", "tool_use_id": "srvtoolu_1", "content": {"type": "text"}}
    parsed = read([assistant(1, 1, msg(1), block, answer), assistant(2, 2, msg(1), block)])
    assert (parsed.of(ToolCall), parsed.of(Event), parsed.tally.hosted_calls) == ([], [], 1)


def test_order_in_the_file_is_order_however_the_clock_runs() -> None:
    parsed = read([assistant(1, 5, msg(1), text("a")), assistant(2, 3, msg(2), text("b"))])
    assert [(step.step_seq, step.message_id) for step in parsed.of(Step)] == [(0, msg(1)), (1, msg(2))]
    assert (parsed.tally.first_at, parsed.tally.last_at) == (
        parsed.of(Event)[1].event_at,
        parsed.of(Event)[0].event_at,
    )


def test_wrong_values_are_absent_and_the_rest_of_the_row_counts() -> None:
    broken = usage(3, 7, 20, -5, service_tier=9, iterations="none")
    parsed = read([assistant(1, 1, msg(1), text("x"), usage=broken, timestamp="[trimmed]")])
    step = parsed.one(Step)
    assert (step.input_tokens, step.output_tokens, step.service_tier) == (30, None, None)
    assert parsed.one(Event).event_at is None
    assert set(parsed.reasons()) == {"wrong_type"}


def test_a_damaged_part_of_a_prompt_makes_the_usage_unknown_not_smaller() -> None:
    broken = usage(3, "7", 20, 5)
    parsed = read(
        [assistant(1, 1, msg(1), text("x"), usage=broken), assistant(2, 2, msg(2), usage=usage(1, 2, 3, 4))]
    )
    assert [(step.usage_source, step.input_tokens) for step in parsed.of(Step)] == [
        ("none", None),
        ("response", 6),
    ]
    assert set(parsed.reasons()) == {"wrong_type"}


def test_a_whole_number_written_with_a_point_is_one() -> None:
    parsed = read([assistant(1, 1, msg(1), text("x"), usage=usage(3.0, 7, 20, 5))])  # type: ignore[arg-type]
    assert (parsed.one(Step).input_tokens, parsed.reasons()) == (30, [])


def test_an_absurd_count_is_no_count() -> None:
    parsed = read([assistant(1, 1, msg(1), text("x"), usage=usage(3, 7, 20, 10**10))])
    assert parsed.one(Step).output_tokens is None
    assert parsed.reasons() == ["wrong_type"]


def test_two_objects_on_a_line_are_two_records() -> None:
    pair = json.dumps(assistant(1, 1, msg(1), text("a"), usage=usage())) + json.dumps(
        row("file-history-snapshot", 2)
    )
    parsed = read([pair, '"just text"', "null"])
    assert (parsed.tally.objects, parsed.tally.bad_lines, len(parsed.of(Step))) == (2, 2, 1)


def test_unknown_records_are_counted_by_type_and_change_nothing() -> None:
    log = [
        row("worktree-state", 1, path={"a": 1}),
        row("marble-origami-commit", 2, data=[1, 2]),
        row("system", 3, 1, subtype="scheduled_task_fire"),
        row("attachment", 4, 1, attachment={"type": "hook_success", "content": "out"}),
        row("progress", 5, 1, data={"type": "bash_progress", "output": "x"}),
        {"type": None},
    ]
    parsed = read(log)
    assert parsed.rows == {}
    assert parsed.reasons() == []
    assert parsed.tally.records_by_type == {
        "worktree-state": 1,
        "marble-origami-commit": 1,
        "system/scheduled_task_fire": 1,
        "attachment/hook_success": 1,
        "progress/bash_progress": 1,
        "None": 1,
    }


def test_the_second_copy_of_tool_inputs_makes_no_calls() -> None:
    log = [assistant(1, 1, msg(1), use(toolu(1), command="ls"), wireToolInputs={toolu(1): {"command": "ls"}})]
    assert len(read(log).of(ToolCall)) == 1


@pytest.mark.parametrize(
    ("value", "chars"),
    [
        ({"path": "a/b", "n": [1, 2]}, len('{"path":"a/b","n":[1,2]}')),
        ({"word": "żółw"}, len('{"word":"żółw"}')),
        ("a string", len("a string")),
        ([1, 2], len("[1,2]")),
        (None, 0),
    ],
)
def test_a_tools_input_measures_its_compact_json(value: object, chars: int) -> None:
    block = {"type": "tool_use", "id": toolu(1), "name": "X", "input": value}
    escaped = json.dumps(assistant(1, 1, msg(1), block), indent=None, separators=(" , ", " : "))
    for line in (escaped, json.dumps(assistant(1, 1, msg(1), block), ensure_ascii=False)):
        assert read([line]).one(ToolCall).input_chars == chars


def test_a_record_seen_again_gives_its_events_once() -> None:
    log = [user(1, 0, "go"), assistant(2, 1, msg(1), text("a"), usage=usage(out=3))]
    again = [user(1, 0, "go"), assistant(2, 1, msg(1), text("a"), usage=usage(out=9))]
    parsed = read([*log, *again, user(3, 5, "more"), assistant(4, 6, msg(2), text("b"))])
    assert [step.output_tokens for step in parsed.of(Step)] == [9, None]
    assert [(e.step_seq, e.event_type) for e in sorted(parsed.of(Event), key=lambda e: e.event_index)] == [
        (0, "user_message"),
        (0, "text"),
        (1, "user_message"),
        (1, "text"),
    ]


def test_a_records_name_is_its_uuid_or_its_place_in_the_session() -> None:
    log = [
        assistant(1, 1, msg(1), text("a")),
        assistant(2, 2, msg(2), text("b"), uuid="short_1"),
        assistant(3, 3, msg(3), text("c"), uuid="short_1"),
        assistant(4, 4, msg(4), text("d"), uuid=None),
        assistant(5, 5, msg(5), text("e"), uuid="[trimmed for fixture]"),
    ]
    names = [event.event_id for event in read(log).of(Event)]
    assert names[0] == log[0]["uuid"]
    assert names[1:3] == [f"{SESSION}/short_1#1", f"{SESSION}/short_1#2"]
    assert names[3:] == [f"{SESSION}/2026-09-20 10:00:04+00:00#1", f"{SESSION}/2026-09-20 10:00:05+00:00#1"]
    assert names == [event.event_id for event in read(log, "/elsewhere/full.jsonl").of(Event)]


def test_blocks_of_one_record_differ_by_their_place() -> None:
    log = [assistant(1, 1, msg(1), thinking("abc"), text("de"), use(toolu(1)))]
    assert [(e.block_index, e.content_chars, e.tool_call_id) for e in read(log).of(Event)] == [
        (0, 3, None),
        (1, 2, None),
        (2, 2, toolu(1)),
    ]


def test_without_a_split_of_its_own_a_message_takes_that_of_calls_that_add_up_only() -> None:
    hour = {"cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 30}}
    call = usage(1, 30, 0, 5, type="message", **hour)
    agree = with_iterations(usage(1, 30, 0, 5), call).one(Step)
    differ = with_iterations(usage(1, 70, 0, 5), call).one(Step)
    assert [(step.cache_write_5m_tokens, step.cache_write_1h_tokens) for step in (agree, differ)] == [
        (0, 30),
        (70, 0),
    ]


@pytest.mark.parametrize("message", ["words", 7, [1]])
def test_a_user_row_whose_message_is_no_object_is_noted(message: object) -> None:
    log = [user(1, 0, "go") | {"message": message}, assistant(2, 1, msg(1), text("a"), usage=usage())]
    parsed = read(log)
    assert (len(parsed.of(Step)), parsed.reasons()) == (1, ["wrong_type"])


@pytest.mark.parametrize(
    "odd",
    [
        row("attachment", 3, 2, attachment=["queued_command"]),
        row("progress", 3, 2, data="agent_progress"),
        row("progress", 3, 2, data={"type": "agent_progress", "message": 7}),
        assistant(3, 2, msg(1), {"type": "tool_use", "name": "Bash", "input": {}}),
        row("user", 3, 2, message={"role": "user", "content": [{"type": "tool_result", "content": "x"}]}),
    ],
    ids=["attachment", "progress", "agent's row", "call without an id", "result without an id"],
)
def test_what_cannot_be_told_apart_is_noted(odd: Json) -> None:
    parsed = read([user(1, 0, "go"), assistant(2, 1, msg(1), text("a"), usage=usage()), odd])
    assert (len(parsed.of(Step)), parsed.reasons()) == (1, ["wrong_type"])


def test_a_call_id_that_is_a_count_names_another_call_in_each_message_and_context() -> None:
    count = "functions.Bash:0"
    bash = use(count, "Bash", command="ls")
    log = [
        assistant(1, 1, msg(1), bash),
        assistant(2, 2, msg(9), bash, isSidechain=True, agentId="a1"),
        user(3, 4, [result(count)]),
        user(4, 5, [result(count)], isSidechain=True, agentId="a1"),
        assistant(5, 10, msg(2), bash),
        assistant(6, 11, msg(2), bash),
        user(7, 16, [result(count)]),
    ]
    assert [(call.tool_call_id, call.session_id, call.wall_ms) for call in read(log).of(ToolCall)] == [
        (f"{msg(1)}/{count}", f"claude:{SESSION}", 3000),
        (f"{msg(9)}/{count}", f"claude:{SESSION}/a1", 3000),
        (f"{msg(2)}/{count}", f"claude:{SESSION}", 6000),
    ]


def test_a_result_that_comes_before_its_call_finds_it_where_the_id_is_a_count() -> None:
    count = "functions.Read:12"
    log = [user(1, 1, [result(count)]), assistant(2, 0, msg(1), use(count, "Read"))]
    (call,) = read(log).of(ToolCall)
    assert (call.tool_name, call.wall_ms) == ("Read", 1000)


def test_a_result_whose_call_was_cut_off_is_not_that_of_the_next_call_of_its_count() -> None:
    count = "functions.Bash:0"
    cut = [
        user(1, 1, [result(count) | {"is_error": True}]),
        assistant(2, 10, msg(2), use(count, "Bash")),
        user(3, 20, [result(count)]),
    ]
    whole = [assistant(9, 0, msg(1), use(count, "Bash")), *cut]
    (call,), (_, same) = read(cut).of(ToolCall), read(whole).of(ToolCall)
    assert (call.tool_call_id, call.wall_ms, call.is_error) == (f"{msg(2)}/{count}", 10_000, False)
    assert (same.tool_call_id, same.wall_ms, same.is_error) == (f"{msg(2)}/{count}", 10_000, False)


@pytest.mark.parametrize("fields", [{}, {"sessionId": OTHER}], ids=["of no agent", "of another session"])
def test_a_result_row_that_does_not_name_its_context_finds_a_call_whose_id_is_a_count(
    fields: dict[str, Any],
) -> None:
    count = "functions.Read:0"
    agent = {"isSidechain": True, "agentId": "a1"}
    log = [
        assistant(1, 1, msg(1), use("functions.Task:0", "Task")),
        assistant(2, 2, msg(9), use(count, "Read"), **agent),
        user(3, 4, [result(count)], **fields),
        assistant(4, 5, msg(10), text("x"), **agent),
    ]
    assert [(call.tool_name, call.wall_ms) for call in read(log).of(ToolCall)] == [
        ("Task", None),
        ("Read", 2000),
    ]
