"""Codex: which step an input or output belongs to, when it was, and who spoke."""

import pytest

from tests.builders_codex import (
    OWN,
    THREAD,
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
    mirror,
    ms,
    parse,
    person,
    recorded,
    resp,
    says,
    started,
    thinks,
    turn,
)
from tracelab.schema import Event, Session, Step, ToolCall

FIRST, SECOND, BOTH = (1000, 0, 50, 20), (1200, 900, 30, 0), (2200, 900, 80, 20)


def told(log: list[Json]) -> list[tuple[str, int | None, object]]:
    """Events in the order of the log: type, step, second after ten o'clock."""
    return [
        (row.event_type, row.step_seq, row.event_at and (row.event_at - at(0)).total_seconds())
        for row in parse(log).events
    ]


def kinds(*log: Json, source: object = "cli") -> list[str | None]:
    return [row.message_kind for row in parse([meta(source=source), *log]).events]


def test_usage_first_the_outputs_after_a_token_count_are_its_own() -> None:
    log = [
        meta(cli_version="0.34.0"),
        person(1),
        event(5, "agent_reasoning", text="hm"),
        event(6, "agent_reasoning", text="hm"),
        event(7, "agent_message", message="so"),
        counted(8, FIRST),
        thinks(20, parts=2),
        says(20),
        asks(20, call(1)),
        gets(20.002, call(1)),
        counted(22, BOTH, SECOND),
        says(22),
        person(30),
    ]
    assert told(log) == [
        ("user_message", 0, 1),
        ("usage_report", 0, 8),
        ("reasoning", 0, 6),
        ("text", 0, 7),
        ("tool_call", 0, 8),
        ("tool_result", 1, 20.002),
        ("usage_report", 1, 22),
        ("text", 1, 22),
        ("user_message", None, 30),
    ]
    reasoning = next(row for row in parse(log).events if row.event_type == "reasoning")
    assert reasoning.started_at == at(5)
    (tool,) = parse(log).of(ToolCall)
    assert (tool.emitted_at, tool.result_at, tool.wall_ms) == (at(8), at(20.002), 12_002)


def test_usage_first_what_an_aborted_response_displayed_is_not_taken_for_the_next_ones() -> None:
    log = [
        meta(cli_version="0.36.0"),
        person(1),
        event(2, "agent_reasoning", text="hm"),
        event(2, "agent_message", message="so"),
        event(3, "turn_aborted", reason="interrupted"),
        person(10),
        event(12, "agent_reasoning", text="hm"),
        counted(13, FIRST),
        thinks(13, parts=1),
        says(13),
    ]
    assert told(log)[-2:] == [("reasoning", 0, 12), ("text", 0, 13)]


def test_usage_last_outputs_have_their_own_times_and_early_results_feed_the_next_step() -> None:
    log = [
        meta(cli_version="0.147.0"),
        person(1),
        thinks(2),
        asks(3, call(1)),
        gets(9, call(1)),
        counted(9, FIRST),
        says(12),
        counted(12.5, BOTH, SECOND),
    ]
    assert told(log) == [
        ("user_message", 0, 1),
        ("reasoning", 0, 2),
        ("tool_call", 0, 3),
        ("tool_result", 1, 9),
        ("usage_report", 0, 9),
        ("text", 1, 12),
        ("usage_report", 1, 12.5),
    ]
    (tool,) = parse(log).of(ToolCall)
    assert (tool.emitted_at, tool.result_at, tool.wall_ms) == (at(3), at(9), 6000)


def test_a_message_typed_while_a_response_runs_is_input_of_the_next() -> None:
    log = [meta(), person(1), thinks(2), person(3), asks(4, call(1)), recorded(5, resp(1), FIRST), says(6)]
    assert told([*log, recorded(7, resp(2), SECOND)])[:3] == [
        ("user_message", 0, 1),
        ("reasoning", 0, 2),
        ("user_message", 1, 3),
    ]


