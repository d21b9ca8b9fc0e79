"""Summaries of sessions and the overview on marts made by hand: who is counted, and over what."""

import random
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.test_summaries import MODELS, Marts, rendered

ALL = {"provider": "all", "session_kind": "all"}
POOLED = {**ALL, "model": "all"}
NOON = datetime(2026, 10, 5, 12)  # a Monday


@pytest.fixture
def marts(warehouse: Path) -> Iterator[Marts]:
    made = Marts(warehouse)
    yield made
    made.tables.close()


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def columns(rows: list[dict[str, Any]], key: str, *names: str) -> dict[Any, Any]:
    """The named columns of each row, by the row's key."""
    return {row[key]: tuple(row[name] for name in names) for row in rows}


def test_sessions_hold_their_timed_requests_and_may_hold_none(marts: Marts) -> None:
    marts.add(
        "sessions",
        {
            "session_id": "a",
            "steps": 9,
            "timed_requests": 3,
            "user_steps": 3,
            "tool_steps": 5,
            "tool_calls": 7,
        },
        {
            "session_id": "b",
            "steps": 1,
            "timed_requests": 0,
            "user_steps": 0,
            "tool_steps": 0,
            "tool_calls": 0,
        },
        {"session_id": "asked only", "steps": 0, "timed_requests": 0},
    )
    marts.add(
        "requests",
        {"response_ms": 5, "steps": 4, "user_steps": 1, "tool_steps": 3, "tool_calls": 6},
        {"response_ms": 0, "steps": 5, "user_steps": 2, "tool_steps": 2, "tool_calls": 1},
    )
    marts.add("steps", {"step_id": "x", "tool_calls": 0}, {"step_id": "y", "tool_calls": 3})
    rows = {(row["unit"], row["metric"]): row for row in marts.rows("summary_session_counts", **POOLED)}
    assert {key: (row["count"], row["mean"]) for key, row in rows.items()} == {
        ("session", "requests"): (2, 1.5),
        ("session", "steps"): (2, 5.0),
        ("session", "user_steps"): (2, 1.5),
        ("session", "tool_steps"): (2, 2.5),
        ("session", "tool_calls"): (2, 3.5),
        ("request", "steps"): (1, 4.0),
        ("request", "user_steps"): (1, 1.0),
        ("request", "tool_steps"): (1, 3.0),
        ("request", "tool_calls"): (1, 6.0),
        ("step", "tool_calls"): (2, 1.5),
    }


def test_prompts_shrink_a_little_ordinarily_or_by_64000_tokens(marts: Marts) -> None:
    growths = (5, 0, -1, -1024, -1025, -63_999, -64_000, None)
    marts.add(
        "steps",
        *({"step_id": str(n), "previous_step_id": "x", "context_growth_tokens": n} for n in growths),
        {"step_id": "unstarted", "previous_step_id": "x", "context_growth_tokens": -9, "trigger": "none"},
        {"step_id": "first"},
    )
    rows = marts.rows("summary_input_growth", model="all", trigger="all", **ALL)
    assert columns(rows, "growth_bucket", "steps", "count", "growth_tokens") == {
        "all": (8, 7, 5 - 1 - 1024 - 1025 - 63_999 - 64_000),
        "positive": (1, 1, 5),
        "zero": (1, 1, 0),
        "negative": (5, 5, -1 - 1024 - 1025 - 63_999 - 64_000),
        "micro": (2, 2, -1025),
        "ordinary": (2, 2, -65_024),
        "major": (1, 1, -64_000),
    }
    shares = columns(rows, "growth_bucket", "step_share")
    assert (shares["all"], shares["micro"], shares["negative"]) == ((1,), (2 / 7,), (5 / 7,))


def test_every_trigger_and_growth_bucket_has_a_row_without_steps_too(marts: Marts) -> None:
    marts.add("steps", {"step_id": "s", "previous_step_id": "x", "context_growth_tokens": 5})
    rows = marts.rows("summary_input_growth", provider="claude", session_kind="all", model="all")
    assert len(rows) == 3 * 7
    (major,) = (row for row in rows if (row["trigger"], row["growth_bucket"]) == ("tool", "major"))
    shown = ("steps", "count", "growth_tokens", "step_share", "mean", "p50")
    assert tuple(major[name] for name in shown) == (0, 0, 0, 0.0, None, None)
    (other,) = (row for row in rows if (row["trigger"], row["growth_bucket"]) == ("user", "all"))
    assert tuple(other[name] for name in shown) == (0, 0, 0, None, None, None)


def test_a_cut_of_first_steps_alone_has_every_trigger_and_growth_bucket_too(marts: Marts) -> None:
    marts.add("steps", {"step_id": "s", "previous_step_id": None})
    rows = marts.rows("summary_input_growth", provider="claude", session_kind="all", model="all")
    assert len(rows) == 3 * 7
    assert {(row["steps"], row["growth_tokens"], row["step_share"]) for row in rows} == {(0, 0, None)}


