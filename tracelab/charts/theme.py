"""How every chart looks: sizes, colours, axes in human units, and the page around the plot.

Text takes its colour from the page (light or dark), never from the data; colours mean the same everywhere.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import altair as alt
import polars as pl

SINGLE, PAIR, GRID = (640, 360), (960, 360), (960, 640)
"""Static sizes in pixels: two plots beside each other, or many."""

PROVIDERS = {"claude": "Claude", "codex": "Codex", "all": "All"}
PROVIDER_COLOURS = {"claude": "#d97706", "codex": "#2563eb", "all": "#475569"}
PROVIDER_DASHES = {"claude": [1, 0], "codex": [7, 3], "all": [2, 2]}
TOKEN_COLOURS = {"prefix": "#94a3b8", "append": "#f59e0b", "output": "#10b981"}
TIME_PARTS = {
    "generation": ("model", "#34d399"),
    "both": ("model and tools at once", "#fde047"),
    "tool": ("tools", "#a78bfa"),
    "human_tool": ("a person, asked by a tool", "#fda4af"),
    "human": ("a person", "#5eb8ae"),
    "other": ("other", "#cbd5e1"),
}
"""What time goes to: words and colour of each part."""

Axis = dict[str, Any]
"""Options of an axis: a plain mapping, for altair copies what charts are made of whenever it joins them, and
an `alt.Axis` with all the options that it does not have."""
Layers = alt.LayerChart | alt.FacetChart
"""What `alt.layer` may return."""
Side = Literal["left", "right"]
Align = Literal["left", "center", "right"]
Mode = Literal["light", "dark"]
_PAGES = {
    "light": {
        "page": "#ffffff",
        "ink": "#172033",
        "muted": "#526070",
        "grid": "#e6eaf0",
        "few": "#cbd5e1",
        "many": "#475569",
    },
    "dark": {
        "page": "#0f172a",
        "ink": "#e6eaf0",
        "muted": "#a3b0c0",
        "grid": "#263247",
        "few": "#334155",
        "many": "#cbd5e1",
    },
}
_ONE = alt.InlineData(values=[{}])
_FONT = "sans-serif"
PADDING = 16
Y_AXIS = 55
"""Width of a labelled y axis: plots beside each other keep their places whatever the data."""

_TIME_TICKS = {
    0.001: "1 ms",
    0.01: "10 ms",
    0.1: "100 ms",
    1: "1 s",
    10: "10 s",
    60: "1 min",
    600: "10 min",
    3600: "1 h",
    21600: "6 h",
    86400: "1 d",
    604800: "7 d",
}
_CACHE_LIFETIMES = {300: "5 min", 3600: "1 h"}
"""Seconds that a provider keeps a prefix: ruled wherever an axis is an idle or a waiting time."""


def config(mode: Mode = "light") -> dict[str, Any]:
    """Return the Vega-Lite config of a light or a dark page."""
    page = _PAGES[mode]
    text = {"font": _FONT, "fontSize": 11, "color": page["muted"]}
    return {
        "background": page["page"],
        "font": _FONT,
        "padding": PADDING,
        "view": {"stroke": None},
        "line": {"strokeWidth": 2, "strokeJoin": "round"},
        "concat": {"spacing": 28},
        "title": {
            "anchor": "start",
            "frame": "group",
            "color": page["ink"],
            "fontSize": 17,
            "fontWeight": 600,
            "subtitleColor": page["muted"],
            "subtitleFontSize": 12,
            "subtitlePadding": 6,
            "offset": 14,
        },
        "axis": {
            "labelColor": page["muted"],
            "titleColor": page["muted"],
            "titleFontWeight": "normal",
            "titleFontSize": 12,
            "labelFontSize": 11,
            "gridColor": page["grid"],
            "domain": False,
            "ticks": False,
            "labelPadding": 6,
            "labelSeparation": 4,
            "labelAngle": 0,
        },
        "range": {
            "heatmap": [page["few"], page["many"]],
            "category": [*list(PROVIDER_COLOURS.values())[:-1], page["many"]],
        },
        "legend": {
            "labelColor": page["muted"],
            "titleColor": page["muted"],
            "titleFontWeight": "normal",
            "titleFontSize": 11,
            "labelFontSize": 11,
        },
        "style": {
            "label": {**text, "color": page["ink"]},
            "strong": {**text, "color": page["ink"], "fontWeight": 600, "fontSize": 13},
            "note": text,
            "sign": {"color": page["ink"]},
            "pooled": {"color": page["many"]},
            "apart": {"stroke": page["page"], "strokeWidth": 1},
            "landmark": {"color": page["muted"], "strokeDash": [4, 4], "strokeWidth": 1},
        },
    }


def page(
    body: alt.Chart | Layers | alt.ConcatChart | alt.HConcatChart | alt.VConcatChart,
    *,
    title: str,
    subtitle: Sequence[str],
    notes: Sequence[str],
    size: tuple[int, int],
    left: int = 0,
) -> alt.VConcatChart:
    """Put a plot under its title and subtitle and above its footnote, for a static size.

    `left` is how far the plot's y axis reaches to the left of it: the text begins there.
    """
    width = size[0] - 2 * PADDING - left
    footnote = note(" · ".join(notes), -left, 6, width=width + left).properties(width=width, height=12)
    return alt.vconcat(
        body,
        footnote,
        spacing=12,
        title=alt.TitleParams(title, subtitle=list(subtitle), dx=-left),
        usermeta={"size": list(size)},
        config=config(),
    )


def empty(reason: str, *, title: str, notes: Sequence[str], size: tuple[int, int]) -> alt.VConcatChart:
    """Draw an empty population: what is missing, in words, instead of an empty frame."""
    width, height = size[0] - 2 * PADDING, size[1] - 110
    body = note(reason, width / 2, height / 2, "center", style="strong").properties(
        width=width, height=height
    )
    return page(body, title=title, subtitle=["Nothing to draw"], notes=notes, size=size)


def pooled(frame: pl.DataFrame) -> dict[str, Any]:
    """Return the row of all clients together; what is unknown, or has no row at all, is 0."""
    rows = frame.filter(pl.col("provider") == "all").to_dicts()
    return defaultdict(
        int, {name: value for name, value in rows[0].items() if value is not None} if rows else {}
    )


def clients(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of each client, without those of all together."""
    return frame.filter(pl.col("provider") != "all")


