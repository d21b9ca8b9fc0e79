"""Charts of two token counts at once: prefix against append, and the change of a prompt."""

import altair as alt
import polars as pl

from tracelab.charts import axes, shapes, theme, words
from tracelab.charts.base import chart

_HEIGHT = 405
_CUT = "provider <> 'all' and session_kind = 'all'"
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
    overview=words.OVERVIEW,
)
def prefix_append(
    title: str, cells: pl.DataFrame, margins: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """How much does a step append to a prefix of what length, and where does it append more than it finds?

    Reads summary_prefix_append_grid, a row a provider and octaves of both, and summary_token_bins for bars
    beside it. Below the diagonal the cache holds most of the prompt. What lies above it, at long appends and
    short prefixes, is a prompt read anew: a first step, or a lost prefix.
    """
    notes = ["from summary_prefix_append_grid, summary_token_bins", "dashed: as much appended as cached"]
    if cells.is_empty():
        return theme.empty("No step with a metered prompt.", title=title, notes=notes, size=theme.GRID)
    most = max(theme.greatest(cells, "prefix_high_tokens"), theme.greatest(cells, "append_high_tokens"))
    domain = axes.around(axes.TOKENS, 0.5, most)
    providers = theme.providers_in(cells)
    width = shapes.width_of(len(providers)) - 66
    plots = []
    for provider in providers:
        mine = pl.col("provider") == provider
        beside = _margins(margins.filter(mine), provider, domain, width)
        heat = _heat(cells.filter(mine), provider, domain).properties(width=width, height=_HEIGHT)
        plots.append(alt.vconcat(beside[0], alt.hconcat(heat, beside[1], spacing=8), spacing=8))
    body = alt.hconcat(*plots, spacing=28)
    subtitle = [
        words.population(overview, words.counted(theme.total(cells, "steps"), "metered step")),
        "Steps by octave of the cached prefix and of the append: the darker, the more. Bars: each by itself.",
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
    colours = alt.Scale(type="log", range=["#e2e8f0", theme.PROVIDER_COLOURS[provider]], interpolate="rgb")
    diagonal = pl.DataFrame({"x": list(domain), "y": list(domain)})
    layers: theme.Layers = alt.layer(
        alt.Chart(cells.with_columns(**ends))
        .mark_rect()
        .encode(
            x=x,
            x2="x2:Q",
            y=y,
            y2="y2:Q",
            color=alt.Color("steps:Q").scale(colours).legend(None),
            tooltip=["steps"],
        ),
        alt.Chart(diagonal).mark_line(style="landmark").encode(x="x:Q", y="y:Q"),
    ).resolve_scale(color="independent")
    return layers


def _margins(
    margins: pl.DataFrame, provider: str, domain: axes.Domain, width: int
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
        x2="high:Q",
        y=alt.Y("step_share:Q").axis(None),
        y2=alt.datum(0),
    )
    steps = words.counted(theme.total(margins.filter(pl.col("measure") == "prefix_tokens"), "steps"), "step")
    heading = theme.heading(f"{theme.PROVIDERS[provider]}: {steps}")
    right = append.encode(
        y=alt.Y("low:Q").scale(scale).axis(None),
        y2="high:Q",
        x=alt.X("step_share:Q").axis(None),
        x2=alt.datum(0),
    )
    drawn: alt.Chart = right.properties(width=50, height=_HEIGHT)
    return alt.layer(above, heading).properties(width=width, height=50), drawn


@chart(
    "How a prompt changes from step to step",
    bins=f"from summary_input_growth_bins where {_CUT} and trigger in ('user', 'tool')"
    " order by provider, trigger, bin",
    growth=f"from summary_input_growth where {_CUT} and model = 'all' and trigger in ('user', 'tool')"
    " and steps > 0 order by provider, trigger, growth_bucket",
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
                ).properties(width=shapes.width_of(len(providers)), height=198)
                for provider in providers
            ),
            spacing=28,
        )
        for trigger, (text, colour) in _TRIGGERS.items()
    ]
    subtitle = [
        words.population(overview, words.counted(theme.total(bins, "steps"), "step") + " after another"),
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
    axis = alt.Axis(title="Change of the prompt (tokens, symlog)", values=list(ticks), labelExpr=f"{cases}''")
    drawn = bins.with_columns(
        pl.col("low_tokens").fill_null(domain[0]), pl.col("high_tokens").fill_null(domain[1])
    )
    shares = theme.y_axis("Share of steps (%)", format=".1~%", tickCount=4)
    x = alt.X("low_tokens:Q").scale(type="symlog", constant=8, domain=domain, nice=False).axis(axis)
    rules = pl.DataFrame(
        {"low_tokens": [at for at in _DROPS if at > domain[0]]}, schema={"low_tokens": pl.Float64}
    )
    return alt.layer(
        alt.Chart(drawn)
        .mark_rect(color=colour, opacity=0.75)
        .encode(
            x=x,
            x2="high_tokens:Q",
            y=alt.Y("step_share:Q").scale(domain=[0, top], nice=False).axis(shares),
            y2=alt.datum(0),
            tooltip=["low_tokens", "high_tokens", "steps"],
        ),
        alt.Chart(rules).mark_rule(style="landmark").encode(x=x),
        theme.note(heading, 0, -14, style="strong"),
        theme.note(drops, 190, -14),
    )
