"""Charts of two token counts at once: prefix against append, and the change of a prompt."""

from collections.abc import Sequence

import altair as alt
import polars as pl

from tracelab.charts import axes, shapes, theme, words
from tracelab.charts.base import chart

_HEIGHT = 405
_CUT = "provider <> 'all' and session_kind = 'all'"
_APPENDS = (
    "from summary_token_lengths where session_kind = 'all' and model = 'all' and measure = 'append_tokens'"
    " order by provider"
)
"""How many steps."""
_DROPS = {-64000.0: "major", -1024.0: "ordinary"}
"""Where drops of the prompt are told apart, in tokens; what is above is micro."""
_CHANGES = {
    -262144: "−256k",
    -16384: "−16k",
    -1024: "−1k",
    -64: "−64",
    0: "0",
    64: "64",
    1024: "1k",
    16384: "16k",
    262144: "256k",
}
_TRIGGERS = {"user": ("after a message", "#0f766e"), "tool": ("after a tool", "#7c3aed")}


@chart(
    "How much a step appends to how long a prefix",
    cells=f"from summary_prefix_append_grid where {_CUT} order by provider, prefix_bin, append_bin",
    margins=f"from summary_token_bins where {_CUT} and measure in ('prefix_tokens', 'append_tokens')"
    " order by provider, measure, bin",
    appends=_APPENDS,
    overview=words.OVERVIEW,
)
def prefix_append(
    title: str, cells: pl.DataFrame, margins: pl.DataFrame, appends: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """How much does a step append to a prefix of what length, and where does it append more than it finds?

    Reads summary_prefix_append_grid, a row a provider and octaves of both, and summary_token_bins for bars
    beside it. Below the diagonal the cache holds most of the prompt. What lies above it, at long appends and
    short prefixes, is a prompt read anew: a first step, or a lost prefix.
    """
    notes = [
        "from summary_prefix_append_grid, summary_token_bins, summary_token_lengths",
        "dashed: as much appended as cached",
        *words.not_metered(theme.pooled(appends)),
    ]
    if cells.is_empty():
        return theme.empty("No step with a metered prompt.", title=title, notes=notes, size=theme.GRID)
    most = max(theme.greatest(cells, "prefix_high_tokens"), theme.greatest(cells, "append_high_tokens"))
    domain = axes.around(axes.TOKENS, 0.5, most)
    providers = theme.providers_in(cells)
    width = shapes.width_of(len(providers)) - 66
    plots = []
    for provider, count in appends.select("provider", "count").iter_rows():
        if provider not in providers:
            continue
        mine = pl.col("provider") == provider
        heading = f"{theme.PROVIDERS[provider]}: {words.counted(count, 'step')}"
        key = shapes.heat_key(cells.filter(mine), "steps", "step", provider, right=width + 58)
        beside = _margins(margins.filter(mine), provider, domain, width, [theme.heading(heading), *key])
        heat = _heat(cells.filter(mine), provider, domain).properties(width=width, height=_HEIGHT)
        plots.append(alt.vconcat(beside[0], alt.hconcat(heat, beside[1], spacing=8), spacing=8))
    body = alt.hconcat(*plots, spacing=28).resolve_scale(opacity="independent")
    subtitle = [
        words.population(overview, words.counted(theme.pooled(appends)["count"], "metered step")),
        "Steps by octave of cached prefix and append, shaded on a log scale. Bars: each by itself.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.GRID, left=theme.Y_AXIS)


def _heat(cells: pl.DataFrame, provider: str, domain: axes.Domain) -> theme.Layers:
    ends = {
        name: pl.col(f"{side}_tokens").fill_null(domain[1]).clip(0.5)
        for name, side in (
            ("x", "prefix_low"),
            ("x2", "prefix_high"),
            ("y", "append_low"),
            ("y2", "append_high"),
        )
    }
    x = axes.log_x("x:Q", "Cached prefix", "tokens", axes.TOKENS, domain)
    y = axes.log_y("y:Q", "Append", "tokens", axes.TOKENS, domain)
    return alt.layer(*shapes.heat(cells.with_columns(**ends), x, y, "steps", provider, domain))


def _margins(
    margins: pl.DataFrame, provider: str, domain: axes.Domain, width: int, headings: Sequence[alt.Chart]
) -> tuple[theme.Layers, alt.Chart]:
    """The histograms of the prefix, above, and of the append, on the right."""
    bins = margins.with_columns(
        low=pl.col("low_tokens").clip(0.5), high=pl.col("high_tokens").fill_null(domain[1])
    )
    scale = alt.Scale(type="log", domain=domain, nice=False, clamp=True)
    colour = theme.PROVIDER_COLOURS[provider]
    prefix, append = (
        alt.Chart(bins.filter(pl.col("measure") == name)).mark_rect(color=colour, opacity=0.7)
        for name in ("prefix_tokens", "append_tokens")
    )
    above = prefix.encode(
        x=alt.X("low:Q").scale(scale).axis(None),
        x2=alt.X2("high:Q"),
        y=alt.Y("step_share:Q").axis(None),
        y2=alt.Y2Datum(0),
    )
    right = append.encode(
        y=alt.Y("low:Q").scale(scale).axis(None),
        y2=alt.Y2("high:Q"),
        x=alt.X("step_share:Q").axis(None),
        x2=alt.X2Datum(0),
    )
    drawn: alt.Chart = right.properties(width=50, height=_HEIGHT)
    return alt.layer(above, *headings).properties(width=width, height=50), drawn


@chart(
    "How a prompt changes from step to step",
    bins=f"from summary_input_growth_bins where {_CUT} and trigger in ('user', 'tool')"
    " order by provider, trigger, bin",
    growth="from summary_input_growth where session_kind = 'all' and model = 'all'"
    " and trigger in ('user', 'tool') and steps > 0 order by provider, trigger, growth_bucket",
    overview=words.OVERVIEW,
)
def input_growth(
    title: str, bins: pl.DataFrame, growth: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """By how much does a prompt grow from a step to the next, and when does it shrink?

    Reads summary_input_growth_bins, a row a provider, trigger and bin, and summary_input_growth for drops.
    The hump on the right is what a step adds. Major drops are compactions or a new beginning; micro drops are
    a client that trims its own history, and each of them costs the cache what comes after.
    """
    notes = [
        "from summary_input_growth_bins, summary_input_growth",
        "micro: to 1,024 tokens; major: from 64,000",
    ]
    if bins.is_empty():
        return theme.empty("No step after another.", title=title, notes=notes, size=theme.GRID)
    least, most = theme.least(bins, "low_tokens"), theme.greatest(bins, "high_tokens")
    domain = [min(least, -64.0), max(most, 64.0)]
    top = 1.1 * theme.greatest(bins, "step_share")
    providers = theme.providers_in(bins)
    rows = [
        alt.hconcat(
            *(
                _changes(
                    bins.filter(pl.col("provider") == provider, pl.col("trigger") == trigger),
                    _drops(growth.filter(pl.col("provider") == provider, pl.col("trigger") == trigger)),
                    f"{theme.PROVIDERS[provider]}, {text}",
                    colour,
                    domain,
                    top,
                ).properties(width=shapes.width_of(len(providers)), height=184)
                for provider in providers
            ),
            spacing=28,
        )
        for trigger, (text, colour) in _TRIGGERS.items()
    ]
    whole = growth.filter(pl.col("growth_bucket") == "all")
    facts = {trigger: theme.pooled(whole.filter(pl.col("trigger") == trigger)) for trigger in _TRIGGERS}
    unknown = {"steps": sum(fact["steps"] - fact["count"] for fact in facts.values())}
    notes += words.left_out(unknown, "step", steps="whose change is not known")
    counts = [
        f"{words.counted(facts[trigger]['count'], 'step')} {text}" for trigger, (text, _) in _TRIGGERS.items()
    ]
    subtitle = [
        words.population(overview, f"{' and '.join(counts)}, each after another"),
        "Steps by the change of their prompt, an octave a bar, on either side of no change.",
    ]
    body = alt.vconcat(*rows, spacing=14)
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.GRID, left=theme.Y_AXIS)


def _drops(growth: pl.DataFrame) -> str:
    shares = dict(growth.select("growth_bucket", "step_share").iter_rows())
    parts = [
        f"{name} {words.percent(shares[name])}"
        for name in ("major", "ordinary", "micro")
        if shares.get(name, 0) >= 0.0005
    ]
    return "drops: " + (", ".join(parts) or "none")


def _changes(
    bins: pl.DataFrame, drops: str, heading: str, colour: str, domain: list[float], top: float
) -> theme.Layers:
    ticks = {value: text for value, text in _CHANGES.items() if domain[0] <= value <= domain[1]}
    cases = "".join(f"datum.value == {value} ? '{text}' : " for value, text in ticks.items())
    axis = theme.axis(
        title="Change of the prompt (tokens, symlog)", values=list(ticks), labelExpr=f"{cases}''"
    )
    drawn = bins.with_columns(
        pl.col("low_tokens").fill_null(domain[0]), pl.col("high_tokens").fill_null(domain[1])
    )
    shares = theme.y_axis("Share of steps (%)", format=".1~%", tickCount=4)
    x = alt.X("low_tokens:Q").scale(type="symlog", constant=8, domain=domain, nice=False).axis(**axis)
    rules = pl.DataFrame(
        {"low_tokens": [at for at in _DROPS if at > domain[0]]}, schema={"low_tokens": pl.Float64}
    )
    return alt.layer(
        alt.Chart(drawn)
        .mark_rect(color=colour, opacity=0.75)
        .encode(
            x=x,
            x2=alt.X2("high_tokens:Q"),
            y=alt.Y("step_share:Q").scale(domain=[0, top], nice=False).axis(**shares),
            y2=alt.Y2Datum(0),
            tooltip=theme.tooltip("low_tokens:Q", "high_tokens:Q", "steps:Q"),
        ),
        alt.Chart(rules).mark_rule(style="landmark").encode(x=x),
        theme.note(heading, 0, -30, style="strong"),
        theme.note(drops, 0, -13),
    )
