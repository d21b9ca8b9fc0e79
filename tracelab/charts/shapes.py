"""The few kinds of plot that most charts are made of: curves, bands, bars, histograms, parts of a whole."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import altair as alt
import polars as pl

from tracelab.charts import theme, words

LANDMARKS = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
_FAINTEST = 0.15
"""Opacity of a cell of one."""
_LETTER = 6.2
"""Width of a letter of a name, in pixels."""
_ROOM = 1.35
"""By how much a percentile is greater than another if its name has room beside that one's."""
ON_COLOUR = "#0f172a"
"""Text on a coloured bar, light page or dark."""


def width_of(plots: int, gap: int = 28, size: tuple[int, int] = theme.PAIR) -> int:
    """Return how wide plots beside each other are, each with its y axis."""
    return (size[0] - 2 * theme.PADDING - gap * (plots - 1)) // plots - theme.Y_AXIS


def landmarks(rows: pl.DataFrame, x: str, share: str) -> pl.DataFrame:
    """Return the percentiles of a distribution as points on its curve, a row a provider and percentile."""
    points = [(row["provider"], row[name], at) for row in rows.to_dicts() for name, at in LANDMARKS.items()]
    schema = {"provider": pl.String, x: pl.Float64, share: pl.Float64}
    return pl.DataFrame(points, schema=schema, orient="row")


def ruled(row: Mapping[str, float]) -> list[alt.Chart]:
    """Return layers that rule the percentiles of a distribution on its x axis, each named above the plot."""
    layers = []
    sides: dict[str, theme.Align] = {"p50": "right", "p90": "center", "p99": "left"}
    for name, side in sides.items():
        at = alt.XDatum(row[name])
        layers.append(theme.mark("rule", style="landmark").encode(x=at))
        # the outer names stand apart, however near; the middle one where it has room
        if side != "center" or row["p50"] * _ROOM < row["p90"] < row["p99"] / _ROOM:
            layers.append(theme.above(name, side).encode(x=at))
    return layers


def spread_key(rows: pl.DataFrame, noun: str) -> dict[str, str]:
    """Say how many each provider has, and the percentiles of their times."""
    return {
        row["provider"]: " · ".join(
            [
                words.counted(row["count"], noun),
                *(f"{name} {words.duration(row[name])}" for name in LANDMARKS),
            ]
        )
        for row in rows.to_dicts()
    }


def time_key(
    rows: pl.DataFrame, read: pl.DataFrame, x: str, share: str, *, total: str = "{} in all"
) -> dict[str, str]:
    """Say how much time each provider has, and which share of it lies below what is read out."""
    key = {row["provider"]: total.format(words.duration(row["total_s"])) for row in rows.to_dicts()}
    for row in read.to_dicts():
        key[row["provider"]] += f" · {words.percent(row[share])} below {words.duration(row[x])}"
    return key


def curves(
    rows: pl.DataFrame,
    points: pl.DataFrame,
    x: alt.X,
    share: str,
    title: str,
    key: Mapping[str, str],
    *,
    interpolate: Literal["linear", "step-before", "step-after"] = "linear",
    above: int = 0,
    width: int = 394,
    height: int = 171,
) -> theme.Layers:
    """Draw one cumulative curve a provider, points on it and its key above, `above` pixels higher.

    The key is no label at a line's end, since all of these end in one place, at 100%.
    """
    field = _field(x)
    encoding = {
        "x": x,
        "y": alt.Y(f"{share}:Q").scale(domain=[0, 1]).axis(**theme.share_axis(title)),
        "color": theme.colours(),
        "tooltip": theme.tooltip("provider:N", f"{field}:Q", f"{share}:Q"),
    }
    return alt.layer(
        alt.Chart(rows, width=width, height=height)
        .mark_line(interpolate=interpolate)
        .encode(strokeDash=theme.dashes(), **encoding),
        alt.Chart(points).mark_point(filled=True, size=44, opacity=1).encode(**encoding),
        *theme.provider_key(key, above=above),
    )


def within(
    rows: pl.DataFrame, known: pl.DataFrame, threshold: str, domain: tuple[float, float]
) -> pl.DataFrame:
    """Return the part of curves that an axis shows, of providers that are known."""
    return rows.filter(
        pl.col(threshold).is_between(*domain), pl.col("provider").is_in(theme.providers_in(known))
    )