def test_the_layout_is_decided_anew_where_another_version_goes_on() -> None:
    log = [
        meta(cli_version="0.40.0"),
        person(1),
        counted(2, FIRST),
        says(2),
        meta(10, cli_version="0.147.0"),
        person(11),
        says(12),
        counted(13, BOTH, SECOND),
    ]
    assert [row for row in told(log) if row[0] == "text"] == [("text", 0, 2), ("text", 1, 12)]


def test_a_newer_client_may_write_records_into_a_usage_first_file() -> None:
    log = [
        meta(cli_version="0.40.0"),
        person(1),
        counted(2, FIRST),
        says(2),
        started(10, "t1"),
        person(11),
        says(12),
        recorded(13, resp(1), SECOND),
        counted(13.1, BOTH, SECOND),
    ]
    assert [row for row in told(log) if row[0] == "text"] == [("text", 0, 2), ("text", 1, 12)]


def test_a_record_ends_the_usage_first_layout() -> None:
    log = [
        meta(cli_version="0.40.0"),
        person(1),
        counted(2, FIRST),
        says(2),
        recorded(3, resp(1), SECOND),
        says(4),
    ]
    assert ("text", 2, 4) in told([*log, recorded(5, resp(2), SECOND)])


def test_a_usage_first_turn_without_a_message_stays_usage_first() -> None:
    log = [meta(cli_version="0.57.0"), started(1, "t1"), person(1), counted(2, FIRST), says(2)]
    assert ("text", 1, 6) in told([*log, started(5, "t2"), counted(6, BOTH, SECOND), says(7)])


def test_a_record_closes_its_step_before_the_tools_run() -> None:
    log = [
        meta(),
        started(1, "t1"),
        person(1),
        asks(3, call(1)),
        asks(3.1, call(2)),
        recorded(3.2, resp(1), FIRST),
        gets(8, call(2)),
        gets(9, call(1)),
        counted(9, FIRST),
        says(11),
        recorded(12, resp(2), SECOND),
    ]
    assert [(row[0], row[1]) for row in told(log)] == [
        ("user_message", 0),
        ("tool_call", 0),
        ("tool_call", 0),
        ("usage_report", 0),
        ("tool_result", 1),
        ("tool_result", 1),
        ("text", 1),
        ("usage_report", 1),
    ]
    assert [(tool.tool_index, tool.wall_ms) for tool in parse(log).of(ToolCall)] == [(0, 6000), (1, 4900)]


def test_outputs_that_no_usage_covers_are_steps_without_usage_one_a_run_between_inputs() -> None:
    parsed = parse(
        [meta(), turn(1, "t1"), person(1), says(2), asks(3, call(1)), gets(4, call(1)), says(5, "four")]
    )
    steps = parsed.of(Step)
    assert [(step.usage_source, step.step_seq, step.line_no) for step in steps] == [
        ("none", 0, 4),
        ("none", 1, 7),
    ]
    assert [step.message_id for step in steps] == [f"{THREAD}/{call(1)}", f"{THREAD}/t1/unmetered/1"]
    assert {(step.input_tokens, step.output_tokens, step.usage_is_final) for step in steps} == {
        (None, None, False)
    }
    assert [(step.model, step.turn_id) for step in steps] == [("gpt-5.5", "t1")] * 2
    assert [(row.event_type, row.step_seq) for row in parsed.events] == [
        ("user_message", 0),
        ("text", 0),
        ("tool_call", 0),
        ("tool_result", 1),
        ("text", 1),
    ]


def test_reasoning_alone_makes_no_step_without_usage() -> None:
    log = [meta(), person(1), thinks(2)]
    assert parse(log).of(Step) == []
    assert told(log) == [("user_message", None, 1), ("reasoning", None, 2)]


def test_what_an_aborted_turn_left_open_is_a_step_of_that_turn() -> None:
    parsed = parse(
        [
            meta(),
            started(1, "t1"),
            person(1),
            says(2),
            event(3, "turn_aborted", reason="interrupted"),
            started(10, "t2"),
            person(10),
            says(11),
            recorded(12, resp(1), FIRST, turn_id="t2"),
        ]
    )
    assert [(step.usage_source, step.turn_id) for step in parsed.of(Step)] == [
        ("none", "t1"),
        ("record", "t2"),
    ]
    messages = [row for row in parsed.events if row.event_type == "user_message"]
    assert [(row.message_kind, row.step_seq) for row in messages] == [
        ("human", 0),
        ("interrupt", 1),
        ("human", 1),
    ]


