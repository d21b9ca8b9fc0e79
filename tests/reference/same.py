"""When two values are one: a number of ours, as DuckDB gives it, and the text that shows theirs."""

import math
import re
from collections.abc import Callable

Value = str | int | float | None
Same = Callable[[Value, str], bool]


def exact(ours: Value, theirs: str) -> bool:
    """Counts, tokens and names: the same text."""
    return ("" if ours is None else str(ours)) == theirs


def ratio(ours: Value, theirs: str) -> bool:
    """Ratios and means, printed in full: the same to 1e-9 of their size."""
    return _within(ours, theirs, 1e-9 * max(1.0, abs(number(theirs))))


def seconds(ours: Value, theirs: str) -> bool:
    """Durations in seconds: the same to the microsecond."""
    return _within(ours, theirs, 1e-6)


def milliseconds(ours: Value, theirs: str) -> bool:
    """Durations in milliseconds: the same to the microsecond."""
    return _within(ours, theirs, 1e-3)


def hours(ours: Value, theirs: str) -> bool:
    """Durations in hours: the same to the microsecond."""
    return _within(ours, theirs, 1e-6 / 3600)


def printed(ours: Value, theirs: str) -> bool:
    """Rounded numbers ($0.98, 1,058, 2.3): ours rounds to what is printed."""
    return _within(ours, theirs, last_digit(theirs) / 2)


def percent(ours: Value, theirs: str) -> bool:
    """Shares that are printed as percentages: ours, in 0..1, rounds to what is printed."""
    return printed(None if ours is None else 100 * float(ours), theirs)


def six_digits(ours: Value, theirs: str) -> bool:
    """Numbers printed with six significant digits, trailing zeros left out."""
    size = abs(number(theirs))
    return _within(ours, theirs, 10 ** (math.floor(math.log10(size)) - 5) / 2 if size else 1e-6)


def number(text: str) -> float:
    """Return the number that a printed text shows, its signs of unit left out; 0 where it shows none."""
    return float(re.sub(r"[$,%×x\s]", "", text) or 0)


def last_digit(text: str) -> float:
    """Return what one unit of a printed number's last digit is worth."""
    return 10.0 ** -len(re.sub(r"[^\d.]", "", text).partition(".")[2])


def _within(ours: Value, theirs: str, tolerance: float) -> bool:
    if ours is None or theirs == "":
        return ours is None and theirs == ""
    noise = 1e-12 * max(1.0, abs(number(theirs)))
    return abs(float(ours) - number(theirs)) <= tolerance + noise