def least(frame: pl.DataFrame, column: str) -> float:
    """Return the smallest value of a column of numbers, 0 without any."""
    return _number(frame[column].min())


def greatest(frame: pl.DataFrame, column: str) -> float:
    """Return the greatest value of a column of numbers, 0 without any."""
    return _number(frame[column].max())


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def providers_in(frame: pl.DataFrame) -> list[str]:
    """Return the providers that a frame has rows of, in the order in which they are always drawn."""
    found = set(frame["provider"].to_list())
    return [provider for provider in PROVIDERS if provider in found]


def colours() -> alt.Color:
    """Return the fixed colours of providers, without a legend; those of the page, light or dark."""
    return alt.Color("provider:N").scale(domain=list(PROVIDERS), range="category").legend(None)


def dashes() -> alt.StrokeDash:
    """Return the fixed line styles of providers, for who cannot tell the colours."""
    scale = alt.Scale(domain=list(PROVIDERS), range=list(PROVIDER_DASHES.values()))
    return alt.StrokeDash("provider:N").scale(scale).legend(None)


def provider_key(texts: Mapping[str, str], *, above: int = 0) -> list[alt.Chart]:
    """Return layers that name each provider's line, above the plot that they are layered on."""
    layers = []
    for row, (provider, text) in enumerate(reversed(list(texts.items()))):
        y = -14 - above - 17 * row
        look = {
            "color": PROVIDER_COLOURS[provider],
            "strokeDash": PROVIDER_DASHES[provider],
            "strokeWidth": 2,
        }
        rule = mark("rule", **look)
        layers.append(rule.encode(**at(x=0, x2=26, y=y)))
        layers.append(note(f"{PROVIDERS[provider]} · {text}", 33, y, style="label"))
    return layers


def heading(text: str) -> alt.Chart:
    """Return a layer that names the plot, above its left edge."""
    return note(text, 0, -14, style="strong")


def mark(kind: str, **look: Any) -> alt.Chart:
    """Return one mark of no data, at a place in pixels if its look says so."""
    drawn: Any = {"type": kind, **look}
    return alt.Chart(_ONE, mark=drawn)


def at(**pixels: float) -> dict[str, Any]:
    """Return channels x, x2, y and y2 that are places in pixels."""
    return {channel: getattr(alt, f"{channel.upper()}Value")(place) for channel, place in pixels.items()}


