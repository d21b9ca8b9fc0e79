"""Charts of what ifs of the prefix cache: a longer lifetime, and people who never pause."""

import altair as alt
import polars as pl

from tracelab.charts import axes, shapes, theme, words
from tracelab.charts.base import chart

_POOLED = "session_kind = 'all' and model = 'all'"
_SWEPT = "session_kind = 'all' and gap_measure = 'causal'"
_MARKED = [300.0, 3600.0]
"""Timeouts that are marked and read out: the lifetimes on sale, in seconds."""
_SCENARIOS = {
    "observed": "as it was",
    "no_expiry": "if no pause outlived the cache",
    "no_pause": "if people never paused",
}


@chart(
    "What a longer cache lifetime would hit, and what it would hold",
    sweep=f"from summary_eviction_tradeoff where {_SWEPT} and steps > 0"
    " and suspended_to_active_ratio is not null order by provider, timeout_s",
    overview=words.OVERVIEW,
)
def eviction_tradeoff(title: str, sweep: pl.DataFrame, overview: pl.DataFrame) -> alt.VConcatChart:
    """How long should a prefix be kept: what does a longer timeout hit, and what memory does it hold?

    Reads summary_eviction_tradeoff, a row a provider and timeout. Where the left curve turns flat, a longer
    timeout holds memory for little. The ring is what the provider's cache did: the timeout that would hit as
    often. If it lies left of the lifetime on sale, prefixes are lost to more than time.
    """
    notes = [
        "from summary_eviction_tradeoff",
        "dots: 5 min and 1 h",
        "ring: what the cache did",
        "diamond: the knee",
    ]
    drawn = theme.clients(sweep).filter(pl.col("achievable_hit_ratio").is_not_null())
    if drawn.is_empty():
        return theme.empty("No step after a pause.", title=title, notes=notes, size=theme.PAIR)
    domain = theme.time_domain(1, theme.greatest(drawn, "timeout_s"))
    marked = drawn.filter(pl.col("timeout_s").is_in(_MARKED))
    rings = drawn.filter((pl.col("timeout_s") - pl.col("effective_eviction_s")).abs() < 1e-6)
    least = min(theme.least(drawn, "achievable_hit_ratio"), theme.least(drawn, "hit_ratio"))
    knees = drawn.filter(pl.col("timeout_s") == pl.col("knee_s"))
    hits = alt.Scale(domain=[max(0.0, least - 0.02), 1], nice=False)
    axis = theme.y_axis("Achievable hit ratio (%)", format="%", tickCount=6)
    x = theme.time_x("timeout_s:Q", "Timeout", domain)
    most = theme.greatest(drawn, "suspended_to_active_ratio")
    held = axes.around(axes.AMOUNTS, theme.least(drawn, "suspended_to_active_ratio"), most)
    by_time = _lines(drawn, marked, x, alt.Y("achievable_hit_ratio:Q").scale(hits).axis(**axis))
    held_x = axes.log_x(
        "suspended_to_active_ratio:Q", "Idle time held", "per time generating", axes.AMOUNTS, held
    )
    by_cost = _lines(drawn, marked, held_x, alt.Y("achievable_hit_ratio:Q").scale(hits).axis(**axis))
    ring = alt.Chart(rings).mark_point(size=120, strokeWidth=2, opacity=1)
    ring = ring.encode(y=alt.Y("achievable_hit_ratio:Q").scale(hits), color=theme.colours())
    knee = alt.Chart(knees).mark_point(shape="diamond", filled=True, size=110, opacity=1)
    knee = knee.encode(y=alt.Y("achievable_hit_ratio:Q").scale(hits), color=theme.colours())
    first, second = _observed(drawn), _read(marked, knees)
    body = alt.hconcat(
        alt.layer(
            by_time,
            *(sign.encode(x=x) for sign in (ring, knee)),
            *theme.lifetimes(domain),
            *theme.provider_key(first, above=14),
        ),
        alt.layer(
            by_cost,
            *(sign.encode(x=held_x) for sign in (ring, knee)),
            *theme.provider_key(second, above=14),
        ),
    )
    subtitle = [
        words.population(overview, words.counted(theme.pooled(sweep)["steps"], "step") + " after a gap"),
        "If prefixes were kept for so long after their last use, and for no longer.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR, left=theme.Y_AXIS)


def _observed(drawn: pl.DataFrame) -> dict[str, str]:
    key = {}
    for row in drawn.unique("provider").sort("provider").to_dicts():
        texts = [f"observed {words.percent(row['hit_ratio'])}"]
        if row["effective_eviction_s"] is not None:
            texts.append(f"as with {words.duration(row['effective_eviction_s'])}")
        key[row["provider"]] = " · ".join([*texts, f"at best {words.percent(row['optimal_hit_ratio'])}"])
    return key


def _read(marked: pl.DataFrame, knees: pl.DataFrame) -> dict[str, str]:
    key: dict[str, str] = {}
    points = [(row, "") for row in marked.to_dicts()] + [(row, "knee at ") for row in knees.to_dicts()]
    for row, name in points:
        text = f"{name}{words.duration(row['timeout_s'])} hits {words.percent(row['achievable_hit_ratio'])}"
        key[row["provider"]] = " · ".join(filter(None, [key.get(row["provider"]), text]))
    return key


def _lines(
    rows: pl.DataFrame, marked: pl.DataFrame, x: alt.X, y: alt.Y, *, height: int = 157
) -> theme.Layers:
    """One line a provider, and a point where a lifetime is on sale."""
    colours = theme.colours()
    return alt.layer(
        alt.Chart(rows, width=394, height=height)
        .mark_line()
        .encode(x=x, y=y, color=colours, strokeDash=theme.dashes()),
        alt.Chart(marked).mark_point(filled=True, size=44, opacity=1).encode(x=x, y=y, color=colours),
    )


@chart(
    "How much of the time that prefixes are held is at work",
    sweep=f"from summary_kv_active_ratio where provider <> 'all' and {_SWEPT} and active_share is not null"
    " order by provider, timeout_s",
    overview=words.OVERVIEW,
)
def kv_active(title: str, sweep: pl.DataFrame, overview: pl.DataFrame) -> alt.VConcatChart:
    """If prefixes are kept for so long, what share of the time that they lie in memory is generation?

    Reads summary_kv_active_ratio, a row a provider and timeout. A line that falls early means that most of
    the memory waits for tools or people; the right plot says for which of them. Where waiting for tools
    leads, memory could be lent out while they run.
    """
    notes = ["from summary_kv_active_ratio", "held: generation, and gaps no longer than the timeout"]
    if sweep.is_empty():
        return theme.empty("No step with a known time.", title=title, notes=notes, size=theme.PAIR)
    domain = theme.time_domain(1, theme.greatest(sweep, "timeout_s"))
    marked = sweep.filter(pl.col("timeout_s").is_in(_MARKED))
    x = theme.time_x("timeout_s:Q", "Timeout", domain)
    y = alt.Y("active_share:Q").scale(domain=[0, 1]).axis(**theme.share_axis("Share of held time"))
    key = {
        row["provider"]: f"{words.percent(row['active_share'])} at {words.duration(row['timeout_s'])}"
        for row in marked.sort("timeout_s", descending=True).to_dicts()
    }
    parts = pl.concat(
        marked.select("provider", "timeout_s", part=pl.lit(part), share=column)
        for part, column in (("generation", "active_share"), ("tool", "tool_share"), ("human", "human_share"))
    )
    bars = (
        marked.select("provider", "timeout_s")
        .with_row_index("row")
        .with_columns(
            text=pl.format(
                "kept {}", pl.col("timeout_s").map_elements(words.duration, return_dtype=pl.String)
            )
        )
    )
    rows = shapes.places(bars)
    stacked = parts.join(bars, on=["provider", "timeout_s"]).sort("row")
    height = {"height": 157}
    panels = [
        alt.layer(_lines(sweep, marked, x, y), *theme.lifetimes(domain), *theme.provider_key(key, above=14)),
        shapes.names(bars, "text", rows, width=130).properties(**height),
        shapes.stacks(
            stacked, rows, "share", theme.TIME_PARTS, axis="Share of held time (%)", least=0.08
        ).properties(width=300, **height),
    ]
    body = shapes.beside(panels, 16)
    subtitle = [
        words.population(overview),
        "Left: share of generation by timeout. Right: what holds the rest.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR, left=theme.Y_AXIS)


@chart(
    "What pauses cost the cache",
    scenarios=f"from summary_idle_counterfactual where {_POOLED} and steps > 0 and prefix_tokens > 0"
    " order by provider, scenario desc",
    overview=words.OVERVIEW,
)
def idle_counterfactual(title: str, scenarios: pl.DataFrame, overview: pl.DataFrame) -> alt.VConcatChart:
    """What would the cache hit, and what would be paid, if pauses cost nothing?

    Reads summary_idle_counterfactual, a row a provider and scenario. Bars of nearly one length say that
    pauses are not what makes prompts dear. A large saving says what a kept-warm prefix, or one bought for
    longer, may cost.
    """
    notes = ["from summary_idle_counterfactual"]
    facts = theme.pooled(scenarios.filter(pl.col("scenario") == "no_pause"))
    if facts["unpriced_steps"]:
        notes.append(f"{words.counted(facts['unpriced_steps'], 'step')} without a price left out of the cost")
    if scenarios.is_empty():
        return theme.empty("No step with a metered prompt.", title=title, notes=notes, size=theme.PAIR)
    order = list(_SCENARIOS)
    rows = (
        theme.clients(scenarios)
        .sort(
            "provider",
            pl.col("scenario").replace_strict({name: place for place, name in enumerate(order)}, default=9),
        )
        .with_row_index("row")
    )
    labelled = rows.with_columns(text=pl.col("scenario").replace(_SCENARIOS))
    y = shapes.places(rows)
    panels = [
        (256, shapes.names(labelled, "text", y, width=256)),
        (
            205,
            shapes.bars(
                rows,
                y,
                "hit_ratio",
                theme.axis(title="Hit ratio (%)", format="%", values=[0, 0.25, 0.5, 0.75, 1]),
                "{:.1%}".format,
            ),
        ),
        (
            205,
            shapes.bars(
                rows,
                y,
                "append_tokens",
                _amounts("Appended (tokens)", "~s"),
                words.tokens,
            ),
        ),
        (
            205,
            shapes.bars(
                rows,
                y,
                "cost_usd",
                _amounts("Cost ($)", "$,~g"),
                words.dollars,
                missing="no price",
            ),
        ),
    ]
    body = alt.hconcat(*(panel.properties(width=width, height=198) for width, panel in panels), spacing=14)
    steps = facts["resumed_steps"]
    subtitle = [
        words.population(overview, f"{words.counted(steps, 'step')} after a pause before a message"),
        "Never paused: such a step appends no more than its prompt grew, as the paper counts.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR)


def _amounts(title: str, form: str) -> theme.Axis:
    return theme.axis(title=title, tickCount=3, labelExpr=f"format(datum.value, '{form}')")