def read_out(rows: pl.DataFrame, threshold: str, mass: str, at: Sequence[float]) -> pl.DataFrame:
    """Return the points of curves of mass that are read out: at round thresholds, neither none nor all."""
    return rows.filter(pl.col(threshold).is_in(at), pl.col(mass).is_between(0.001, 0.999))


def count_and_mass(
    rows: pl.DataFrame,
    read: pl.DataFrame,
    known: pl.DataFrame,
    x: alt.X,
    mass: str,
    titles: tuple[str, str],
    keys: tuple[Mapping[str, str], Mapping[str, str]],
    *,
    above: int = 0,
    height: int = 171,
) -> tuple[theme.Layers, theme.Layers]:
    """Draw how many lie below `x`, with their percentiles, and how much of the mass they hold, as `read`."""
    marks = landmarks(known, _field(x), "cumulative_share")
    return (
        curves(rows, marks, x, "cumulative_share", titles[0], keys[0], above=above, height=height),
        curves(rows, read, x, mass, titles[1], keys[1], above=above, height=height),
    )


def band(rows: pl.DataFrame, x: alt.X, y: alt.Y, sides: tuple[str, str], provider: str) -> list[alt.Chart]:
    """Return layers with a line, its points and a band around it; `y` is the line, `sides` the edges."""
    colour = theme.PROVIDER_COLOURS[provider]
    low, high = sides
    base = alt.Chart(rows).encode(x=x)
    fields = [f"{name}:Q" for name in (_field(x), _field(y), low, high)]
    line = base.encode(y=y, tooltip=theme.tooltip(*fields))
    return [
        base.mark_area(color=colour, opacity=0.2).encode(y=alt.Y(f"{low}:Q"), y2=alt.Y2(f"{high}:Q")),
        line.mark_line(color=colour, strokeDash=theme.PROVIDER_DASHES[provider]),
        line.mark_point(color=colour, filled=True, opacity=1, size=34),
    ]


def places(rows: pl.DataFrame, padding: float = 0.3) -> alt.Y:
    """Return the y channel of panels beside each other: each has every row, in one place."""
    y = alt.Y("row:O").scale(domain=rows["row"].unique(maintain_order=True).to_list(), paddingInner=padding)
    return y.axis(None)


def heat(
    cells: pl.DataFrame, x: alt.X, y: alt.Y, count: str, provider: str, domain: tuple[float, float]
) -> list[alt.Chart]:
    """Return layers with counts of a grid, `x` to `x2` by `y` to `y2`, and the diagonal of equal sizes."""
    scale = alt.Scale(type="log", domain=[1, _most(cells, count)], range=[_FAINTEST, 1])
    shade = alt.Opacity(f"{count}:Q").scale(scale).legend(None)
    ends = [{"x": end, "y": end} for end in domain]
    return [
        alt.Chart(cells)
        .mark_rect(color=theme.PROVIDER_COLOURS[provider])
        .encode(
            x=x,
            x2=alt.X2("x2:Q"),
            y=y,
            y2=alt.Y2("y2:Q"),
            opacity=shade,
            tooltip=theme.tooltip(*(f"{name}:Q" for name in ("x", "x2", "y", "y2", count))),
        ),
        alt.Chart(pl.DataFrame(ends)).mark_line(style="landmark").encode(x=alt.X("x:Q"), y=alt.Y("y:Q")),
    ]


def heat_key(cells: pl.DataFrame, count: str, noun: str, provider: str, right: float) -> list[alt.Chart]:
    """Return layers that say above the plot how many a shade of a `heat` stands for; they end at `right`."""
    text = f"{words.counted(theme.greatest(cells, count), noun)} a cell"
    left = right - 5.2 * len(text) - 60
    layers = [
        theme.note("1", left, -14, "right", style="label"),
        theme.note(text, right, -14, "right", style="label"),
    ]
    for place in range(4):
        look = {"color": theme.PROVIDER_COLOURS[provider], "opacity": _FAINTEST + (1 - _FAINTEST) * place / 3}
        layers.append(theme.mark("square", x=left + 11 + 12 * place, y=-14, size=120, **look))
    return layers


def first_and_rest(most: int, name: str, noun: str) -> pl.Expr:
    """Say what each of the first bars is, and of the one behind them how many (column `grouped`) it holds."""
    rest = pl.col("grouped").map_elements(
        lambda grouped: words.counted(grouped, f"further {noun}"), return_dtype=pl.String
    )
    return pl.when(pl.col("row") > most).then(rest).otherwise(pl.col(name).fill_null("no name"))