def test_growth_is_binned_by_octaves_on_either_side_of_0(marts: Marts) -> None:
    growths = (0, 1, 2, 3, 4, -1, -3, -4, 2**22, None)
    marts.add(
        "steps",
        *(
            {"step_id": str(n), "previous_step_id": "x", "context_growth_tokens": n, "trigger": "tool"}
            for n in growths
        ),
        {"step_id": "first", "context_growth_tokens": 7},
        {"step_id": "unstarted", "previous_step_id": "x", "context_growth_tokens": 7, "trigger": "none"},
    )
    rows = marts.rows("summary_input_growth_bins", trigger="tool", **ALL)
    found = {row["bin"]: (row["low_tokens"], row["high_tokens"], row["steps"]) for row in rows}
    assert found == {
        -3: (-8, -4, 1),
        -2: (-4, -2, 1),
        -1: (-2, -1, 1),
        0: (0, 1, 1),
        1: (1, 2, 1),
        2: (2, 4, 2),
        3: (4, 8, 1),
        23: (2**22, None, 1),
    }
    assert {row["bin"]: row["step_share"] for row in rows}[2] == 2 / 9
    pooled = marts.rows("summary_input_growth_bins", trigger="all", **ALL)
    assert {row["bin"]: row["steps"] for row in pooled} == {row["bin"]: row["steps"] for row in rows}


@pytest.fixture
def compacted(marts: Marts) -> Marts:
    """A log with three markers, one of which the sizes tell, and falls that are none; and one without.

    A fall is from the latest size that is known, be it beyond a step of several calls or one without usage.
    """
    marts.add("sessions", *({"session_id": name, "steps": 9} for name in ("marked", "plain", "calm")))
    fall = {
        "inferred_pre_tokens": 90_000,
        "context_tokens": 26_000,
        "user_messages": 1,
        "tool_results": 0,
    }
    before = {"context_tokens": 90_000, "calls": 2, "user_messages": 0, "tool_results": 1}
    marts.add(
        "steps",
        {"step_id": "m0", "session_id": "marked", "step_index": 0, **before},
        {"step_id": "m1", "session_id": "marked", "step_index": 1, "trigger": "none", **fall},
        {"step_id": "m2", "session_id": "marked", "step_index": 2, **before},
        {"step_id": "own", "session_id": "marked", "step_index": 3, "purpose": "compaction", **fall}
        | {"inferred_pre_tokens": None},
        {"step_id": "unmetered", "session_id": "marked", "step_index": 4, "user_messages": 1},
        {"step_id": "m3", "session_id": "marked", "step_index": 5, **fall},
        {"step_id": "p0", "session_id": "plain", "step_index": 0, **before},
        {"step_id": "p1", "session_id": "plain", "step_index": 1, **fall, "trigger": "user"},
        {"step_id": "p2", "session_id": "plain", "step_index": 2, **before},
        {"step_id": "p3", "session_id": "plain", "step_index": 3, **fall, "inferred_pre_tokens": None},
        {"step_id": "p4", "session_id": "plain", "step_index": 4, **before, "user_messages": 0},
        {"step_id": "p5", "session_id": "plain", "step_index": 5, **fall, "user_messages": 0}
        | {"inferred_pre_tokens": None},
    )
    marts.add(
        "compactions",
        {"compaction_id": "1", "session_id": "marked", "step_id": "m1", "source": "explicit"},
        {"compaction_id": "2", "session_id": "marked", "step_id": "m2", "source": "explicit"},
        {"compaction_id": "3", "session_id": "marked", "step_id": None, "source": "explicit"},
        {"compaction_id": "4", "session_id": "plain", "step_id": "p1", "source": "inferred"},
    )
    return marts


def test_the_inferred_rule_is_held_against_the_markers(compacted: Marts) -> None:
    rows = compacted.rows("summary_compactions", trigger="all", population="all", **ALL)
    assert columns(rows, "source", "compactions", "precision", "recall", "share_of_major") == {
        "all": (4, None, None, None),
        "explicit": (3, None, 1 / 3, None),
        "inferred": (3, 0.5, None, 3 / 4),
    }
    assert columns(rows, "source", "count", "mean", "judged_compactions")["inferred"] == (3, 1.0, 2)


def test_compactions_are_told_apart_by_what_follows_and_among_sessions_that_have_one(
    compacted: Marts,
) -> None:
    rows = compacted.rows("summary_compactions", source="all", population="all", **ALL)
    assert columns(rows, "trigger", "compactions") == {"all": (4,), "none": (1,), "tool": (1,), "user": (1,)}
    some = compacted.row("summary_compactions", source="all", trigger="all", population="compacted", **ALL)
    assert (some["count"], some["mean"], some["max"]) == (2, 2.0, 3.0)


