"""Charts of tokens: how long prompts and outputs are, and where their mass lies."""

import altair as alt
import polars as pl

from tracelab.charts import axes, shapes, theme, words
from tracelab.charts.base import chart

_POOLED = "session_kind = 'all' and model = 'all'"
_APPENDS = f"from summary_token_lengths where {_POOLED} and measure = 'append_tokens' order by provider"
"""How many steps, and how many of which are left out."""


@chart(
    "Which steps append the tokens",
    bins=f"from summary_prefix_append where provider <> 'all' and {_POOLED} order by provider, bin",
    appends=_APPENDS,
    overview=words.OVERVIEW,
)
def append_mass(
    title: str, bins: pl.DataFrame, appends: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """Do many small appends or a few large ones make up the tokens that must be prefilled?

    Reads summary_prefix_append, a row a provider and bin of the append. Grey bars say what most steps are;
    coloured ones, where a server's work is. If the colour stands right of the grey, a few steps own the
    prefill, and they are worth a look: lost prefixes, pasted files, first prompts.
    """
    facts = theme.pooled(appends)
    notes = ["from summary_prefix_append, summary_token_lengths", *words.not_metered(facts)]
    if not facts["count"]:
        return theme.empty("No step with a metered prompt.", title=title, notes=notes, size=theme.PAIR)
    labelled = bins.with_columns(
        label=pl.struct("append_low_tokens", "append_high_tokens").map_elements(_size, return_dtype=pl.String)
    )
    found = theme.providers_in(bins.filter(pl.col("steps") > 0))
    plots = [
        shapes.histogram(
            labelled.filter(pl.col("provider") == provider),
            "label",
            "Append of a step (tokens)",
            {"step_share": "share of steps", "token_share": "share of appended tokens"},
            provider,
            size=(shapes.width_of(len(found)), 183),
        )
        for provider in found
    ]
    subtitle = [
        words.population(overview, f"{words.tokens(facts['total_tokens'])} appended tokens"),
        "What a step's prompt holds beyond its cached prefix, by its size.",
    ]
    body = shapes.beside(plots)
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR, left=theme.Y_AXIS)


def _size(bounds: dict[str, float | None]) -> str:
    low, high = bounds["append_low_tokens"] or 0, bounds["append_high_tokens"]
    if high is None:
        return f"≥ {words.tokens(low)}"
    return words.tokens(low) if high - low <= 1 else f"< {words.tokens(high)}"


@chart(
    "How much a step appends, by how much is cached",
    bins=f"from summary_append_by_prefix_bin where provider <> 'all' and {_POOLED} and count > 0"
    " order by provider, bin",
    appends=_APPENDS,
    overview=words.OVERVIEW,
)
def append_by_prefix(
    title: str, bins: pl.DataFrame, appends: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """Does a step append more when its cached prefix is longer?

    Reads summary_append_by_prefix_bin, a row a provider and octave of the prefix. A flat median means that
    what a step adds has nothing to do with how long its session is. A p90 that towers at a short prefix is
    the reading again of contexts whose cache was lost.
    """
    facts = theme.pooled(appends)
    notes = ["from summary_append_by_prefix_bin, summary_token_lengths", *words.not_metered(facts)]
    if bins.is_empty():
        return theme.empty("No step with a metered prompt.", title=title, notes=notes, size=theme.PAIR)
    first, last = 512.0, 2 * theme.greatest(bins, "prefix_low_tokens")
    drawn = bins.with_columns(
        pl.col("p10", "p50", "p90").clip(lower_bound=0.5),
        # a bin's point stands in its middle, on a log axis; what is below 1k stands at its left
        prefix=pl.when(pl.col("prefix_low_tokens") > 0)
        .then(pl.col("prefix_low_tokens") * 2**0.5)
        .otherwise(first),
        n=pl.col("count").map_elements(words.tokens, return_dtype=pl.String),
    )
    ticks = {first: "< 1k", **{tick: text for tick, text in axes.TOKENS.items() if tick > first}}
    domain = first * 0.8, 2 * max(last, 2048)
    values = axes.around(axes.TOKENS, theme.least(drawn, "p50"), theme.greatest(drawn, "p90"))
    providers = theme.providers_in(drawn)
    plots = []
    for provider in providers:
        rows = drawn.filter(pl.col("provider") == provider)
        x = axes.log_x("prefix:Q", "Cached prefix", "tokens", ticks, domain)
        y = axes.log_y("p50:Q", "Append of a step", "tokens", axes.TOKENS, values)
        fields = theme.tooltip("prefix_low_tokens:Q", "count:Q", "p50:Q", "p90:Q")
        base = alt.Chart(rows).encode(x=x, tooltip=fields)
        high = axes.log_y("p90:Q", "Append of a step", "tokens", axes.TOKENS, values)
        colour = theme.PROVIDER_COLOURS[provider]
        ends = rows.tail(1)
        plots.append(
            alt.layer(
                base.mark_line(color=colour, strokeDash=[3, 3]).encode(y=high),
                base.mark_point(color=colour, size=34, opacity=1).encode(y=high),
                base.mark_line(color=colour).encode(y=y),
                base.mark_point(color=colour, filled=True, size=34, opacity=1).encode(y=y),
                base.mark_text(style="note", y=-9).encode(text=alt.Text("n:N")),
                _end(ends, "median", x, y, 9),
                _end(ends, "p90", x, high, -9),
                theme.note(theme.PROVIDERS[provider], 0, -28, style="strong"),
            ).properties(width=shapes.width_of(len(providers)), height=171)
        )
    subtitle = [
        words.population(overview, words.counted(facts["count"], "metered step")),
        "Median and p90 of each octave of the prefix; above the plot the number of its steps.",
    ]
    body = shapes.beside(plots)
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR, left=theme.Y_AXIS)


def _end(ends: pl.DataFrame, text: str, x: alt.X, y: alt.Y, away: int) -> alt.Chart:
    """Name a line at its end; two that end together keep clear of each other."""
    label: alt.Chart = (
        alt.Chart(ends).mark_text(text=text, style="label", align="left", dx=8, dy=away).encode(x=x, y=y)
    )
    return label