def names(rows: pl.DataFrame, label: str, y: alt.Y, *, width: int, clients: bool = True) -> theme.Layers:
    """Draw what each bar is of, and on the right the client; a row of `rows` has a `row` and a provider."""
    layers = [_texts(rows, label, y, width=width, limit=width - 50 * clients)]
    if clients:
        named = {**theme.PROVIDERS, "all": ""}
        shown = alt.Chart(rows.with_columns(client=pl.col("provider").replace(named)))
        layers.append(
            shown.mark_text(style="note", align="right", x=width).encode(y=y, text=alt.Text("client:N"))
        )
    return alt.layer(*layers)


def _texts(rows: pl.DataFrame, label: str, y: alt.Y, *, width: int, limit: int) -> alt.Chart:
    most = int(limit / _LETTER)
    shown = rows.with_columns(
        shown=pl.col(label).map_elements(lambda name: words.shortened(name, most), return_dtype=pl.String)
    )
    texts = alt.Chart(shown, width=width).mark_text(
        style="label", align="left", fontSize=12, limit=limit, x=0
    )
    named: alt.Chart = texts.encode(y=y, text=alt.Text("shown:N"), tooltip=theme.tooltip(f"{label}:N"))
    return named


def bars(
    rows: pl.DataFrame,
    y: alt.Y,
    measure: str,
    axis: theme.Axis,
    show: Callable[[float], str],
    *,
    most: float | None = None,
    offset: bool = False,
    missing: str = "unknown",
) -> theme.Layers:
    """Draw one bar a row in its provider's colour, its value at its end.

    `most` is the longest bar that the scale has room for, by default the longest there is; `offset`:
    providers share a row.
    """
    texts = rows.with_columns(
        pl.col(measure).fill_null(0),
        text=pl.col(measure).map_elements(show, return_dtype=pl.String).fill_null(missing),
    )
    # room for the text behind the longest bar
    scale = alt.Scale(domain=[0, 1.25 * (most or theme.greatest(rows, measure) or 1)], nice=False)
    base = alt.Chart(texts).encode(
        x=alt.X(f"{measure}:Q").axis(**axis).scale(scale),
        y=y,
        tooltip=theme.tooltip("provider:N", f"{measure}:Q"),
    )
    if offset:
        base = base.encode(yOffset=alt.YOffset("provider:N"))
    return alt.layer(
        base.mark_bar(cornerRadiusEnd=2).encode(color=theme.colours()),
        base.mark_text(style="label", align="left", dx=5).encode(text=alt.Text("text:N")),
    )


def share_bars(
    rows: pl.DataFrame,
    y: alt.Y,
    measure: str,
    title: str,
    *,
    beside: Sequence[str] = (),
    offset: bool = False,
    missing: str = "unknown",
) -> theme.Layers:
    """Draw `bars` of a share, on an axis in percent: that of the shares `beside` it too."""
    most = max(theme.greatest(rows, name) for name in (measure, *beside))
    axis = share_ticks(f"{title} (%)", most)
    return bars(rows, y, measure, axis, words.percent, most=most, offset=offset, missing=missing)


def histogram(
    rows: pl.DataFrame,
    label: str,
    title: str,
    measures: Mapping[str, str],
    provider: str,
    *,
    size: tuple[int, int],
    heading: str = "",
) -> theme.Layers:
    """Draw two shares a bin beside each other: the number in grey, the mass in the provider's colour.

    `rows` are of one provider, a row a bin, in the bins' order; `measures` name the two columns. A `heading`
    stands above the key.
    """
    long = pl.concat(
        rows.select(label, share=pl.col(name), measure=pl.lit(name)) for name in measures
    ).with_columns(text=pl.col("share").map_elements(_whole_percent, return_dtype=pl.String))
    looks = [theme.TOKEN_COLOURS["prefix"], theme.PROVIDER_COLOURS[provider]]
    base = alt.Chart(long, width=size[0], height=size[1]).encode(
        x=alt.X(f"{label}:O")
        .scale(domain=rows[label].to_list(), paddingInner=0.16)
        .axis(**theme.axis(title=title, labelOverlap=False)),
        xOffset=alt.XOffset("measure:N").scale(domain=list(measures)),
        # above it there is room for the number of a bar of 100 %
        y=alt.Y("share:Q")
        .scale(domain=[0, 1.1], nice=False)
        .axis(**theme.y_axis("Share (%)", format="%", values=[0, 0.2, 0.4, 0.6, 0.8, 1])),
        tooltip=theme.tooltip(f"{label}:N", "measure:N", "share:Q"),
    )
    shade = alt.Color("measure:N").scale(domain=list(measures), range=looks).legend(None)
    return alt.layer(
        base.mark_bar(cornerRadiusEnd=1).encode(color=shade),
        base.mark_text(style="note", dy=-6, fontSize=10).encode(text=alt.Text("text:N")),
        theme.note(
            heading or theme.PROVIDERS[provider], 0, -32 if heading else -14, style="strong", width=size[0]
        ),
        *swatches(dict(zip(measures.values(), looks, strict=True)), x=0 if heading else 62, y=-14),
    )