def test_costs_are_of_priced_steps_and_units_without_one_are_only_counted(marts: Marts) -> None:
    price = {"append_cost_usd": "0.5", "prefix_cost_usd": "0.25", "output_cost_usd": "0.25", "cost_usd": "1"}
    tokens = {"append_tokens": 10, "prefix_tokens": 20, "input_tokens": 30, "output_tokens": 30}
    tokens["usage_is_final"] = True
    marts.add(
        "steps",
        {"step_id": "1", "session_id": "a", "request_id": "a@1", **tokens, **price},
        {"step_id": "2", "session_id": "a", "request_id": "a@1", **tokens, **price, "usage_is_final": False},
        {"step_id": "3", "session_id": "a", "request_id": "a@2", **tokens, **price},
        {"step_id": "4", "session_id": "a", "request_id": "a@2", **tokens},
        {
            "step_id": "5",
            "session_id": "unpriced",
            "request_id": "unpriced@1",
            **tokens,
            "output_tokens": None,
        },
        {"step_id": "6", "session_id": "a", "request_id": "a@1", "usage_is_final": False},
    )
    marts.add(
        "requests",
        {"request_id": "a@1", "response_ms": 1},
        {"request_id": "a@2", "response_ms": 0},
        {"request_id": "unpriced@1", "response_ms": 1},
    )
    costs = {
        row["unit"]: row
        for row in marts.rows("summary_cost_distribution", measure="cost_usd", category="all", **POOLED)
    }
    assert {unit: (row["units"], row["count"], row["mean"]) for unit, row in costs.items()} == {
        "session": (2, 1, 3.0),
        "request": (2, 1, 2.0),
        "step": (6, 3, 1.0),
    }
    left_out = ("unpriced_units", "unpriced_tokens", "placeholder_steps")
    assert {unit: tuple(row[name] for name in left_out) for unit, row in costs.items()} == {
        "session": (2, 90, 1),
        "request": (1, 30, 1),
        "step": (2, 90, 1),
    }
    parts = marts.rows("summary_cost_distribution", unit="session", measure="cost_usd", **POOLED)
    assert columns(parts, "category", "total", "total_share") == {
        "all": (3.0, 1.0), "append": (1.5, 0.5), "prefix": (0.75, 0.25), "output": (0.75, 0.25)
    }  # fmt: skip
    held = marts.rows("summary_cost_distribution", unit="session", measure="tokens", **POOLED)
    assert columns(held, "category", "count", "mean")["all"] == (1, 180.0)


def test_a_step_whose_output_is_not_known_has_its_prompt_in_all_tokens(marts: Marts) -> None:
    step = {"input_tokens": 10, "prefix_tokens": 6, "append_tokens": 4, "cost_usd": "1"}
    costs = {"append_cost_usd": "1", "prefix_cost_usd": "0", "output_cost_usd": "0"}
    marts.add("steps", {"step_id": "known", "output_tokens": 10, **step, **costs})
    marts.add("steps", {"step_id": "unknown", "output_tokens": None, **step, **costs})
    held = marts.rows("summary_cost_distribution", unit="step", measure="tokens", **POOLED)
    assert columns(held, "category", "total", "total_share") == {
        "all": (30.0, 1.0), "append": (8.0, 8 / 30), "prefix": (12.0, 12 / 30), "output": (10.0, 10 / 30)
    }  # fmt: skip


def test_the_curve_of_spend_counts_sessions_that_cost_less_and_what_they_cost(marts: Marts) -> None:
    marts.add("sessions", *({"session_id": cost, "cost_usd": cost} for cost in ("0", "0.999999", "1", "8")))
    marts.add("sessions", {"session_id": "unpriced", "cost_usd": None})
    rows = marts.rows("summary_cost_cdf", **ALL)
    below = columns(rows, "threshold_usd", "cumulative_count", "cumulative_usd", "cumulative_cost_share")
    assert below[1.0] == (2, 0.999999, 0.999999 / 9.999999)
    assert below[10.0] == below[None] == (4, 9.999999, 1.0)
    assert {row["count"] for row in rows} == {4}


def test_sessions_that_cost_nothing_have_no_share_of_the_spend(marts: Marts) -> None:
    marts.add("sessions", {"session_id": "a", "cost_usd": "0"})
    assert {row["cumulative_cost_share"] for row in marts.rows("summary_cost_cdf")} == {None}


