"""Log axes of tokens, counts and money, with ticks that a person would write. Times are the theme's."""

from collections.abc import Mapping
from typing import Any

import altair as alt

from tracelab.charts import theme

Ticks = Mapping[float, str]
Domain = tuple[float, float]

TOKENS: Ticks = {
    0.5: "0",
    1: "1",
    8: "8",
    128: "128",
    1024: "1k",
    8192: "8k",
    65536: "64k",
    524288: "512k",
    4194304: "4M",
}
"""No tokens stand at 0.5: a log axis has no 0."""
CONTEXTS: Ticks = {
    1: "1",
    16: "16",
    128: "128",
    1024: "1k",
    4096: "4k",
    8192: "8k",
    16384: "16k",
    32768: "32k",
    65536: "64k",
    131072: "128k",
    262144: "256k",
    524288: "512k",
    1048576: "1M",
    2097152: "2M",
}
"""Tokens of a prompt."""
AMOUNTS: Ticks = {
    digit * 10.0**power: f"{digit * 10**power:,g}" for power in range(-2, 6) for digit in (1, 3)
}
"""Tokens a second, seconds, ratios."""
_BEYOND_1 = {value: text for value, text in AMOUNTS.items() if value >= 1}
RESIDUALS: Ticks = {
    **{-value: f"−{text}" for value, text in reversed(_BEYOND_1.items())},
    0: "0",
    **_BEYOND_1,
}
"""Seconds that may be below 0."""
COUNTS: Ticks = {
    1: "1",
    3: "3",
    10: "10",
    30: "30",
    100: "100",
    300: "300",
    1000: "1k",
    3000: "3k",
    10_000: "10k",
    30_000: "30k",
    100_000: "100k",
}
DOLLARS: Ticks = {
    0.0001: "$0.0001",
    0.001: "$0.001",
    0.01: "$0.01",
    0.1: "$0.10",
    1: "$1",
    10: "$10",
    100: "$100",
    1000: "$1k",
    10_000: "$10k",
}


def around(ticks: Ticks, low: float, high: float) -> Domain:
    """Return the ticks around what is drawn, or the first and the last that there are."""
    first = max((tick for tick in ticks if tick <= low), default=min(ticks))
    return first, min((tick for tick in ticks if tick >= high and tick > first), default=max(ticks))


def log_x(field: str, title: str | None, unit: str, ticks: Ticks, domain: Domain, **more: Any) -> alt.X:
    """Return a log x axis; what lies outside its domain stands at its ends."""
    axis = theme.axis(title=f"{title} ({unit}, log)" if title else None, **_ticks(ticks, domain), **more)
    return alt.X(field).scale(_scale(domain)).axis(**axis)


def log_y(field: str, title: str, unit: str, ticks: Ticks, domain: Domain) -> alt.Y:
    """Return a log y axis, of the theme's width."""
    axis = theme.y_axis(f"{title} ({unit}, log)", **_ticks(ticks, domain))
    return alt.Y(field).scale(_scale(domain)).axis(**axis)


def symlog_y(field: str, title: str, unit: str, ticks: Ticks, domain: Domain) -> alt.Y:
    """Return a y axis of the theme's width that is linear to 1 and log beyond, on either side of 0."""
    scale = alt.Scale(type="symlog", constant=1, domain=domain, nice=False, zero=False, clamp=True)
    axis = theme.y_axis(f"{title} ({unit}, symlog)", **_ticks(ticks, domain))
    return alt.Y(field).scale(scale).axis(**axis)


def _scale(domain: Domain) -> alt.Scale:
    return alt.Scale(type="log", domain=domain, nice=False, clamp=True)


def _ticks(ticks: Ticks, domain: Domain) -> dict[str, Any]:
    shown = {value: label for value, label in ticks.items() if domain[0] <= value <= domain[1]}
    cases = "".join(f"datum.value == {value} ? '{label}' : " for value, label in shown.items())
    return {"values": list(shown), "labelExpr": f"{cases}''"}
