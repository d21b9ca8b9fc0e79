"""What tables and columns mean, by the descriptions that the build put into the database, and their SQL."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import duckdb


class Column(NamedTuple):
    """A column of a table."""

    name: str
    type: str
    meaning: str


class Definition(NamedTuple):
    """A table: what a row of it is, its columns, the text of its model."""

    name: str
    meaning: str
    columns: list[Column]
    sql: str


def definitions(
    warehouse: duckdb.DuckDBPyConnection, project: Path, names: Iterable[str]
) -> dict[str, Definition]:
    """Return the definitions of tables by name, in alphabetical order, of those that are built."""
    models = {path.stem: path for path in (project / "models").rglob("*.sql")}
    meanings = dict(
        warehouse.execute(
            "select table_name, coalesce(comment, '') from duckdb_tables()"
            " where schema_name = 'main' and database_name = current_database() order by table_name"
        ).fetchall()
    )
    columns: dict[str, list[Column]] = {}
    for table, *column in warehouse.execute(
        "select table_name, column_name, lower(data_type), coalesce(comment, '') from duckdb_columns()"
        " where schema_name = 'main' and database_name = current_database() order by table_name, column_index"
    ).fetchall():
        columns.setdefault(table, []).append(Column(*column))
    return {
        name: Definition(name, meaning, columns[name], models[name].read_text() if name in models else "")
        for name, meaning in meanings.items()
        if name in set(names)
    }
