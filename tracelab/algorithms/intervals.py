"""The interval of a percentile over rows that come in clusters, such as the steps of a conversation.

Rows of a cluster are alike, so that clusters are what chance draws: many rows of few conversations say less
than as many of many.
"""

from collections.abc import Sequence

import polars as pl

_REACH = 1.959963984540054
"""What 95 % of a normal distribution lie within, in standard errors."""


def percentile_intervals(rows: pl.DataFrame, quantiles: Sequence[float]) -> list[tuple[float, float, float]]:
    """Return each quantile of `value`, and the ends of its 95 % interval, clustered by `cluster`.

    How far the share of rows at or below the quantile errs is told by how clusters differ in it; the values
    at the ends of that share's interval are the ends of the quantile's.
    """
    values = rows["value"].sort()
    points = [_quantile(values, quantile) for quantile in quantiles]
    below = [(pl.col("value") <= point).sum().alias(str(place)) for place, point in enumerate(points)]
    clusters = rows.group_by("cluster").agg(pl.len().alias("rows"), *below).cast(pl.Int64).sort("cluster")
    correction = clusters.height / max(clusters.height - 1, 1)
    found = []
    for place, (quantile, point) in enumerate(zip(quantiles, points, strict=True)):
        share = clusters[str(place)].sum() / rows.height
        apart = ((clusters[str(place)] - share * clusters["rows"]) ** 2).sum()
        reach = _REACH * (correction * float(apart)) ** 0.5 / rows.height
        low, high = _quantile(values, quantile - reach), _quantile(values, quantile + reach)
        found.append((point, low, high))
    return found


def _quantile(ordered: pl.Series, quantile: float) -> float:
    """The quantile of sorted values, interpolated between two of them."""
    place = min(max(quantile, 0.0), 1.0) * (len(ordered) - 1)
    low = int(place)
    least, most = float(ordered[low]), float(ordered[min(low + 1, len(ordered) - 1)])
    return least + (place - low) * (most - least)
