"""Which steps make a workload, and what each waited for."""

from datetime import timedelta

import pytest

from tests.workloads.conftest import START, Marts
from tracelab.errors import TracelabError
from tracelab.workloads.selection import Filters, select_steps


def test_ids_are_ordinals_of_conversations_and_their_subagents(conversation: Marts) -> None:
    conversation.session("n", started_at=START - timedelta(hours=1))
    conversation.step("n#0", -3600, -3599, input_tokens=5)
    assert conversation.selected("step_key", "step_id") == [
        ("000001#0", "n#0"),
        ("000002#0", "m#0"),
        ("000002#1", "m#1"),
        ("000002#2", "m#2"),
        ("000002#3", "m#3"),
        ("000002-01#0", "m/a#0"),
        ("000002-01#1", "m/a#1"),
    ]


def test_a_subagent_without_its_conversation_is_one_of_its_own(marts: Marts) -> None:
    marts.session("gone/a", "gone")
    marts.step("gone/a#0", 0, 1, input_tokens=5)
    assert marts.selected("session_key") == [("000001",)]


def test_a_conversation_is_one_where_no_step_of_its_main_session_is_taken(marts: Marts) -> None:
    marts.session("m")
    marts.session("m/a", "m")
    marts.session("m/b", "m/a", root_session_id="m")
    marts.step("m#0", 0, 5, input_tokens=None, output_tokens=None)
    marts.step("m/b#0", 12, 15, input_tokens=5)
    marts.step("m/a#0", 10, 11, input_tokens=5)
    assert marts.selected("step_key", "session_id") == [("000001#0", "m/a"), ("000001-01#0", "m/b")]
    assert marts.selected("session_id", filters=Filters(sessions=["m/b"])) == [("m/a",), ("m/b",)]


def test_a_conversation_begins_with_its_first_time_where_its_main_session_has_none(marts: Marts) -> None:
    marts.session("m", started_at=None)
    marts.session("m/a", "m", started_at=START)
    for session in ("m", "m/a"):
        marts.step(f"{session}#0", 0, 5, input_tokens=5)
    for since, taken in ((START, 2), (START + timedelta(seconds=1), 0)):
        try:
            assert len(marts.selected("session_id", filters=Filters(since=since))) == taken
        except TracelabError:
            assert not taken


def test_a_conversation_comes_before_its_subagents_whatever_the_clock_says(marts: Marts) -> None:
    marts.session("m")
    marts.session("m/a", "m")
    marts.step("m#0", 10, 20, input_tokens=5)
    marts.step("m/a#0", 9, 15, input_tokens=5)
    assert marts.selected("session_key", "session_id") == [("000001", "m"), ("000001-01", "m/a")]


def test_steps_without_a_size_or_a_time_are_left_out_and_counted(conversation: Marts) -> None:
    conversation.step("m#4", 330, 340, input_tokens=None, output_tokens=None)
    conversation.step("m#5", 350, 360, input_tokens=0)
    conversation.step("m#6", None, None, input_tokens=7)
    conversation.step("m#7", 370, 380, input_tokens=7)
    conversation.selected("step_key")
    conversation.tables.execute("drop table workload_steps; drop table workload_sessions")
    counts = select_steps(conversation.tables, Filters())
    assert (counts.steps, counts.steps_left_out) == (7, 3)
    assert (counts.conversations, counts.sessions) == (1, 2)
    assert counts.input_tokens == 1000 + 200 + 260 + 1300 + 1500 + 400 + 7
    # never more than the prompt before: 1000 of the 1100 that m#1 could reuse
    assert counts.reusable_tokens == 1000 + 1300 + 130 + 200


def test_unknown_reuse_counts_as_what_was_read(marts: Marts) -> None:
    marts.session("m")
    marts.step("m#0", 0, 1, input_tokens=500, prefix_tokens=400)
    marts.step("m#1", 2, 3, input_tokens=600, prefix_tokens=300)
    assert marts.selected("reusable_tokens") == [(0,), (300,)]


def test_a_wait_is_tools_then_a_person_then_the_rest(marts: Marts) -> None:
    marts.session("m")
    marts.step("m#0", 0, 10, input_tokens=1)
    marts.call("m#0", 5, 9)  # over before the step was
    marts.call("m#0", 6, 25)
    marts.step("m#1", 30, 40, input_tokens=1)
    marts.call("m#1", 38, 42)
    marts.call("m#1", 39, 70, is_human_tool=True)
    marts.step("m#2", 100, 110, input_tokens=1, human_wait_ms=20_000)
    marts.call("m#2", 105, None)
    marts.step("m#3", 120, 130, input_tokens=1, human_wait_ms=99_000)
    assert marts.selected("wait_ms", "tool_ms", "human_ms", "other_ms") == [
        (None, None, None, None),
        (20_000, 15_000, 0, 5_000),
        (60_000, 2_000, 28_000 + 20_000, 10_000),
        (10_000, 0, 10_000, 0),
    ]