def test_parts_of_a_session_that_overlap_add_up_beside_a_partition_that_does_not(marts: Marts) -> None:
    hour = 3_600_000
    session = {
        "steps": 2,
        "wall_ms": 10 * hour,
        "human_wait_ms": 6 * hour,
        "human_wait_capped_ms": hour,
        "generation_ms": 2 * hour,
        "tool_effective_ms": 5 * hour,
        "generation_part_ms": 2 * hour,
        "tool_part_ms": hour,
        "human_tool_part_ms": hour,
        "human_part_ms": 5 * hour,
        "other_part_ms": hour,
    }
    marts.add("sessions", {"session_id": "a", **session}, {"session_id": "b", **session, "wall_ms": 0})
    rows = marts.rows("summary_timing_distribution", **POOLED)
    shares = {(row["block"], row["category"]): row["total_share"] for row in rows}
    assert [shares["session", part] for part in ("all", "human", "generation", "tool")] == [
        1.0,
        0.6,
        0.2,
        0.5,
    ]
    capped = [shares["session_capped", part] for part in ("all", "human", "generation", "tool")]
    assert capped == [1.0, 1 / 8, 2 / 8, 5 / 8]
    partition = [
        shares["session_partition", part] for part in ("human", "human_tool", "generation", "tool", "other")
    ]
    assert (partition, sum(partition)) == ([0.5, 0.1, 0.2, 0.1, 0.1], 1.0)
    active = {part: share for (block, part), share in shares.items() if block == "session_active"}
    assert active == {"all": 1.0, "generation": 0.5, "tool": 0.25, "other": 0.25}
    assert columns(rows, "block", "count")["session"] == (1,)


def test_single_times_leave_out_what_took_none_and_steps_count_it_as_zero(marts: Marts) -> None:
    marts.add(
        "steps",
        {"step_id": "a", "human_waits_ms": [], "generation_ms": None},
        {"step_id": "b", "human_waits_ms": [1000, 7000], "generation_ms": 2000},
    )
    marts.add(
        "tool_calls",
        {"step_id": "b", "tool_call_id": "1", "effective_ms": 0},
        {"step_id": "b", "tool_call_id": "2", "effective_ms": 6000},
        {"step_id": "a", "tool_call_id": "3", "effective_ms": None},
    )
    marts.add(
        "requests",
        {"response_ms": 10_000, "generation_ms": 2000, "tool_effective_ms": 6000, "other_ms": 3000},
        {"response_ms": None, "generation_ms": 1, "tool_effective_ms": 1, "other_ms": 1},
    )
    rows = marts.rows("summary_timing_distribution", **POOLED)
    found = {(row["block"], row["category"]): (row["count"], row["mean"]) for row in rows}
    assert found == {
        ("individual", "human"): (2, 4.0),
        ("individual", "generation"): (1, 2.0),
        ("individual", "tool"): (2, 3.0),
        ("step", "all"): (2, 4.0),
        ("step", "generation"): (2, 1.0),
        ("step", "tool"): (2, 3.0),
        ("request", "all"): (1, 10.0),
        ("request", "generation"): (1, 2.0),
        ("request", "tool"): (1, 6.0),
        ("request", "other"): (1, 3.0),
    }


def _drawable(name: str, **other: Any) -> dict[str, Any]:
    return {
        "session_id": name,
        "steps": 60,
        "user_steps": 2,
        "tool_steps": 10,
        "tool_calls": 100,
        "peak_context_tokens": 1024,
        "input_tokens": 4096,
        **other,
    }


def test_a_session_can_be_drawn_between_60_and_220_steps_that_are_not_mostly_messages(marts: Marts) -> None:
    sessions = [
        _drawable("least"),
        _drawable("most", steps=220),
        _drawable("talks", user_steps=42),
        _drawable("short", steps=59),
        _drawable("long", steps=221),
        _drawable("one message", user_steps=1),
        _drawable("nine tools", tool_steps=9),
        _drawable("only talks", user_steps=43),
    ]
    marts.add("sessions", *sessions)
    marts.add("steps", *({"step_id": row["session_id"], "session_id": row["session_id"]} for row in sessions))
    rows = marts.rows("summary_session_token_steps")
    assert columns(rows, "session_id", "score_rank", "score") == {
        "most": (1, 220 + 5 * 2 + 10 + 3),
        "talks": (2, 60 + 5 * 10 + 10 + 3),
        "least": (3, 60 + 5 * 2 + 10 + 3),
    }


