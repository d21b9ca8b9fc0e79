"""Codex: which usage rows are steps, what they hold, and how their copies are known."""

import pytest

from tests.builders_codex import (
    OTHER,
    OWN,
    PARENT,
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
    parse,
    person,
    recorded,
    resp,
    says,
    started,
    thinks,
    turn,
)
from tracelab.schema import Compaction, Step, ToolCall

FIRST, SECOND = (1000, 0, 50, 20), (1200, 900, 30, 0)
BOTH = (2200, 900, 80, 20)


def tokens(step: Step) -> tuple[int | None, ...]:
    return (
        step.input_tokens,
        step.prefix_tokens,
        step.append_tokens,
        step.output_tokens,
        step.reasoning_tokens,
    )


def test_a_token_count_with_a_new_total_is_a_step_whose_input_includes_the_cached_part() -> None:
    log = [
        meta(),
        turn(1, "t1"),
        person(1),
        says(2),
        counted(3, FIRST),
        person(4),
        says(5),
        counted(6, BOTH, SECOND),
    ]
    first, second = parse(log).of(Step)
    assert tokens(first) == (1000, 0, 1000, 50, 20)
    assert tokens(second) == (1200, 900, 300, 30, 0)
    assert (second.session_id, second.step_seq, second.usage_source) == (OWN, 1, "token_count")
    assert (second.context_tokens, second.calls, second.usage_is_final) == (1200, 1, True)
    assert (second.cache_write_tokens, second.cache_write_5m_tokens, second.stop_reason) == (None, None, None)
    assert (second.context_window_tokens, second.turn_id, second.client_version) == (258_400, "t1", "0.155.0")


def test_a_repeated_total_is_an_echo_and_no_step() -> None:
    parsed = parse([meta(), person(1), says(2), counted(3, FIRST), counted(4, FIRST), counted(5, FIRST)])
    assert len(parsed.of(Step)) == 1
    assert parsed.tally.usage_echoes == 2


def test_a_token_count_without_info_says_nothing() -> None:
    parsed = parse([meta(), person(1), event(2, "token_count", info=None, rate_limits={}), says(3)])
    assert [step.usage_source for step in parsed.of(Step)] == ["none"]
    assert parsed.reasons == []


def test_a_usage_of_zero_is_no_step() -> None:
    parsed = parse([meta(), counted(2, FIRST), counted(3, (0, 0, 0, 0)), counted(4, SECOND)])
    assert [step.input_tokens for step in parsed.of(Step)] == [1000, 1200]


@pytest.mark.parametrize(
    "strange",
    [
        event(2, "token_count", info={"prompt": 1420, "completion": 910}),
        event(2, "token_count", info={"total_token_usage": {"input_tokens": 100}}),
        event(2, "turn.completed", usage={"input_tokens": 1420, "output_tokens": 910}),
        recorded(2, None, FIRST),
        recorded(2, resp(1), None),
    ],
)
def test_usage_of_another_shape_is_an_issue_and_no_step(strange: Json) -> None:
    parsed = parse([meta(), strange])
    assert parsed.of(Step) == []
    assert parsed.reasons == ["unknown_usage_shape"]


def test_totals_that_start_again_are_steps_as_before() -> None:
    parsed = parse([meta(), counted(1, FIRST), counted(2, BOTH, SECOND), counted(3, (400, 100, 10, 0))])
    assert [step.input_tokens for step in parsed.of(Step)] == [1000, 1200, 400]


def test_more_cached_than_input_is_clipped_so_that_prefix_and_append_add_up() -> None:
    (step,) = parse([meta(), counted(1, (1000, 1500, 50, 0))]).of(Step)
    assert (step.prefix_tokens, step.append_tokens) == (1000, 0)


def test_a_record_is_the_step_and_its_token_count_the_echo() -> None:
    parsed = parse(
        [
            meta(),
            started(1, "t1"),
            turn(1, "t1"),
            person(1),
            thinks(2),
            asks(3, call(1)),
            recorded(3.5, resp(1), FIRST),
            gets(9, call(1)),
            counted(9, FIRST, window=300_000),
        ]
    )
    (step,) = parsed.of(Step)
    assert tokens(step) == (1000, 0, 1000, 50, 20)
    assert (step.usage_source, step.message_id) == ("record", f"{THREAD}/{resp(1)}")
    assert (step.context_window_tokens, step.cache_write_tokens) == (300_000, 0)
    assert parsed.tally.usage_echoes == 1
    reports = [event for event in parsed.events if event.event_type == "usage_report"]
    assert [(event.step_seq, event.event_at) for event in reports] == [(0, at(3.5))]


