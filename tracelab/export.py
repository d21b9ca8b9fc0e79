"""Public tables as files: one a table, stable columns, every row in one order. DuckDB writes every value."""

import difflib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import duckdb

from tracelab.errors import TracelabError
from tracelab.files import check_folder, check_no_warehouse, replacing, unwritten
from tracelab.warehouse import copy_whole, identifier, open_read_only, quoted

Format = Literal["csv", "parquet"]

_COMPARISON = "compare_published"
_OPTIONS = {"csv": "format csv, header", "parquet": "format parquet, compression zstd"}
_FORMULA = r"^[=+\-@\t\r\n]"
"""How text begins that a spreadsheet runs."""


def export_tables(db: Path, out: Path, names: Sequence[str] = (), *, format: Format = "csv") -> list[Path]:
    """Write tables to `out`, by default every summary and the comparison; return the files as named.

    Rows are ordered by all columns, keys first, so that the same warehouse gives the same bytes each time.
    In CSV, text that a spreadsheet would run as a formula has an apostrophe before it.
    The comparison has the intervals of `tracelab compare` besides, which are no less deterministic.

    Raises:
        TracelabError: if nothing is built, a name is no public table, or `out` cannot be written.
    """
    check_folder(out)
    with open_read_only(db, out=out) as warehouse:
        chosen = _chosen(public_tables(warehouse), names)
        try:
            out.mkdir(parents=True, exist_ok=True)
            return _write_all(warehouse, {name: out / f"{name}.{format}" for name in chosen}, format)
        except (OSError, duckdb.IOException) as error:
            if "Could not read" in str(error):  # the warehouse, which is damaged
                raise
            raise unwritten(out, error, "--out") from error


def export_warehouse(db: Path, out: Path) -> Path:
    """Write the whole warehouse to `out`, compact, under its own name; return the file.

    It holds what the warehouse holds, names of users and projects too.

    Raises:
        TracelabError: if there is no warehouse, or `out` cannot be written or is where it lies.
    """
    path = out / db.name
    check_folder(out)
    check_no_warehouse(path, db, "--out")
    try:
        out.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            copy_whole(db, partial)
    except (OSError, duckdb.IOException, duckdb.TransactionException) as error:  # the last: a full disk
        raise unwritten(out, error, "--out") from error
    return path


def public_tables(warehouse: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the names of the marts and summaries that are built, sorted.

    They are names as ours are, whoever made the warehouse: good in a query and for a file.
    """
    rows = warehouse.execute(
        "select table_name from information_schema.tables"
        " where table_schema = 'main' and regexp_full_match(table_name, '[a-z][a-z0-9_]*') order by all"
    ).fetchall()
    return [name for (name,) in rows]


def _chosen(public: Sequence[str], names: Sequence[str]) -> Sequence[str]:
    summaries = [name for name in public if name.startswith(("compare_", "summary_"))]
    if not (summaries or (public and names)):
        raise TracelabError("the warehouse has no tables yet: run `tracelab build`")
    for name in names:
        if name not in public:
            near = difflib.get_close_matches(name, public) or public
            raise TracelabError(f"there is no table {name}; there is {', '.join(near)}")
    return names or summaries


def _write_all(warehouse: duckdb.DuckDBPyConnection, paths: Mapping[str, Path], format: Format) -> list[Path]:
    """Write each table to its path; the comparison, whose intervals take long, beside the others."""
    with warehouse.cursor() as cursor, ThreadPoolExecutor(1) as beside:
        others = [
            beside.submit(_write, cursor, name, path, format)
            for name, path in paths.items()
            if name != _COMPARISON
        ]
        try:
            if _COMPARISON in paths:
                _write(warehouse, _COMPARISON, paths[_COMPARISON], format)
            for written in others:
                written.result()
        except BaseException:  # an interrupt too: what is left is not worth waiting for
            beside.shutdown(wait=False, cancel_futures=True)
            cursor.interrupt()
            raise
    return [*paths.values()]


def _write(warehouse: duckdb.DuckDBPyConnection, name: str, path: Path, format: Format) -> Path:
    rows = f"{_rows(warehouse, name)} order by {_order(warehouse, name)}"
    if format == "csv":
        rows = _as_text(warehouse, rows)
    with replacing(path) as partial:
        warehouse.execute(f"copy ({rows}) to '{quoted(partial)}' ({_OPTIONS[format]})")
    return path


def _as_text(warehouse: duckdb.DuckDBPyConnection, rows: str) -> str:
    """Put an apostrophe before text that looks like a formula."""
    columns = warehouse.execute(f"describe {rows}").fetchall()
    texts = [identifier(column) for column, kind, *_ in columns if kind == "VARCHAR"]
    plain = [f"regexp_replace({text}, '({_FORMULA})', '''\\1') as {text}" for text in texts]
    return f"select * replace ({', '.join(plain)}) from ({rows})" if plain else rows


def _rows(warehouse: duckdb.DuckDBPyConnection, name: str) -> str:
    """A table as it is; the comparison with the intervals that `tracelab compare` prints."""
    if name != _COMPARISON:
        return f"from main.{name}"
    from tracelab.compare import add_intervals

    add_intervals(warehouse)
    return f"from main.{name} join intervals using (figure_id)"


def _order(warehouse: duckdb.DuckDBPyConnection, name: str) -> str:
    """All columns, keys first; the number that ends a key is a number."""
    columns = [column for column, *_ in warehouse.execute(f"describe main.{name}").fetchall()]
    keys = [column for column in ("step_id", "request_id") if column in columns[:2]]
    numbered = [f"regexp_extract({key}, '.*[#@]'), regexp_extract({key}, '\\d+$')::bigint" for key in keys]
    return ", ".join([*numbered, *map(identifier, columns)])
