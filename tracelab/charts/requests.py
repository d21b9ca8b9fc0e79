"""Charts of requests: how long a person, or a parent agent, waits for what was asked."""

from collections.abc import Mapping

import altair as alt
import polars as pl

from tracelab.charts import theme, words
from tracelab.charts.base import chart

_POOLED = "provider <> 'all' and session_kind = 'all' and model = 'all'"
_LANDMARKS = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
_READ_AT = [60.0, 600.0, 3600.0]
"""Seconds at which the curve of time is read out."""


@chart(
    "How long a request takes, and which requests hold the time",
    curves=f"from summary_request_cdf where {_POOLED} and measure = 'response_s' and threshold is not null"
    " order by provider, bin",
    times=f"from summary_request_response_time where {_POOLED} order by provider",
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
    notes = ["from summary_request_cdf, summary_request_response_time"]
    if untimed := theme.total(times, "requests") - theme.total(times, "count"):
        notes.append(f"{words.counted(untimed, 'request')} without a response time left out")
    timed = times.filter(pl.col("count") > 0)
    if timed.is_empty():
        return theme.empty("No request with a response time.", title=title, notes=notes, size=theme.PAIR)
    domain = theme.time_domain(theme.least(timed, "min"), theme.greatest(timed, "max"))
    drawn = curves.filter(
        pl.col("threshold").is_between(*domain), pl.col("provider").is_in(theme.providers_in(timed))
    )
    read = drawn.filter(
        pl.col("threshold").is_in(_READ_AT), pl.col("cumulative_mass_share").is_between(0.001, 0.999)
    )
    body = alt.hconcat(
        _curves(drawn, _landmarks(timed), "cumulative_share", "Share of requests", domain, _times(timed)),
        _curves(drawn, read, "cumulative_mass_share", "Share of their time", domain, _masses(timed, read)),
    )
    subtitle = [
        words.population(overview, words.counted(theme.total(timed, "count"), "request")),
        "Message to last output. Left: how many take less; right: how much of the time they hold.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR, left=theme.Y_AXIS)


def _landmarks(timed: pl.DataFrame) -> pl.DataFrame:
    """The percentiles of requests as points on their curve."""
    points = [
        (row["provider"], row[name], share) for row in timed.to_dicts() for name, share in _LANDMARKS.items()
    ]
    return pl.DataFrame(points, schema=["provider", "threshold", "cumulative_share"], orient="row")


def _times(timed: pl.DataFrame) -> dict[str, str]:
    """What the key says of each provider's requests."""
    return {
        row["provider"]: " · ".join(
            [
                words.counted(row["count"], "request"),
                *(f"{name} {words.duration(row[name])}" for name in _LANDMARKS),
            ]
        )
        for row in timed.to_dicts()
    }


def _masses(timed: pl.DataFrame, read: pl.DataFrame) -> dict[str, str]:
    """What the key says of each provider's time."""
    key = {row["provider"]: words.duration(row["total_s"]) for row in timed.to_dicts()}
    for row in read.to_dicts():
        share, below = words.percent(row["cumulative_mass_share"]), words.duration(row["threshold"])
        key[row["provider"]] += f" · {share} below {below}"
    return key


def _curves(
    curves: pl.DataFrame,
    points: pl.DataFrame,
    share: str,
    title: str,
    domain: tuple[float, float],
    key: Mapping[str, str],
) -> theme.Layers:
    """One cumulative curve a provider, its landmarks on it and its key above."""
    encoding = {
        "x": theme.time_x("threshold:Q", "Response time", domain),
        "y": alt.Y(f"{share}:Q").scale(domain=[0, 1]).axis(theme.share_axis(title)),
        "color": alt.Color("provider:N").scale(theme.provider_scale(list(key))).legend(None),
        "tooltip": ["provider:N", "threshold:Q", f"{share}:Q"],
    }
    dashes = alt.StrokeDash("provider:N").scale(theme.provider_dashes(list(key))).legend(None)
    return alt.layer(
        alt.Chart(curves, width=394, height=171).mark_line().encode(strokeDash=dashes, **encoding),
        alt.Chart(points).mark_point(filled=True, size=44, opacity=1).encode(**encoding),
        *theme.provider_key(key),
    )