def test_an_aborted_response_was_asked_for_at_the_tier_of_its_turn() -> None:
    parsed = parse(
        [
            meta(),
            event(0, "thread_settings_applied", thread_settings={"service_tier": "default"}),
            started(1, "t1"),
            person(1),
            says(2),
            event(3, "turn_aborted", reason="interrupted"),
            event(4, "thread_settings_applied", thread_settings={"service_tier": "priority"}),
            started(10, "t2"),
            says(11),
            recorded(12, resp(1), FIRST, turn_id="t2"),
        ]
    )
    assert [step.service_tier for step in parsed.of(Step)] == ["default", "priority"]


def test_a_new_turn_leaves_what_the_last_one_left_open() -> None:
    log = [
        meta(),
        started(1, "t1"),
        says(2),
        started(5, "t2"),
        says(6),
        recorded(7, resp(1), FIRST, turn_id="t2"),
    ]
    assert [(step.usage_source, step.turn_id) for step in parse(log).of(Step)] == [
        ("none", "t1"),
        ("record", "t2"),
    ]


def test_a_summary_before_the_next_answer_takes_nothing_that_an_aborted_turn_left_open() -> None:
    log = [
        meta(),
        started(1, "t1"),
        says(2),
        asks(3, call(1)),
        event(4, "turn_aborted", reason="interrupted"),
        started(10, "t2"),
        recorded(11, resp(1), FIRST, turn_id="t2"),
        compacted(11.1, latest=(resp(1), FIRST), compaction_response_id=resp(1)),
        says(12),
        recorded(13, resp(2), SECOND, turn_id="t2"),
    ]
    parsed = parse(log)
    assert [(step.usage_source, step.turn_id, step.purpose) for step in parsed.of(Step)] == [
        ("none", "t1", None),
        ("record", "t2", "compaction"),
        ("record", "t2", None),
    ]
    (tool,) = parsed.of(ToolCall)
    assert tool.step_seq == 0


def test_a_count_is_of_its_turn_even_if_the_answer_left_no_trace() -> None:
    log = [
        meta(),
        started(1, "t1"),
        turn(1, "t1", "gpt-5.4"),
        says(2),
        event(3, "turn_aborted", reason="interrupted"),
        started(10, "t2"),
        turn(10, "t2", "gpt-5.4-mini"),
        person(10),
        item(14, "computer_call", action={}),
        counted(15, FIRST),
    ]
    parsed = parse(log)
    assert [(step.usage_source, step.turn_id, step.model) for step in parsed.of(Step)] == [
        ("none", "t1", "gpt-5.4"),
        ("token_count", "t2", "gpt-5.4-mini"),
    ]
    messages = [row.step_seq for row in parsed.events if row.message_kind == "human"]
    assert messages == [1]


def test_only_a_person_interrupts() -> None:
    aborts = [
        event(1, "turn_aborted", reason=reason) for reason in ("interrupted", "replaced", "budget_limited")
    ]
    assert kinds(*aborts) == ["interrupt", "interrupt"]


def test_usage_after_an_abort_still_covers_what_was_open() -> None:
    log = [meta(), started(1, "t1"), says(2), event(3, "turn_aborted", reason="interrupted")]
    assert [step.usage_source for step in parse([*log, counted(3, FIRST)]).of(Step)] == ["token_count"]


def test_outputs_before_a_usage_first_count_and_its_message_have_no_usage() -> None:
    parsed = parse([meta(cli_version="0.34.0"), says(1), person(2), counted(3, FIRST), says(3)])
    assert [step.usage_source for step in parsed.of(Step)] == ["none", "token_count"]


