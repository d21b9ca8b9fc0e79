"""Least squares of segments' times on their tokens: a baseline and three targets a group.

Features are the prefix, append and output tokens in thousands, their squares and products. The targets: the
time itself, its logarithm, and the time with errors weighed against it, by 1/(ms + 1000)². Where features
depend on each other the later ones stay out, with a coefficient of 0. The same rows give the same
coefficients, in any order.
"""

from collections.abc import Iterator, Sequence

import polars as pl

GROUP = ("group_id", "provider", "model", "segment_kind")
FEATURES = (
    "intercept",
    *("prefix_k", "append_k", "output_k"),
    *("prefix_k_2", "append_k_2", "output_k_2"),
    *("prefix_k_append_k", "prefix_k_output_k", "append_k_output_k"),
)
"""Columns of the coefficients: a product is named by its factors, a square by `_2`."""
MIN_ROWS = 100  # of a group, train and test
SMOOTH_MS = 1000  # what the weighted fit adds to a time before it divides by it
_ROUNDING = 1e-24  # a variance over the squared mean that is none
_NEGLIGIBLE = 1e-9  # what is left of a feature's variance that the others explain

_FITS = {
    "duration": (pl.lit(1.0), pl.col("duration_ms")),
    "log_duration": (pl.lit(1.0), pl.col("duration_ms").log()),
    "smooth_duration": ((pl.col("duration_ms") + SMOOTH_MS) ** -2.0, pl.col("duration_ms")),
}
"""Fit → the weight of a row, and what is fitted."""

_SCHEMA = {
    "group_id": pl.Int64,
    **dict.fromkeys(GROUP[1:], pl.String),
    "fit": pl.String,
    "train_segments": pl.Int64,
    **dict.fromkeys(FEATURES, pl.Float64),
}


def timing_fits(segments: pl.DataFrame) -> pl.DataFrame:
    """Return a row a group and fit: its coefficients, in milliseconds (or their logarithm) per feature.

    `segments` holds the group's columns, `duration_ms` (above 0), `prefix_tokens`, `append_tokens`,
    `output_tokens` and `is_test`: rows to leave out of the fit, which count for `MIN_ROWS`. The fit `median`
    is the baseline: the median time as an intercept.
    """
    groups = segments.partition_by(GROUP, as_dict=True)
    fits = [row for key, group in groups.items() if group.height >= MIN_ROWS for row in _fits(key, group)]
    return pl.DataFrame(fits, schema=_SCHEMA, orient="row").sort("group_id", "fit")


def _fits(key: tuple[object, ...], group: pl.DataFrame) -> Iterator[tuple[object, ...]]:
    # rows of one value are alike, so that this is one order; one chunk, so that sums go one way
    train = group.drop(GROUP).filter(~pl.col("is_test")).sort(pl.all()).rechunk()
    if not train.height:
        return
    yield (*key, "median", train.height, train["duration_ms"].median(), *[0.0] * (len(FEATURES) - 1))
    features = _features(train)
    for name, (weight, target) in _FITS.items():
        rows = features.with_columns(train.select(weight=weight, target=target))
        yield (*key, name, train.height, *_least_squares(rows))


def _features(rows: pl.DataFrame) -> pl.DataFrame:
    prefix, append, output = (pl.col(f"{name}_tokens") / 1000 for name in ("prefix", "append", "output"))
    products = ((prefix, prefix), (append, append), (output, output))
    crossed = ((prefix, append), (prefix, output), (append, output))
    values = (pl.lit(1.0), prefix, append, output, *(one * other for one, other in (*products, *crossed)))
    return rows.select(value.alias(name) for name, value in zip(FEATURES, values, strict=True))


def _least_squares(rows: pl.DataFrame) -> list[float]:
    """Return the coefficients of `FEATURES` for `target`, rows counting by `weight`."""
    total = float(rows["weight"].sum())
    names = [*FEATURES[1:], "target"]
    means = rows.select((pl.col(name) * pl.col("weight")).sum() for name in names) / total
    centred = rows.select("weight", *(pl.col(name) - means[name][0] for name in names))
    products = centred.select(
        (pl.col(one) * pl.col(other) * pl.col("weight")).sum().alias(f"{place} {other}")
        for place, one in enumerate(names[:-1])
        for other in names[place:]
    ).row(0, named=True)
    size = len(names) - 1
    gram = [[products[f"{min(i, j)} {names[max(i, j)]}"] for j in range(size)] for i in range(size)]
    average = means.row(0)
    for place in range(size):  # what never changes differs from its mean by rounding
        if gram[place][place] <= _ROUNDING * total * average[place] ** 2:
            gram[place][place] = 0.0
    slopes = _solve(gram, [products[f"{place} target"] for place in range(size)])
    intercept = average[-1] - sum(slope * mean for slope, mean in zip(slopes, average, strict=False))
    return [intercept, *slopes]


def _solve(gram: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """Solve symmetric equations by Cholesky, scaled to a diagonal of 1; dependent unknowns are 0."""
    scale = [row[place] ** -0.5 if row[place] > 0 else 0.0 for place, row in enumerate(gram)]
    lower: list[list[float]] = []
    for i, row in enumerate(gram):
        lower.append([])
        for j in range(i + 1):
            rest = row[j] * scale[i] * scale[j] - sum(
                a * b for a, b in zip(lower[i][:j], lower[j][:j], strict=True)
            )
            if i == j:
                lower[i].append(rest**0.5 if rest > _NEGLIGIBLE else 0.0)
            else:
                lower[i].append(rest / lower[j][j] if lower[j][j] else 0.0)
    size = len(gram)
    forward: list[float] = []
    for i in range(size):
        rest = right[i] * scale[i] - sum(lower[i][j] * forward[j] for j in range(i))
        forward.append(rest / lower[i][i] if lower[i][i] else 0.0)
    found = [0.0] * size
    for i in reversed(range(size)):
        rest = forward[i] - sum(lower[j][i] * found[j] for j in range(i + 1, size))
        found[i] = rest / lower[i][i] if lower[i][i] else 0.0
    return [value * factor for value, factor in zip(found, scale, strict=True)]