def test_a_picture_marks_markers_and_falls_that_are_not_made_good(marts: Marts) -> None:
    prompts = {
        "falls": (32_768, 24_576, 24_575),
        "little": (32_768, 24_577, 1),
        "small": (32_767, 1, 1),
        "returns": (40_000, 20_000, 30_000),
        "ends": (40_000, 20_000),
    }
    for session, sizes in prompts.items():
        marts.add("sessions", _drawable(session))
        steps = [
            {"step_id": f"{session}{n}", "session_id": session, "step_index": n, "context_tokens": size}
            for n, size in enumerate(sizes)
        ]
        marts.add("steps", *steps)
    marts.add("sessions", _drawable("marked"))
    marts.add(
        "steps",
        {"step_id": "a", "session_id": "marked", "step_index": 0, "context_tokens": 90_000},
        {"step_id": "b", "session_id": "marked", "step_index": 1, "context_tokens": 10_000},
        {"step_id": "c", "session_id": "marked", "step_index": 2, "context_tokens": 10_000},
    )
    marts.add("compactions", {"session_id": "marked", "step_id": "b", "source": "explicit"})
    marts.add("compactions", {"session_id": "another", "step_id": None, "source": "explicit"})  # ends its log
    rows = marts.rows("summary_session_token_steps")
    marks = columns(rows, "session_id", "marker_steps", "fall_steps")
    assert marks == {
        "falls": (0, 1), "little": (0, 0), "small": (0, 0), "returns": (0, 0), "ends": (0, 0),
        "marked": (1, 0),
    }  # fmt: skip


def test_tokens_of_several_calls_are_no_size_of_a_prompt_to_draw(marts: Marts) -> None:
    marts.add("sessions", _drawable("a"))
    marts.add(
        "steps",
        {"step_id": "one", "session_id": "a", "calls": 1, "prefix_tokens": 60, "append_tokens": 40},
        {"step_id": "two", "session_id": "a", "calls": 2, "prefix_tokens": 500, "append_tokens": 300},
    )
    [row] = marts.rows("summary_session_token_steps")
    assert (row["prefix_mean_tokens"], row["append_mean_tokens"]) == (60, 40)
    assert (row["prefix_max_tokens"], row["append_max_tokens"]) == (60, 40)


def test_sessions_to_draw_are_the_best_by_three_scores(marts: Marts) -> None:
    for number in range(12):
        name = f"{number:02}"
        marts.add("sessions", _drawable(name, steps=200 - number, input_tokens=4096 * 4**number))
        marts.add("steps", {"step_id": name, "session_id": name, "step_index": 0, "context_tokens": 100})
    marts.add("compactions", {"session_id": "07", "step_id": "07", "source": "explicit"})
    rows = marts.rows("summary_session_token_steps")
    selected = sorted(row["session_id"] for row in rows if row["is_selected"])
    assert selected == ["00", "01", "02", "03", "04", "07", "08", "09", "10", "11"]


def test_a_conversation_s_own_total_is_set_beside_the_steps_of_all_its_sessions(marts: Marts) -> None:
    cost = {"cost_usd": "1", "web_cost_usd": "0.5", "extra_cost_usd": None, "usage_is_final": True}
    agent = {"session_kind": "subagent", **cost}
    marts.add(
        "steps",
        {"root_session_id": "m", "client_version": "2", "input_tokens": 10, "output_tokens": 1, **cost},
        {
            "root_session_id": "m",
            "client_version": "1",
            "input_tokens": 20,
            "output_tokens": 2,
            **agent,
            **cost,
        },
        {"root_session_id": "m", "client_version": "2", "usage_is_final": False, "web_cost_usd": "0.5"},
        {"root_session_id": "n", "client_version": "2", "input_tokens": 7, "usage_is_final": False},
        # of a published dataset that cannot tell
        {"root_session_id": "n", "client_version": "3", "input_tokens": 7, "usage_is_final": None},
    )
    total = {"client_input_tokens": 40, "client_output_tokens": 6, "client_cost_usd": "4"}
    marts.add(
        "sessions",
        {"session_id": "m", "client_version": "2", **total},
        {"session_id": "n", "client_version": "2"},
    )
    rows = marts.rows("summary_completeness", **ALL)
    names = ("steps", "metered_steps", "final_usage_steps", "final_usage_share", "checked_conversations")
    assert columns(rows, "client_version", *names) == {
        "all": (5, 4, 3, 0.6, 1),
        "1": (1, 1, 1, 1.0, 0),
        "2": (3, 2, 1, 1 / 3, 1),
        "3": (1, 1, 1, 1.0, 0),
    }
    totals = ("logged_input_tokens", "client_input_tokens", "logged_output_tokens", "client_output_tokens")
    both = columns(rows, "client_version", *totals, "logged_cost_usd", "client_cost_usd", "logged_cost_share")
    assert both["2"] == (30, 40, 3, 6, 3.5, 4.0, 0.875)
    assert both["1"] == (None,) * 7


