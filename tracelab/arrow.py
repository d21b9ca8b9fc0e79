"""Rows of raw tables as Arrow batches, the form in which DuckDB takes them fastest."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from typing import Any

import pyarrow as pa

from tracelab import schema
from tracelab.schema import Row, Values

BATCH_ROWS = 2_048
"""Rows of a table that go out together: few enough to be turned into columns while the cache holds them."""

_CHUNK_ROWS = 512
_NAMES = {row_type: table for table, row_type in schema.TABLES.items()}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ARROW_TYPES = {
    "varchar": pa.string(),
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
    "double": pa.float64(),
    "timestamp": pa.timestamp("us"),
    "map(varchar, bigint)": pa.map_(pa.string(), pa.int64()),
}


class Batches:
    """Rows by table, emitted as record batches of about `BATCH_ROWS` rows; `flush` emits the rest."""

    def __init__(self, emit: Callable[[str, pa.RecordBatch], None]) -> None:
        self._emit = emit
        self._rows: dict[type[Row], list[Values]] = {row_type: [] for row_type in schema.TABLES.values()}
        self._emitted = Counter[type[Row]]()

    def add(self, row_type: type[Row], rows: Iterable[Values]) -> None:
        """Take rows of one table."""
        waiting, rows = self._rows[row_type], iter(rows)
        while chunk := list(islice(rows, _CHUNK_ROWS)):
            waiting += chunk
            if len(waiting) >= BATCH_ROWS:
                self._emit_rows(row_type)

    def count(self, row_type: type[Row]) -> int:
        """Return how many rows of a table were taken so far."""
        return self._emitted[row_type] + len(self._rows[row_type])

    def flush(self) -> None:
        """Emit what is left."""
        for row_type, rows in self._rows.items():
            if rows:
                self._emit_rows(row_type)

    def _emit_rows(self, row_type: type[Row]) -> None:
        table, rows = _NAMES[row_type], self._rows[row_type]
        self._emit(table, record_batch(table, rows))
        self._emitted[row_type] += len(rows)
        rows.clear()


@cache
def arrow_schema(table: str) -> pa.Schema:
    """Return the Arrow schema of a raw table; instants are naive UTC microseconds."""
    columns = schema.columns(schema.TABLES[table])
    return pa.schema([(column.name, _ARROW_TYPES[column.sql_type]) for column in columns])


def record_batch(table: str, rows: Iterable[Values]) -> pa.RecordBatch:
    """Turn rows of one table into a record batch; a value that its column cannot hold is absent."""
    fields = arrow_schema(table)
    columns = zip(*rows, strict=True)
    arrays = [_array(column, field.type) for column, field in zip(columns, fields, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=fields)


def _array(column: Sequence[Any], data_type: pa.DataType) -> pa.Array:
    if column[0] is None and column.count(None) == len(column):
        return pa.nulls(len(column), data_type)
    if pa.types.is_timestamp(data_type):  # by way of durations: a fifth of the time
        since = [instant and instant - _EPOCH for instant in column]
        return pa.array(since, pa.duration("us")).view(data_type)
    try:
        return pa.array(column, data_type)
    except _UNFIT:  # one number of 30 digits must not cost the load
        return pa.array([value if _fits(value, data_type) else None for value in column], data_type)


def _fits(value: object, data_type: pa.DataType) -> bool:
    try:
        pa.scalar(value, data_type)
    except _UNFIT:
        return False
    return True


_UNFIT = (pa.ArrowException, OverflowError, UnicodeError)
