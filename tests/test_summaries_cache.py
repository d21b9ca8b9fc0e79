"""Summaries of the prefix cache on marts made by hand: hits, timeouts, and what was computed again."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.test_summaries import ROOT, Marts

ALL = {"provider": "all", "session_kind": "all"}
POOLED = {**ALL, "model": "all"}
EVERY = {**POOLED, "trigger": "all"}


@pytest.fixture
def marts(warehouse: Path) -> Iterator[Marts]:
    made = Marts(warehouse)
    replay = (ROOT / "models/simulations/sim_cache_replay.sql").read_text(encoding="utf-8")
    made.tables.execute("create view sim_cache_replay as " + replay.replace('{{ ref("steps") }}', "steps"))
    yield made
    made.tables.close()


@pytest.fixture(scope="module")
def sample(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(warehouse), read_only=True) as tables:
        yield tables


def _hit(step_id: str, prefix: int, append: int, **more: Any) -> dict[str, Any]:
    total = prefix + append
    tokens = {"input_tokens": total, "prefix_tokens": prefix, "append_tokens": append}
    return {"step_id": step_id, "calls": 1, **tokens, "hit_ratio": prefix / total, **more}


def test_the_hit_ratio_by_tokens_is_of_every_step_and_its_spread_of_those_that_were_started(
    marts: Marts,
) -> None:
    marts.add(
        "steps",
        _hit("a", 900, 100),
        _hit("b", 0, 1000, cache_write_tokens=700),
        _hit("c", 0, 8000, trigger="none"),
        _hit("d", 0, 5000, calls=2, hit_ratio=None),
        {"step_id": "e", "calls": 1},
    )
    row = marts.row("summary_cache_hit_ratio", **EVERY)
    assert (row["steps"], row["multi_call_steps"], row["unmetered_steps"]) == (3, 1, 1)
    assert (row["hit_ratio"], row["append_tokens"], row["cache_write_tokens"]) == (0.09, 9100, 700)
    assert (row["count"], row["mean"], row["p50"], row["p99"]) == (2, 0.45, 0.45, 0.891)
    none = marts.row("summary_cache_hit_ratio", **{**EVERY, "trigger": "none"})
    assert (none["steps"], none["hit_ratio"], none["count"], none["mean"]) == (1, 0.0, 0, None)


def test_fine_bins_are_closed_above_and_coarse_ones_below(marts: Marts) -> None:
    marts.add("steps", *(_hit(str(prefix), prefix, 1000 - prefix) for prefix in (0, 10, 11, 100, 950, 1000)))
    rows = marts.rows("summary_cache_hit_ratio_bins", **EVERY)
    bins = {
        binning: {
            (row["low"], row["high"]): row["steps"]
            for row in rows
            if row["binning"] == binning and row["steps"]
        }
        for binning in ("fine", "coarse")
    }
    assert bins["fine"] == {
        (0, 0): 1, (0, 0.01): 1, (0.01, 0.05): 1, (0.05, 0.1): 1, (0.9, 0.95): 1, (0.995, 1): 1
    }  # fmt: skip
    assert bins["coarse"] == {(0, 0.1): 3, (0.1, 0.4): 1, (0.95, 0.98): 1, (0.99, 1): 1}
    zero = next(row for row in rows if (row["low"], row["high"]) == (0, 0))
    assert (zero["step_share"], zero["append_share"]) == (1 / 6, 1000 / 3929)


def test_every_trigger_and_bin_has_a_row_without_steps_too(marts: Marts) -> None:
    marts.add("steps", _hit("a", 900, 100))
    rows = marts.rows("summary_cache_hit_ratio", **{**POOLED, "provider": "claude"})
    assert {row["trigger"]: row["steps"] for row in rows} == {"all": 1, "tool": 1, "user": 0, "none": 0}
    (user,) = (row for row in rows if row["trigger"] == "user")
    shown = ("input_tokens", "count", "unmetered_steps", "multi_call_steps", "hit_ratio", "mean", "p50")
    assert tuple(user[name] for name in shown) == (0, 0, 0, 0, None, None, None)
    bins = marts.rows("summary_cache_hit_ratio_bins", **{**POOLED, "provider": "claude"})
    assert len(bins) == 3 * (14 + 9)
    assert {(row["trigger"], row["steps"]) for row in bins} == {
        ("all", 0), ("all", 1), ("tool", 0), ("tool", 1), ("user", 0)
    }  # fmt: skip
    assert {row["step_share"] for row in bins if row["trigger"] == "user"} == {None}


def test_a_cut_without_a_hit_ratio_has_every_trigger_and_bin_too(marts: Marts) -> None:
    marts.add("steps", _hit("a", 900, 100), {"step_id": "b", "provider": "codex", "calls": 1})
    bins = marts.rows("summary_cache_hit_ratio_bins", **{**POOLED, "provider": "codex"})
    assert len(bins) == 3 * (14 + 9)
    assert {(row["steps"], row["step_share"], row["append_share"]) for row in bins} == {(0, None, None)}


def _pair(marts: Marts, name: str, gap: int | None, total: int, fresh: int, append: int, **more: Any) -> None:
    reuse = {"input_tokens": total, "append_tokens": append, "prefix_tokens": total - append}
    reuse |= {"fresh_tokens": fresh, "idle_gap_ms": gap, "previous_step_id": "before"}
    marts.add("cache_reuse", {"step_id": name, **reuse, **more})
    marts.add("idle_gaps", {"step_id": name, "idle_gap_ms": gap, "published_gap_ms": 0})
    marts.add("steps", {"step_id": name, "generation_ms": 10_000})


def test_a_timeout_serves_what_comes_back_within_it_and_holds_the_rest_for_as_long(marts: Marts) -> None:
    _pair(marts, "a", 60_000, 1000, 100, 100)
    _pair(marts, "b", 60_001, 2000, 200, 1400)
    _pair(marts, "c", 10**9, 3000, 700, 3000)
    _pair(marts, "unknown gap", None, 9000, 1, 9000)
    marts.add("steps", {"step_id": "first", "generation_ms": 70_000})
    swept = {
        row["timeout_s"]: row for row in marts.rows("summary_eviction_tradeoff", **ALL, gap_measure="causal")
    }
    minute, hours = swept[60.0], swept[14400.0]
    assert (minute["steps"], minute["fresh_share"], minute["optimal_hit_ratio"]) == (3, 1 / 6, 1 - 1 / 6)
    assert (minute["achievable_hit_ratio"], hours["achievable_hit_ratio"]) == (900 / 6000, 2700 / 6000)
    assert (minute["ideal_amplification"], hours["ideal_amplification"]) == (5.1, 3.3)
    assert minute["redundant_share"] == pytest.approx(1 - 1 / 5.1)
    assert (minute["hit_ratio"], minute["observed_amplification"]) == (0.25, 4.5)
    assert minute["suspended_to_active_ratio"] == (60 + 60 + 60) / 110
    assert hours["suspended_to_active_ratio"] == pytest.approx((60 + 60.001 + 14400) / 110)
    assert minute["active_share"] == pytest.approx(110 / 290)
    # 0.15 up to a minute, 0.45 from the next timeout on: 0.25 is nearer to the first
    assert {row["effective_eviction_s"] for row in swept.values()} == {60.0}
    # what is held beyond the first timeout that serves both serves nothing more
    served = [timeout for timeout, row in swept.items() if row["achievable_hit_ratio"] == 2700 / 6000]
    assert {row["knee_s"] for row in swept.values()} == {min(served)}


def test_a_curve_that_only_sags_has_no_knee(marts: Marts) -> None:
    # most comes back last: what is held longer serves more
    for name, gap, fresh in (("a", 1500, 900), ("b", 3000, 100)):
        _pair(marts, name, gap, 1000, fresh, 1000)
    rows = marts.rows("summary_eviction_tradeoff", **ALL, gap_measure="causal")
    assert {row["knee_s"] for row in rows} == {None}


def test_no_timeout_served_what_nothing_is_known_of(marts: Marts) -> None:
    marts.add("steps", {"step_id": "first", "generation_ms": 70_000})
    rows = marts.rows("summary_eviction_tradeoff", **ALL, gap_measure="causal")
    assert {(row["steps"], row["effective_eviction_s"]) for row in rows} == {(0, None)}


def test_the_published_gap_is_swept_apart(marts: Marts) -> None:
    _pair(marts, "a", 10**9, 1000, 100, 1000)
    rows = marts.rows("summary_eviction_tradeoff", **ALL)
    assert {(row["gap_measure"], row["achievable_hit_ratio"]) for row in rows} == {
        ("causal", 0.0), ("published", 0.9)
    }  # fmt: skip


def test_steps_without_a_start_or_of_unknown_tokens_are_not_swept(marts: Marts) -> None:
    _pair(marts, "a", 5, 1000, 100, 900)
    _pair(marts, "b", 5, 9000, 0, 9000, trigger="none")
    _pair(marts, "c", 5, 9000, None, 9000)  # type: ignore[arg-type]
    _pair(marts, "d", 5, 0, 0, 0)
    rows = marts.rows("summary_eviction_tradeoff", **ALL, gap_measure="causal")
    assert {(row["steps"], row["achievable_hit_ratio"]) for row in rows} == {(1, 0.9)}


def test_gaps_beyond_the_timeout_hold_nothing(marts: Marts) -> None:
    marts.add(
        "steps",
        {"step_id": "a", "generation_ms": 30_000, "human_waits_ms": [600_000, 600_001]},
        {"step_id": "b"},
    )
    marts.add("tool_calls", *({"effective_ms": ms} for ms in (5000, 5000, 0, None, 1_800_001)))
    marts.add(
        "idle_gaps",
        {"step_id": "a", "trigger": "user", "idle_gap_ms": 300_000},
        {"step_id": "b", "trigger": "tool", "idle_gap_ms": 7000},
        {"step_id": "c", "trigger": "none", "idle_gap_ms": 9000},
    )
    rows = {
        (row["gap_measure"], row["timeout_s"]): row for row in marts.rows("summary_kv_active_ratio", **ALL)
    }
    parts = ("generation_s", "tool_s", "human_s", "held_s")
    found = {key: tuple(row[part] for part in parts) for key, row in rows.items()}
    assert found["published", 1.0] == (30, 0, 0, 30)
    assert found["published", 60.0] == (30, 10, 0, 40)
    assert found["published", 600.0] == (30, 10, 600, 640)
    assert found["published", 3600.0] == (30, 1810.001, 1200.001, 3040.002)
    assert found["causal", 60.0] == (30, 7, 0, 37)
    assert found["causal", 300.0] == (30, 7, 300, 337)
    assert rows["causal", 300.0]["active_share"] == 30 / 337


def test_a_client_without_generation_has_no_share_of_it(marts: Marts) -> None:
    marts.add("steps", {"step_id": "a"})
    marts.add("idle_gaps", {"step_id": "a", "trigger": "tool", "idle_gap_ms": 7000})
    (row,) = marts.rows("summary_kv_active_ratio", **ALL, gap_measure="causal", timeout_s=60.0)
    assert (row["held_s"], row["active_share"], row["tool_share"]) == (7, None, 1)


def test_the_splits_of_a_prompt_add_up_and_each_ratio_has_its_own_population(marts: Marts) -> None:
    pairs = {
        "first": (1000, None, None, None, 1000, 0, 0, None),
        "second": (600, 500, 200, 300, 300, 200, 100, 5),
        "third": (300, -900, 160, -160, 0, 160, 140, None),
        "twofold": (4000, None, 100, 77, None, None, None, 5),
    }
    for name, (append, growth, output, published, fresh, resent, missed, gap) in pairs.items():
        before = None if name == "first" else "before"
        marts.add(
            "steps",
            {
                "step_id": name,
                "append_tokens": append,
                "context_growth_tokens": growth,
                "previous_output_tokens": output,
                "previous_usage_is_final": name != "third",
                "calls": 2 if name == "twofold" else 1,
            },
        )
        marts.add(
            "cache_reuse",
            {
                "step_id": name,
                "previous_step_id": before,
                "append_tokens": append,
                "published_fresh_tokens": published,
                "fresh_tokens": fresh,
                "resent_output_tokens": resent,
                "missed_tokens": missed,
                "idle_gap_ms": gap,
            },
        )
    row = marts.row("summary_redundant_prefill", **EVERY)
    assert (row["steps"], row["after_placeholder_steps"], row["unsplit_steps"]) == (2, 1, 1)
    assert (row["append_tokens"], row["growth_tokens"], row["previous_output_tokens"]) == (900, 500, 360)
    parts = row["fresh_tokens"], row["resent_output_tokens"], row["missed_tokens"]
    assert parts == (300, 360, 240) and sum(parts) == row["append_tokens"]
    assert (row["published_fresh_tokens"], row["published_fresh_share"]) == (140, 140 / 900)
    assert row["fresh_share"] == 1 / 3
    assert row["growth_amplification"] == 1900 / 500
    assert row["prefill_amplification"] == 900 / 140
    assert row["observed_amplification"] == 2.0
    assert row["redundant_to_new"] == row["prefill_amplification"] - 1
    assert marts.number("prefill_amplification") == row["prefill_amplification"]
    assert marts.number("growth_amplification") == row["growth_amplification"]


def test_where_nothing_is_fresh_no_prompt_is_a_multiple_of_it(marts: Marts) -> None:
    marts.add("steps", {"step_id": "a", "append_tokens": 900})
    split = {"append_tokens": 900, "published_fresh_tokens": -300, "fresh_tokens": 0}
    marts.add("cache_reuse", {"step_id": "a", "previous_step_id": "b", **split})
    row = marts.row("summary_redundant_prefill", **EVERY)
    assert (row["published_fresh_tokens"], row["prefill_amplification"]) == (-300, None)
    assert marts.number("prefill_amplification") is marts.number("redundant_to_new_ratio") is None


def test_a_pause_that_loses_nothing_costs_what_a_read_costs(marts: Marts) -> None:
    money = {"append_cost_usd": Decimal(8), "prefix_cost_usd": Decimal(1), "cost_usd": Decimal(10)}
    steps: dict[str, dict[str, Any]] = {
        "first": {"append_tokens": 500, "prefix_tokens": 0},
        "idle": {"append_tokens": 4000, "prefix_tokens": 1000, "previous_step_id": "first", **money},
        "unpriced": {"append_tokens": 100, "prefix_tokens": 900, "previous_step_id": "idle"},
        "unknown": {"append_tokens": 100, "prefix_tokens": 900, "previous_step_id": "idle"},
        "tool": {"append_tokens": 300, "prefix_tokens": 700, "previous_step_id": "idle", "trigger": "tool"},
        "unmetered": {"previous_step_id": "idle", "trigger": "tool"},
    }
    reuse: dict[str, dict[str, Any]] = {
        "idle": {
            "pause_missed_tokens": 3000,
            "pause_missed_cost_usd": Decimal("5.4"),
            "read_usd_per_mtok": Decimal(200),
            "miss_cause": "idle",
            "missed_tokens": 2500,
            "missed_cost_usd": Decimal("4.5"),
        },
        "unpriced": {"pause_missed_tokens": 40, "miss_cause": "residual", "missed_tokens": 30},
        "unknown": {"pause_missed_tokens": None},
        "tool": {"pause_missed_tokens": 0, "miss_cause": "idle", "missed_tokens": 250},
    }
    for name, step in steps.items():
        total = step["append_tokens"] + step["prefix_tokens"] if "append_tokens" in step else None
        marts.add("steps", {"step_id": name, "trigger": "user", "calls": 1, "input_tokens": total, **step})
        marts.add("cache_reuse", {"step_id": name, "pause_missed_tokens": 0, **reuse.get(name, {})})
        if name != "first":
            gap = {"idle": 900_000, "unpriced": 100_000}.get(name)
            marts.add("idle_gaps", {"step_id": name, "activity_gap_ms": gap})
    rows = {row["scenario"]: row for row in marts.rows("summary_idle_counterfactual", **ALL, model="all")}
    now, kept, alive = rows["observed"], rows["no_pause"], rows["no_expiry"]
    counts = ("steps", "user_steps", "resumed_steps", "unsplit_steps", "priced_steps", "unpriced_steps")
    assert [now[name] for name in counts] == [kept[name] for name in counts] == [6, 4, 3, 1, 1, 4]
    assert [row["saved_tokens"] for row in (now, kept, alive)] == [0, 3040, 2500]
    assert [row["saved_steps"] for row in (now, kept, alive)] == [0, 2, 1]
    assert [row["append_tokens"] for row in (now, kept, alive)] == [5000, 1960, 2500]
    assert [row["resumed_append_tokens"] for row in (now, kept, alive)] == [4200, 1160, 1700]
    assert [row["hit_ratio"] for row in (now, kept, alive)] == [3500 / 8500, 6540 / 8500, 6000 / 8500]
    assert [row["cost_usd"] for row in (now, kept, alive)] == [10, 4.6, 5.5]
    # what is no longer appended is read: 3,000 tokens at 200 dollars a million
    assert [row["append_cost_usd"] for row in (now, kept)] == [8, 2]
    assert (kept["saved_usd"], kept["saved_cost_share"], kept["saved_usd_steps"]) == (5.4, 0.54, 1)
    assert (kept["saved_append_share"], kept["saved_resumed_append_share"]) == (3040 / 5000, 3040 / 4200)
    assert (kept["gap_steps"], kept["gap_mean_s"], kept["gap_p50_s"]) == (2, 500, 500)
    assert (now["saved_usd"], now["saved_append_share"], now["saved_p50_usd"]) == (0, 0, None)


def _replayed(marts: Marts) -> None:
    """Two pairs of known output, one after a placeholder, one of no pair; a step of several calls."""
    before = {"calls": 1, "previous_calls": 1, "previous_usage_is_final": True, "previous_input_tokens": 1000}
    before |= {"previous_output_tokens": 200, "previous_visible_output_tokens": 150}
    chars = {"user_message_chars": 40, "tool_result_chars": 60}
    steps = {
        "covers": {"prefix_tokens": 900, "append_tokens": 400, "cache_write_tokens": 300},
        "below": {"prefix_tokens": 1000, "append_tokens": 50, "trigger": "user", "tool_result_chars": 61},
        "placeholder": {"prefix_tokens": 1010, "append_tokens": 7, "previous_usage_is_final": False},
        "alone": {"prefix_tokens": 0, "append_tokens": 300, "user_message_chars": 4999, "previous_calls": 2},
        "several": {"prefix_tokens": 0, "append_tokens": 9, "calls": 2},
    }
    for name, step in steps.items():
        total = step["prefix_tokens"] + step["append_tokens"]  # type: ignore[operator]
        marts.add("steps", {"step_id": name, "input_tokens": total, **before, **chars, **step})


def test_a_replayed_prompt_is_compared_with_the_one_before(marts: Marts) -> None:
    _replayed(marts)
    pairs = {
        row["measure"]: (row["count"], row["mean"], row["min"], row["max"])
        for row in marts.rows("summary_cache_replay", **POOLED, population="pairs", trigger="all")
    }
    assert pairs == {
        "prefix_error": (3, -30, -100, 10),
        "prefix_error_size": (3, 110 / 3, 0, 100),
        "prefix_error_share": (3, 0.11 / 3, 0, 0.1),
        "prefix_error_with_output": (2, -250, -300, -200),
        "prefix_error_with_output_size": (2, 250, 200, 300),
        "append_tokens": (3, 457 / 3, 7, 400),
        "previous_output": (2, 200, 200, 200),
        "previous_visible_output": (2, 150, 150, 150),
        "append_less_output": (2, 25, -150, 200),
        "adjusted_append": (2, 100, 0, 200),
        "append_less_visible_output": (2, 75, -100, 250),
        "adjusted_visible_append": (2, 125, 0, 250),
        "cache_write_less_output": (1, 100, 100, 100),
    }
    started = marts.rows("summary_cache_replay", **POOLED, population="pairs", measure="append_less_output")
    assert {row["trigger"]: (row["count"], row["p50"]) for row in started} == {
        "all": (2, 25), "tool": (1, 200), "user": (1, -150)
    }  # fmt: skip


def test_replayed_steps_stand_in_the_populations_that_they_belong_to(marts: Marts) -> None:
    _replayed(marts)

    def counts(measure: str) -> dict[tuple[str, int | None, str], int]:
        rows = marts.rows("summary_cache_replay", **POOLED, measure=measure)
        keys = ("population", "threshold", "trigger")
        return {tuple(row[key] for key in keys): row["count"] for row in rows}  # type: ignore[misc]

    assert counts("input_chars") == {
        ("append_covers_output", None, "all"): 1,
        ("append_below_output", None, "all"): 1,
        ("input_chars_to", 100, "all"): 1,
        ("input_chars_to", 100, "tool"): 1,
        ("message_chars_from", 1000, "all"): 1,
        ("input_chars_from", 1000, "all"): 1,
        ("input_chars_from", 5000, "all"): 1,
    }
    assert counts("lacking_output") == {("append_below_output", None, "all"): 1}
    long = {"previous_output_tokens": 9000, "previous_visible_output_tokens": 8000, "previous_calls": 1}
    tokens = {"input_tokens": 1, "prefix_tokens": 0, "append_tokens": 1, "previous_input_tokens": 1}
    marts.add("steps", {"step_id": "long", "calls": 1, "previous_usage_is_final": True, **long, **tokens})
    assert counts("previous_reasoning") == {
        ("append_covers_output", None, "all"): 1,
        ("append_below_output", None, "all"): 2,
        ("visible_output_from", 1000, "all"): 1,
        ("visible_output_from", 4000, "all"): 1,
        ("visible_output_from", 8000, "all"): 1,
    }


def test_shares_of_replayed_steps_are_of_those_that_can_be_tested(marts: Marts) -> None:
    _replayed(marts)
    rows = marts.rows("summary_cache_replay_shares", **POOLED, trigger="all")
    found = {
        (row["population"], row["threshold"], row["test"]): (row["passed_steps"], row["steps"])
        for row in rows
    }
    pairs = {test: counts for (population, _, test), counts in found.items() if population == "pairs"}
    within = {name: passed for name, (passed, _) in pairs.items() if name.startswith("prefix_error_within")}
    assert within == {
        "prefix_error_within_0": 1,
        "prefix_error_within_1": 1,
        "prefix_error_within_2": 1,
        "prefix_error_within_8": 1,
        "prefix_error_within_32": 2,
        "prefix_error_within_128": 3,
        "prefix_error_within_512": 3,
        "prefix_error_within_2048": 3,
        "prefix_error_within_1_percent": 2,
        "prefix_error_within_5_percent": 2,
    }
    assert pairs["append_below_output"] == pairs["append_covers_output"] == (1, 2)
    assert pairs["append_covers_visible_output"] == pairs["append_within_output"] == (1, 2)
    assert pairs["append_equals_output"] == pairs["prefix_error_with_output_within_8"] == (0, 2)
    assert pairs["cache_write_covers_output"] == (1, 1)
    assert found["append_covers_output", None, "input_chars_within_100"] == (1, 1)
    assert found["append_below_output", None, "input_chars_within_100"] == (0, 1)
    assert found["append_below_output", None, "input_chars_within_500"] == (1, 1)
    assert found["input_chars_to", 100, "append_below_output"] == (0, 1)
    # 300 tokens for 5,059 characters
    assert found["message_chars_from", 1000, "append_covers_input"] == (0, 1)


def test_hit_ratios_of_closed_grids_and_timeouts_are_fixed_for_good(
    sample: duckdb.DuckDBPyConnection,
) -> None:
    def highs(grid: str) -> list[float | None]:
        rows = sample.execute("select high from seeds.bins where grid = ? order by bin", [grid]).fetchall()
        return [high for (high,) in rows]

    assert highs("hit_ratio_fine") == [
        0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1
    ]  # fmt: skip
    assert highs("hit_ratio_coarse") == [0.1, 0.4, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 1]
    for grid, steps, end, marks in (
        ("eviction_s", 259, 14400, (60, 300, 600, 1800, 3600, 7200)),
        ("kv_timeout_s", 228, 3600, (300, 600, 1800)),
    ):
        points = sorted({end ** (k / steps) for k in range(steps)} | {*marks, end})
        *timeouts, rest = highs(grid)
        assert rest is None
        assert timeouts == pytest.approx(points, rel=1e-12)
        assert {60.0, *map(float, marks), float(end)} <= set(timeouts)