def test_an_echo_is_known_by_the_key_that_its_copy_in_a_fork_has() -> None:
    turns = [started(1, "t1"), person(1), says(2)]
    (original,) = parse([meta(), *turns, recorded(3, resp(1), FIRST), counted(4, FIRST)]).of(Step)
    (copy,) = parse([meta(), *turns, counted(4, FIRST)]).of(Step)
    assert original.echo_id == copy.message_id != original.message_id


def test_a_file_may_change_its_era_midway() -> None:
    parsed = parse(
        [
            meta(cli_version="0.151.0"),
            started(1, "t1"),
            person(1),
            says(2),
            counted(3, FIRST),
            started(10, "t2"),
            person(10),
            says(11),
            recorded(12, resp(1), SECOND, turn_id="t2"),
            counted(13, BOTH, SECOND),
            started(20, "t3"),
            person(20),
            says(21),
            counted(22, (3200, 1900, 90, 20), (1000, 1000, 10, 0)),
        ]
    )
    steps = parsed.of(Step)
    assert [step.usage_source for step in steps] == ["token_count", "record", "token_count"]
    assert [step.turn_id for step in steps] == ["t1", "t2", "t3"]
    assert parsed.reasons == []


def test_after_the_first_record_a_token_count_needs_a_response_behind_it() -> None:
    known = [meta(), started(1, "t1"), says(2), recorded(3, resp(1), FIRST), counted(4, FIRST)]
    adds_up = parse([*known, says(5), counted(6, BOTH, SECOND)])
    restarts = parse([*known, says(5), counted(6, SECOND)])
    neither = parse([*known, counted(6, (5000, 900, 80, 20), SECOND)])
    assert [len(parsed.of(Step)) for parsed in (adds_up, restarts, neither)] == [2, 2, 1]
    assert [parsed.reasons for parsed in (adds_up, restarts)] == [[], []]
    assert neither.reasons == ["token_count_without_response"]


def test_a_record_echoes_once_so_a_second_response_of_equal_numbers_is_a_step() -> None:
    same = (2000, 0, 100, 40)
    parsed = parse(
        [
            meta(),
            started(1, "t1"),
            says(2),
            recorded(3, resp(1), FIRST),
            counted(4, FIRST),
            says(5),
            counted(6, same, FIRST),
        ]
    )
    assert [step.usage_source for step in parsed.of(Step)] == ["record", "token_count"]


def test_a_token_count_just_before_its_record_is_its_echo_too() -> None:
    head = [meta(), started(1, "t1"), person(1), says(2)]
    parsed = parse([*head, counted(3, FIRST), recorded(4, resp(1), FIRST)])
    (step,) = parsed.of(Step)
    assert (step.usage_source, step.message_id) == ("record", f"{THREAD}/{resp(1)}")
    assert step.echo_id == parse([*head, counted(3, FIRST)]).of(Step)[0].message_id
    reports = [event for event in parsed.events if event.event_type == "usage_report"]
    assert [(event.event_at, event.event_id) for event in reports] == [(at(4), step.message_id)]


def test_a_token_count_long_before_a_record_of_equal_numbers_is_a_step_of_its_own() -> None:
    parsed = parse([meta(), started(1, "t1"), says(2), counted(3, FIRST), recorded(60, resp(1), FIRST)])
    assert [step.usage_source for step in parsed.of(Step)] == ["token_count", "record"]


def test_an_echo_is_of_its_own_turn() -> None:
    log = [meta(), started(1, "t1"), says(2), recorded(3, resp(1), FIRST), started(4, "t2"), says(5)]
    parsed = parse([*log, counted(6, FIRST)])
    assert [(step.usage_source, step.turn_id) for step in parsed.of(Step)] == [
        ("record", "t1"),
        ("token_count", "t2"),
    ]


def test_an_echo_is_of_the_turn_that_its_record_names_though_no_line_began_it() -> None:
    log = [meta(), started(1, "t1"), says(2), recorded(3, resp(1), FIRST, turn_id="t2"), counted(4, FIRST)]
    assert [step.usage_source for step in parse(log).of(Step)] == ["record"]


def test_a_search_for_tools_is_an_output_that_tells_where_usage_stands() -> None:
    found = item(2, "tool_search_call", call_id=call(9))
    log = [meta(), person(1), found, counted(3, FIRST), asks(4, call(1)), counted(5, SECOND, BOTH)]
    parsed = parse(log)
    assert [(tool.step_seq, tool.emitted_at) for tool in parsed.of(ToolCall)] == [(1, at(4))]