def note(
    text: str, x: float, y: float, side: Align = "left", *, style: str = "note", width: float | None = None
) -> alt.Chart:
    """Return a layer with one text, at a place in pixels; it begins or ends there, cut at `width`."""
    limit = {} if width is None else {"limit": width}
    return mark("text", text=text, x=x, y=y, style=style, align=side, baseline="middle", **limit)


def above(label: str, side: Align = "center") -> alt.Chart:
    """Return a text right above the plot, to be placed along it; it ends, stands or begins there."""
    return mark("text", text=label, style="note", align=side, baseline="bottom", y=-3)


def tooltip(*fields: str) -> list[alt.Tooltip]:
    """Return what a mark says when it is pointed at; channels by name cost altair 10 ms each, these none."""
    return [alt.Tooltip(field) for field in fields]


def axis(**options: Any) -> Axis:
    """Return an axis."""
    return options


def y_axis(title: str | None, **more: Any) -> Axis:
    """Return an axis that is `Y_AXIS` pixels wide, whatever its labels."""
    return axis(title=title, minExtent=36, maxExtent=36, titlePadding=6, **more)


def amount_axis(title: str, form: str = "~s") -> Axis:
    """Return an axis with few round ticks, by default of tokens: 0, 400k, 1.2M."""
    return axis(title=title, tickCount=5, labelExpr=labels(form))


def labels(form: str) -> str:
    """Return what writes a tick's label; in a form of whole numbers, no part of one: no 500m of a step."""
    text = f"format(datum.value, '{form}')"
    return f"datum.value % 1 ? '' : {text}" if form.endswith("s") else text


def share_axis(title: str) -> Axis:
    """Return an axis of shares in percent."""
    return y_axis(f"{title} (%)", format="%", values=[0, 0.25, 0.5, 0.75, 0.9, 1], labelOverlap=False)


def time_domain(low: float, high: float) -> tuple[float, float]:
    """Return the ticks around what is drawn, in seconds; below 1 ms there is nothing to tell.

    Beyond the last tick it ends just behind the threshold, of sixteen a decade, below which everything lies.
    """
    first = max((tick for tick in _TIME_TICKS if tick <= low), default=0.001)
    last = min((tick for tick in _TIME_TICKS if tick >= high and tick > first), default=None)
    return first, last or 1.001 * 10 ** ((math.floor(16 * math.log10(high)) + 1) / 16)


def time_x(field: str, title: str | None, domain: tuple[float, float], **more: Any) -> alt.X:
    """Return a log axis of seconds with human ticks; what lies outside its domain stands at its ends."""
    ticks, unit = _time_ticks(domain)
    x = alt.X(field).scale(type="log", domain=domain, nice=False, clamp=True)
    return x.axis(title=f"{title} (log, {unit})" if title else None, **ticks, **more)


def time_y(field: str, title: str, domain: tuple[float, float]) -> alt.Y:
    """Return the same as a y axis, of the width of all."""
    ticks, unit = _time_ticks(domain)
    y = alt.Y(field).scale(type="log", domain=domain, nice=False, clamp=True)
    return y.axis(**y_axis(f"{title} (log, {unit})", **ticks, labelFontSize=10, labelPadding=3))


def _time_ticks(domain: tuple[float, float]) -> tuple[dict[str, Any], str]:
    """Return the ticks of an axis of seconds, and the units that they are in."""
    ticks = {value: label for value, label in _TIME_TICKS.items() if domain[0] <= value <= domain[1]}
    cases = "".join(f"datum.value == {value} ? '{label}' : " for value, label in ticks.items())
    units = list(dict.fromkeys(label.split()[1] for label in ticks.values()))
    return {"values": list(ticks), "labelExpr": f"{cases}''"}, " to ".join(
        dict.fromkeys([units[0], units[-1]])
    )


def lifetimes(domain: tuple[float, float], *, labels: bool = True) -> list[alt.Chart]:
    """Return layers that rule 5 minutes and 1 hour on an axis of idle or waiting time."""
    layers = []
    for seconds, label in _CACHE_LIFETIMES.items():
        if domain[0] < seconds <= domain[1]:
            layers.append(mark("rule", style="landmark").encode(x=alt.XDatum(seconds)))
            layers += [above(label).encode(x=alt.XDatum(seconds))] if labels else []
    return layers
