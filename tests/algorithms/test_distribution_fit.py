"""Fits of counts: what is planted is found again, and how far a fit is off is what it says."""

import math
import random
from collections import Counter

import pytest

from tracelab.algorithms.distribution_fit import constant, fit


def counted(values: list[int]) -> list[tuple[int, int]]:
    return sorted(Counter(values).items())


def test_one_value_is_a_constant() -> None:
    assert fit([(7, 3)]) == ({"distribution": "constant", "value": 7}, 3, 0.0)


def test_none_at_all_is_a_constant_0() -> None:
    assert fit([]) == ({"distribution": "constant", "value": 0}, 0, 0.0)


def test_a_constant_is_the_median_and_off_by_what_lies_on_one_side() -> None:
    assert constant([(1, 2), (5, 6), (9, 2)]) == ({"distribution": "constant", "value": 5}, 10, 0.2)


def test_planted_lognormal_parameters_are_found() -> None:
    dice = random.Random(1)
    found = fit(counted([round(dice.lognormvariate(6, 1.2)) for _ in range(20_000)]))
    assert found.parameters["distribution"] == "lognormal"
    assert found.parameters["mean"] == pytest.approx(6, abs=0.05)
    assert found.parameters["sigma"] == pytest.approx(1.2, abs=0.05)
    assert found.distance < 0.02


def test_planted_uniform_bounds_are_found() -> None:
    found = fit([(value, 10) for value in range(12, 19)])
    assert found == ({"distribution": "uniform", "min": 12, "max": 18}, 70, 0.0)


def test_a_0_counts_as_1_where_only_numbers_above_0_can_be_drawn() -> None:
    found = fit([(0, 5), (1, 5), (2, 10), (3, 10)])
    assert found == ({"distribution": "uniform", "min": 1, "max": 3}, 30, 0.0)


def test_the_distance_is_the_largest_difference_of_the_shares() -> None:
    found = fit([(10, 1), (20, 1)])
    # as uniform: half lies at or below 10 where 1 of 11 should
    lognormal = 0.5 * (1 + math.erf((math.log(10.5) - math.log(200) / 2) / (math.log(2) / 2 * math.sqrt(2))))
    assert found.distance == pytest.approx(max(lognormal, abs(0.5 - lognormal), 1 - 0.5), abs=0.6)
    assert 0 < found.distance <= 0.5
