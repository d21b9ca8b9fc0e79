"""Charts of requests: how long a person, or a parent agent, waits for what was asked."""

from collections.abc import Mapping

import altair as alt
import polars as pl

from tracelab.charts import axes, shapes, theme, words
from tracelab.charts.base import chart

_POOLED = "session_kind = 'all' and model = 'all'"
_TIMES = f"from summary_request_response_time where {_POOLED} order by provider"
_READ_AT = [60.0, 600.0, 3600.0]
"""Seconds at which the curve of time is read out."""


@chart(
    "How long a request takes, and which requests hold the time",
    curves=f"from summary_request_cdf where provider <> 'all' and {_POOLED}"
    " and measure = 'response_s' and threshold is not null order by provider, bin",
    times=_TIMES,
    overview=words.OVERVIEW,
)
def request_response_time(
    title: str, curves: pl.DataFrame, times: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """How long does a request take, and do the usual requests or the rare long ones make up the time?

    Reads summary_request_cdf, a row a provider and threshold, and summary_request_response_time for its
    landmarks. If both plots were alike, all requests would be. The further right the curve of time lies of
    the curve of requests, the more a few long requests own the time: then a median says what a person feels,
    and nothing of what a server is busy with.
    """
    facts = theme.pooled(times)
    notes = ["from summary_request_cdf, summary_request_response_time", *_untimed(facts)]
    timed = theme.clients(times).filter(pl.col("count") > 0)
    if timed.is_empty():
        return theme.empty("No request with a response time.", title=title, notes=notes, size=theme.PAIR)
    domain = theme.time_domain(theme.least(timed, "min"), theme.greatest(timed, "max"))
    drawn = shapes.within(curves, timed, "threshold", domain)
    read = shapes.read_out(drawn, "threshold", "cumulative_mass_share", _READ_AT)
    plots = shapes.count_and_mass(
        drawn,
        read,
        timed,
        theme.time_x("threshold:Q", "Response time", domain),
        "cumulative_mass_share",
        ("Share of requests", "Share of their time"),
        (
            shapes.spread_key(timed, "request"),
            shapes.time_key(timed, read, "threshold", "cumulative_mass_share", total="{}"),
        ),
    )
    body = alt.hconcat(*plots)
    subtitle = [
        words.population(overview, words.counted(facts["count"], "request")),
        "Message to last output. Left: how many take less; right: how much of the time they hold.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR, left=theme.Y_AXIS)


@chart(
    "How many steps and tool calls a request takes",
    curves=f"from summary_request_cdf where provider <> 'all' and {_POOLED}"
    " and measure in ('steps', 'tool_calls') and threshold is not null order by measure, provider, bin",
    counts=f"from summary_session_counts where {_POOLED} and unit = 'request'"
    " and metric in ('steps', 'tool_calls') order by metric, provider",
    times=_TIMES,
    overview=words.OVERVIEW,
)
def request_shape(
    title: str, curves: pl.DataFrame, counts: pl.DataFrame, times: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """How many steps and tool calls does a request take, and how far does the longest loop run?

    Reads summary_request_cdf, a row a provider, measure and threshold, and summary_session_counts for its
    landmarks. A curve that begins high means that most requests are one answer; a long way from p50 to p99
    means loops that a person leaves alone. Where calls lie right of steps, an agent calls several tools at
    once.
    """
    notes = [
        "from summary_request_cdf, summary_session_counts, summary_request_response_time",
        "requests without a call lie left of 1",
        *_untimed(theme.pooled(times)),
    ]
    drawn = theme.clients(counts).filter(pl.col("count") > 0)
    if drawn.is_empty():
        return theme.empty("No request with a response time.", title=title, notes=notes, size=theme.PAIR)
    domain = axes.around(axes.COUNTS, 1, theme.greatest(drawn, "max"))
    plots = [
        shapes.curves(
            curves.filter(pl.col("measure") == measure, pl.col("threshold").is_between(*domain)),
            shapes.landmarks(rows, "threshold", "cumulative_share").filter(pl.col("threshold") >= 1),
            axes.log_x("threshold:Q", f"{noun} of a request", "number", axes.COUNTS, domain),
            "cumulative_share",
            "Share of requests",
            _sizes(rows),
            interpolate="step-before",
        )
        for measure, noun in (("steps", "Steps"), ("tool_calls", "Tool calls"))
        for rows in [drawn.filter(pl.col("metric") == measure)]
    ]
    requests = theme.pooled(counts.filter(pl.col("metric") == "steps"))["count"]
    subtitle = [
        words.population(overview, words.counted(requests, "request")),
        "How many requests take so many or fewer. Left: steps of the model; right: tool calls.",
    ]
    return theme.page(
        alt.hconcat(*plots), title=title, subtitle=subtitle, notes=notes, size=theme.PAIR, left=theme.Y_AXIS
    )


def _untimed(facts: Mapping[str, float]) -> list[str]:
    return words.left_out(facts, "request", untimed_requests="without a response time")


def _sizes(counts: pl.DataFrame) -> dict[str, str]:
    """What the key says of each provider's requests."""
    return {
        row["provider"]: " · ".join(
            [*(f"{name} {row[name]:,.0f}" for name in shapes.LANDMARKS), f"most {row['max']:,.0f}"]
        )
        for row in counts.to_dicts()
    }