def swatches(looks: Mapping[str, str], x: float = 0, y: float = -12) -> list[alt.Chart]:
    """Return layers that say in a line above the plot what its colours are."""
    layers = []
    for text, colour in looks.items():
        look = {"style": "pooled"} if colour == theme.PROVIDER_COLOURS["all"] else {"color": colour}
        layers.append(theme.mark("square", x=x + 5, y=y, size=90, opacity=1, **look))
        layers.append(theme.note(text, x + 15, y, style="label"))
        x += 34 + round(6.1 * len(text))
    return layers


def stacks(
    rows: pl.DataFrame,
    y: alt.Y,
    share: str,
    parts: Mapping[str, tuple[str, str]],
    *,
    axis: str = "Share (%)",
    least: float = 0.045,
) -> theme.Layers:
    """Draw one bar a row, cut into parts that sum to 100%; `parts` give each its words and its colour.

    `rows` hold a row a bar and part, with its column `part`; one of `least` has room for its number.
    """
    order = list(parts)
    drawn = rows.filter(pl.col("part").is_in(order), pl.col(share) > 0).with_columns(
        place=pl.col("part").replace_strict({part: place for place, part in enumerate(order)}),
        text=pl.when(pl.col(share) >= least)
        .then(pl.col(share))
        .map_elements(words.whole_percent, return_dtype=pl.String)
        .fill_null(""),
    )
    base = alt.Chart(drawn).encode(
        x=alt.X(f"{share}:Q")
        .stack("zero")
        .scale(domain=[0, 1])
        .axis(**theme.axis(title=axis, format="%", tickCount=5)),
        y=y,
        order=alt.Order("place:O"),
        tooltip=theme.tooltip("part:N", f"{share}:Q"),
    )
    tint = (
        alt.Color("part:N").scale(domain=order, range=[colour for _, colour in parts.values()]).legend(None)
    )
    return alt.layer(
        base.mark_bar(style="apart").encode(color=tint),
        base.mark_text(color=ON_COLOUR, fontSize=11).encode(
            x=alt.X(f"{share}:Q", bandPosition=0.5).stack("zero"),
            text=alt.Text("text:N"),
            detail=alt.Detail("part:N"),
        ),
        *swatches(
            {text: colour for part, (text, colour) in parts.items() if part in drawn["part"].to_list()}
        ),
    )


def share_ticks(title: str, most: float) -> theme.Axis:
    """Return an axis of shares up to `most` with few round ticks, none of them above 100%."""
    top = most or 1.0
    step = next((step for step in (0.001, 0.005, 0.01, 0.02, 0.05, 0.1) if 4 * step >= top), 0.25)
    values = [step * place for place in range(6) if step * place <= min(1, 1.25 * top)]
    return theme.axis(title=title, format=".1~%", values=values)


def panels(
    parts: Sequence[tuple[int, theme.Layers]],
    *,
    title: str,
    subtitle: Sequence[str],
    notes: Sequence[str],
    size: tuple[int, int],
) -> alt.VConcatChart:
    """Put panels of the same rows beside each other on a page, each of its width."""
    body = alt.hconcat(
        *(panel.properties(width=width, height=size[1] - 162) for width, panel in parts), spacing=14
    )
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=size)


def beside(plots: Sequence[alt.Chart | theme.Layers], spacing: int = 28) -> alt.HConcatChart:
    """Put plots beside each other, each with its own colours."""
    joined: alt.HConcatChart = alt.hconcat(*plots, spacing=spacing).resolve_scale(
        color="independent", xOffset="independent"
    )
    return joined


def _most(cells: pl.DataFrame, count: str) -> float:
    return max(theme.greatest(cells, count), 2)


def _whole_percent(share: float) -> str:
    """A narrow bar's share: the axis says what it is in."""
    return "" if share < 0.005 else f"{100 * share:.0f}"


def _field(channel: alt.X | alt.Y) -> str:
    return str(channel["shorthand"]).partition(":")[0]
