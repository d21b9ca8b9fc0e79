"""Charts of what sessions take: time, money, and what compactions give back."""

import altair as alt
import polars as pl

from tracelab.charts import axes, shapes, theme, words
from tracelab.charts.base import chart

_CUT = "session_kind = 'all'"
_TOKENS = {
    "prefix": ("cached prefix", theme.TOKEN_COLOURS["prefix"]),
    "append": ("append", theme.TOKEN_COLOURS["append"]),
    "output": ("output", theme.TOKEN_COLOURS["output"]),
}
_UNITS = {"cost_usd": "spend", "tokens": "tokens"}
_BLOCKS = {"session_partition": "all time", "session_active": "without waiting for a person"}
_READ_AT = [1.0, 10.0, 100.0]
"""Dollars at which the curve of spend is read out."""


@chart(
    "What the time of sessions goes to",
    parts=f"from summary_timing_distribution where {_CUT}"
    " and block in ('session_partition', 'session_active') and total_share is not null"
    " order by provider, block desc, category",
    overview=words.OVERVIEW,
)
def session_time(title: str, parts: pl.DataFrame, overview: pl.DataFrame) -> alt.VConcatChart:
    """What does the time from a session's beginning to its end go to?

    Reads summary_timing_distribution, a row a provider, block and part of its sessions' time. The upper bars
    are mostly a person who is away. Without waits for people (lower bars), a long violet part says that
    tools, not the model, are what an agent waits for.
    """
    whole = parts.filter(pl.col("block") == "session_partition", pl.col("category") == "all")
    without = words.numbers_of(overview).get("sessions", 0) - theme.pooled(whole)["count"]
    notes = [
        "from summary_timing_distribution",
        "steps and calls at once count once",
        *words.left_out({"sessions": max(without, 0)}, "session", sessions="of no length, or none known"),
    ]
    drawn = theme.clients(parts)
    bars = drawn.filter(pl.col("category") == "all").with_row_index("row")
    if bars.is_empty():
        return theme.empty("No session with a known time.", title=title, notes=notes, size=theme.PAIR)
    labelled = bars.with_columns(
        label=pl.concat_str(
            pl.col("block").replace(_BLOCKS),
            pl.lit(" · "),
            pl.col("total_s").map_elements(words.duration, return_dtype=pl.String),
        )
    )
    rows = drawn.join(bars.select("provider", "block", "row"), on=["provider", "block"]).sort("row")
    y = shapes.places(rows, 0.25)
    panels = (
        shapes.names(labelled, "label", y, width=290),
        shapes.stacks(
            rows.rename({"category": "part"}),
            y,
            "total_share",
            theme.TIME_PARTS,
            axis="Share of the time (%)",
        ).properties(width=612),
    )
    body = alt.hconcat(*(panel.properties(height=184) for panel in panels), spacing=14)
    total = words.duration(theme.pooled(whole)["total_s"])
    subtitle = [
        words.population(overview, f"{total} of sessions"),
        "Every moment of a session belongs to one part; a person may be asked by a tool or write a message.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR)


@chart(
    "What sessions cost, and for what",
    costs=f"from summary_cost_distribution where {_CUT} and unit = 'session'"
    " order by provider, measure, category",
    curves=f"from summary_cost_cdf where provider <> 'all' and {_CUT} and threshold_usd is not null"
    " order by provider, bin",
    overview=words.OVERVIEW,
)
def session_cost(
    title: str, costs: pl.DataFrame, curves: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """What is a session's money spent on, and do usual sessions or a few dear ones make up the bill?

    Reads summary_cost_distribution, a row a provider and class of tokens, and summary_cost_cdf, a row a
    provider and threshold. Nearly all tokens are cached ones; how much of the spend they are says whether
    caching is worth more work. The further right the curve of spend lies of the curve of sessions, the more
    a few sessions are the bill.
    """
    whole = costs.filter(pl.col("measure") == "cost_usd", pl.col("category") == "all")
    facts = theme.pooled(whole)
    facts["priceless_units"] = facts["units"] - facts["count"]
    notes = [
        "from summary_cost_distribution, summary_cost_cdf",
        "at list prices",
        *words.left_out(facts, "session", priceless_units="without a priced step"),
    ]
    spend = theme.clients(whole).filter(pl.col("total") > 0)
    if spend.is_empty():
        return theme.empty("No session with a price.", title=title, notes=notes, size=theme.GRID)
    providers = theme.providers_in(spend)
    order = [(provider, measure) for provider in providers for measure in _UNITS]
    bars = pl.DataFrame(order, schema=["provider", "measure"], orient="row").with_row_index("row")
    labelled = bars.with_columns(label=pl.format("share of {}", pl.col("measure").replace(_UNITS)))
    classes = costs.join(bars, on=["provider", "measure"]).rename({"category": "part"}).sort("row")
    y = shapes.places(bars, 0.25)
    upper = alt.hconcat(
        shapes.names(labelled, "label", y, width=160).properties(height=168),
        shapes.stacks(classes, y, "total_share", _TOKENS).properties(width=680, height=168),
        spacing=18,
    )
    body = alt.vconcat(upper, _spends(spend, curves), spacing=36).resolve_scale(color="independent")
    counted = words.counted(facts["count"], "priced session")
    subtitle = [
        words.population(overview, f"{words.dollars(facts['total'])} for {counted}"),
        "Above: tokens and spend by class. Below: how many sessions cost less, and the spend that they hold.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.GRID, left=theme.Y_AXIS)


def _spends(spend: pl.DataFrame, curves: pl.DataFrame) -> alt.HConcatChart:
    """The number of sessions below a spend, and the spend that they hold."""
    low, high = max(theme.least(spend, "p10"), 0.0001), theme.greatest(spend, "max")
    domain = axes.around(axes.DOLLARS, low, high)
    drawn = shapes.within(curves, spend, "threshold_usd", domain)
    read = shapes.read_out(drawn, "threshold_usd", "cumulative_cost_share", _READ_AT)
    counts, sums = {}, {}
    for row in spend.to_dicts():
        spread = [f"{name} {words.dollars(row[name])}" for name in shapes.LANDMARKS]
        counts[row["provider"]] = " · ".join([words.counted(row["count"], "session"), *spread])
        sums[row["provider"]] = words.dollars(row["total"])
    for row in read.to_dicts():
        share = words.percent(row["cumulative_cost_share"])
        sums[row["provider"]] += f" · {share} below {words.dollars(row['threshold_usd'])}"
    x = axes.log_x("threshold_usd:Q", "Spend of a session", "$", axes.DOLLARS, domain)
    plots: alt.HConcatChart = alt.hconcat(
        *shapes.count_and_mass(
            drawn,
            read,
            spend,
            x,
            "cumulative_cost_share",
            ("Share of sessions", "Share of their spend"),
            (counts, sums),
            height=196,
        )
    )
    return plots


@chart(
    "What compactions take out of the context",
    largest="from compactions where pre_tokens is not null and post_tokens is not null"
    " order by dropped_tokens desc nulls last, compaction_id limit 200",
    triggers="select coalesce(compaction_trigger, 'unknown') as name, count(*) as number,"
    " number / sum(number) over () as share, sum(number) over () as compactions,"
    " sum(count(*) filter (where pre_tokens is null or post_tokens is null)) over () as unsized"
    " from compactions group by name order by number desc, name limit 4",
    overview=words.OVERVIEW,
)
def compactions(
    title: str, largest: pl.DataFrame, triggers: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """How large is a context when it is compacted, and how much of it is kept?

    Reads compactions, a row a compaction, the 200 with most dropped tokens. Right ends near one value are the
    client's own limit; scattered ones are people who compact by hand. The further left the left end, the more
    an agent forgets at once, and the more of its next steps is reading again.
    """
    facts = triggers.row(0, named=True) if triggers.height else {}
    notes = ["from compactions", *words.left_out(facts, "compaction", unsized="of unknown size")]
    if largest.is_empty():
        return theme.empty("No compaction of known size.", title=title, notes=notes, size=theme.PAIR)
    size = theme.PAIR if largest.height <= 30 else theme.GRID
    drawn = largest.select("provider", "compaction_trigger", "pre_tokens", "post_tokens").with_row_index(
        "row"
    )
    base = alt.Chart(drawn, width=shapes.width_of(1) + 12, height=size[1] - 180).encode(
        y=alt.Y("row:O").axis(None),
        color=theme.colours(),
        tooltip=theme.tooltip("compaction_trigger:N", "pre_tokens:Q", "post_tokens:Q"),
    )
    x = alt.X("post_tokens:Q").axis(**theme.amount_axis("Context (tokens)")).scale(domainMin=0)
    before = alt.X("pre_tokens:Q")
    area, line = (40, 1.5) if largest.height <= 60 else (10, 0.6)
    key = {
        theme.PROVIDERS[provider]: theme.PROVIDER_COLOURS[provider] for provider in theme.providers_in(drawn)
    }
    body = alt.layer(
        base.mark_rule(strokeWidth=line, opacity=0.45).encode(x=x, x2=alt.X2("pre_tokens:Q")),
        base.mark_point(filled=False, size=area, opacity=1).encode(x=x),
        base.mark_point(filled=True, size=area, opacity=1).encode(x=before),
        *shapes.swatches(key),
        theme.note("filled: before; open: after", 200, -12),
    )
    shares = ", ".join(
        f"{words.percent(share)} {words.short(name, 30)}"
        for name, share in triggers.select("name", "share").iter_rows()
    )
    number = words.counted(largest.height, "compaction")
    first = f"The {number} that dropped most" if largest.height == 200 else number
    subtitle = [
        words.population(overview, first),
        "Sorted by what was dropped."
        f" What started {words.counted(facts['compactions'], 'compaction')} in all: {shares}.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=size, left=0)
