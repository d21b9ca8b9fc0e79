"""The guarded side of `tracelab sql`: runs one query and writes its answer to standard output, a pipe.

Two connections: the query runs on a locked one, which reads the warehouse and nothing else; a second one, in
memory, never sees the query's text and writes the rows that come out of the first. DuckDB writes every value.
"""

import json
import math
import resource
import sys
from contextlib import suppress
from pathlib import Path

import duckdb

from tracelab.errors import TracelabError
from tracelab.text import table
from tracelab.warehouse import STALE, connect, is_stale, last_build, open_read_only

ADDRESS_SPACE_BYTES = 2 << 30
"""Strings are not charged to DuckDB's own memory limit; the process's is what stops them."""
TABLE_ROWS = 200
"""A table is for reading: longer answers are cut here, with a note."""

_BATCH_ROWS = 10_000
_GUARD = {
    "python_enable_replacements": "false",
    "allow_unsigned_extensions": "false",
    "allow_community_extensions": "false",
    "memory_limit": "1GB",
    "threads": "2",
    "temp_directory": "",  # else even a read-only connection spills to a folder beside the file
    "max_temp_directory_size": "0GB",
    "arrow_lossless_conversion": "true",
}
_COPY_OPTIONS = {"csv": "format csv, header", "json": "format json, array true", "parquet": "format parquet"}
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "UBIGINT")
_READS = {"SELECT", "EXPLAIN"}
_STREAM_PREFIX = "IOError: "  # Arrow's wrapping of an error met while rows stream
_OUT_OF_MEMORY = "Out of Memory Error"


def main() -> None:
    """Run the job given on standard input; an error becomes one message and exit status 1."""
    job = json.load(sys.stdin)
    with suppress(ValueError, OSError):  # some systems know no such limit
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # whoever asked counts the time, and may be gone
    cpu_s = 2 * math.ceil(job["time_limit_s"]) + 5
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    try:
        _answer(job["db"], job["query"], job["format"])
    except TracelabError as error:
        sys.exit(str(error))
    except (duckdb.Error, MemoryError) as error:
        said = str(error).rpartition(_STREAM_PREFIX)[2].strip()
        if isinstance(error, MemoryError | duckdb.OutOfMemoryException) or said.startswith(_OUT_OF_MEMORY):
            said = "the query needs more memory than it may take (1 GB): filter or aggregate it"
        sys.exit(said)


def _answer(db: str, query: str, format: str) -> None:
    kind = _kind(query)
    # with more threads, what one has written is held until it is its turn, and fills memory
    writing = connect(settings={"threads": "1"})
    with open_read_only(Path(db), _GUARD) as warehouse, writing as writer:
        warehouse.execute("set lock_configuration = true")
        answer = _bound(warehouse, query)
        types = [str(column_type) for column_type in answer.types]
        writer.register("answer", answer.to_arrow_reader(_BATCH_ROWS))
        if format != "table":
            writer.execute(f"copy (from answer) to '/dev/stdout' ({_COPY_OPTIONS[format]})")
        elif kind == "EXPLAIN":
            print(*(plan for _, plan in writer.execute("from answer").fetchall()), sep="\n")
        else:
            rows = writer.execute(f"select columns(*)::varchar from answer limit {TABLE_ROWS + 1}").fetchall()
            print(table(answer.columns, rows[:TABLE_ROWS], [name.startswith(_NUMBERS) for name in types]))
            if len(rows) > TABLE_ROWS:
                print(f"the first {TABLE_ROWS} rows: --format csv gives all", file=sys.stderr)
        _say_if_stale(warehouse)


def _say_if_stale(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Say so where there are tables and they do not show what is loaded."""
    with suppress(duckdb.Error):  # a file of somebody's making need not have what this asks
        built = last_build(warehouse)
        if built and is_stale(warehouse, built):
            print(STALE, file=sys.stderr)


def _bound(warehouse: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyRelation:
    """Give a query its tables; where there are none yet, say how to make them."""
    try:
        return warehouse.sql(query)
    except duckdb.CatalogException as error:
        if warehouse.execute("from information_schema.tables where table_schema = 'main'").fetchall():
            raise
        raise TracelabError(f"{error}\nNothing is built yet: run `tracelab build`") from error


def _kind(query: str) -> str:
    """Return what the query's one statement is.

    Raises:
        TracelabError: if it is not one statement, or not one that reads.
    """
    try:
        kinds = [statement.type.name for statement in duckdb.extract_statements(query)]
    except (TypeError, ValueError) as error:  # half a character, or a kind of statement without a name here
        raise TracelabError("`tracelab sql` only reads: one SELECT statement, in UTF-8") from error
    match kinds:
        case []:
            raise TracelabError("there is no query: give one SELECT statement")
        case ["MULTI"]:
            raise TracelabError(
                "this PIVOT has to look up its columns first: list them, as in `on x in ('a', 'b')`"
            )
        case [kind] if kind in _READS:
            return kind
        case [kind]:
            raise TracelabError(
                f"`tracelab sql` only reads: one SELECT statement, not {kind.replace('_', ' ')}"
            )
        case _:
            raise TracelabError(f"one statement at a time: this is {len(kinds)}")


if __name__ == "__main__":
    main()
