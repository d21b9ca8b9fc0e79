"""Generation summaries on marts made by hand: whose time counts, what is out, and what numbers come of it."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.test_summaries import Marts, rendered
from tracelab.algorithms.timing_fit import timing_fits

NOON = datetime(2026, 1, 5, 12)
ALL = {"provider": "all", "session_kind": "all", "model": "all"}
STEP = {
    "session_id": "s",
    "usage_is_final": True,
    "calls": 1,
    "prefix_tokens": 0,
    "append_tokens": 1000,
    "input_tokens": 1000,
    "context_tokens": 1000,
    "output_tokens": 100,
    "visible_output_tokens": 100,
}


class Timed(Marts):
    """Marts with steps whose segments are timed."""

    def add_steps(self, *rows: dict[str, Any]) -> None:
        self.add("steps", *({**STEP, "step_id": f"s#{place}", **row} for place, row in enumerate(rows)))

    def add_calls(self, *rows: dict[str, Any]) -> None:
        """Add steps whose one tool call comes `ms` after its input."""
        self.add_steps(
            *(
                {
                    "tool_call_input_type": "tool_result",
                    "tool_call_input_at": NOON,
                    "last_tool_call_at": NOON + timedelta(milliseconds=row.pop("ms")),
                    "input_tokens": row.get("prefix_tokens", 0) + row.get("append_tokens", 1000),
                    **row,
                }
                for row in rows
            )
        )

    def simulate(self) -> None:
        """Make what the timing summaries read."""
        self._make("sim_timing_segments")
        segments = self.tables.sql(
            "select * exclude (step_id, session_kind, is_usable, is_trimmed) from sim_timing_segments"
            " where is_usable and not is_trimmed"
        )
        self.tables.register("fits", timing_fits(segments.pl()))
        self.tables.execute("create table sim_timing_fit as from fits")
        self._make("sim_timing_predictions")
        self._make("sim_timing_neighbourhoods")

    def segments(self) -> list[tuple[Any, ...]]:
        self._make("sim_timing_segments")
        return self.tables.execute(
            "select step_id, segment_kind, duration_ms, output_tokens, is_usable, is_test"
            " from sim_timing_segments order by all"
        ).fetchall()

    def _make(self, simulation: str) -> None:
        self.tables.execute(f"create table {simulation} as {rendered(simulation)}")


@pytest.fixture
def marts(warehouse: Path) -> Iterator[Timed]:
    made = Timed(warehouse)
    made.add("sessions", {"session_id": "s", "started_at": NOON + timedelta(milliseconds=1)})
    yield made
    made.tables.close()


def test_steps_without_a_generation_time_are_counted_and_long_ones_stand_apart(marts: Timed) -> None:
    half_an_hour = 30 * 60_000
    marts.add_steps(*({"generation_ms": ms} for ms in (None, 1000, half_an_hour, half_an_hour + 1)))
    row = marts.row("summary_generation_time", **ALL)
    assert (row["steps"], row["count"], row["p50"], row["max"]) == (4, 3, 1800.0, 1800.001)
    assert (row["over_30min_steps"], row["over_30min_total_s"], row["total_s"]) == (1, 1800.001, 3601.001)


def test_the_curve_holds_the_time_strictly_below_a_threshold(marts: Timed) -> None:
    marts.add_steps(*({"generation_ms": ms} for ms in (999, 1000, 3001, None)))
    below = {row["threshold_s"]: row for row in marts.rows("summary_generation_time_cdf", **ALL)}
    assert (below[1.0]["cumulative_count"], below[1.0]["cumulative_s"]) == (1, 0.999)
    assert (below[10.0]["cumulative_count"], below[10.0]["cumulative_time_share"]) == (3, 1.0)
    assert (below[None]["count"], below[None]["cumulative_count"]) == (3, 3)


def test_an_output_that_is_a_placeholder_has_no_speed_and_is_counted(marts: Timed) -> None:
    marts.add_steps(
        {"generation_ms": 1000, "output_tokens": 50},
        {"generation_ms": 9000, "output_tokens": 900},
        {"generation_ms": 1000, "output_tokens": 2, "usage_is_final": False},
        {"generation_ms": 1000, "output_tokens": 0},
        {"generation_ms": None, "output_tokens": 70},
        {"generation_ms": 1000, "output_tokens": None, "context_tokens": None},
    )
    row = marts.row("summary_decode_speed", **ALL, measure="output_tokens_per_s", context_bin="all")
    assert (row["count"], row["placeholder_steps"]) == (2, 1)
    assert (row["mean"], row["weighted_mean"], row["stddev"]) == (75.0, 95.0, 25.0)
    assert (row["capped_mean"], row["capped_stddev"]) == (75.0, 25.0), "nor has it the cap for a speed"


def test_a_speed_is_as_exact_as_its_percentiles_are_asked_to_be(marts: Timed) -> None:
    marts.add_steps({"generation_ms": 3000, "output_tokens": 100})
    row = marts.row("summary_decode_speed", measure="output_tokens_per_s", context_bin="all", **ALL)
    assert (row["mean"], row["p50"]) == pytest.approx((100 / 3, 100 / 3), rel=1e-12)


def test_speeds_above_the_cap_are_counted_and_held_at_it(marts: Timed) -> None:
    marts.add_steps(*({"generation_ms": 1000, "output_tokens": tokens} for tokens in (100, 160, 1120)))
    row = marts.row("summary_decode_speed", **ALL, measure="output_tokens_per_s", context_bin="all")
    assert (row["above_cap_steps"], row["mean"], row["capped_mean"]) == (1, 460.0, 140.0)
    assert row["capped_stddev"] == pytest.approx(800**0.5)


def test_speeds_that_are_alike_do_not_vary(marts: Timed) -> None:
    marts.add_steps(*({"generation_ms": 7000, "output_tokens": 100} for _ in range(3)))
    row = marts.row("summary_decode_speed", **ALL, measure="output_tokens_per_s", context_bin="all")
    assert (row["count"], row["stddev"], row["capped_stddev"]) == (3, 0, 0)


def test_reasoning_is_taken_off_the_first_token_at_the_pace_of_what_follows(
    marts: Timed,
) -> None:
    spans = {"generation_ms": 5000, "reasoning_tokens": 50}
    marts.add_steps(
        {**spans, "visible_output_tokens": 100, "post_reasoning_ms": 1000, "input_to_reasoning_end_ms": 1250},
        {**spans, "visible_output_tokens": 300, "post_reasoning_ms": 600, "input_to_reasoning_end_ms": 750},
        # too short to tell a pace, without reasoning, and with a placeholder for output
        {**spans, "visible_output_tokens": 100, "post_reasoning_ms": 99, "input_to_reasoning_end_ms": 9},
        {**spans, "reasoning_tokens": 0, "post_reasoning_ms": 1000, "input_to_reasoning_end_ms": 9},
        {**spans, "usage_is_final": False, "post_reasoning_ms": 1000, "input_to_reasoning_end_ms": 9},
    )
    rows = {row["measure"]: row for row in marts.rows("summary_decode_speed", **ALL, context_bin="all")}
    decode, first = rows["decode_tokens_per_s"], rows["first_token_s"]
    assert (decode["count"], decode["mean"], decode["weighted_mean"]) == (2, 300.0, 250.0)
    # 1,600 ms for 400 tokens are 4 ms a token: 50 of reasoning take 200 ms
    assert (first["count"], first["min"], first["max"], first["weighted_mean"]) == (2, 0.55, 1.05, None)
    assert (decode["placeholder_steps"], first["placeholder_steps"]) == (1, 1)


def test_contexts_fall_in_powers_of_two_and_steps_of_several_calls_in_none(marts: Timed) -> None:
    marts.add_steps(
        *({"generation_ms": 1000, "context_tokens": size} for size in (4095, 4096, 8191)),
        {"generation_ms": 1000, "context_tokens": 5000, "calls": 2},
    )
    rows = {
        row["context_bin"]: row
        for row in marts.rows("summary_decode_speed", **ALL, measure="output_tokens_per_s")
    }
    assert {name: row["count"] for name, row in rows.items()} == {"all": 4, "11": 1, "12": 2, None: 1}
    assert (rows["12"]["context_low_tokens"], rows["12"]["context_high_tokens"]) == (4096, 8192)
    assert (rows["all"]["context_low_tokens"], rows["all"]["context_p50_tokens"]) == (None, 4096.0)


def test_a_step_has_the_segments_that_its_log_can_tell_apart(marts: Timed) -> None:
    seconds = [NOON + timedelta(seconds=second) for second in range(10)]
    answered = {"tool_call_input_at": seconds[0], "last_tool_call_at": seconds[5]}
    thought = {
        "reasoning_input_at": seconds[0],
        "reasoning_input_type": "user_message",
        "reasoning_end_at": seconds[2],
        "tool_call_input_type": "tool_result",
        **answered,
    }
    marts.add_steps(
        {**thought, "output_tokens": 90, "reasoning_tokens": 20, "visible_output_tokens": 70},
        {**thought, "tool_call_input_type": "user_message", "reasoning_tokens": None},
        {**thought, "last_tool_call_at": seconds[1], "reasoning_tokens": 30},
        {"tool_call_input_at": seconds[5], "last_tool_call_at": seconds[5]},
    )
    assert [row[:4] for row in marts.segments()] == [
        ("s#0", "reasoning_end_to_tool_call", 3000, 70),
        ("s#0", "tool_to_tool_call", 5000, 90),
        ("s#0", "user_to_reasoning_end", 2000, 20),
        ("s#1", "user_to_tool_call", 5000, 100),
        ("s#2", "tool_to_tool_call", 1000, 100),
        ("s#2", "user_to_reasoning_end", 2000, 30),
    ]


def test_tokens_that_say_nothing_of_one_prompt_make_a_segment_unusable(marts: Timed) -> None:
    marts.add_calls(
        {"ms": 1},
        {"ms": 1, "usage_is_final": False},
        {"ms": 1, "calls": 2},
        {"ms": 1, "input_tokens": None},
        {"ms": 1, "output_tokens": None},
    )
    assert [row[4] for row in marts.segments()] == [True, False, False, False, False]


def test_the_test_set_is_whole_sessions_by_the_millisecond_of_their_start(marts: Timed) -> None:
    marts.add("sessions", {"session_id": "t", "started_at": NOON + timedelta(milliseconds=5)})
    marts.add("sessions", {"session_id": "without", "started_at": None})
    marts.add_calls(*({"ms": 1, "session_id": name} for name in ("s", "t", "t", "without")))
    assert [row[5] for row in marts.segments()] == [False, True, True, False]


def linear(count: int, session_id: str) -> list[dict[str, Any]]:
    """Steps that take 200 ms and 10 ms a token."""
    return [{"ms": 200 + 10 * n, "output_tokens": n, "session_id": session_id} for n in range(1, count + 1)]


def test_a_fit_is_judged_by_sessions_it_has_not_seen_beside_the_median(marts: Timed) -> None:
    marts.add("sessions", {"session_id": "t", "started_at": NOON})
    marts.add_calls(*linear(99, "s"), *linear(2, "t"), {"ms": 90_000, "usage_is_final": False})
    marts.simulate()
    fits = {row["fit"]: row for row in marts.rows("summary_timing_fit", session_kind="all")}
    assert fits.keys() == {"median", "duration", "log_duration", "smooth_duration"}
    fitted, median = fits["duration"], fits["median"]
    # the longest of 101 is above the 99th percentile
    assert (fitted["segments"], fitted["unusable_segments"], fitted["trimmed_segments"]) == (101, 1, 1)
    assert (fitted["train_segments"], fitted["test_segments"]) == (98, 2)
    assert (fitted["duration_p50_s"], fitted["mae_s"]) == (0.685, pytest.approx(0, abs=1e-5))
    # of 210 to 1,180 ms the median is 695; the test set is 210 and 220 ms
    assert (median["mae_s"], median["rmse_s"]) == (0.48, pytest.approx((0.485**2 + 0.475**2) ** 0.5 / 2**0.5))
    assert median["mean_relative_error"] == pytest.approx((485 / 210 + 475 / 220) / 2, abs=1e-9)
    assert median["mean_smooth_error"] == pytest.approx((485 / 1210 + 475 / 1220) / 2, abs=1e-9)
    assert median["r2"] == pytest.approx(1 - (485**2 + 475**2) / 50)


def test_a_fit_of_times_that_are_alike_explains_no_share_of_how_they_vary(marts: Timed) -> None:
    marts.add("sessions", {"session_id": "t", "started_at": NOON})
    marts.add_calls(*linear(99, "s"), *({"ms": 333, "session_id": "t"} for _ in range(3)))
    marts.simulate()
    fits = marts.rows("summary_timing_fit", session_kind="all")
    assert {(row["fit"], row["test_segments"], row["r2"]) for row in fits} == {
        (fit, 3, None) for fit in ("median", "duration", "log_duration", "smooth_duration")
    }
    assert all(row["rmse_s"] > 0 for row in fits)


def test_one_fit_of_all_sessions_is_judged_by_their_kind(marts: Timed) -> None:
    marts.add("sessions", {"session_id": "t", "started_at": NOON})
    subagent = {"session_id": "t", "session_kind": "subagent"}
    marts.add_calls(*linear(99, "s"), {"ms": 210, **subagent}, {"ms": 220, **subagent})
    marts.simulate()
    kinds = {row["session_kind"]: row for row in marts.rows("summary_timing_fit", fit="median")}
    counts = {
        kind: (row["segments"], row["train_segments"], row["test_segments"]) for kind, row in kinds.items()
    }
    # the longest is trimmed
    assert counts == {"all": (101, 98, 2), "main": (99, 98, 0), "subagent": (2, 98, 2)}
    assert (kinds["subagent"]["mae_s"], kinds["main"]["mae_s"]) == (kinds["all"]["mae_s"], None)


def test_sides_of_each_kind_of_session_are_compared_by_themselves(marts: Timed) -> None:
    add_sides(marts, [1000] * 5, [2000] * 5)
    add_sides(marts, [4000] * 5, [3000] * 5, session_kind="subagent")
    marts.simulate()
    rows = {
        row["session_kind"]: (
            row["segments"],
            row["trimmed_segments"],
            row["pairs"],
            row["slower_probability"],
        )
        for row in marts.rows("summary_append_vs_prefix_latency", provider="all")
    }
    # pooled they are one bucket; the two longest, alike, stay in: of 12 by 10 pairs 25 + 25 + 20 are slower
    assert rows == {"all": (24, 0, 120, 70 / 120), "main": (12, 1, 25, 1.0), "subagent": (12, 1, 25, 0.0)}
    named = {row["session_kind"] for row in marts.rows("summary_append_vs_prefix_latency", model="m")}
    assert named == {"all"}


def test_a_group_of_fewer_than_100_is_listed_without_a_fit(marts: Timed) -> None:
    marts.add_calls(*linear(100, "s"))
    marts.simulate()
    rows = marts.rows("summary_timing_fit", session_kind="all")
    assert [(row["segments"], row["trimmed_segments"], row["train_segments"]) for row in rows] == [
        (100, 1, None)
    ] * 4


# 10,000 tokens in all: the one side reads 95 % of them, the other half
PREFIX_HEAVY = {"prefix_tokens": 9500, "append_tokens": 500}
APPEND_HEAVY = {"prefix_tokens": 5000, "append_tokens": 5000}


def add_sides(marts: Timed, prefix: Sequence[int], append: Sequence[int], **more: Any) -> None:
    marts.add_calls(
        *({"ms": ms, **PREFIX_HEAVY, **more} for ms in prefix),
        *({"ms": ms, **APPEND_HEAVY, **more} for ms in append),
        # neither, and the longest, which is trimmed
        {"ms": 4000, "prefix_tokens": 8000, "append_tokens": 2000, **more},
        {"ms": 99_000, **APPEND_HEAVY, **more},
    )


def test_sides_of_like_segments_are_compared_pair_by_pair(marts: Timed) -> None:
    add_sides(marts, [1000, 2000, 3000, 4000, 5000], [3500, 3600, 5500, 6500, 7500])
    marts.add_calls({"ms": 49, **PREFIX_HEAVY}, {"ms": 100, "prefix_tokens": 4000, "append_tokens": 95})
    marts.simulate()
    row = marts.row("summary_append_vs_prefix_latency", provider="all", session_kind="all")
    assert (row["segments"], row["small_segments"], row["trimmed_segments"]) == (14, 2, 1)
    assert (row["prefix_heavy_segments"], row["append_heavy_segments"], row["pairs"]) == (5, 5, 25)
    # 3 + 3 + 5 + 5 + 5 of the 25 pairs
    assert (row["slower_probability"], row["cliffs_delta"]) == pytest.approx((0.84, 0.68))
    # at 3,000 ms 3 of 5 are below and 5 of 5 above; 5,000 ms does as well, the first is taken
    assert (row["normalized_threshold"], row["normalized_accuracy"]) == (1.0, pytest.approx(0.8))
    assert (row["prefix_recall"], row["append_recall"]) == (0.6, 1.0)
    assert (row["p50_ratio"], row["verdict"]) == (pytest.approx(5.5 / 3), "separated")
    bucket = marts.row("summary_append_vs_prefix_latency", segment_kind="tool_to_tool_call")
    # log2(10,000) is 13.29, log2(100) is 6.64
    assert (bucket["total_bin"], bucket["output_bin"], bucket["segments"]) == ("53", "13", None)
    assert (bucket["prefix_p50_s"], bucket["append_p50_s"], bucket["pairs"]) == (3.0, 5.5, 25)


def test_buckets_are_pooled_by_their_pairs_each_in_its_own_unit(marts: Timed) -> None:
    add_sides(marts, [1000] * 5, [2000] * 5)
    add_sides(marts, [50_000] * 10, [40_000] * 5, model=None)
    marts.simulate()
    row = marts.row("summary_append_vs_prefix_latency", provider="all", session_kind="all")
    assert (row["buckets"], row["slower_buckets"], row["pairs"]) == (2, 1, 75)
    assert row["slower_probability"] == pytest.approx(25 / 75)
    # in units of their medians: 15 times 1 against 5 times 2 and 5 times 0.8
    assert row["normalized_slower_probability"] == pytest.approx(0.5)
    assert (row["p50_ratio"], row["verdict"]) == (pytest.approx(1.4), "rejected")
    nameless = marts.rows("summary_append_vs_prefix_latency", model=None)
    assert [(row["total_bin"] == "all", row["pairs"]) for row in nameless] in (
        [(True, 50), (False, 50)],
        [(False, 50), (True, 50)],
    )


def test_four_of_a_side_are_no_bucket(marts: Timed) -> None:
    add_sides(marts, [1000] * 5, [2000] * 4)
    marts.simulate()
    rows = marts.rows("summary_append_vs_prefix_latency")
    assert {(row["buckets"], row["verdict"], row["slower_probability"]) for row in rows} == {
        (0, "inconclusive", None)
    }
    assert len(rows) == 5  # by model for all kinds of session only


def test_sides_that_do_not_differ_have_no_threshold(marts: Timed) -> None:
    add_sides(marts, [1000] * 5, [1000] * 5)
    marts.simulate()
    row = marts.row("summary_append_vs_prefix_latency", provider="all", session_kind="all")
    assert (row["slower_probability"], row["normalized_accuracy"]) == (0.5, 0.5)
    assert (row["normalized_threshold"], row["prefix_recall"], row["append_recall"]) == (None, None, None)


def test_each_of_the_same_tokens_is_guessed_from_the_others(marts: Timed) -> None:
    marts.add_calls({"ms": 1000}, {"ms": 2000}, {"ms": 6000}, {"ms": 7, "output_tokens": 101})
    marts.simulate()
    row = marts.row("summary_timing_ambiguity", bins="all", session_kind="all")
    assert (row["likeness"], row["neighbourhoods"], row["segments"]) == ("exact", 1, 3)
    assert row["covered_share"] == 0.75
    # guesses 2,000, 1,000 and 1,000 ms in each case: the lower of two, or the heavier
    assert row["floor_mae_s"] == pytest.approx((1 + 1 + 5) / 3)
    assert row["floor_relative_error"] == pytest.approx((1 / 1 + 1 / 2 + 5 / 6) / 3)
    assert row["floor_smooth_error"] == pytest.approx((1 / 2 + 1 / 3 + 5 / 7) / 3)
    top = marts.row("summary_timing_ambiguity", bins="0/1000/100", session_kind="all")
    assert (top["duration_min_s"], top["duration_p50_s"], top["duration_max_s"]) == (1.0, 2.0, 6.0)
    assert (top["spread_rank"], top["ratio_rank"]) == (1, 1)


def test_a_kind_of_session_has_the_errors_of_its_segments_among_those_of_all(marts: Timed) -> None:
    marts.add_calls(
        {"ms": 1000},
        {"ms": 2000},
        {"ms": 6000, "session_kind": "subagent"},
        {"ms": 5, "output_tokens": 7},
        {"ms": 9, "output_tokens": 7},
        {"ms": 7, "output_tokens": 101, "session_kind": "subagent"},
    )
    marts.simulate()
    rows = {row["session_kind"]: row for row in marts.rows("summary_timing_ambiguity", bins="all")}
    shown = ("neighbourhoods", "segments", "covered_share")
    assert {kind: tuple(row[name] for name in shown) for kind, row in rows.items()} == {
        "all": (2, 5, 5 / 6),
        "main": (2, 4, 1.0),
        "subagent": (1, 1, 0.5),
    }
    # the subagent's is guessed from the main session's two, which are closer to each other
    assert rows["subagent"]["floor_mae_s"] == 5.0
    assert rows["main"]["floor_mae_s"] == pytest.approx((1 + 1 + 0.004 + 0.004) / 4)
    bounds = ("duration_min_s", "duration_p50_s", "duration_max_s", "spread_rank")
    top = marts.row("summary_timing_ambiguity", bins="0/1000/100", session_kind="subagent")
    assert tuple(top[name] for name in bounds) == (1.0, 2.0, 6.0, 1)


def test_neighbourhoods_are_ranked_by_spread_and_by_ratio_from_100_ms_on(marts: Timed) -> None:
    times = {1: (1, 500), 2: (100, 900), 3: (5000, 9000)}
    marts.add_calls(*({"ms": ms, "output_tokens": n} for n, pair in times.items() for ms in pair))
    marts.simulate()
    ranks = {
        row["output_min_tokens"]: (row["spread_rank"], row["ratio_rank"])
        for row in marts.rows("summary_timing_ambiguity")
        if row["bins"] != "all" and row["session_kind"] == "all"
    }
    assert ranks == {1: (3, None), 2: (2, 1), 3: (1, 2)}


def test_the_guess_is_the_weighted_median_of_the_others(marts: Timed) -> None:
    dice = random.Random(7)
    times = [dice.choice((dice.randrange(1, 40), dice.randrange(1, 20_000))) for _ in range(60)]
    marts.add_calls(*({"ms": ms} for ms in times))
    marts.simulate()
    row = marts.row("summary_timing_ambiguity", bins="all", session_kind="all")

    def floor(pad: float | None) -> float:
        """Mean error over time and pad, each guess made from the others by the definition."""
        errors = []
        for place, ms in enumerate(times):
            others = sorted(times[:place] + times[place + 1 :])
            weights = [1 if pad is None else 1 / (other + pad) for other in others]
            reached = [sum(weights[: n + 1]) >= sum(weights) / 2 - 1e-12 for n in range(len(others))]
            errors.append(abs(others[reached.index(True)] - ms) / (1000 if pad is None else ms + pad))
        return sum(errors) / len(errors)

    found = (row["floor_mae_s"], row["floor_relative_error"], row["floor_smooth_error"])
    assert found == pytest.approx((floor(None), floor(0), floor(1000)), rel=1e-6)


def test_near_segments_are_those_of_large_groups_within_a_quarter_octave(marts: Timed) -> None:
    # 2^6.5 is 90.5 and 2^6.75 is 107.6: 91 to 107 tokens are near
    marts.add_calls(
        *({"ms": 1000, "output_tokens": 91 + n, "append_tokens": 1000} for n in range(9)),
        *({"ms": 1500, "output_tokens": 107, "append_tokens": 1000 + n} for n in range(3)),
        *({"ms": 2000, "output_tokens": 5, "append_tokens": 10_000 + 7 * n} for n in range(1000)),
        *({"ms": 1800, "output_tokens": 100_000, "append_tokens": 1000 + n} for n in range(7)),
    )
    marts.simulate()
    rows = marts.rows("summary_timing_ambiguity", likeness="near", session_kind="all")
    first = next(row for row in rows if row["output_max_tokens"] == 107 and row["bins"] != "all")
    assert (first["segments"], first["duration_p50_s"]) == (12, 1.0)
    # the three guess 1,000 ms, and so do the nine
    assert first["floor_mae_s"] == pytest.approx(3 * 0.5 / 12)
    assert not [row for row in rows if row["output_min_tokens"] == 100_000]
    (fit,) = marts.rows("summary_timing_fit", session_kind="all", fit="median")
    assert fit["floor_covered_share"] == pytest.approx(1012 / fit["segments"])


def test_predicted_times_fall_into_bins_beside_the_measured_ones(marts: Timed) -> None:
    marts.add("sessions", {"session_id": "test", "started_at": NOON})
    marts.add_calls(*({"ms": 2000} for _ in range(99)), {"ms": 9_999, "session_id": "test"})
    marts.add_calls({"ms": 10_001, "session_id": "test"})
    marts.simulate()
    rows = marts.rows("summary_timing_fit_grid", **ALL, fit="median")
    found = {(row["predicted_low_s"], row["measured_low_s"]): row["segments"] for row in rows}
    # the longest of 101 is above their 99th percentile
    assert found == {(10 ** (2 / 8), 10 ** (7 / 8)): 1}
    assert {row["fit"] for row in marts.rows("summary_timing_fit_grid", **ALL)} == {
        "median", "duration", "log_duration", "smooth_duration"
    }  # fmt: skip


def test_steps_without_a_time_are_told(marts: Timed) -> None:
    marts.add_steps(*({"generation_ms": ms} for ms in (None, None, 1000)))
    assert marts.row("summary_generation_time", **ALL)["untimed_steps"] == 2
