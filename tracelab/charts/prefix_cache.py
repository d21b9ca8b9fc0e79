"""Charts of the prefix cache: what a pause costs it, and why tokens are read again."""

from collections.abc import Callable

import altair as alt
import polars as pl

from tracelab.charts import theme, words
from tracelab.charts.base import chart

_CAUSES = {cause: name for cause, name in words.MISS_CAUSES.items() if cause != "restart"}
"""Those of a step within its session."""
_GAPS = (
    "from summary_cache_hit_idle_grid where provider <> 'all' and session_kind = 'all' and model = 'all'"
    " and trigger = 'all' and gap_measure = 'causal' and hit_bin"
)


@chart(
    "What an idle gap does to the prefix cache",
    cells=f"{_GAPS} <> 'all' order by provider, gap_bin, hit_low",
    gaps=f"{_GAPS} = 'all' order by provider, gap_bin",
    idle="from summary_cache_hit_idle where session_kind = 'all' and model = 'all' and trigger = 'all'"
    " and gap_measure = 'causal' and hit_band = 'all' order by provider",
    overview=words.OVERVIEW,
)
def hit_by_idle(
    title: str, cells: pl.DataFrame, gaps: pl.DataFrame, idle: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """How long may a context lie idle before its cached prefix is gone?

    Reads summary_cache_hit_idle_grid, a row a provider, bin of the gap and bin of the hit ratio, and one a
    bin of the gap. If caches keep what they promise, the median stays near 100% up to the lifetime (5 min, or
    1 h where the client writes 1-hour entries) and falls off behind it. A share of lost prefixes that is high
    left of the rules means that something other than time empties the cache: compaction, eviction, a changed
    prompt.
    """
    notes = ["from summary_cache_hit_idle_grid, summary_cache_hit_idle", "a session's first step has no gap"]
    if gaps.is_empty():
        return theme.empty("No step with a gap before it.", title=title, notes=notes, size=theme.GRID)
    domain = theme.time_domain(theme.least(gaps, "gap_low_s"), 1.01 * theme.greatest(gaps, "gap_low_s"))
    end = pl.col("gap_high_s").fill_null(domain[1])
    # a bin's point stands in its middle, on a log axis
    middle = (pl.col("gap_low_s").clip(lower_bound=domain[0]) * end).sqrt()
    cells, gaps = cells.with_columns(gap_high_s=end), gaps.with_columns(gap_s=middle)
    providers = theme.providers_in(gaps)
    width = 873 if len(providers) == 1 else 395
    columns = [
        alt.vconcat(
            _heat(cells, gaps, provider, domain).properties(width=width, height=322),
            _lost(gaps, provider, domain).properties(width=width, height=84),
            spacing=16,
        )
        for provider in providers
    ]
    subtitle = [
        words.population(overview, f"{words.counted(theme.pooled(idle)['count'], 'step')} after a gap"),
        "Above: steps by gap and hit ratio; line median, band p25 to p75. Below: share that lost its prefix.",
    ]
    body = alt.hconcat(*columns).resolve_scale(color="shared")
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.GRID, left=theme.Y_AXIS)


def _heat(
    cells: pl.DataFrame, gaps: pl.DataFrame, provider: str, domain: tuple[float, float]
) -> theme.Layers:
    """How many steps lie where, and on top the middle of each bin of the gap."""
    x = theme.time_x("gap_low_s:Q", None, domain, labels=False)
    y = alt.Y("hit_low:Q").scale(domain=[0, 1]).axis(**theme.share_axis("Hit ratio of the step"))
    key = alt.Legend(
        title="Steps", orient="none", direction="horizontal", titleOrient="left", legendX=690, legendY=-48
    )
    mine, colour = pl.col("provider") == provider, theme.PROVIDER_COLOURS[provider]
    curve = alt.Chart(gaps.filter(mine)).encode(
        x=alt.X("gap_s:Q"),
        tooltip=theme.tooltip("gap_low_s:Q", "steps:Q", "hit_p50:Q", "hit_ratio:Q", "low_hit_share:Q"),
    )
    return alt.layer(
        alt.Chart(cells.filter(mine))
        .mark_rect()
        .encode(
            x=x,
            x2=alt.X2("gap_high_s:Q"),
            y=y,
            y2=alt.Y2("hit_high:Q"),
            color=alt.Color("steps:Q").scale(type="log").legend(key),
        ),
        curve.mark_area(color=colour, opacity=0.25).encode(y=alt.Y("hit_p25:Q"), y2=alt.Y2("hit_p75:Q")),
        curve.mark_line(color=colour).encode(y=alt.Y("hit_p50:Q")),
        curve.mark_point(color=colour, filled=True, opacity=1, size=28).encode(y=alt.Y("hit_p50:Q")),
        *theme.lifetimes(domain),
        theme.heading(theme.PROVIDERS[provider]),
    )


def _lost(gaps: pl.DataFrame, provider: str, domain: tuple[float, float]) -> theme.Layers:
    """The share of steps that had to read nearly all again."""
    axis = theme.y_axis("Hit ratio < 10% (%)", format="%", values=[0, 0.5, 1])
    curve = alt.Chart(gaps.filter(pl.col("provider") == provider)).encode(
        x=theme.time_x("gap_s:Q", "Idle gap before the step", domain),
        y=alt.Y("low_hit_share:Q").scale(domain=[0, 1]).axis(**axis),
    )
    colour = theme.PROVIDER_COLOURS[provider]
    return alt.layer(
        curve.mark_area(color=colour, opacity=0.25),
        curve.mark_line(color=colour),
        curve.mark_point(color=colour, filled=True, opacity=1, size=28),
        *theme.lifetimes(domain, labels=False),
    )


