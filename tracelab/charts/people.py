"""Charts of people: how long an agent waits for them, and what they wait for."""

import altair as alt
import polars as pl

from tracelab.charts import shapes, theme, words
from tracelab.charts.base import chart

_POOLED = "session_kind = 'all' and model = 'all'"
_CAPS = {"5m": 300.0, "1h": 3600.0}
"""Waits up to the lifetimes of a cache, and those in seconds: where the curve of waiting is read out."""


@chart(
    "How long an agent waits for a person",
    curves=f"from summary_human_wait_cdf where provider <> 'all' and {_POOLED}"
    " and threshold_s is not null order by provider, bin",
    waits=f"from summary_human_wait where {_POOLED} order by provider, total_s",
    stepless="select (select sum(human_wait_ms) from sessions)"
    " - (select coalesce(sum(human_wait_ms), 0) from steps) as wait_ms",
    overview=words.OVERVIEW,
)
def human_waits(
    title: str, curves: pl.DataFrame, waits: pl.DataFrame, stepless: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """How long does an agent wait for its person, and how many waits outlast a cached prefix?

    Reads summary_human_wait_cdf, a row a provider and threshold, and summary_human_wait for its landmarks.
    What the left curve reaches at 5 min is the share of answers that find the prefix still warm; what the
    right curve lacks at 1 h is the waiting that no cache is kept for. If the curve of time rises late, few
    long absences own it.
    """
    uncapped = waits.filter(pl.col("cap") == "all")
    facts = theme.pooled(uncapped)
    notes = [
        "from summary_human_wait_cdf, summary_human_wait, sessions, steps",
        *words.left_out(facts, "message", while_running_messages="to a running agent"),
    ]
    if unanswered_ms := stepless["wait_ms"][0]:
        waited = words.duration(unanswered_ms / 1000)
        notes.append(f"left out: {waited} before messages that led to no step")
    known = theme.clients(uncapped).filter(pl.col("count") > 0)
    if known.is_empty():
        return theme.empty("No wait for a person.", title=title, notes=notes, size=theme.PAIR)
    domain = theme.time_domain(theme.least(known, "p10"), theme.greatest(known, "max"))
    drawn = shapes.within(curves, known, "threshold_s", domain)
    capped = waits.filter(
        pl.col("cap").is_in(list(_CAPS)), pl.col("provider").is_in(known["provider"].to_list())
    )
    read = capped.select(
        "provider",
        threshold_s=pl.col("cap").replace_strict(_CAPS, return_dtype=pl.Float64),
        cumulative_mass_share="time_share",
    ).filter(pl.col("threshold_s").is_between(*domain))
    plots = shapes.count_and_mass(
        drawn,
        read,
        known,
        theme.time_x("threshold_s:Q", "Wait for a person", domain),
        "cumulative_mass_share",
        ("Share of waits", "Share of waiting"),
        (
            shapes.spread_key(known, "wait"),
            shapes.time_key(known, read, "threshold_s", "cumulative_mass_share"),
        ),
        above=14,
        height=157,
    )
    body = alt.hconcat(*(alt.layer(plot, *theme.lifetimes(domain)) for plot in plots))
    subtitle = [
        words.population(overview, words.counted(facts["count"], "wait")),
        "From the agent's last output to the next message. Left: how many are shorter; right: their time.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR, left=theme.Y_AXIS)


@chart(
    "What the time of a request goes to",
    parts=f"from summary_request_decomposition where {_POOLED}"
    " and part in ('generation_alone', 'both', 'tool_alone', 'other')"
    " order by provider, response_low_s nulls first, part",
    overview=words.OVERVIEW,
)
def request_decomposition(title: str, parts: pl.DataFrame, overview: pl.DataFrame) -> alt.VConcatChart:
    """What does a request's time go to: the model, tools, both at once, or neither?

    Reads summary_request_decomposition, a row a provider, decade of the response time and part. If the violet
    grows with the decade, long requests are long for their tools, and a faster model would not shorten them.
    Grey is what the log cannot say: retries, approvals, the client itself.
    """
    facts = theme.pooled(parts.filter(pl.col("response_bin") == "all"))
    notes = [
        "from summary_request_decomposition",
        "by total time of a row's requests",
        *words.left_out(facts, "request", dropped_requests="without a response time"),
    ]
    drawn = theme.clients(parts).filter(pl.col("requests") > 0)
    if drawn.is_empty():
        return theme.empty("No request with a response time.", title=title, notes=notes, size=theme.PAIR)
    bins = drawn.unique(["provider", "response_bin"], keep="first", maintain_order=True).with_row_index("row")
    bars = bins.with_columns(
        response=pl.struct("response_low_s", "response_high_s", "requests").map_elements(
            _response, return_dtype=pl.String
        )
    )
    places = bins.select("provider", "response_bin", "row")
    named = pl.col("part").str.strip_suffix("_alone")
    rows = drawn.join(places, on=["provider", "response_bin"]).with_columns(part=named).sort("row")
    size = theme.PAIR if bars.height <= 8 else theme.GRID
    y = shapes.places(rows, 0.25)
    panels = (
        shapes.names(bars, "response", y, width=250),
        shapes.stacks(
            rows, y, "response_share", theme.TIME_PARTS, axis="Share of the response time (%)"
        ).properties(width=654),
    )
    body = alt.hconcat(*(panel.properties(height=size[1] - 176) for panel in panels), spacing=14)
    subtitle = [
        words.population(overview, words.counted(facts["requests"], "request")),
        "All requests of a client, then by how long they take. Tools from call to result.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=size)


def _response(bounds: dict[str, float | None]) -> str:
    """Say of which requests a bar is: of all, or of those of a decade."""
    low, high = bounds["response_low_s"], bounds["response_high_s"]
    requests = words.counted(bounds["requests"] or 0, "request")
    if low is None:
        return f"all · {requests}"
    return (
        f"{low:,.0f} s or more · {requests}" if high is None else f"{low:,.0f} to {high:,.0f} s · {requests}"
    )