def test_a_record_names_the_turn_of_its_early_echo_too() -> None:
    (step,) = parse([meta(), says(2), counted(3, FIRST), recorded(4, resp(1), FIRST, turn_id="t9")]).of(Step)
    assert step.turn_id == "t9"


def test_a_record_that_comes_again_is_the_same_step() -> None:
    parsed = parse(
        [meta(), started(1, "t1"), says(2), recorded(3, resp(1), FIRST), recorded(4, resp(1), FIRST)]
    )
    assert len(parsed.of(Step)) == 1
    assert parsed.tally.usage_echoes == 1


def test_a_record_is_a_step_of_the_thread_that_it_names() -> None:
    parsed = parse([meta(), says(2), recorded(3, resp(1), FIRST), recorded(4, resp(2), SECOND, PARENT)])
    assert [(step.session_id, step.step_seq, step.is_inherited) for step in parsed.of(Step)] == [
        (OWN, 0, False),
        (OTHER, 0, True),
    ]


def test_a_record_without_items_is_a_step_without_outputs() -> None:
    parsed = parse([meta(), started(1, "t1"), person(1), recorded(3, resp(1), FIRST)])
    assert [step.input_tokens for step in parsed.of(Step)] == [1000]
    assert [(event.event_type, event.step_seq) for event in parsed.events] == [
        ("user_message", 0),
        ("usage_report", 0),
    ]


def test_cache_writes_are_part_of_what_is_appended() -> None:
    (step,) = parse([meta(), recorded(1, resp(1), (50_000, 40_000, 400, 100, 9500))]).of(Step)
    assert (step.prefix_tokens, step.append_tokens, step.cache_write_tokens) == (40_000, 10_000, 9500)
    assert (step.cache_write_5m_tokens, step.cache_write_1h_tokens) == (None, None)


def test_more_cache_writes_than_input_are_clipped_and_reported() -> None:
    parsed = parse([meta(), recorded(1, resp(1), (50_000, 40_000, 400, 100, 12_000))])
    assert parsed.of(Step)[0].cache_write_tokens == 10_000
    assert parsed.reasons == ["cache_write_clipped"]


def test_a_token_count_is_keyed_by_its_turn_and_numbers_not_by_its_place() -> None:
    first, second = (
        [started(1, "t1"), says(2), counted(3, FIRST)],
        [started(5, "t2"), says(6), counted(7, BOTH, SECOND)],
    )
    whole, cut = parse([meta(), *first, *second]).of(Step), parse([meta(), *second]).of(Step)
    assert whole[1].message_id == cut[0].message_id
    assert len({step.message_id for step in whole}) == 2


def test_without_turns_a_token_count_is_keyed_by_its_place_in_the_thread() -> None:
    again = [meta(), counted(1, FIRST), counted(2, SECOND), counted(3, FIRST)]
    keys = [step.message_id for step in parse(again).of(Step)]
    assert len(set(keys)) == 3
    assert keys == [step.message_id for step in parse([*again, says(9)]).of(Step)][:3]


def test_the_model_is_that_of_the_turn_else_of_the_latest_settings() -> None:
    settings = {"model": "gpt-set", "service_tier": "priority", "reasoning_effort": "low"}
    parsed = parse(
        [
            meta(),
            started(1, "t1"),
            turn(1, "t1", "gpt-turn", effort="high"),
            says(2),
            recorded(3, resp(1), FIRST),
            event(4, "thread_settings_applied", thread_id=THREAD, thread_settings=settings),
            says(5),
            recorded(6, resp(2), SECOND),
            started(7, "t2"),
            says(8),
            recorded(9, resp(3), SECOND, turn_id="t2"),
        ]
    )
    assert [(step.model, step.effort, step.service_tier) for step in parsed.of(Step)] == [
        ("gpt-turn", "high", None),
        ("gpt-turn", "high", "priority"),
        ("gpt-set", "low", "priority"),
    ]


def test_settings_are_a_full_snapshot_that_may_take_a_tier_back() -> None:
    parsed = parse(
        [
            meta(),
            event(1, "thread_settings_applied", thread_settings={"model": "m", "service_tier": "priority"}),
            recorded(2, resp(1), FIRST),
            event(3, "thread_settings_applied", thread_settings={"model": "m"}),
            recorded(4, resp(2), SECOND),
        ]
    )
    assert [step.service_tier for step in parsed.of(Step)] == ["priority", None]


