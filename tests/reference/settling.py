"""Staging over some of the files of a warehouse: what they hold when they alone are loaded.

`raw` says what each file says, whatever else is loaded. So many sets of files are settled from one load: the
project's own staging models run, as dbt compiles them, over the rows of the chosen files.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from tests.reference.corpora import ROOT


class Model(NamedTuple):
    """A dbt model as it is run: its SQL names its inputs in full, with their database."""

    database: str
    relation: str
    sql: str


def compiled_models(db: Path, work: Path, select: str) -> list[Model]:
    """Compile models against a warehouse, in an order in which they can be made."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    folders = ["--project-dir", ROOT, "--profiles-dir", ROOT, "--target-path", work, "--log-path", work]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACELAB_DB", str(db))
        try:
            result = dbtRunner().invoke(["--quiet", "compile", "--select", select, *map(str, folders)])
        finally:
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    assert result.success, result.exception
    nodes = [run.node for run in getattr(result.result, "results", [])]
    return [
        Model(node.database, node.relation_name, node.compiled_code)
        for node in nodes
        if node.resource_type == "model"
    ]


@contextmanager
def settler(db: Path, models: Sequence[Model]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a warehouse of no files, beside that of all files; `settle` fills it."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{db}' as loaded (read_only)")
        connection.execute(f"attach ':memory:' as {models[0].database}; use {models[0].database}")
        connection.execute("create schema raw; create schema staging")
        settle(connection, [], [])
        for model in models:
            connection.execute(f"create table {model.relation} as ({model.sql}\n) with no data")
        yield connection


def settle(connection: duckdb.DuckDBPyConnection, models: Sequence[Model], file_ids: Sequence[str]) -> None:
    """Make staging anew, over these files alone."""
    tables = connection.execute(
        "select table_name from duckdb_tables() where database_name = 'loaded' and schema_name = 'raw'"
    ).fetchall()
    for (table,) in tables:
        chosen = f"from loaded.raw.{table} where list_contains($file_ids, file_id)"
        connection.execute(f"create or replace table raw.{table} as {chosen}", {"file_ids": list(file_ids)})
    for model in models:
        connection.execute(f"create or replace table {model.relation} as ({model.sql}\n)")