@chart(
    "What the prefix cache lost, and why",
    causes="from summary_miss_causes where session_kind = 'all' and model = 'all' and trigger = 'all'"
    " and miss_cause <> 'all' order by provider, missed_tokens desc, miss_cause",
    overview=words.OVERVIEW,
    total="from summary_miss_causes where provider = 'all' and session_kind = 'all' and model = 'all'"
    " and trigger = 'all' and miss_cause = 'all'",
    restarts="from summary_losses where provider = 'all' and session_kind = 'all'"
    " and loss = 'cache_miss' and cause = 'restart'",
)
def miss_causes(
    title: str, causes: pl.DataFrame, total: pl.DataFrame, restarts: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """Which tokens were read again though a cache should still have held them, why, and what did that cost?

    Reads summary_miss_causes, a row a provider and cause; every step that can be split has one cause. If idle
    leads, pauses outlive the cache: a longer lifetime or a kept-warm prefix would pay. If compaction leads,
    it is the price of a full context. A large residual points at the provider's own eviction, or at a client
    that rewrites its history. Steps of several calls, for a compaction or without usage cannot be split. A
    session's first step misses nothing here: what a restart lost, a session resumed in a new one, is a cause
    of its own in summary_losses, told in "What costs me" (decision 0012).
    """
    notes = ["from summary_miss_causes, summary_losses"]
    facts, resumed = theme.pooled(total), theme.pooled(restarts)
    if resumed["steps"]:
        count = words.counted(resumed["steps"], "restart")
        notes.append(f"of {count} the first step is told in summary_losses")
    else:
        notes.append("a session's first step misses nothing")
    notes += words.left_out(facts, "step", unsplit_steps="that cannot be split")
    if facts["unpriced_missed_tokens"]:
        notes.append(f"{words.tokens(facts['unpriced_missed_tokens'])} missed tokens have no price")
    # those that missed something, sorted by the tokens of both clients
    pooled = causes.filter(pl.col("provider") == "all", pl.col("missed_tokens") > 0)
    order = [cause for cause in pooled["miss_cause"] if cause in _CAUSES]
    drawn = theme.clients(causes).filter(pl.col("miss_cause").is_in(order))
    if not facts["missed_tokens"]:
        return theme.empty("No token was missed.", title=title, notes=notes, size=theme.PAIR)
    rows = alt.Y("miss_cause:O").scale(domain=order, paddingInner=0.3, paddingOuter=0.1).axis(None)
    missed_axis, cost_axis = (
        theme.amount_axis("Missed (tokens)"),
        theme.amount_axis("Cost beyond a cached read ($)", "$,~g"),
    )
    panels = {
        256: _names(drawn, rows),
        318: _bars(drawn, rows, "missed_tokens", missed_axis, words.tokens),
        319: _bars(drawn, rows, "missed_cost_usd", cost_axis, words.dollars),
    }
    body = alt.hconcat(
        *(panel.properties(width=width, height=198) for width, panel in panels.items()), spacing=14
    )
    missed = words.tokens(facts["missed_tokens"])
    share = words.percent(facts["missed_share"])
    first = f"{missed} missed tokens, small misses counted, {share} of those appended"
    subtitle = [
        words.population(overview, first),
        "Tokens of a prompt that were sent before and not read from the cache, by the cause of their step.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR)


def _names(causes: pl.DataFrame, rows: alt.Y) -> theme.Layers:
    """What caused it, and beside each bar the client."""
    names = causes.select("miss_cause", cause=pl.col("miss_cause").replace(_CAUSES)).unique(
        maintain_order=True
    )
    clients = causes.with_columns(client=pl.col("provider").replace(theme.PROVIDERS))
    return alt.layer(
        alt.Chart(names)
        .mark_text(style="label", align="left", fontSize=12, x=0)
        .encode(y=rows, text=alt.Text("cause:N")),
        alt.Chart(clients)
        .mark_text(style="note", align="right", x=256)
        .encode(y=rows, yOffset=alt.YOffset("provider:N"), text=alt.Text("client:N")),
    )


def _bars(
    causes: pl.DataFrame, rows: alt.Y, measure: str, axis: theme.Axis, show: Callable[[float], str]
) -> theme.Layers:
    """One bar a cause and client, its value at its end."""
    texts = causes.with_columns(
        pl.col(measure).fill_null(0),
        text=pl.col(measure).map_elements(show, return_dtype=pl.String).fill_null("no price"),
    )
    longest = theme.greatest(causes, measure) or 1
    base = alt.Chart(texts).encode(
        # room for the text behind the longest bar
        x=alt.X(f"{measure}:Q").axis(**axis).scale(domain=[0, 1.25 * longest], nice=False),
        y=rows,
        yOffset=alt.YOffset("provider:N"),
        tooltip=theme.tooltip(
            "provider:N", "miss_cause:N", "steps:Q", "missed_tokens:Q", "missed_cost_usd:Q"
        ),
    )
    return alt.layer(
        base.mark_bar(cornerRadiusEnd=2).encode(color=theme.colours()),
        base.mark_text(style="label", align="left", dx=5).encode(text=alt.Text("text:N")),
    )