@pytest.mark.parametrize(
    ("goes_on", "expected"),
    [
        # all of it is in the other's total
        (False, (1, 70, 70, 7, 7)),
        # the first conversation goes on by itself: what both share is in both totals
        (True, (2, 70 + 60, 70 + 40, 7 + 5, 7 + 4)),
    ],
)
def test_a_total_that_goes_on_in_another_log_is_set_beside_all_that_it_holds(
    marts: Marts, goes_on: bool, expected: tuple[int, ...]
) -> None:
    used = {"input_tokens": 30, "output_tokens": 3, "cost_usd": "3", "append_tokens": 30, "prefix_tokens": 0}
    marts.add(
        "steps",
        {"step_id": "m#0", "session_id": "m", "root_session_id": "m", "step_index": 0, **used}
        | {"last_event_at": "2026-10-01 10:00:00"},
        *[
            {"step_id": f"{agent}#0", "session_id": agent, "root_session_id": "m", "step_index": 0, **used}
            | {"input_tokens": tokens, "output_tokens": 1, "last_event_at": f"2026-10-01 {at}"}
            for agent, tokens, at in (("m/a", 10, "09:59:00"), ("m/b", 20, "11:00:00"))
            if goes_on or agent == "m/a"
        ],
        {"step_id": "n#0", "session_id": "n", "root_session_id": "n", "step_index": 0, **used},
    )
    if goes_on:
        marts.add(
            "steps",
            {"step_id": "m#1", "session_id": "m", "root_session_id": "m", "step_index": 1}
            | {"last_event_at": "2026-10-01 12:00:00"},
        )
    marts.add(
        "sessions",
        {"session_id": "m", "client_input_tokens": 40, "client_output_tokens": 4, "client_cost_usd": "4"},
        {"session_id": "n", "client_input_tokens": 70, "client_output_tokens": 7, "client_cost_usd": "7"}
        | {"forked_from_step_id": "m#0"},
    )
    [row] = [row for row in marts.rows("summary_completeness", **ALL) if row["client_version"] == "all"]
    assert (
        row["checked_conversations"],
        row["logged_input_tokens"],
        row["client_input_tokens"],
        row["logged_output_tokens"],
        row["client_output_tokens"],
    ) == expected


def test_logs_that_copy_each_other_are_no_end_of_a_total(marts: Marts) -> None:
    for name, origin in (("m", "n#0"), ("n", "m#0")):
        common = {"session_id": name, "root_session_id": name}
        marts.add(
            "steps",
            {"step_id": f"{name}#0", "step_index": 0, "input_tokens": 30, **common},
            {"step_id": f"{name}#1", "step_index": 1, "input_tokens": 5, **common},
        )
        total = {"client_input_tokens": 70, "client_output_tokens": 7, "client_cost_usd": "7"}
        marts.add("sessions", {"session_id": name, "forked_from_step_id": origin, **total})
    [row] = [row for row in marts.rows("summary_completeness", **ALL) if row["client_version"] == "all"]
    assert (row["checked_conversations"], row["logged_input_tokens"]) == (2, 2 * (30 + 5 + 30))


def test_days_are_the_reader_s_and_steps_without_a_time_are_counted(marts: Marts) -> None:
    marts.add(
        "steps",
        {"step_id": "a", "local_time": datetime(2026, 10, 5, 23, 59), "input_tokens": 5, "cost_usd": "0.5"},
        {"step_id": "b", "local_time": datetime(2026, 10, 6), "input_tokens": 7},
        {"step_id": "c"},
    )
    rows = marts.rows("summary_dashboard_daily", **ALL)
    assert columns(rows, "day", "steps", "input_tokens", "cost_usd", "unpriced_steps", "timezone") == {
        date(2026, 10, 5): (1, 5, 0.5, 0, "UTC"),
        date(2026, 10, 6): (1, 7, None, 1, "UTC"),
        None: (1, None, None, 0, "UTC"),
    }


def test_every_hour_of_the_week_has_a_row_and_the_week_begins_on_monday(marts: Marts) -> None:
    times = (datetime(2026, 10, 5, 0, 30), datetime(2026, 10, 11, 23), datetime(2026, 10, 4, 23, 59))
    marts.add("steps", *({"step_id": str(time), "local_time": time} for time in times))
    rows = marts.rows("summary_dashboard_hour_weekday", **ALL)
    assert len({(row["weekday"], row["hour"]) for row in rows}) == len(rows) == 7 * 24
    assert {(row["weekday"], row["hour"]): row["steps"] for row in rows if row["steps"]} == {
        (0, 0): 1,
        (6, 23): 2,
    }


def test_a_client_whose_steps_have_no_time_has_every_hour_too(marts: Marts) -> None:
    marts.add("steps", {"step_id": "a", "local_time": datetime(2026, 10, 5)})
    marts.add("steps", {"step_id": "b", "provider": "codex", "local_time": None})
    rows = marts.rows("summary_dashboard_hour_weekday", provider="codex", session_kind="all")
    assert [row["steps"] for row in rows] == [0] * 7 * 24


