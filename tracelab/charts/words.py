"""How charts put numbers into words: counts, times, tokens, money, shares, and what a picture is of."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise

import polars as pl

from tracelab.text import counted as counted
from tracelab.text import short as short

OVERVIEW = "from summary_overview where session_kind = 'all' and model = 'all' and trigger = 'all'"
"""The frame that `population` reads."""
MISS_CAUSES = {
    "idle": "idle: longer than the cache lives",
    "compaction": "compaction",
    "model_change": "model change",
    "restart": "restart: resumed in a new session",
    "residual": "residual: the log cannot tell",
    "none": "small: 1,024 tokens or 2% at most",
}
"""Why the cache missed, each by one name wherever it is told."""
_UNITS = (("d", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 0.001))
_SIZES = (("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1.0))


def numbers_of(overview: pl.DataFrame, provider: str = "all") -> dict[str, float]:
    """Return the overview's numbers of one client, or of all."""
    return dict(overview.filter(pl.col("provider") == provider).select("name", "value").iter_rows())


def population(overview: pl.DataFrame, *first: str, provider: str = "all") -> str:
    """Say what the picture is of: its own counts first, then sessions, steps and days in UTC."""
    numbers = numbers_of(overview, provider)
    parts = [*first, counted(numbers.get("sessions", 0), "session"), counted(numbers.get("steps", 0), "step")]
    if "first_at_epoch_s" in numbers:
        days = [
            f"{datetime.fromtimestamp(numbers[name], UTC):%Y-%m-%d}"
            for name in ("first_at_epoch_s", "last_at_epoch_s")
        ]
        parts.append(f"{' to '.join(dict.fromkeys(days))} UTC")
    return " · ".join(parts)


def left_out(facts: Mapping[str, float], noun: str, **why: str) -> list[str]:
    """Say in a note how many are not in a picture: by the name of each count, why. No note of none."""
    found = [(facts[name], text) for name, text in why.items() if facts.get(name)]
    parts = [
        f"{number:,.0f} {text}" if place else f"{counted(number, noun)} {text}"
        for place, (number, text) in enumerate(found)
    ]
    return [f"left out: {', '.join(parts)}"] if parts else []


def not_metered(facts: Mapping[str, float]) -> list[str]:
    """Say in a note how many steps have no prompt of one call: a row of summary_token_lengths tells."""
    return left_out(facts, "step", multi_call_steps="of several calls", missing_steps="without usage")


def shortened(name: str, most: int) -> str:
    """Return a name of at most `most` letters, cut in its middle: tools of a server differ at their ends."""
    first = most // 3
    return name if len(name) <= most else f"{name[:first]}…{name[first + 1 - most :]}"


def duration(seconds: float) -> str:
    """Return a time as a person says it, to two or three digits: 0.4 ms, 850 ms, 4.2 s, 1.4 h, 2.5 d."""
    unit, size = unit_of(seconds)
    return f"{_digits(seconds / size)} {unit}"


def unit_of(seconds: float) -> tuple[str, float]:
    """Return the unit in which a person says a time, and its seconds."""
    return _unit_of(seconds, _UNITS)


def tokens(number: float) -> str:
    """Return a token count to two or three digits: 128, 1.1k, 64k, 5.4M."""
    unit, size = _unit_of(number, _SIZES)
    return f"{_digits(number / size)}{unit}" if unit else f"{number:.0f}"


def spend(amount: float | None) -> str:
    """Return an amount of money that need not be known: no price is not $0."""
    return "no price" if amount is None else dollars(amount)


def dollars(number: float) -> str:
    """Return an amount of money: <$0.0001, $0.0042, $3.75, $10, $1,250."""
    if 0 < number < 0.0001:
        return "<$0.0001"
    if number >= 100 or number == round(number):
        return f"${number:,.0f}"
    return f"${number:,.2f}" if number >= 0.0995 else f"${number:.2g}"


def average(number: float, noun: str) -> str:
    """Return an average count and its noun: 0.3 sessions, 1 session, 25 steps."""
    digits = _digits(number)
    return f"{digits} {noun}" if digits == "1" else f"{digits} {noun}s"


def percent(share: float) -> str:
    """Return a share in percent: <0.1%, 0.4%, 93%."""
    if 0 < share < 0.0005:
        return "<0.1%"
    return f"{_digits(100 * share)}%"


def whole_percent(share: float) -> str:
    """Return a share in percent without decimals: 0%, <1%, 93%."""
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def _unit_of(number: float, units: Sequence[tuple[str, float]]) -> tuple[str, float]:
    """Return the largest unit that the number reaches once it is rounded in the next smaller one."""
    for unit, (_, smaller) in pairwise(units):
        if round(number / smaller) * smaller >= unit[1]:
            return unit
    return units[-1]


def _digits(number: float) -> str:
    is_whole = round(number, 1) >= 10 or math.isclose(number, round(number))
    return f"{number:,.0f}" if is_whole else f"{number:.1f}"
