"""Summaries of people and tokens on marts made by hand: who is counted, and what is left out and said so."""

import random
from typing import Any

import pytest

from tests.test_summaries import Marts, marts  # noqa: F401  (marts is a fixture)

ALL = {"provider": "all", "session_kind": "all", "model": "all"}
METERED = {"calls": 1, "usage_is_final": True}
LEFT_OUT = ("missing_steps", "multi_call_steps", "placeholder_steps")


def picked(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def test_each_message_ends_a_wait_of_its_own(marts: Marts) -> None:  # noqa: F811
    marts.add(
        "steps",
        {"human_waits_ms": [1000, 299_000], "while_running_messages": 0},
        {"human_waits_ms": [300_000], "while_running_messages": 2},
        {"human_waits_ms": [28_800_001], "while_running_messages": 0},
        {"human_waits_ms": None, "while_running_messages": 1},
    )
    rows = {row["cap"]: row for row in marts.rows("summary_human_wait", **ALL)}
    found = {cap: picked(row, "count", "count_share", "max", "total_s") for cap, row in rows.items()}
    assert found == {
        "all": (4, 1.0, 28_800.001, 29_400.001),
        "5m": (3, 0.75, 300.0, 600.0),
        "1h": (3, 0.75, 300.0, 600.0),
        "8h": (3, 0.75, 300.0, 600.0),
    }
    assert rows["5m"]["time_share"] == 600 / 29_400.001
    assert picked(rows["all"], "p50", "waits_over_8h", "while_running_messages") == (299.5, 1, 3)


def test_messages_typed_ahead_alone_make_no_wait(marts: Marts) -> None:  # noqa: F811
    marts.add("steps", {"human_waits_ms": None, "while_running_messages": 2})
    row = marts.row("summary_human_wait", cap="5m", **ALL)
    assert picked(row, "count", "total_s", "count_share", "p50", "while_running_messages") == (
        0, 0.0, None, None, 2
    )  # fmt: skip
    assert marts.rows("summary_human_wait_cdf") == []


def test_a_wait_of_a_minute_is_not_below_a_minute(marts: Marts) -> None:  # noqa: F811
    marts.add("steps", {"human_waits_ms": [59_999, 60_000]}, {"human_waits_ms": [60_001], "model": "n"})
    rows = marts.rows("summary_human_wait_cdf", **ALL)
    below = {row["threshold_s"]: row for row in rows}
    shown = ("count", "cumulative_count", "cumulative_mass_s")
    assert picked(below[60.0], *shown) == (3, 1, 59.999)
    assert picked(below[None], *shown) == (3, 3, 180.0)
    assert below[60.0]["cumulative_mass_share"] == 59.999 / 180
    cuts = {picked(row, *ALL) for row in marts.rows("summary_human_wait_cdf")}
    assert len(marts.rows("summary_human_wait_cdf")) == len(cuts) * len(below)


def test_what_spans_cover_twice_and_what_none_covers_make_up_the_response(marts: Marts) -> None:  # noqa: F811
    request = {
        "response_ms": 10_000,
        "generation_ms": 6_000,
        "tool_effective_ms": 3_000,
        "tool_wall_ms": 5_000,
        "generation_span_ms": 6_000,
        "tool_span_ms": 5_000,
        "generation_alone_ms": 5_000,
        "tool_alone_ms": 3_000,
        "other_ms": 1_000,
        "usage_gap_ms": None,
    }
    longer = {**request, "response_ms": 30_000, "other_ms": 19_000, "usage_gap_ms": 70}
    longer |= {"generation_alone_ms": 6_000, "tool_alone_ms": 5_000}
    marts.add("requests", request, longer, {**request, "response_ms": 0}, {**request, "response_ms": None})
    rows = marts.rows("summary_request_decomposition", **ALL)
    parts = {row["part"]: row for row in rows if row["response_bin"] == "all"}
    assert {part: row["total_s"] for part, row in parts.items()} == {
        "generation": 12.0,
        "tool_effective": 6.0,
        "tool_wall": 10.0,
        "residual_effective": 22.0,
        "residual_wall": 18.0,
        "generation_span": 12.0,
        "tool_span": 10.0,
        "overlap": 2.0,
        "generation_alone": 11.0,
        "tool_alone": 8.0,
        "both": 1.0,
        "other": 20.0,
        "usage_gap": 0.07,
    }
    assert parts["residual_wall"]["negative_requests"] == 1
    assert picked(parts["usage_gap"], "requests", "dropped_requests", "count") == (2, 2, 1)
    assert parts["generation"]["response_share"] == 0.3
    bins = {
        picked(row, "response_low_s", "response_high_s", "requests") for row in rows if row["part"] == "other"
    }
    assert bins == {(None, None, 2), (10.0, 100.0, 2)}


def test_steps_that_say_nothing_of_a_length_are_counted_beside_it(marts: Marts) -> None:  # noqa: F811
    lengths = {"prefix_tokens": 100, "append_tokens": 10, "output_tokens": 8, "visible_output_tokens": 5}
    marts.add(
        "steps",
        {**METERED, **lengths},
        {**METERED, **lengths, "calls": 2, "output_tokens": 20, "append_tokens": 900},
        {**METERED, **lengths, "usage_is_final": False, "output_tokens": 1, "append_tokens": 30},
        {"calls": 1, "usage_is_final": False},
    )
    rows = {row["measure"]: row for row in marts.rows("summary_token_lengths", **ALL)}
    shown = ("steps", *LEFT_OUT, "count", "max")
    assert picked(rows["append_tokens"], *shown) == (4, 1, 1, 0, 2, 30)
    assert picked(rows["output_tokens"], *shown) == (4, 1, 0, 1, 2, 20)
    assert rows["visible_output_tokens"]["p50"] == 5
    output = marts.row("summary_output_tokens", **ALL)
    assert picked(output, "steps", "missing_steps", "placeholder_steps", "count", "p50", "output_tokens") == (
        4, 1, 1, 2, 14, 28
    )  # fmt: skip


def test_reasoning_is_part_of_the_output_and_an_output_of_none_is_in_the_distribution(marts: Marts) -> None:  # noqa: F811
    marts.add(
        "steps",
        {**METERED, "output_tokens": 90, "reasoning_tokens": 60},
        {**METERED, "output_tokens": 0, "reasoning_tokens": 0},
        {**METERED, "usage_is_final": False, "output_tokens": 7, "reasoning_tokens": 7},
    )
    row = marts.row("summary_output_tokens", **ALL)
    assert picked(row, "count", "min", "empty_steps", "reasoning_steps", "reasoning_tokens") == (
        2,
        0,
        1,
        1,
        60,
    )


def test_appends_are_binned_by_size_and_split_where_the_split_is_known(marts: Marts) -> None:  # noqa: F811
    for name, append in {"a": 0, "b": 999, "c": 1000, "d": 500_000}.items():
        marts.add("steps", {**METERED, "step_id": name, "append_tokens": append, "prefix_tokens": 7})
    marts.add(
        "steps", {**METERED, "step_id": "e", "append_tokens": 50, "calls": 2}, {"step_id": "f", "calls": 1}
    )
    split = {"fresh_tokens": 600, "resent_output_tokens": 300, "missed_tokens": 99}
    marts.add("cache_reuse", {"step_id": "b", **split})
    rows = {row["append_low_tokens"]: row for row in marts.rows("summary_prefix_append", **ALL)}
    assert {low: row["steps"] for low, row in rows.items()} == {
        0: 1, 1: 0, 10: 0, 100: 1, 1000: 1, 10_000: 0, 100_000: 0, 500_000: 1
    }  # fmt: skip
    assert picked(rows[100], "append_tokens", "prefix_tokens", *split) == (999, 7, 600, 300, 99)
    assert picked(rows[500_000], "step_share", "token_share", "append_high_tokens") == (
        0.25, 500_000 / 501_999, None
    )  # fmt: skip
    assert {picked(row, "multi_call_steps", "missing_steps") for row in rows.values()} == {(1, 1)}


def test_prefix_bins_begin_at_their_lower_edge_and_empty_ones_stay(marts: Marts) -> None:  # noqa: F811
    steps = ((0, 10), (1023, 30), (1024, 50), (262_144, 70))
    marts.add("steps", *({**METERED, "prefix_tokens": prefix, "append_tokens": n} for prefix, n in steps))
    marts.add("steps", {**METERED, "prefix_tokens": 5, "append_tokens": 999, "calls": 3}, {"calls": 1})
    rows = {row["prefix_low_tokens"]: row for row in marts.rows("summary_append_by_prefix_bin", **ALL)}
    assert len(rows) == 10
    assert picked(rows[0], "count", "mean", "p50", "prefix_high_tokens") == (2, 20, 20, 1024)
    assert picked(rows[1024], "count", "max") == (1, 50)
    assert picked(rows[2048], "count", "p50") == (0, None)
    assert picked(rows[262_144], "count", "p50", "prefix_high_tokens") == (1, 70, None)
    assert {picked(row, "multi_call_steps", "missing_steps") for row in rows.values()} == {(1, 1)}


def pair(append: int | None, output: int | None, **other: Any) -> dict[str, Any]:
    """A step and what stands on it of the one before."""
    return {
        **METERED,
        "previous_step_id": "before",
        "previous_model": "m",
        "previous_calls": 1,
        "previous_usage_is_final": True,
        "append_tokens": append,
        "previous_output_tokens": output,
        **other,
    }


def test_lengths_begin_at_the_lower_edge_of_their_bin_and_shares_add_up(marts: Marts) -> None:  # noqa: F811
    for name, tokens in {"a": 0, "b": 1, "c": 2, "d": 3, "e": 2**22, "f": 2**22 + 9, "g": None}.items():
        marts.add("steps", {**METERED, "step_id": name, "prefix_tokens": tokens, "output_tokens": 2})
    marts.add(
        "steps",
        {"step_id": "calls", "calls": 2, "prefix_tokens": 7, "output_tokens": 2, "usage_is_final": True},
        {"step_id": "placeholder", "calls": 1, "output_tokens": 5, "usage_is_final": False},
    )
    at = {"provider": "all", "session_kind": "all"}
    rows = marts.rows("summary_token_bins", measure="prefix_tokens", **at)
    shown = ("low_tokens", "steps", "tokens", "step_share", "cumulative_share")
    # 3 lies in the eighth octave from 2 ^ (12 / 8) to 2 ^ (13 / 8)
    assert [picked(row, *shown) for row in sorted(rows, key=lambda row: row["bin"])] == [
        (0, 1, 0, 1 / 6, 1 / 6),
        (1, 1, 1, 1 / 6, 2 / 6),
        (2, 1, 2, 1 / 6, 3 / 6),
        (2**1.5, 1, 3, 1 / 6, 4 / 6),
        (2**22, 2, 2**23 + 9, 2 / 6, 1),
    ]
    assert picked(rows[-1], "high_tokens", "cumulative_token_share") == (None, 1)
    (output,) = marts.rows("summary_token_bins", measure="output_tokens", **at)
    assert picked(output, "low_tokens", "steps", "tokens") == (2, 8, 16)


def test_what_is_appended_after_an_output_is_binned_with_and_without_it(marts: Marts) -> None:  # noqa: F811
    marts.add(
        "steps",
        pair(300, 500),
        pair(900, 500),
        pair(900, 500, provider="codex", previous_model="gpt-5.4"),
        pair(900, 500, calls=2),
        pair(900, 1, previous_usage_is_final=False),
        pair(900, None),
    )
    found = {
        measure: sorted(
            picked(row, "low_tokens", "high_tokens", "steps", "tokens")
            for row in marts.rows("summary_token_bins", measure=measure, provider="all", session_kind="all")
        )
        for measure in ("append_tokens", "pair_append_tokens", "adjusted_append_tokens")
    }
    assert found == {
        # all but the step that stands for two calls
        "append_tokens": [(2**8.125, 2**8.25, 1, 300), (2**9.75, 2**9.875, 4, 3600)],
        "pair_append_tokens": [(2**8.125, 2**8.25, 1, 300), (2**9.75, 2**9.875, 2, 1800)],
        "adjusted_append_tokens": [(0, 1, 1, 0), (2**8.625, 2**8.75, 1, 400), (2**9.75, 2**9.875, 1, 900)],
    }


def test_a_cell_of_the_grid_is_an_octave_of_each_from_its_lower_edge_on(marts: Marts) -> None:  # noqa: F811
    cells = ((0, 0), (0, 1), (1023, 2), (1024, 3), (1024, 2), (2**22, 2**23))
    for place, (prefix, append) in enumerate(cells):
        tokens = {"prefix_tokens": prefix, "append_tokens": append}
        marts.add("steps", {**METERED, "step_id": str(place), **tokens})
    marts.add(
        "steps",
        {**METERED, "step_id": "calls", "calls": 2, "prefix_tokens": 0, "append_tokens": 0},
        {**METERED, "step_id": "unmetered"},
    )
    rows = marts.rows("summary_prefix_append_grid", provider="all", session_kind="all")
    edges = ("prefix_low_tokens", "prefix_high_tokens", "append_low_tokens", "append_high_tokens")
    assert {picked(row, *edges): picked(row, "steps", "append_tokens") for row in rows} == {
        (0, 1, 0, 1): (1, 0),
        (0, 1, 1, 2): (1, 1),
        (512, 1024, 2, 4): (1, 2),
        (1024, 2048, 2, 4): (2, 5),
        (2**22, None, 2**22, None): (1, 2**23),
    }


def test_previous_output_is_taken_out_where_the_client_sends_it_again(marts: Marts) -> None:  # noqa: F811
    codex = {"provider": "codex"}
    marts.add(
        "steps",
        pair(300, 500),
        pair(900, 500),
        pair(900, 500, **codex, previous_model="gpt-5.5"),
        pair(900, 500, **codex, previous_model="gpt-5.4"),
        pair(900, 500, **codex, previous_model=None),
        {**METERED, "append_tokens": 12_345},
    )
    rows = marts.rows("summary_adjusted_append", session_kind="all", model="all")
    found = {
        (row["provider"], row["measure"]): picked(row, "min", "max", "mean")
        for row in rows
        if row["provider"] != "all"
    }
    assert found == {
        ("claude", "append_tokens"): (300, 900, 600),
        ("claude", "subtracted_tokens"): (500, 500, 500),
        ("claude", "signed_adjusted_append_tokens"): (-200, 400, 100),
        ("claude", "adjusted_append_tokens"): (0, 400, 200),
        ("codex", "append_tokens"): (900, 900, 900),
        ("codex", "subtracted_tokens"): (0, 500, 500 / 3),
        ("codex", "signed_adjusted_append_tokens"): (400, 900, 2200 / 3),
        ("codex", "adjusted_append_tokens"): (400, 900, 2200 / 3),
    }
    counts = {picked(row, "provider", "pairs", "subtracted_pairs", "clipped_pairs") for row in rows}
    assert counts == {("all", 5, 3, 1), ("claude", 2, 2, 1), ("codex", 3, 1, 0)}


def test_pairs_whose_tokens_say_nothing_are_left_out_for_one_reason_each(marts: Marts) -> None:  # noqa: F811
    unknown = {"usage_is_final": False, "prefix_tokens": 7, "output_tokens": 1}
    marts.add(
        "steps",
        pair(900, 500, prefix_tokens=60, output_tokens=4),
        pair(900, 1, previous_usage_is_final=False, **unknown),
        pair(100, 500, calls=2, **unknown),
        pair(100, 500, previous_calls=2, previous_usage_is_final=False, **unknown),
        pair(900, None, previous_usage_is_final=False, **unknown),
        pair(None, 500, usage_is_final=False),
    )
    for row in marts.rows("summary_adjusted_append", **ALL):
        assert picked(row, "pairs", "missing_pairs", "multi_call_pairs", "placeholder_pairs", "count") == (
            6, 2, 2, 1, 1
        )  # fmt: skip
    rows = {row["measure"]: row for row in marts.rows("summary_token_spindles", **ALL)}
    shown = ("steps", *LEFT_OUT, "count", "max")
    assert picked(rows["prefix_tokens"], *shown) == (6, 2, 2, 1, 1, 60)
    assert picked(rows["visible_adjusted_append_tokens"], *shown) == (6, 2, 2, 1, 1, 400)
    assert picked(rows["output_tokens"], *shown) == (6, 1, 0, 4, 1, 4)


def test_spindles_take_out_what_was_visible_where_the_log_tells_it_apart(marts: Marts) -> None:  # noqa: F811
    marts.add(
        "steps",
        {**METERED, "output_tokens": 0, "prefix_tokens": 0},
        pair(600, 500, previous_visible_output_tokens=500, prefix_tokens=0, output_tokens=9),
        *(
            pair(
                600,
                500,
                provider="codex",
                previous_model=model,
                previous_visible_output_tokens=200,
                prefix_tokens=50,
                output_tokens=9,
            )
            for model in ("gpt-5.5", "gpt-5.4", None)
        ),
    )
    adjusted = marts.rows(
        "summary_token_spindles", measure="visible_adjusted_append_tokens", session_kind="all", model="all"
    )
    assert {row["provider"]: picked(row, "min", "max") for row in adjusted} == {
        "all": (100, 600), "claude": (100, 100), "codex": (400, 600)
    }  # fmt: skip
    rows = {row["measure"]: row for row in marts.rows("summary_token_spindles", **ALL)}
    shown = ("count", "positive_steps", "zero_steps")
    assert picked(rows["prefix_tokens"], *shown) == (4, 3, 1)
    assert picked(rows["output_tokens"], *shown) == (5, 4, 1)


def add_attributable(
    marts: Marts,  # noqa: F811
    *sizes: tuple[int, int, int],
    gap_ms: int | None = 1000,
    **other: Any,
) -> None:
    """Pairs of (previous output, append, growth of the prefix over the previous input)."""
    for output, append, gain in sizes:
        (number,) = marts.tables.execute("select count(*) from steps").fetchall()[0]
        names = {"step_id": f"s{number:04}", "previous_input_tokens": 1000, "prefix_tokens": 1000 + gain}
        marts.add("steps", pair(append, output, **{**names, "input_tokens": 1000 + gain + append, **other}))
        marts.add("idle_gaps", {"step_id": names["step_id"], "listed_gap_ms": gap_ms})


def attributed(marts: Marts, least: int = 2000, **where: Any) -> dict[str, Any]:  # noqa: F811
    return marts.row(
        "summary_output_attribution", min_output_tokens=least, **{**ALL, "trigger": "all", **where}
    )


@pytest.mark.parametrize(
    ("sizes", "found"),
    [
        ((2000, 10, 1488), "prefix_close_share"),
        ((2000, 10, 2512), "prefix_close_share"),
        ((2000, 10, 1487), "unassigned_share"),
        ((2000, 10, 2513), "unassigned_share"),
        ((2000, 1488, 1487), "append_side_share"),
        ((2000, 1487, 1487), "unassigned_share"),
        ((10_000, 10, 9000), "prefix_close_share"),
        ((10_000, 9000, 8999), "append_side_share"),
    ],
)
def test_output_is_found_within_a_tenth_of_it_and_at_least_512_tokens(
    marts: Marts,  # noqa: F811
    sizes: tuple[int, int, int],
    found: str,
) -> None:
    add_attributable(marts, sizes)
    row = attributed(marts)
    names = ("prefix_close_share", "append_side_share", "unassigned_share")
    assert {name: row[name] for name in names} == {name: float(name == found) for name in names}


def test_a_close_prefix_may_stand_beside_an_append_that_could_hold_the_output(marts: Marts) -> None:  # noqa: F811
    add_attributable(marts, (2000, 5000, 2000), (2000, 10, 2000), (2000, 5000, 0), (2000, 10, 0))
    row = attributed(marts)
    assert picked(
        row,
        "pairs",
        "append_can_hold_share",
        "prefix_close_append_can_hold_share",
        "prefix_reject_share",
        "append_minus_output_p50_tokens",
    ) == (4, 0.5, 0.25, 0.5, 505)


def test_pairs_are_attributed_up_to_four_minutes_after_an_output_that_started_something(
    marts: Marts,  # noqa: F811
) -> None:
    size = (2000, 100, 2000)
    for gap_ms in (0, 240_000, 240_001, -1, None):
        add_attributable(marts, size, gap_ms=gap_ms)
    add_attributable(marts, size, trigger="none")
    add_attributable(marts, (1999, 100, 2000))
    add_attributable(marts, size, previous_input_tokens=0)
    add_attributable(marts, size, calls=2)
    add_attributable(marts, size, previous_calls=2, previous_usage_is_final=False)
    add_attributable(marts, size, previous_usage_is_final=False)
    row = attributed(marts)
    assert picked(row, "pairs", "multi_call_pairs", "placeholder_pairs") == (2, 2, 1)
    assert marts.rows("summary_output_attribution", min_output_tokens=4000) == []


def test_correlations_are_the_same_to_the_last_digit_whatever_steps_are_called(marts: Marts) -> None:  # noqa: F811
    chance = random.Random(1)
    sizes = [
        (chance.randrange(2000, 9999), chance.randrange(9999), chance.randrange(9999)) for _ in range(60)
    ]
    found = []
    for _ in range(3):
        marts.tables.execute("delete from steps; delete from idle_gaps")
        add_attributable(marts, *sizes)
        row = attributed(marts)
        found.append(picked(row, "output_append_correlation", "output_prefix_gain_correlation"))
        chance.shuffle(sizes)
    assert found[0] == found[1] == found[2]


def test_the_output_is_its_own_models_and_the_trigger_what_came_after_it(marts: Marts) -> None:  # noqa: F811
    add_attributable(marts, (4000, 100, 4000), model="new", previous_model="old", trigger="user")
    add_attributable(marts, (2000, 100, 2000), model="new", previous_model=None)
    rows = marts.rows(
        "summary_output_attribution", provider="claude", session_kind="all", min_output_tokens=2000
    )
    assert {picked(row, "model", "trigger", "pairs") for row in rows} == {
        ("all", "all", 2),
        ("all", "user", 1),
        ("all", "tool", 1),
        ("old", "all", 1),
        ("old", "user", 1),
        (None, "all", 1),
        (None, "tool", 1),
    }
    assert attributed(marts, least=4000)["pairs"] == 1


@pytest.mark.parametrize(
    ("close", "side", "neither", "decision", "strength"),
    [
        (49, 0, 0, "not_sure", "weak"),
        (50, 0, 0, "prefix_side", "strong"),
        (42, 12, 6, "prefix_side", "strong"),
        (41, 12, 7, "not_sure", "weak"),
        (42, 13, 5, "not_sure", "weak"),
        (239, 0, 61, "prefix_side", "strong"),
        (240, 0, 60, "prefix_side", "very_strong"),
        (239, 0, 60, "prefix_side", "strong"),
        (12, 42, 6, "append_side", "strong"),
        (13, 42, 5, "not_sure", "weak"),
        (0, 269, 31, "append_side", "strong"),
        (0, 270, 30, "append_side", "very_strong"),
        (30, 30, 39, "mixed", "moderate"),
        (30, 30, 40, "mixed", "strong"),
        (29, 30, 41, "not_sure", "weak"),
    ],
)
def test_the_decision_goes_by_the_shares_and_its_strength_by_the_number_of_pairs(
    marts: Marts,  # noqa: F811
    close: int,
    side: int,
    neither: int,
    decision: str,
    strength: str,
) -> None:
    kinds = {(2000, 10, 2000): close, (2000, 5000, 0): side, (2000, 10, 0): neither}
    for size, times in kinds.items():
        if times:
            add_attributable(marts, size)
        for table in ("steps", "idle_gaps"):
            marts.tables.execute(
                f"insert into {table} select made.* replace (step_id || '/' || copy as step_id)"
                f" from (from {table} order by length(step_id), step_id desc limit 1) as made,"
                f" range({times - 1}) as copies(copy)"
            )
    row = attributed(marts)
    assert picked(row, "pairs", "decision", "decision_strength") == (
        close + side + neither,
        decision,
        strength,
    )


def test_outputs_and_appends_correlate_on_their_logarithms_where_both_vary(marts: Marts) -> None:  # noqa: F811
    add_attributable(marts, (2000, 100, 10), (4000, 200, 10), (8000, 400, 10))
    row = attributed(marts)
    assert row["output_append_correlation"] == pytest.approx(1.0)
    assert row["output_prefix_gain_correlation"] is None


@pytest.mark.parametrize(
    ("grid", "edges"),
    [
        ("prefix_tokens", [0, *(1024 * 2**k for k in range(9))]),
        ("append_tokens", [0, 1, 10, 100, 1000, 10_000, 100_000, 500_000]),
        ("response_s", [0, 1, 10, 100, 1000, 10_000]),
    ],
)
def test_the_bins_of_a_grid_leave_no_gap_and_end_open(marts: Marts, grid: str, edges: list[float]) -> None:  # noqa: F811
    bins = marts.tables.execute("select low, high from bins where grid = ? order by bin", [grid]).fetchall()
    assert [low for low, _ in bins] == edges
    assert [high for _, high in bins] == [*edges[1:], None]


def test_an_output_and_what_the_next_prompt_holds_fall_into_half_octaves(marts: Marts) -> None:  # noqa: F811
    add_attributable(marts, (2048, 2047, -500), (2896, 0, 2048), (2897, 2048, 2896))
    add_attributable(marts, (4000, 100, 4000), calls=2)
    rows = marts.rows("summary_output_attribution_grid", **ALL)
    cells = {
        measure: {
            (row["output_low_tokens"], row["held_low_tokens"]): row["pairs"]
            for row in rows
            if row["measure"] == measure
        }
        for measure in ("append_tokens", "prefix_gain_tokens")
    }
    half = 2**11.5
    assert cells["append_tokens"] == {(2048, 2**10.5): 1, (2048, 0): 1, (half, 2048): 1}
    assert cells["prefix_gain_tokens"] == {(2048, 0): 1, (2048, 2048): 1, (half, 2048): 1}, "none is below 0"


def test_the_lengths_tell_their_sum(marts: Marts) -> None:  # noqa: F811
    marts.add("steps", {**METERED, "append_tokens": 10}, {**METERED, "append_tokens": 5})
    marts.add("steps", {"append_tokens": 100, "calls": 2}, {**METERED, "append_tokens": None})
    assert marts.row("summary_token_lengths", measure="append_tokens", **ALL)["total_tokens"] == 15