def test_a_model_without_a_price_has_tokens_and_no_cost(marts: Marts) -> None:
    tokens = {"input_tokens": 10, "output_tokens": 4}
    marts.add(
        "steps",
        {"step_id": "a", **tokens, "cost_usd": "1"},
        {"step_id": "b", "model": None, **tokens, "output_tokens": None},
        {"step_id": "c", "model": None},
    )
    rows = marts.rows("summary_dashboard_models", provider="claude", session_kind="all")
    assert columns(
        rows, "model", "steps", "cost_usd", "priced_steps", "unpriced_steps", "unpriced_tokens"
    ) == {
        "all": (3, 1.0, 1, 1, 10),
        "m": (1, 1.0, 1, 0, 0),
        None: (2, None, 0, 1, 10),
    }


def test_a_model_has_its_share_of_what_all_clients_did(marts: Marts) -> None:
    marts.add("steps", {"step_id": "a", "input_tokens": 70, "output_tokens": 5, "cost_usd": "3"})
    other = {"provider": "codex", "model": "n"}
    marts.add("steps", {"step_id": "b", **other, "input_tokens": 20, "output_tokens": 5, "cost_usd": None})
    rows = marts.rows("summary_dashboard_models", session_kind="all")
    found = {row["model"]: row for row in rows if row["model"] != "all"}
    assert [found["m"][name] for name in ("step_share", "token_share", "cost_share")] == [0.5, 0.75, 1.0]
    assert [found["n"][name] for name in ("step_share", "token_share", "cost_share")] == [0.5, 0.25, None]


def test_without_a_step_no_share_is_told(marts: Marts) -> None:
    row = marts.row("summary_dashboard_models", provider="all")
    assert (row["steps"], row["step_share"]) == (0, None)


def test_half_an_hour_without_a_step_ends_a_stretch_and_a_message_ends_a_run(marts: Marts) -> None:
    beginnings = {
        "a": [(0, "user"), (30, "tool"), (50, "tool"), (80.1, "tool"), (81, "user"), (100, "none")],
        "b": [(0, "user"), (40, "tool")],
        "of a clock set back": [(20, "user"), (0, "user"), (30, "user"), (55, "user")],
    }
    for session, steps in beginnings.items():
        marts.add(
            "steps",
            *(
                {
                    "step_id": f"{session}{n}",
                    "session_id": session,
                    "step_index": n,
                    "first_event_at": at(minutes),
                    "trigger": trigger,
                }
                for n, (minutes, trigger) in enumerate(steps)
            ),
        )
    rows = marts.rows("summary_dashboard_facts", **ALL)
    assert columns(rows, "name", "value", "step_id", "steps", "started_at") == {
        "longest_continuous_session_s": (50 * 60.0, "a0", 3, at(0)),
        "longest_unattended_run_s": (20 * 60.0, "a1", 2, at(30)),
    }


def test_a_stretch_whose_clock_was_set_back_lasts_no_time(marts: Marts) -> None:
    for index, minutes in enumerate((300, 180)):
        marts.add(
            "steps",
            {"step_id": f"a{index}", "step_index": index, "first_event_at": at(minutes), "trigger": "tool"},
        )
    assert {row["value"] for row in marts.rows("summary_dashboard_facts", **ALL)} == {0}


def _stats(marts: Marts) -> dict[str, float]:
    return {row["name"]: row["value"] for row in marts.rows("summary_dashboard_stats", **ALL)}


def test_the_hit_ratio_changes_within_sessions_and_along_the_trace(marts: Marts) -> None:
    hits = {"late": (0.1, 0.2, 0.3), "early": (0.7, None, 0.9), "single": (0.4,)}
    for day, (session, ratios) in zip((3, 1, 5), hits.items(), strict=True):
        marts.add(
            "sessions", {"session_id": session, "steps": len(ratios), "started_at": datetime(2026, 10, day)}
        )
        marts.add(
            "steps",
            *(
                {"step_id": f"{session}{n}", "session_id": session, "step_index": n, "hit_ratio": ratio}
                for n, ratio in enumerate(ratios)
            ),
        )
    stats = _stats(marts)
    assert stats["hit_ratio_change_per_100_steps"] == pytest.approx(10)
    trace = [(0, 0.7), (2, 0.9), (3, 0.1), (4, 0.2), (5, 0.3), (6, 0.4)]
    mean_x, mean_y = (sum(values) / len(trace) for values in zip(*trace, strict=True))
    slope = sum((x - mean_x) * (y - mean_y) for x, y in trace) / sum((x - mean_x) ** 2 for x, _ in trace)
    assert stats["hit_ratio_change_per_100_steps_of_trace"] == pytest.approx(100 * slope)
    assert (stats["hit_ratio_p50"], stats["hit_ratio_p90"]) == (pytest.approx(0.35), pytest.approx(0.8))