def test_a_configuration_update_changes_the_effort_of_what_follows() -> None:
    parsed = parse(
        [
            meta(),
            started(1, "t1"),
            turn(1, "t1", effort="low"),
            recorded(2, resp(1), FIRST),
            item(3, "configuration_update", reasoning={"effort": "high"}),
            recorded(4, resp(2), SECOND),
        ]
    )
    assert [step.effort for step in parsed.of(Step)] == ["low", "high"]


def test_a_turn_context_without_effort_means_the_models_default() -> None:
    log = [meta(), turn(1, effort="high"), counted(2, FIRST), turn(3), counted(4, SECOND)]
    assert [step.effort for step in parse(log).of(Step)] == ["high", None]


def test_a_step_has_the_client_version_in_force() -> None:
    log = [meta(cli_version="0.142.0"), says(1), counted(2, FIRST), meta(3, cli_version="0.147.0"), says(4)]
    steps = parse([*log, counted(5, BOTH, SECOND)]).of(Step)
    assert [step.client_version for step in steps] == ["0.142.0", "0.147.0"]


def test_a_turn_may_name_the_context_window_that_a_record_does_not() -> None:
    (step,) = parse([meta(), started(1, "t1", model_context_window=7), recorded(2, resp(1), FIRST)]).of(Step)
    assert step.context_window_tokens == 7


def test_what_a_fork_of_the_client_attributes_to_a_record_is_taken() -> None:
    told = {"model": "other", "service_tier": "flex", "context_length": 99}
    (step,) = parse([meta(), turn(1, "t1"), recorded(2, resp(1), FIRST, attribution=told)]).of(Step)
    assert (step.model, step.service_tier, step.context_window_tokens) == ("other", "flex", 99)


@pytest.mark.parametrize("times", [1, 2])
def test_the_response_that_wrote_a_summary_is_a_step_that_takes_no_inputs(times: int) -> None:
    parsed = parse(
        [
            meta(),
            started(1, "t1"),
            says(2),
            recorded(3, resp(1), FIRST),
            counted(3, FIRST),
            person(4),
            *[recorded(5, resp(2), (210_000, 200_000, 900, 0))] * times,
            compacted(
                5.04,
                compaction_response_id=resp(2),
                window_id="w2",
                latest=(resp(2), (210_000, 200_000, 900, 0)),
            ),
            event(5.1, "token_count", info=_estimate(12_000)),
            says(6),
            recorded(7, resp(3), SECOND),
        ]
    )
    assert [(step.step_seq, step.purpose) for step in parsed.of(Step)] == [
        (0, None),
        (1, "compaction"),
        (2, None),
    ]
    assert [(event.event_type, event.step_seq) for event in parsed.events if event.event_at == at(4)] == [
        ("user_message", 2)
    ]
    (mark,) = parsed.of(Compaction)
    assert (mark.compaction_id, mark.before_step_seq, mark.compacted_at) == (f"{THREAD}/w2", 2, at(5.04))
    assert (mark.pre_tokens, mark.post_tokens, mark.compaction_trigger) == (210_000, 12_000, None)


def test_the_size_before_a_compaction_is_that_of_the_latest_record_where_its_own_is_unknown() -> None:
    parsed = parse([meta(), recorded(1, resp(1), FIRST), compacted(2, latest=(resp(1), FIRST))])
    (mark,) = parsed.of(Compaction)
    assert (mark.pre_tokens, mark.post_tokens, mark.before_step_seq) == (1050, None, None)
    assert [step.purpose for step in parsed.of(Step)] == [None]


def test_compactions_without_a_window_are_keyed_by_their_place_in_the_turn() -> None:
    log = [meta(), started(1, "t1"), compacted(2), compacted(3), started(4, "t2"), compacted(5)]
    keys = [mark.compaction_id for mark in parse(log).of(Compaction)]
    assert len(set(keys)) == 3
    assert keys[2] == parse([meta(), started(4, "t2"), compacted(5)]).of(Compaction)[0].compaction_id


def test_context_compacted_is_only_the_echo_of_a_compaction() -> None:
    log = [meta(), compacted(2), event(2, "context_compacted"), mirror(2, "ContextCompaction")]
    assert len(parse(log).of(Compaction)) == 1