def test_a_mirror_tells_when_an_output_began() -> None:
    log = [
        meta(history_mode="paginated"),
        started(1, "t1"),
        mirror(5, "Reasoning", started_at_ms=ms(2)),
        thinks(5),
        says(9),
        mirror(9, "AgentMessage", text="done", started_at_ms=ms(6)),
        mirror(9.5, "AgentMessage", started_at_ms=0),
        recorded(10, resp(1), FIRST),
    ]
    rows = [row for row in parse(log).events if row.event_type != "usage_report"]
    assert [(row.event_type, row.started_at, row.event_at) for row in rows] == [
        ("reasoning", at(2), at(5)),
        ("text", at(6), at(9)),
    ]


def test_a_mirror_is_of_the_output_right_before_or_after_it() -> None:
    log = [
        meta(),
        thinks(2),
        mirror(6, "Reasoning", started_at_ms=ms(3)),
        thinks(6),
        mirror(9, "Reasoning", started_at_ms=ms(6)),
        thinks(9),
        mirror(9.5, "Reasoning", started_at_ms=ms(9.2)),
        recorded(10, resp(1), FIRST),
        thinks(12),
    ]
    rows = [row for row in parse(log).events if row.event_type == "reasoning"]
    assert [row.started_at for row in rows] == [None, at(3), at(6), None]


def test_a_time_of_an_item_that_was_never_logged_is_none_of_the_next_turn() -> None:
    log = [
        meta(history_mode="paginated"),
        started(1, "t1"),
        turn(1, "t1"),
        mirror(1, "UserMessage", text="go"),
        mirror(3, "AgentMessage", text="done", started_at_ms=ms(2)),
        event(4, "turn_aborted", turn_id="t1", reason="interrupted"),
        started(100, "t2"),
        turn(100, "t2"),
        mirror(100, "UserMessage", turn_id="t2", text="again"),
        says(110, "done"),
        recorded(111, resp(1), (1000, 500, 50, 0), turn_id="t2"),
    ]
    (answer,) = (row for row in parse(log).events if row.event_type == "text")
    assert answer.started_at is None


def test_a_prompt_in_a_paginated_file_is_one_message() -> None:
    log = [says(1, "please", role="user"), mirror(1, "UserMessage", text="please")]
    assert kinds(*log) == ["human"]


def test_an_event_and_its_mirror_are_one_message_but_a_message_may_be_repeated() -> None:
    assert kinds(person(1, "yes"), mirror(1, "UserMessage", text="yes")) == ["human"]
    assert kinds(person(1, "yes"), person(9, "yes")) == ["human", "human"]
    assert kinds(person(1, "yes"), meta(5), mirror(9, "UserMessage", text="yes")) == ["human", "human"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<environment_context><cwd>/w</cwd></environment_context>", "environment"),
        ("\n<user_instructions>be brief</user_instructions>", "environment"),
        ("# AGENTS.md instructions for /w", "environment"),
        ("<turn_aborted>x</turn_aborted>", "environment"),
        ("<subagent_notification>x</subagent_notification>", "notification"),
        ("<hook_prompt hook_run_id='1'>x</hook_prompt>", "meta"),
    ],
)
def test_injected_text_is_no_person_wherever_it_stands(text: str, kind: str) -> None:
    assert kinds(person(1, text)) == [kind]
    assert kinds(says(1, text, role="user")) == [kind]


@pytest.mark.parametrize("label", ["environment_context", "user_instructions"])
def test_old_files_label_what_they_inject(label: str) -> None:
    assert kinds(person(1, "anything", kind=label)) == ["environment"]
    assert kinds(person(1, "anything", kind="plain")) == ["human"]


def test_a_user_item_without_a_tag_is_the_echo_of_a_message() -> None:
    assert kinds(says(1, "please", role="user"), person(1, "please"), says(1, "rules", role="developer")) == [
        "human"
    ]


def test_editor_context_around_a_request_is_a_persons_message() -> None:
    assert kinds(person(1, "# Context from my IDE setup:\n## My request for Codex:\nplease")) == ["human"]


def test_a_subagents_prompt_is_its_parents() -> None:
    assert kinds(person(1), source={"subagent": "review"}) == ["agent"]
    assert kinds(person(1), source="exec") == ["human"]