def test_sessions_that_start_together_change_no_slope_by_their_names(marts: Marts) -> None:
    chance = random.Random(1)
    hits = [[chance.random() for _ in range(chance.randrange(1, 9))] for _ in range(30)]
    found = []
    for names in (range(30), range(30, 0, -1)):
        marts.tables.execute("delete from sessions; delete from steps")
        for name, ratios in zip(names, hits, strict=True):
            session = f"{name:02}"
            marts.add("sessions", {"session_id": session, "steps": len(ratios), "started_at": at(0)})
            marts.add(
                "steps",
                *(
                    {"step_id": f"{session}#{n}", "session_id": session, "step_index": n, "hit_ratio": ratio}
                    for n, ratio in enumerate(ratios)
                ),
            )
        found.append({name: value for name, value in _stats(marts).items() if "change" in name})
    assert len(found[0]) == 2
    assert found[0] == found[1]


def test_weeks_are_counted_where_something_was_done(marts: Marts) -> None:
    days = {5: (9, 9, 10), 6: (9,), 12: (0, 1, 2, 3, 4)}
    for day, hours in days.items():
        marts.add(
            "steps",
            *(
                {
                    "step_id": f"{day}.{n}",
                    "session_id": str(day),
                    "step_index": n,
                    # the first step of one session has no time
                    "local_time": datetime(2026, 10, day, hour, n) if (day, n) != (12, 0) else None,
                    "cost_usd": "0.5",
                }
                for n, hour in enumerate(hours)
            ),
        )
    stats = _stats(marts)
    assert stats["active_hours_per_day"] == (2 + 1 + 4) / 3
    assert stats["active_days_per_week"] == 1.5
    assert stats["steps_per_week"] == pytest.approx(8 / 3 * 1.5)
    assert stats["sessions_per_week"] == pytest.approx(1.5)
    assert stats["cost_per_week_usd"] == pytest.approx(4 / 3 * 1.5)


def test_a_run_is_unattended_until_a_message_starts_a_step(marts: Marts) -> None:
    triggers = ("tool", "user", "tool", "none", "tool", "user", "user", "tool")
    marts.add(
        "steps",
        *(
            {"step_id": str(n), "session_id": "a", "step_index": n, "trigger": trigger}
            for n, trigger in enumerate(triggers)
        ),
    )
    stats = _stats(marts)
    assert (stats["unattended_run_mean_steps"], stats["unattended_run_p90_steps"]) == (
        pytest.approx(5 / 3),
        pytest.approx(2.6),
    )


def test_reading_and_editing_are_those_of_the_tools_categories(marts: Marts) -> None:
    categories = ("read", "read", "read", "edit", "edit", "web")
    marts.add(
        "tool_calls", *({"tool_call_id": str(n), "tool_category": name} for n, name in enumerate(categories))
    )
    marts.add(
        "sessions",
        {"session_id": "a", "steps": 1, "user_steps": 3, "models": 2, "model_switches": 4},
        {"session_id": "b", "steps": 1, "user_steps": 0, "models": 0, "model_switches": 0},
    )
    stats = _stats(marts)
    assert stats["read_to_edit_ratio"] == 1.5
    names = ("interjections_per_session", "models_per_session", "model_switches_per_session")
    assert [stats[name] for name in names] == [1.5, 1.0, 2.0]


@pytest.fixture(scope="module")
def sample(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(warehouse), read_only=True) as tables:
        yield tables


def test_every_headline_is_a_number_of_the_overview(sample: duckdb.DuckDBPyConnection) -> None:
    named = set(re.findall(r"'name':'(\w+)'", rendered("summary_paper_headlines")))
    rows = sample.execute(
        "select name, mart from summary_paper_headlines"
        " where (provider, session_kind, model) = ('all', 'all', 'all')"
    ).fetchall()
    assert {name for name, _ in rows} == named
    tables = {name for (name,) in sample.execute("select table_name from duckdb_tables()").fetchall()}
    assert {mart for _, mart in rows} <= tables


def test_every_number_of_the_dashboard_is_described(sample: duckdb.DuckDBPyConnection) -> None:
    rows = sample.execute("select distinct name from summary_dashboard_stats").fetchall()
    described = MODELS["summary_dashboard_stats"].with_suffix(".md").read_text()
    assert rows and {name for (name,) in rows} <= set(re.findall(r"\w+", described))


def test_categories_and_blocks_add_up_in_every_cut(sample: duckdb.DuckDBPyConnection) -> None:
    """Parts that are disjoint sum to their whole, over every provider and kind of session."""
    disjoint = "block in ('session_partition', 'session_active', 'session_capped', 'step')"
    wholes = {"cost_distribution": ("unit, measure", "true"), "timing_distribution": ("block", disjoint)}
    for table, (whole, chosen) in wholes.items():
        parts = sample.execute(
            f"""
            select sum(total_share) filter (where category <> 'all') as shares
            from summary_{table}
            where {chosen}
            group by provider, session_kind, model, {whole}
            having shares is not null
            """
        ).fetchall()
        assert parts and all(share == pytest.approx(1) for (share,) in parts)
