"""One mapping a file of `expected/`: our query in `sql/`, the keys of its rows, how its values compare.

The queries read our public tables and give the file's own row keys and column names; how a file is printed is
undone here. What is exempt, and why, stands in REFERENCE.md beside the reference data.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from tests.reference.cells import Cell, flatten
from tests.reference.same import (
    Same,
    Value,
)

SQL = Path(__file__).parent / "sql"
Rows = Iterable[Mapping[str, object]]


def lines(text: str) -> Iterable[dict[str, str]]:
    return csv.DictReader(io.StringIO(text))


@dataclass(frozen=True)
class Table:
    """How a reference table compares with ours."""

    file: str
    keys: tuple[str, ...]
    rules: Mapping[str, Same] = field(default_factory=dict)
    """Column (or pattern) → how its values compare; a column without one is a count, a token or a name."""
    exempt: tuple[str, ...] = ()
    read: Callable[[str], Rows] = lines
    may_be_empty: bool = False
    """Nothing may be there in a corpus: then ours has no rows either."""


def theirs(table: Table, expected: Path) -> dict[Cell, str]:
    """Read a table from a folder of reference tables."""
    cells = _cells(table, table.read((expected / table.file).read_text(encoding="utf-8")))
    return {cell: "" if value is None else str(value) for cell, value in cells.items()}


def ours(table: Table, warehouse: duckdb.DuckDBPyConnection) -> dict[Cell, Value]:
    """Query a table from a warehouse that `prepare` has seen."""
    result = warehouse.execute((SQL / table.file).with_suffix(".sql").read_text(encoding="utf-8"))
    names = [column[0] for column in result.description or ()]
    return _cells(table, (dict(zip(names, row, strict=True)) for row in result.fetchall()))


def _cells(table: Table, rows: Rows) -> dict[Cell, Value]:
    return {
        Cell(tuple(str(row[key]) for key in table.keys), column): value
        for row in rows
        for column, value in flatten({name: row[name] for name in row if name not in table.keys})
        if not any(re.fullmatch(pattern, column) for pattern in table.exempt)
    }


def prepare(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Give a connection the scopes and triggers that the reference tables are cut by."""
    warehouse.execute((SQL / "cells.sql").read_text(encoding="utf-8"))
