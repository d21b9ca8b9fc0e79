"""A published dataset as a DuckDB file: its rows as the lines that the JSON Lines file holds.

Tables are `rounds`, and joined to it by `round_pk` what a row holds as lists: `timing_events`, `tool_calls`
and, where `tracelab publish` made the file, those named `x_…`.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb

from tracelab.warehouse import open_read_only

LISTS = {
    "timing_events": ("timing_events", "event_index"),
    "tools": ("tool_calls", "tool_index"),
    "x_events_without_step": ("x_events_without_step", "event_index"),
    "x_compactions": ("x_compactions", "compaction_index"),
    "x_extra_calls": ("x_extra_calls", "call_index"),
}
"""Key of a row → the table that it is a list of, and the column that orders it."""

_ROWS = 4_096  # at a time, so that a dataset of any size is read in bounded memory
_BOUNDS = {
    "memory_limit": "512MB",
    "threads": "1",
    "temp_directory": "",
}


class DatasetFile:
    """A DuckDB file, to be read as if it were the JSON Lines file of its rows.

    Raises:
        TracelabError: if it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._connection = open_read_only(path, _BOUNDS)
        self._lines = dataset_lines(self._connection)
        self._rest = b""
        self._given_bytes = 0

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, and b"" after the last."""
        pieces = [self._rest]
        room = size - len(self._rest)
        while room > 0 and (line := next(self._lines, b"")):
            pieces.append(line)
            room -= len(line)
        data = b"".join(pieces)
        self._rest = data[size:]
        self._given_bytes += len(data) - len(self._rest)
        return data[:size]

    def seek(self, position: int) -> int:
        """Start over: the only place to go to is 0."""
        self._lines, self._rest, self._given_bytes = dataset_lines(self._connection), b"", 0
        return position

    def tell(self) -> int:
        """Return how many bytes were given."""
        return self._given_bytes


def dataset_lines(connection: duckdb.DuckDBPyConnection) -> Iterator[bytes]:
    """Give a dataset's rows as lines of JSON, in order, absent values null; none if it is no dataset."""
    columns: dict[str, dict[str, str]] = {}
    for table, column, data_type in connection.execute(
        "select table_name, column_name, data_type from duckdb_columns()"
        " where not internal and schema_name = 'main'"
    ).fetchall():
        columns.setdefault(table, {})[column] = data_type
    if "round_pk" in columns.get("rounds", ()):
        yield from _lines(connection, _query(columns))


def _query(columns: dict[str, dict[str, str]]) -> str:
    """Return the query of some rows, by the first and last round_pk."""
    lists = {key: table for key, (table, _) in LISTS.items() if "round_pk" in columns.get(table, ())}
    fields = "".join(f', coalesce({key}."values", []) as {key}' for key in lists)
    joins = " ".join(
        f'left join (select round_pk, list(item order by place) as "values" from'
        f" (select round_pk, place, item from ({_some(table, columns[table], LISTS[key][1])}) as item)"
        f" group by round_pk) as {key} using (round_pk)"
        for key, table in lists.items()
    )
    return (
        f"select to_json(line)::varchar from (select rounds.*{fields} from"
        f" ({_some('rounds', columns['rounds'], 'round_pk')}) as rounds {joins} order by round_pk) as line"
    )


def _some(table: str, columns: dict[str, str], order: str) -> str:
    """Return the query of a table's rows of some round_pk, instants as JSON Lines have them."""
    instants = ", ".join(
        f'if(isfinite("{name}"), strftime(make_timestamp(epoch_us("{name}")), $format), null) as "{name}"'
        for name, data_type in columns.items()
        if data_type.startswith("TIMESTAMP") and '"' not in name
    )
    return (
        f"select *{f' replace ({instants})' if instants else ''}, "
        f"{order if order in columns else 'rowid'} as place"  # the older variant has no event_index
        f" from {table} where round_pk between $first and $last"
    )


def _lines(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[bytes]:
    [(first, last)] = connection.execute("select min(round_pk), max(round_pk) from rounds").fetchall()
    while first is not None and first <= last:
        some = {"first": first, "last": first + _ROWS - 1, "format": "%Y-%m-%dT%H:%M:%S.%fZ"}
        rows = connection.execute(query, some).fetchall()
        yield from (f"{line}\n".encode() for (line,) in rows)
        first += _ROWS
