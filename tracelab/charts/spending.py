"""Charts of what sessions take: time, money, and what compactions give back."""

import altair as alt
import polars as pl

from tracelab.charts import axes, shapes, theme, words
from tracelab.charts.base import chart

_POOLED = "provider <> 'all' and session_kind = 'all'"
_TOKENS = {
    "prefix": ("cached prefix", theme.TOKEN_COLOURS["prefix"]),
    "append": ("append", theme.TOKEN_COLOURS["append"]),
    "output": ("output", theme.TOKEN_COLOURS["output"]),
}
_UNITS = {"cost_usd": "spend", "tokens": "tokens"}


@chart(
    "What the time of sessions goes to",
    parts=f"from summary_timing_distribution where {_POOLED} and block = 'session_partition'"
    " and category <> 'all' order by provider, category",
    overview=words.OVERVIEW,
)
def session_time(title: str, parts: pl.DataFrame, overview: pl.DataFrame) -> alt.VConcatChart:
    """What does the time from a session's beginning to its end go to?

    Reads summary_timing_distribution, a row a provider and part of its sessions' time. The upper bars are
    mostly a person who is away. Without waits for people (lower bars), a long violet part says that tools,
    not the model, are what an agent waits for.
    """
    notes = ["from summary_timing_distribution", "steps and calls at once count once"]
    if not theme.total(parts, "total_s"):
        return theme.empty("No session with a known time.", title=title, notes=notes, size=theme.PAIR)
    active = parts.filter(~pl.col("category").is_in(["human", "human_tool"]))
    rows: list[tuple[int, str, str, str, float]] = []
    for provider in theme.providers_in(parts):
        for text, frame in (("all time", parts), ("without waiting for a person", active)):
            mine = frame.filter(pl.col("provider") == provider)
            if whole := theme.total(mine, "total_s"):
                rows += [
                    (
                        len(rows),
                        provider,
                        f"{text} · {words.duration(whole)}",
                        row["category"],
                        row["total_s"] / whole,
                    )
                    for row in mine.to_dicts()
                ]
    frame = pl.DataFrame(rows, schema=["place", "provider", "label", "part", "share"], orient="row")
    frame = frame.with_columns(row=pl.struct("provider", "label").rank("dense") - 1)
    bars = frame.unique("row", keep="first", maintain_order=True)
    y = alt.Y("row:O").axis(None).scale(paddingInner=0.25)
    panels = (
        shapes.names(bars, "label", y, width=290),
        shapes.stacks(frame, y, "share", theme.TIME_PARTS, axis="Share of the time (%)").properties(
            width=612
        ),
    )
    body = alt.hconcat(*(panel.properties(height=184) for panel in panels), spacing=14)
    total = theme.total(parts, "total_s")
    subtitle = [
        words.population(overview, f"{words.duration(total)} of sessions"),
        "Every moment of a session belongs to one part; a person may be asked by a tool or write a message.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR)


@chart(
    "What sessions cost, and for what",
    costs=f"from summary_cost_distribution where {_POOLED} and unit = 'session'"
    " order by provider, measure, category",
    overview=words.OVERVIEW,
)
def session_cost(title: str, costs: pl.DataFrame, overview: pl.DataFrame) -> alt.VConcatChart:
    """What is a session's money spent on, and how much dearer than the usual session are the dear ones?

    Reads summary_cost_distribution, a row a provider and class of tokens. Nearly all tokens are cached ones;
    how much of the spend they are says whether caching is worth more work. If p99 lies far to the right of
    the median, a few sessions are the bill.
    """
    notes = ["from summary_cost_distribution", "at list prices; what has no price is left out"]
    spend = costs.filter(pl.col("measure") == "cost_usd", pl.col("category") == "all", pl.col("count") > 0)
    if not theme.total(spend, "total"):
        return theme.empty("No session with a price.", title=title, notes=notes, size=theme.PAIR)
    providers = theme.providers_in(spend)
    classes = costs.filter(pl.col("category") != "all", pl.col("provider").is_in(providers))
    order = [(provider, measure) for provider in providers for measure in _UNITS]
    rows = classes.with_columns(
        row=pl.concat_str("provider", pl.lit(" "), "measure").replace_strict(
            {f"{provider} {measure}": place for place, (provider, measure) in enumerate(order)}
        ),
        label=pl.format("share of {}", pl.col("measure").replace(_UNITS)),
        part="category",
    ).sort("row")
    bars = rows.unique("row", keep="first", maintain_order=True)
    y = alt.Y("row:O").axis(None).scale(paddingInner=0.25)
    left = [
        shapes.names(bars, "label", y, width=160),
        shapes.stacks(rows, y, "total_share", _TOKENS).properties(width=300),
    ]
    right = _spread(spend).properties(width=418)
    body = shapes.beside([panel.properties(height=184) for panel in [*left, right]], 18)
    dollars = words.dollars(theme.total(spend, "total"))
    subtitle = [
        words.population(overview, dollars),
        "Left: tokens and spend by class. Right: spend of a session, p10 to p90, p25 to p75, median and p99.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR)


def _spread(spend: pl.DataFrame) -> theme.Layers:
    """One line a provider: percentiles of what a session costs, on a log axis."""
    drawn = spend.with_columns(pl.col("p10", "p25", "p50", "p75", "p90", "p99").clip(lower_bound=0.0001))
    texts = drawn.with_columns(
        text=pl.concat_str(
            pl.col("provider").replace(theme.PROVIDERS),
            pl.lit(" · median "),
            pl.col("p50").map_elements(words.dollars, return_dtype=pl.String),
            pl.lit(" · p99 "),
            pl.col("p99").map_elements(words.dollars, return_dtype=pl.String),
            pl.lit(" · most "),
            pl.col("max").map_elements(words.dollars, return_dtype=pl.String),
        )
    )
    domain = axes.around(axes.DOLLARS, theme.least(drawn, "p10"), theme.greatest(drawn, "p99"))
    x = axes.log_x("p10:Q", "Spend of a session", "$", axes.DOLLARS, domain)
    base = alt.Chart(texts).encode(
        y=alt.Y("provider:N").scale(domain=theme.providers_in(drawn)).axis(None),
        color=shapes.colours(drawn),
        tooltip=["provider", "count", "p50", "p90", "p99", "max"],
    )
    return alt.layer(
        base.mark_rule(strokeWidth=1.5).encode(x=x, x2="p90:Q"),
        base.mark_bar(height=10, cornerRadius=2, opacity=0.55).encode(x="p25:Q", x2="p75:Q"),
        base.mark_point(filled=True, size=52, opacity=1).encode(x="p50:Q"),
        base.mark_tick(thickness=2, size=14, opacity=1).encode(x="p99:Q"),
        alt.Chart(texts)
        .mark_text(style="label", align="left", dy=-18)
        .encode(x=alt.value(2), y=alt.Y("provider:N").axis(None), text="text:N"),
    )


@chart(
    "What compactions take out of the context",
    largest="from compactions where pre_tokens is not null and post_tokens is not null"
    " order by dropped_tokens desc nulls last, compaction_id limit 200",
    overview=words.OVERVIEW,
)
def compactions(title: str, largest: pl.DataFrame, overview: pl.DataFrame) -> alt.VConcatChart:
    """How large is a context when it is compacted, and how much of it is kept?

    Reads compactions, a row a compaction, the 200 with most dropped tokens. Right ends near one value are the
    client's own limit; scattered ones are people who compact by hand. The further left the left end, the more
    an agent forgets at once, and the more of its next steps is reading again.
    """
    notes = ["from compactions", "those whose sizes are known"]
    if largest.is_empty():
        return theme.empty("No compaction of known size.", title=title, notes=notes, size=theme.PAIR)
    size = theme.PAIR if largest.height <= 30 else theme.GRID
    drawn = largest.with_row_index("row")
    trigger = pl.col("compaction_trigger").fill_null("unknown")
    base = alt.Chart(drawn, width=shapes.width_of(1) + 20, height=size[1] - 180).encode(
        y=alt.Y("row:O").axis(None),
        color=shapes.colours(drawn),
        tooltip=["compaction_trigger", "pre_tokens", "post_tokens"],
    )
    x = alt.X("post_tokens:Q").axis(theme.amount_axis("Context (tokens)")).scale(domainMin=0)
    area, line = (40, 1.5) if largest.height <= 60 else (10, 0.6)
    key = {
        theme.PROVIDERS[provider]: theme.PROVIDER_COLOURS[provider] for provider in theme.providers_in(drawn)
    }
    body = alt.layer(
        base.mark_rule(strokeWidth=line, opacity=0.45).encode(x=x, x2="pre_tokens:Q"),
        base.mark_point(filled=False, size=area, opacity=1).encode(x=x),
        base.mark_point(filled=True, size=area, opacity=1).encode(x="pre_tokens:Q"),
        *shapes.swatches(key),
        theme.note("filled: before; open: after", 200, -12),
    )
    shares = (
        drawn.select(trigger=trigger)["trigger"]
        .value_counts(sort=True)
        .sort("count", "trigger", descending=True)
    )
    triggers = ", ".join(f"{words.percent(n / drawn.height)} {name}" for name, n in shares.iter_rows())
    number = words.counted(largest.height, "compaction")
    first = f"the {number} that dropped most" if largest.height == 200 else number
    subtitle = [
        words.population(overview, first),
        f"Before and after, by what was dropped. Started by: {triggers}.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=size, left=0)
