"""Which simple distribution counts follow best, and how far it is off.

A fit is judged by the Kolmogorov-Smirnov distance: the largest difference between the share of values at or
below a number and what the distribution says of it, from 0 (the same) to 1.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

Counted = Sequence[tuple[int, int]]
"""Values, ascending, and how often each occurs."""


class Fit(NamedTuple):
    """A distribution, as vLLM's multi-turn benchmark names it and its parameters."""

    parameters: dict[str, str | float]
    values: int
    distance: float
    """Kolmogorov-Smirnov distance to the values."""


def constant(counted: Counted) -> Fit:
    """Fit the one value that stands in the middle; 0 where there is none."""
    total = sum(times for _, times in counted)
    middle, so_far = 0, 0
    for value, times in counted:
        middle = value
        so_far += times
        if 2 * so_far >= total:
            break
    return _judged({"distribution": "constant", "value": middle}, counted, lambda x: float(x >= middle))


def fit(counted: Counted) -> Fit:
    """Fit a constant, a uniform or a lognormal distribution, whichever is closest; the first at ties.

    A lognormal one has the mean and deviation of the logarithms, and is cut off at the largest value. Both it
    and a uniform one need values above 0, so that a 0 counts as 1.
    """
    above = _at_least_one(counted)
    fits = [constant(counted)]
    if len(above) > 1:
        fits += [_uniform(above), _lognormal(above)]
    return min(fits, key=lambda candidate: candidate.distance)


def _at_least_one(counted: Counted) -> Counted:
    zeros = sum(times for value, times in counted if value < 1)
    ones = sum(times for value, times in counted if value == 1)
    return [(1, zeros + ones)][: zeros + ones] + [pair for pair in counted if pair[0] > 1]


def _uniform(counted: Counted) -> Fit:
    low, high = counted[0][0], counted[-1][0]
    return _judged(
        {"distribution": "uniform", "min": low, "max": high},
        counted,
        lambda x: min(max((math.floor(x) - low + 1) / (high - low + 1), 0.0), 1.0),
    )


def _lognormal(counted: Counted) -> Fit:
    total = sum(times for _, times in counted)
    mean = sum(math.log(value) * times for value, times in counted) / total
    variance = sum((math.log(value) - mean) ** 2 * times for value, times in counted) / total
    sigma = math.sqrt(variance)
    high = counted[-1][0]

    def at_or_below(x: float) -> float:
        if x >= high:
            return 1.0
        # drawn numbers are rounded: x stands for all up to x + 0.5
        return 0.5 * (1 + math.erf((math.log(max(x + 0.5, 0.5)) - mean) / (sigma * math.sqrt(2))))

    parameters: dict[str, str | float] = {
        "distribution": "lognormal", "mean": round(mean, 6), "sigma": round(sigma, 6), "max": high
    }  # fmt: skip
    return _judged(parameters, counted, at_or_below)


def _judged(
    parameters: dict[str, str | float], counted: Counted, at_or_below: Callable[[float], float]
) -> Fit:
    total = sum(times for _, times in counted)
    so_far, distance = 0, 0.0
    for value, times in counted:
        # both take whole numbers: what is at most value - 1 is what is below value
        distance = max(distance, abs(so_far / total - at_or_below(value - 1)))
        so_far += times
        distance = max(distance, abs(so_far / total - at_or_below(value)))
    return Fit(parameters, total, round(distance, 4))
