"""This warehouse's numbers beside the published ones, with what chance may have done to ours.

The table is `compare_published`; here its numbers get 95 % intervals. What chance draws is conversations,
whose steps are alike: sums, means, shares and ratios come from 200 replicates that weigh each conversation as
if it were drawn so many times (Poisson, by a hash of its id, so that the same warehouse gives the same
interval); percentiles from how far conversations differ in what lies below.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb
import polars as pl

from tracelab.algorithms.intervals import percentile_intervals
from tracelab.errors import TracelabError
from tracelab.populations import MEASURES, NONE, ROWS, Measure
from tracelab.warehouse import open_read_only


class Interval(NamedTuple):
    """The number over the rows it is made of, and what 95 % of draws lie within."""

    estimate: float
    low: float
    high: float


class Comparison(NamedTuple):
    """A published figure and ours: a row of `compare_published`, and the interval of ours."""

    figure_id: str
    table_name: str | None
    metric: str
    provider: str
    dimension: str | None
    dimension_value: str | None
    statistic: str
    unit: str
    ours: float | None
    published: float
    ratio: float | None
    n: int | None
    comparability: str
    note: str | None
    source: str
    interval: Interval | None = None
    no_interval: str | None = None
    """Why ours has none."""


class _Sum(NamedTuple):
    """What is added up, over which rows."""

    rows: str
    value: str
    where: str


_UNITS = {"h": 3600.0, "min": 60.0, "ms": 0.001}
"""What a published unit is in ours."""
_TABLES = ("steps", "calls", "sessions", "requests", "speeds")
"""Rows worth keeping while others are made of them."""
_VALUES_AT_A_TIME = 8
"""Of all rows, so that these are read few times over, and memory stays small."""


def compare(db: Path) -> list[Comparison]:
    """Read every published figure with ours, and give ours its interval.

    Raises:
        TracelabError: if there is no warehouse, or it is not built.
    """
    with open_read_only(db) as warehouse:
        try:
            return _compared(warehouse)
        except duckdb.CatalogException as error:
            raise TracelabError("the warehouse has no comparison yet: run `tracelab build`") from error


def add_intervals(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `intervals`: by figure_id its interval, or why it has none."""
    figures = _compared(warehouse)
    warehouse.execute(
        "create temp table intervals as select unnest($names) as figure_id,"
        " unnest($lows)::double as interval_low, unnest($highs)::double as interval_high,"
        " unnest($reasons)::varchar as no_interval",
        {
            "names": [figure.figure_id for figure in figures],
            "lows": [figure.interval and figure.interval.low for figure in figures],
            "highs": [figure.interval and figure.interval.high for figure in figures],
            "reasons": [figure.no_interval for figure in figures],
        },
    )


def _compared(warehouse: duckdb.DuckDBPyConnection) -> list[Comparison]:
    rows = warehouse.execute("from compare_published order by table_name nulls last, figure_id").fetchall()
    figures = [Comparison(*row) for row in rows]
    made = {figure: measure for figure in figures if (measure := _measure(figure))}
    _prepare(warehouse)
    found = dict(_drawn(warehouse, made)) | dict(_ranked(warehouse, made))
    return [_with_interval(figure, found.get(figure.figure_id)) for figure in figures]


def _measure(figure: Comparison) -> Measure | None:
    """What a number is made of, its dimension value put in; null where it has no interval by its kind."""
    if figure.ours is None or _reason(figure):
        return None
    name, value = f"{figure.table_name}.{figure.metric}", figure.dimension_value or "all"
    keys = (f"{name} {figure.statistic}", f"{name}.{value}", name)
    key = next((key for key in keys if key in MEASURES), None)
    if key is None:
        return None
    measure = MEASURES[key]
    named = key == keys[1] or "{}" in measure.value
    return measure._replace(
        value=measure.value.replace("{}", value),
        where="true" if named or not figure.dimension else f"{figure.dimension}::varchar = {_quoted(value)}",
    )


