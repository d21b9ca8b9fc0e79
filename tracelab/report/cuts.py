"""The parts of a workload that a reader can choose: one provider or all, main sessions or all.

A part is a set of temporary views in front of the tables. In them the rows of the chosen provider and kind of
session stand as those of `all`, so that whatever asks for all of a table gets the part, and is told nothing.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import duckdb
import polars as pl

from tracelab.export import public_tables

PROVIDERS = {"all": "All providers", "claude": "Claude", "codex": "Codex"}
SESSION_KINDS = {"all": "All sessions", "main": "Main only"}

_WITHOUT_WHOLES = ("compare_published", "summary_append_vs_prefix_latency")
"""Tables whose rows of all providers are no sums of the others, and that are not cut by kind of session."""


class Cut(NamedTuple):
    """A part of the workload: a provider and a kind of session, `all` where it is not cut by one."""

    provider: str = "all"
    session_kind: str = "all"

    def __str__(self) -> str:
        return f"{self.provider}-{self.session_kind}"


class Table(NamedTuple):
    """By what the rows of a table can be cut."""

    by_provider: bool
    by_session_kind: bool


WHOLE = Cut()


def cuts(warehouse: duckdb.DuckDBPyConnection) -> dict[Cut, Cut]:
    """Return the whole and every part of it that a reader can choose, and which of them has the same rows.

    A provider without subagents has the same main sessions as sessions.
    """
    found = warehouse.execute(
        "select distinct provider, session_kind from summary_overview"
        " where name = 'sessions' and provider <> 'all' and session_kind <> 'all'"
    ).fetchall()
    providers = {provider for provider, _ in found}
    kinds = {kind for _, kind in found}
    chosen = [
        Cut(provider, kind)
        for kind in SESSION_KINDS
        if kind == "all" or kinds > {kind}
        for provider in PROVIDERS
        if provider == "all" or providers > {provider}
    ]
    return {
        cut: cut if cut.provider == "all" or (cut.provider, "subagent") in found else Cut(cut.provider)
        for cut in chosen
    }


def tables(warehouse: duckdb.DuckDBPyConnection, names: Collection[str] = ()) -> dict[str, Table]:
    """Return the public tables that are built, of these names or all, and by what each can be cut."""
    rows = warehouse.execute(
        "select table_name, list(column_name) from duckdb_columns()"
        " where schema_name = 'main' and database_name = current_database() and not internal group by all"
    ).fetchall()
    chosen = {name for name in public_tables(warehouse) if not names or name in names}
    return {
        name: Table("provider" in columns, "session_kind" in columns and name not in _WITHOUT_WHOLES)
        for name, columns in rows
        if name in chosen
    }


@contextmanager
def in_front(warehouse: duckdb.DuckDBPyConnection, cut: Cut, read: Mapping[str, Table]) -> Iterator[None]:
    """Let the queries of the block, which read these tables, see only this part of the workload."""
    if cut == WHOLE:
        yield
        return
    [(database,)] = warehouse.execute("select current_database()").fetchall()
    for name, table in read.items():
        rows = _rows(warehouse, f'"{database}".main.{name}', name, table, cut)
        warehouse.execute(f"create or replace temp view {name} as {rows}")
    try:
        yield
    finally:
        for name in read:
            warehouse.execute(f"drop view temp.{name}")


def _rows(warehouse: duckdb.DuckDBPyConnection, place: str, name: str, table: Table, cut: Cut) -> str:
    """The rows of a table that are of the part."""
    rows = f"from {place}"
    if cut.session_kind != "all" and table.by_session_kind:
        as_all = "* replace ('all' as session_kind)" if _has(warehouse, place, "session_kind") else "*"
        rows = f"select {as_all} {rows} where session_kind = '{cut.session_kind}'"
    if cut.provider != "all" and table.by_provider:
        rows = f"from ({rows}) where provider = '{cut.provider}'"
        if name not in _WITHOUT_WHOLES and _has(warehouse, place, "provider"):
            rows = f"{rows} union all select * replace ('all' as provider) {rows}"
    return rows


def _has(warehouse: duckdb.DuckDBPyConnection, place: str, column: str) -> bool:
    """Say whether a table has wholes beside their parts."""
    return bool(warehouse.execute(f"from {place} where {column} = 'all' limit 1").fetchall())


def of_part(rows: pl.DataFrame, cut: Cut) -> pl.DataFrame:
    """Return rows that were read of a part as its own, each once: they stood as those of all."""
    chosen = {"provider": cut.provider, "session_kind": cut.session_kind}
    named = [
        pl.col(column).replace({"all": value})
        for column, value in chosen.items()
        if column in rows.columns and value != "all"
    ]
    return rows.with_columns(named).unique(maintain_order=True) if named else rows