def test_mail_of_another_agent_is_a_notification() -> None:
    mail = [{"type": "input_text", "text": "found it"}]
    (row,) = parse([meta(), item(1, "agent_message", author="/root/a", recipient="/root", content=mail)]).of(
        Event
    )
    assert (row.event_type, row.message_kind, row.content_chars) == ("user_message", "notification", 8)


def test_text_that_the_client_delivers_or_that_replaces_history_is_no_output() -> None:
    client = says(2, "moved", beside={"delivered_assistant_message": "codex:code-mode-delivery:v1:7"})
    summary = says(3, "so far", beside={"compaction_output": True})
    parsed = parse([meta(), client, summary, says(4, "four", beside={}), recorded(5, resp(1), FIRST)])
    assert [row.content_chars for row in parsed.events if row.event_type == "text"] == [4]


def test_hosted_calls_are_counted_apart_but_are_outputs() -> None:
    parsed = parse(
        [
            meta(cli_version="0.147.0"),
            person(1),
            item(2, "web_search_call", status="completed", action={"type": "search"}),
            item(2, "image_generation_call", status="completed"),
            counted(3, FIRST),
            says(4),
            counted(5, BOTH, SECOND),
        ]
    )
    assert (parsed.of(ToolCall), parsed.tally.hosted_calls) == ([], 2)
    assert [(row.event_type, row.step_seq) for row in parsed.events if row.event_type == "text"] == [
        ("text", 1)
    ]


def test_visible_characters_are_those_of_texts_and_tool_inputs() -> None:
    log = [
        meta(),
        thinks(1),
        says(2, "four"),
        asks(3, call(1), arguments='{"a":1}'),
        recorded(4, resp(1), FIRST),
    ]
    assert [step.visible_chars for step in parse(log).of(Step)] == [11]


def test_events_keep_the_order_of_the_log_and_are_keyed_alike_in_every_copy() -> None:
    log = [
        meta(),
        started(1, "t1"),
        person(1),
        thinks(2),
        says(3),
        asks(4, call(1)),
        recorded(5, resp(1), FIRST),
    ]
    whole = [*log, gets(6, call(1)), person(7), says(8), recorded(9, resp(2), SECOND)]
    keys = {(row.event_index, row.event_id, row.block_index) for row in parse(log).events}
    longer = {(row.event_index, row.event_id, row.block_index) for row in parse(whole).events}
    assert keys < longer
    assert len({key[1:] for key in longer}) == len(longer)
    assert {row.session_id for row in parse(whole).events} == {OWN}


def test_records_of_unknown_types_are_counted_and_harmless() -> None:
    parsed = parse(
        [
            meta(),
            {"type": "realtime_item", "payload": ["anything"], "timestamp": "soon"}
            | {"timestamp": "2026-09-20T10:00:01Z"},
            event(2, "brand_new", info=7, message={"a": 1}, exit_code="x"),
            item(3, "brand_new", name=7, summary=3),
            {"type": "world_state"},
        ]
    )
    assert parsed.tally.records_by_type == {
        "session_meta": 1,
        "realtime_item": 1,
        "event_msg/brand_new": 1,
        "response_item/brand_new": 1,
        "world_state": 1,
    }
    assert (parsed.reasons, parsed.of(Step), parsed.events) == ([], [], [])


def test_a_payload_without_type_but_with_a_role_is_a_message() -> None:
    payload = {"role": "assistant", "content": [{"type": "output_text", "text": "four"}]}
    parsed = parse([meta(), {"type": "response_item", "payload": payload}])
    assert [(row.event_type, row.content_chars) for row in parsed.events] == [("text", 4)]


def test_a_timestamp_that_is_no_time_is_absent() -> None:
    parsed = parse([meta(), person(1) | {"timestamp": "[trimmed]"}])
    (row,) = parsed.events
    assert (row.event_at, row.message_kind) == (None, "human")
    assert parsed.of(Session)[0].ended_at == at(0)


def test_a_compaction_cuts_what_is_open_from_what_follows() -> None:
    log = [meta(), says(1), compacted(2), says(3), recorded(4, resp(1), FIRST)]
    assert [(row[0], row[1]) for row in told(log)][:2] == [("text", 0), ("text", 1)]