def _reason(figure: Comparison) -> str | None:
    """Why a number of its kind has no interval."""
    name = f"{figure.table_name}.{figure.metric} {figure.statistic}"
    return next((reason for start, reason in NONE.items() if name.startswith(start)), None)


def _with_interval(figure: Comparison, found: Interval | None) -> Comparison:
    if figure.ours is None:
        return figure
    if found is None:
        return figure._replace(no_interval=_reason(figure) or "of one conversation, or of none")
    unit = _UNITS.get(figure.unit, 1.0)
    return figure._replace(interval=Interval(*(value / unit for value in found)))


def _prepare(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Number the conversations, draw their weights, and name the rows that measures are over."""
    warehouse.execute(_CLUSTERS)
    warehouse.execute(_REPLICATES)
    for name, query in ROWS.items():
        kind = "table" if name in _TABLES else "view"
        warehouse.execute(f"create temp {kind} rows_{name} as {query}")


_CLUSTERS = """
create temp table clusters as
select root_session_id, row_number() over (order by root_session_id) as cluster
from (select distinct root_session_id from sessions)
"""
_REPLICATES = """
create temp table replicates as
with
    -- a digest holds eight numbers of 16 bits
    digests as (
        select cluster, batch, md5(root_session_id || '#' || batch) as digest
        from clusters cross join range(25) batches(batch)
    ),
    numbers as (
        select
            cluster, 8 * batch + place as replicate,
            ('0x' || substr(digest, 4 * place + 1, 4))::int as number
        from digests cross join range(8) places(place)
    )
-- how often each is drawn: of 65,536 numbers those below the first bound never, below the second once, …
select
    replicate,
    list(
        len(list_filter(bounds, lambda bound: number >= bound)) order by cluster
    )::double[] as weights
from numbers
cross join (select [24109, 48219, 60273, 64292, 65296, 65497, 65531, 65535] as bounds)
group by replicate
"""


def _drawn(
    warehouse: duckdb.DuckDBPyConnection, made: dict[Comparison, Measure]
) -> Iterator[tuple[str, Interval]]:
    """Yield the intervals of sums, means, shares and ratios."""
    parts = {
        figure.figure_id: part
        for figure, measure in made.items()
        if (part := _sums(figure, measure)) is not None
    }
    wanted = list(dict.fromkeys(each for pair in parts.values() for each in pair if each))
    names = {each: f"s{place}" for place, each in enumerate(wanted)}
    _add_up(warehouse, names)
    ratios = [
        (figure_id, names[above], below and names[below]) for figure_id, (above, below) in parts.items()
    ]
    asked = dict(zip(("figures", "above", "below"), map(list, zip(*ratios, strict=True)), strict=True))
    for figure_id, *values in warehouse.execute(_INTERVALS, asked).fetchall():
        yield figure_id, Interval(*values)


def _sums(figure: Comparison, measure: Measure) -> tuple[_Sum, _Sum | None] | None:
    """The sum that a number is, or the two that it is the ratio of; null for a percentile."""
    client = _client(figure)
    where = f"{client} and {measure.where}"
    above = _Sum(measure.rows, measure.value, where)
    match figure.statistic:
        case "count" | "sum":
            return above, None
        case "mean":
            return above, _Sum(measure.rows, f"({measure.value} is not null)::int", where)
        case "share" | "ratio":
            return above, _Sum(measure.rows, measure.base, client if measure.of_all else where)
    return None


def _add_up(warehouse: duckdb.DuckDBPyConnection, names: dict[_Sum, str]) -> None:
    """Make `sums`: for each name, the sum of every conversation; null where it has no such rows."""
    warehouse.execute("create temp table sums (name varchar, totals double[])")
    by_rows = defaultdict(list)
    for each, name in names.items():
        by_rows[each.rows].append((name, each))
    for rows, members in by_rows.items():
        values = ", ".join(each.value for _, each in members)
        kinds = [
            kind for _, kind, *_ in warehouse.execute(f"describe select {values} from rows_{rows}").fetchall()
        ]
        totals = ", ".join(
            # exact, so that the order of rows cannot show; each `filter` would copy what all sums are of
            f"sum(if({each.where}, {_exact(each.value, kind)}, null)) as {name}"
            for (name, each), kind in zip(members, kinds, strict=True)
        )
        lists = ", ".join(f"list({name}::double order by cluster) as {name}" for name, _ in members)
        warehouse.execute(
            f"insert into sums unpivot (select {lists} from clusters left join"
            f" (select cluster, {totals} from rows_{rows} group by cluster) using (cluster))"
            " on * into name name value totals"
        )


def _exact(value: str, kind: str) -> str:
    """An expression as what adds up to the same in any order; whole numbers and decimals do as they are."""
    return f"({value})::decimal(38, 12)" if kind in ("DOUBLE", "FLOAT") else f"({value})"


_INTERVALS = """
with
    ratios as (select unnest($figures) as figure_id, unnest($above) as above, unnest($below) as below),
    known as (
        select name, [coalesce(total, 0) for total in totals] as totals, list_count(totals) as conversations
        from sums
    ),
    drawn as (
        select name, replicate, list_dot_product(totals, weights) as total from known cross join replicates
    ),
    draws as (
        select figure_id, above.total / if(below is null, 1, nullif(under.total, 0)) as value
        from ratios
        join drawn as above on above.name = ratios.above
        left join drawn as under on under.name = ratios.below and under.replicate = above.replicate
    ),
    ends as (select figure_id, quantile_cont(value, [0.025, 0.975]) as ends from draws group by figure_id)
select
    figure_id,
    list_sum(above.totals) / if(below is null, 1, nullif(list_sum(under.totals), 0)) as estimate,
    ends[1],
    ends[2]
from ratios
join ends using (figure_id)
join known as above on above.name = ratios.above
left join known as under on under.name = ratios.below
where coalesce(under.conversations, above.conversations) > 1 and estimate is not null
"""


def _ranked(
    warehouse: duckdb.DuckDBPyConnection, made: dict[Comparison, Measure]
) -> Iterator[tuple[str, Interval]]:
    """Yield the intervals of percentiles."""
    asked: dict[_Sum, dict[str, float]] = defaultdict(dict)
    for figure, measure in made.items():
        if found := re.fullmatch(r"p(\d\d)", figure.statistic):
            where = f"{_client(figure)} and {measure.where}"
            asked[_Sum(measure.rows, measure.value, where)][figure.figure_id] = int(found[1]) / 100
    for each, values in _values(warehouse, asked):
        if values["cluster"].n_unique() > 1:
            quantiles = asked[each]
            intervals = percentile_intervals(values, list(quantiles.values()))
            for figure_id, ends in zip(quantiles, intervals, strict=True):
                yield figure_id, Interval(*ends)


def _values(
    warehouse: duckdb.DuckDBPyConnection, wanted: Iterable[_Sum]
) -> Iterator[tuple[_Sum, pl.DataFrame]]:
    """Yield what percentiles are of: `value` and `cluster` of each row that has a value."""
    by_rows = defaultdict(list)
    for each in wanted:
        by_rows[each.rows].append(each)
    for rows, members in by_rows.items():
        for start in range(0, len(members), _VALUES_AT_A_TIME):
            some = members[start : start + _VALUES_AT_A_TIME]
            values = ", ".join(f"if({each.where}, ({each.value})::double, null)" for each in some)
            clusters, *columns = warehouse.sql(f"select cluster, {values} from rows_{rows}").pl()
            for each, column in zip(some, columns, strict=True):
                yield each, pl.DataFrame({"cluster": clusters, "value": column}).drop_nulls("value")


def _client(figure: Comparison) -> str:
    return "true" if figure.provider == "all" else f"provider = {_quoted(figure.provider)}"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