def test_a_copied_record_makes_a_step_only_where_the_file_has_no_other_trace_of_it() -> None:
    copied = compacted(9, latest=(resp(1), FIRST))
    lost = parse([meta(), copied])
    other_turn = parse([meta(), started(0, "t0"), says(1), counted(2, FIRST), copied])
    recorded_before = parse([meta(), recorded(1, resp(1), FIRST), copied])
    counted_before = parse([meta(), started(0, "t1"), says(1), counted(2, FIRST), copied])
    (step,) = lost.of(Step)
    assert (step.usage_source, step.message_id) == ("record_copy", f"{THREAD}/{resp(1)}")
    assert tokens(step) == (1000, 0, 1000, 50, 20)
    assert lost.events == []
    assert [step.usage_source for step in recorded_before.of(Step)] == ["record"]
    assert [step.usage_source for step in counted_before.of(Step)] == ["token_count"]
    assert [step.usage_source for step in other_turn.of(Step)] == ["token_count", "record_copy"]


def test_an_estimate_is_of_the_compaction_only_if_no_step_lies_between() -> None:
    log = [
        meta(cli_version="0.147.0"),
        says(1),
        counted(2, FIRST),
        compacted(3),
        says(4),
        counted(5, BOTH, SECOND),
    ]
    (mark,) = parse([*log, event(6, "token_count", info=_estimate(12_000))]).of(Compaction)
    assert (mark.before_step_seq, mark.post_tokens) == (1, None)


def test_a_compaction_amid_open_outputs_stands_before_the_step_after_them() -> None:
    (mark,) = parse([meta(), says(1), compacted(2), says(3), recorded(4, resp(1), FIRST)]).of(Compaction)
    assert mark.before_step_seq == 1


@pytest.mark.parametrize("responses", [0, 1, 2, 3])
def test_a_compaction_after_responses_without_usage_stands_behind_them_all(responses: int) -> None:
    log = [meta(cli_version="0.147.0"), started(1, "t1"), says(2), recorded(3, resp(1), FIRST)]
    for number in range(responses):
        log += [asks(4 + 2 * number, call(number)), gets(5 + 2 * number, call(number))]
    log += [compacted(20), says(23), recorded(24, resp(2), SECOND)]
    parsed = parse(log)
    (mark,) = parsed.of(Compaction)
    assert [step.usage_source for step in parsed.of(Step)] == ["record", *responses * ["none"], "record"]
    assert mark.before_step_seq == 1 + responses


def test_a_compaction_after_outputs_of_a_known_response_stands_before_the_next() -> None:
    log = [meta(cli_version="0.147.0"), started(1, "t1"), says(2), recorded(3, resp(1), FIRST), says(4)]
    log += [compacted(5), recorded(6, resp(1), FIRST), says(7), recorded(8, resp(2), SECOND)]
    parsed = parse(log)
    (mark,) = parsed.of(Compaction)
    assert (len(parsed.of(Step)), mark.before_step_seq) == (2, 1)


def test_values_of_a_wrong_type_are_absent_and_reported_while_the_rest_counts() -> None:
    body = {"thread_id": THREAD, "response_id": resp(1), "turn_id": 5}
    body |= {"usage": {"input_tokens": 10, "output_tokens": "x"}}
    parsed = parse([meta(), {"timestamp": "soon", "type": "token_usage_record", "payload": body}])
    (step,) = parsed.of(Step)
    assert (step.input_tokens, step.prefix_tokens, step.output_tokens, step.turn_id) == (10, 0, None, None)
    assert set(parsed.reasons) == {"wrong_type"}


def test_a_record_with_a_damaged_part_of_its_prompt_is_a_step_without_tokens() -> None:
    body = {
        "thread_id": THREAD,
        "response_id": resp(1),
        "usage": {"input_tokens": 10, "cached_input_tokens": -1, "output_tokens": 5},
    }
    parsed = parse([meta(), says(1, "four"), {"type": "token_usage_record", "payload": body}])
    (step,) = parsed.of(Step)
    assert (step.usage_source, step.input_tokens, step.prefix_tokens, step.append_tokens) == (
        "record",
        None,
        None,
        None,
    )
    assert (step.visible_chars, set(parsed.reasons)) == (4, {"wrong_type"})


def _estimate(tokens: int) -> Json:
    last = {"input_tokens": 0, "cached_input_tokens": 0, "output_tokens": 0, "reasoning_output_tokens": 0}
    total = {
        "input_tokens": 1000,
        "cached_input_tokens": 0,
        "output_tokens": 50,
        "reasoning_output_tokens": 20,
    }
    return {
        "total_token_usage": total | {"total_tokens": 1050},
        "last_token_usage": last | {"total_tokens": tokens},
        "model_context_window": 258_400,
    }