def test_a_wait_holds_what_was_waited_for_at_steps_that_are_left_out(marts: Marts) -> None:
    marts.session("m")
    marts.step("m#0", 0, 10, input_tokens=1)
    marts.call("m#0", 9, 11)
    marts.step("m#1", 11, 13, input_tokens=None, output_tokens=None)
    marts.call("m#1", 12, 110)
    marts.step("m#2", 112, 120, input_tokens=1)
    marts.step("m#3", 420, 421, input_tokens=None, output_tokens=None, human_wait_ms=300_000)
    marts.step("m#4", 422, 430, input_tokens=1)
    assert marts.selected("step_number", "wait_ms", "tool_ms", "human_ms", "other_ms", "tool_wall_ms") == [
        (0, None, None, None, None, 2_000 + 98_000),
        (1, 102_000, 1_000 + 97_000, 0, 4_000, 0),
        (2, 302_000, 0, 300_000, 2_000, 0),
    ]


def test_a_tool_at_a_step_that_is_left_out_takes_its_own_time_alone(marts: Marts) -> None:
    marts.session("m")
    marts.step("m#0", 0, 5, input_tokens=1)
    marts.step("m#1", 3605, 3606, input_tokens=None, output_tokens=None, human_wait_ms=3_600_000)
    marts.call("m#1", 3606, 3608)
    marts.step("m#2", 3618, 3620, input_tokens=1, human_wait_ms=10_000)
    assert marts.selected("wait_ms", "tool_ms", "human_ms", "other_ms")[1:] == [
        (3_613_000, 2_000, 3_610_000, 1_000)
    ]


def test_a_person_who_wrote_while_the_step_before_ran_is_not_waited_for(marts: Marts) -> None:
    marts.session("m")
    marts.step("m#0", 0, 100, input_tokens=1)
    marts.step("m#1", 110, 120, input_tokens=1, human_wait_ms=10_000)
    marts.step("m#2", 150, 160, input_tokens=1, human_wait_ms=30_000)
    for step, said_s in (("m#1", 50), ("m#2", 150)):
        at = START + timedelta(seconds=said_s)
        marts.add("staging.stg_events", step_id=step, event_order=0, event_type="user_message", event_at=at)
    assert marts.selected("human_ms", "other_ms") == [(None, None), (0, 10_000), (30_000, 0)]


def test_a_call_that_outlives_the_next_step_fills_the_waits_after_it(marts: Marts) -> None:
    marts.session("m")
    marts.step("m#0", 0, 10, input_tokens=1)
    marts.call("m#0", 5, 35)
    marts.step("m#1", 20, 30, input_tokens=1)
    marts.step("m#2", 40, 50, input_tokens=1)
    assert marts.selected("wait_ms", "tool_ms") == [(None, None), (10_000, 10_000), (10_000, 5_000)]


def test_a_step_is_submitted_after_the_one_before_it_whatever_the_log_says(marts: Marts) -> None:
    marts.session("m")
    marts.step("m#0", 0, 10, input_tokens=1)
    marts.step("m#1", None, 20, input_tokens=1)  # a compaction: nobody knows when it began
    marts.step("m#2", 12, 30, input_tokens=1)
    times = marts.selected("(submitted_ms - min(submitted_ms) over ()) / 1000", "api_ms", "wait_ms")
    assert times == [(0, 10_000, None), (20, None, 10_000), (20, 10_000, 0)]


def test_names_that_a_person_may_have_chosen_do_not_leave(marts: Marts) -> None:
    marts.session("m", user_name="ada", project="secret")
    named = {"user_name": "ada", "project": "secret"}
    marts.step("m#0", 0, 1, input_tokens=1, model="ada-finetune", cost_usd=None, **named)
    marts.step("m#1", 2, 3, input_tokens=1, model=None, cost_usd=None, **named)
    marts.call("m#0", 0, 1, tool_name="mcp__acme__deploy", mcp_server="acme")
    marts.call("m#0", 0.5, 1, tool_name="AcmeDeploy")
    assert marts.selected("model") == [("custom",), ("unknown",)]
    for format in ("weka", "tracelab", "mooncake", "mooncake-sessions", "agentic-mooncake", "replay"):
        path = marts.written(format)
        text = "".join(file.read_text() for file in (path.iterdir() if path.is_dir() else [path]))
        assert not any(name in text.lower() for name in ("ada", "secret", "acme")), format


def test_conversations_are_taken_whole(conversation: Marts) -> None:
    conversation.session("n", started_at=START + timedelta(hours=1))
    conversation.step("n#0", 3600, 3601, input_tokens=5)

    def taken(**filters: object) -> set[str]:
        return {step for (step,) in conversation.selected("session_id", filters=Filters(**filters))}  # type: ignore[arg-type]

    assert taken(since=START + timedelta(seconds=1)) == {"n"}
    assert taken(since=START, until=START + timedelta(hours=1)) == {"m", "m/a"}
    assert taken(sessions=["m/a"]) == {"m", "m/a"}
    assert taken(sessions=["m", "n"]) == {"m", "m/a", "n"}


def test_a_filter_that_leaves_nothing_is_an_error(conversation: Marts) -> None:
    with pytest.raises(TracelabError, match="no step with usage is left"):
        conversation.selected("step_id", filters=Filters(until=START))
    with pytest.raises(TracelabError, match="there is no session m/b; there is m/a"):
        conversation.selected("step_id", filters=Filters(sessions=["m/b"]))
