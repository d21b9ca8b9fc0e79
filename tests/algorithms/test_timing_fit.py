"""Least squares of times on tokens: what is planted is found again, whatever the order of the rows."""

import random
from collections.abc import Iterable
from math import exp

import polars as pl
import pytest

from tracelab.algorithms.timing_fit import timing_fits

Row = dict[str, object]


def segments(rows: Iterable[Row]) -> pl.DataFrame:
    group = {"group_id": 1, "provider": "claude", "model": "m", "segment_kind": "user_to_tool_call"}
    return pl.DataFrame([{**group, "is_test": False, **row} for row in rows], infer_schema_length=None)


def tokens(count: int, seed: int = 1) -> list[dict[str, int]]:
    dice = random.Random(seed)
    return [
        {
            "prefix_tokens": dice.randrange(200_000),
            "append_tokens": dice.randrange(50_000),
            "output_tokens": dice.randrange(4_000),
        }
        for _ in range(count)
    ]


def planted_ms(row: dict[str, int]) -> float:
    prefix, append, output = (row[f"{name}_tokens"] / 1000 for name in ("prefix", "append", "output"))
    return 500 + 2 * prefix + 30 * append + 4000 * output + 0.01 * prefix**2 + 0.5 * append * output


def fit(frame: pl.DataFrame, name: str) -> dict[str, float]:
    return timing_fits(frame).row(by_predicate=pl.col("fit") == name, named=True)


@pytest.mark.parametrize("name", ["duration", "smooth_duration"])
def test_a_planted_polynomial_is_found_again(name: str) -> None:
    found = fit(segments({**row, "duration_ms": planted_ms(row)} for row in tokens(500)), name)
    planted = {
        "intercept": 500.0, "prefix_k": 2.0, "append_k": 30.0, "output_k": 4000.0, "prefix_k_2": 0.01,
        "append_k_output_k": 0.5, "append_k_2": 0.0, "output_k_2": 0.0, "prefix_k_append_k": 0.0,
        "prefix_k_output_k": 0.0,
    }  # fmt: skip
    assert {name: found[name] for name in planted} == pytest.approx(planted, rel=1e-5, abs=1e-4)


def test_the_logarithm_is_fitted_to_times_that_grow_by_a_factor() -> None:
    rows = [{**row, "duration_ms": exp(7 + row["output_tokens"] / 2000)} for row in tokens(500)]
    found = fit(segments(rows), "log_duration")
    assert (found["intercept"], found["output_k"]) == pytest.approx((7.0, 0.5), rel=1e-6)


def test_errors_weigh_less_where_times_are_long_only_in_the_smooth_fit() -> None:
    same = {"prefix_tokens": 0, "append_tokens": 0, "output_tokens": 0}
    frame = segments({**same, "duration_ms": ms} for ms in [1000] * 100 + [9000] * 100)
    assert fit(frame, "duration")["intercept"] == pytest.approx(5000)
    # weights 1/2000² and 1/10000²: 25 to 1
    assert fit(frame, "smooth_duration")["intercept"] == pytest.approx((25 * 1000 + 9000) / 26)
    assert fit(frame, "median")["intercept"] == 5000


def test_features_that_depend_on_others_stay_out() -> None:
    rows = [{**row, "append_tokens": row["prefix_tokens"], "output_tokens": 7} for row in tokens(300)]
    found = fit(segments({**row, "duration_ms": 100 + row["prefix_tokens"]} for row in rows), "duration")
    assert (found["intercept"], found["prefix_k"]) == pytest.approx((100, 1000), rel=1e-6)
    assert (found["append_k"], found["output_k"], found["prefix_k_append_k"]) == (0, 0, 0)


@pytest.mark.parametrize("name", ["duration", "log_duration", "smooth_duration"])
def test_a_feature_that_never_changes_stays_out(name: str) -> None:
    dice = random.Random(5)
    rows = [{**row, "append_tokens": 333, "output_tokens": 7} for row in tokens(300)]
    found = fit(segments({**row, "duration_ms": dice.randrange(1, 90_000)} for row in rows), name)
    assert (found["append_k"], found["output_k"], found["append_k_output_k"]) == (0, 0, 0)
    assert found["prefix_k"] != 0


def test_the_test_set_counts_for_the_size_of_a_group_and_is_not_fitted_to() -> None:
    rows = [{**row, "duration_ms": planted_ms(row)} for row in tokens(80)]
    spoilt = [{**row, "duration_ms": 1.0, "is_test": True} for row in tokens(20, seed=2)]
    found = fit(segments([*rows, *spoilt]), "duration")
    assert (found["train_segments"], found["output_k"]) == (80, pytest.approx(4000, rel=1e-5))
    assert timing_fits(segments([*rows, *spoilt[1:]])).is_empty()
    assert timing_fits(segments({**row, "is_test": True} for row in [*rows, *spoilt])).is_empty()


def test_groups_are_fitted_apart_and_one_without_a_model_is_kept() -> None:
    rows = [{**row, "duration_ms": planted_ms(row), "model": "m"} for row in tokens(100)]
    slower = [{**row, "duration_ms": 2 * row["duration_ms"], "model": None, "group_id": 2} for row in rows]
    found = timing_fits(segments([*rows, *slower])).filter(fit="duration")
    assert found["model"].to_list() == ["m", None]
    assert found["output_k"].to_list() == pytest.approx([4000, 8000], rel=1e-5)


def test_the_same_rows_in_another_order_give_the_same_bits() -> None:
    dice = random.Random(3)
    rows = [{**row, "duration_ms": dice.randrange(1, 60_000)} for row in tokens(2000)]
    shuffled = dice.sample(rows, len(rows))
    parts = pl.concat([segments(shuffled[:700]), segments(shuffled[700:])], rechunk=False)
    assert timing_fits(parts).equals(timing_fits(segments(rows)))


def test_nothing_to_fit_gives_no_rows() -> None:
    none = segments([{**tokens(1)[0], "duration_ms": 1}]).clear()
    assert timing_fits(none).is_empty()
