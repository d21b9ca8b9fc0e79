"""Codex: whatever stands in a log, what is read of it stays consistent."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders_codex import (
    PARENT,
    THREAD,
    asks,
    call,
    compacted,
    counted,
    event,
    gets,
    meta,
    mirror,
    ms,
    parse,
    recorded,
    resp,
    says,
    started,
    thinks,
    turn,
)
from tracelab.schema import Session, Step, ToolCall

FIRST, SECOND = (1000, 0, 50, 20), (1200, 900, 30, 0, 200)
LOG = [
    meta(60, forked_from_id=PARENT, subagent_history_start_ordinal="6", ordinal=0),
    meta(60, PARENT, ordinal=1),
    started(60, "p1"),
    asks(60, call(1)),
    gets(60, call(1)),
    counted(60, FIRST),
    event(60, "thread_settings_applied", ordinal=6, thread_id=THREAD, thread_settings={"model": "m"}),
    started(61, "t1"),
    turn(61, "t1"),
    mirror(61, "UserMessage", text="please"),
    mirror(62, "Reasoning", started_at_ms=ms(61)),
    thinks(62, parts=1),
    asks(63, call(2), "write_stdin", '{"chars":""}'),
    recorded(64, resp(1), FIRST),
    gets(65, call(2), "Wall time: 1 seconds\nOutput:\n"),
    counted(65, FIRST),
    recorded(66, resp(2), SECOND),
    compacted(66, compaction_response_id=resp(2), window_id="w", latest=(resp(2), SECOND)),
    event(67, "turn_aborted", reason="interrupted"),
    event(68, "mcp_tool_call_end", call_id=call(2), result={"Ok": {}}, duration={"secs": 1, "nanos": 5}),
    says(69),
]
ODD = (None, 0, -1, 2**70, 1e300, True, "", "x" * 30, [], [None], {}, {"type": 1}, [{"text": 5}], "\ud800")


def damaged(value: Any, share: float, chance: random.Random) -> Any:
    """Replace some values by odd ones, and drop some."""
    if chance.random() < share:
        return chance.choice(ODD)
    if isinstance(value, dict):
        return {
            key: damaged(part, share, chance) for key, part in value.items() if chance.random() > share / 2
        }
    if isinstance(value, list):
        return [damaged(part, share, chance) for part in value]
    return value


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from((0.01, 0.03, 0.1)), st.booleans())
def test_a_damaged_log_still_gives_consistent_rows(seed: int, share: float, is_shuffled: bool) -> None:
    chance = random.Random(seed)
    log = [damaged(record, share, chance) for record in LOG]
    if is_shuffled:
        chance.shuffle(log)
    parsed = parse(log)
    sessions = {row.session_id for row in parsed.of(Session)}
    steps = {(row.session_id, row.step_seq) for row in parsed.of(Step)}
    assert len(steps) == len(parsed.of(Step)) == parsed.tally.steps
    assert {session_id for session_id, _ in steps} <= sessions
    assert {(row.session_id, row.step_seq) for row in parsed.of(ToolCall)} <= steps
    assert {(row.session_id, row.step_seq) for row in parsed.events if row.step_seq is not None} <= steps
    assert sorted({row.event_index for row in parsed.events}) == [row.event_index for row in parsed.events]
    for step in parsed.of(Step):
        if step.input_tokens is None:
            assert (step.prefix_tokens, step.append_tokens, step.cache_write_tokens) == (None, None, None)
        else:
            assert step.input_tokens == (step.prefix_tokens or 0) + (step.append_tokens or 0)
            assert (step.cache_write_tokens or 0) <= (step.append_tokens or 0)


@pytest.mark.parametrize("namer", ["item_completed", "thread_settings_applied"])
def test_a_damaged_name_of_a_thread_takes_nothing_from_the_thread_around_it(namer: str) -> None:
    whole = [
        meta(),
        started(1, "t1"),
        event(2, namer, thread_id=THREAD, item={"type": "Reasoning"}, thread_settings={"model": "m"}),
        asks(3, call(1)),
        counted(4, FIRST),
        gets(5, call(1)),
        says(6),
        recorded(7, resp(1), SECOND),
    ]
    damaged = [*whole]
    damaged[2] = event(2, namer, thread_id=f"0{THREAD[1:-1]}.", thread_settings={"model": "m"})
    sound, found = parse(whole), parse(damaged)
    assert found.of(Session) == sound.of(Session)
    assert (found.of(Step), found.events) == (sound.of(Step), sound.events)


@pytest.mark.parametrize("name", ["\x00", f"{THREAD[:12]}{THREAD}"])
def test_a_record_that_names_no_thread_is_of_the_thread_around_it(name: str) -> None:
    whole = [
        meta(),
        started(1, "t1"),
        asks(2, call(1)),
        recorded(3, resp(1), FIRST),
        counted(3, FIRST),
        says(4),
    ]
    damaged = [*whole]
    damaged[3] = recorded(3, resp(1), FIRST, name)
    sound, found = parse(whole), parse(damaged)
    assert (found.of(Session), found.of(Step)) == (sound.of(Session), sound.of(Step))


def test_a_damaged_name_in_the_header_gives_way_to_the_one_in_the_files_name() -> None:
    path = f"/home/a/.codex/sessions/rollout-2026-09-20T10-00-00-{THREAD}.jsonl"
    log = [started(1, "t1"), mirror(2, "Reasoning"), asks(2, call(1)), recorded(3, resp(1), FIRST)]
    sound, found = parse([meta(), *log], path), parse([meta(0, THREAD[:20]), *log], path)
    assert (found.of(Session), found.of(Step)) == (sound.of(Session), sound.of(Step))


def test_a_header_that_stands_again_when_a_file_is_resumed_is_of_the_same_thread_whatever_its_name() -> None:
    path = f"/home/a/.codex/sessions/rollout-2026-09-20T10-00-00-{THREAD}.jsonl"
    first, second = [says(1), counted(2, FIRST)], [says(501), recorded(502, resp(1), SECOND)]
    sound = parse([meta(), *first, meta(500), *second], path)
    found = parse([meta(0, "run-7"), *first, meta(500, "run-7"), *second], path)
    assert (found.of(Session), found.of(Step)) == (sound.of(Session), sound.of(Step))


@pytest.mark.parametrize("ordinal", [2**31, 2**53 + 1])
def test_an_ordinal_that_no_line_can_have_ends_no_copy(ordinal: int) -> None:
    sound, damaged = parse(LOG), [*LOG]
    damaged[3] = LOG[3] | {"ordinal": ordinal}
    assert parse(damaged).of(Step) == sound.of(Step)


@pytest.mark.parametrize("lacks", ["input_tokens", "output_tokens"])
def test_a_response_counts_by_its_echo_where_its_own_row_lacks_a_part(lacks: str) -> None:
    log = [meta(), started(1, "t1"), asks(2, call(1)), counted(3, FIRST), counted(4, FIRST), says(5)]
    del log[3]["payload"]["info"]["last_token_usage"][lacks]
    assert sum(step.input_tokens or 0 for step in parse(log).of(Step)) == FIRST[0]


@pytest.mark.parametrize("lacks", ["input_tokens", "output_tokens", "reasoning_output_tokens"])
@pytest.mark.parametrize("damaged", [0, 1], ids=["row", "echo"])
def test_a_running_total_that_lacks_a_part_counts_no_response_twice(lacks: str, damaged: int) -> None:
    log = [meta(), started(1, "t1"), asks(2, call(1)), counted(3, FIRST), counted(4, FIRST), says(5)]
    del log[3 + damaged]["payload"]["info"]["total_token_usage"][lacks]
    assert sum(step.input_tokens or 0 for step in parse(log).of(Step)) == FIRST[0]


@pytest.mark.parametrize("lacks", ["input_tokens", "output_tokens"])
def test_a_record_that_lacks_a_part_has_it_from_its_echo(lacks: str) -> None:
    log = [
        meta(),
        started(1, "t1"),
        asks(2, call(1)),
        recorded(3, resp(1), FIRST),
        counted(4, FIRST),
        says(5),
    ]
    del log[3]["payload"]["usage"][lacks]
    steps = [step for step in parse(log).of(Step) if step.usage_source != "none"]
    assert [(step.input_tokens, step.output_tokens) for step in steps] == [(FIRST[0], FIRST[2])]


@pytest.mark.parametrize("kind", ["response_item", "event_msg", "turn_context", "token_usage_record"])
@pytest.mark.parametrize("body", ["{}", [{}], 7, None])
def test_a_line_without_a_body_is_counted_and_noted(kind: str, body: object) -> None:
    parsed = parse([meta(), {"timestamp": "2026-09-20T10:00:01Z", "type": kind, "payload": body}])
    assert sum(parsed.tally.records_by_type.values()) == parsed.tally.objects == 2
    assert "wrong_type" in parsed.reasons


@pytest.mark.parametrize("kind", [7, [1], {"a": 1}])
def test_an_event_whose_type_is_no_name_is_noted(kind: object) -> None:
    line = {"timestamp": "2026-09-20T10:00:01Z", "type": "event_msg", "payload": {"type": kind}}
    assert parse([meta(), line]).reasons == ["wrong_type"]
