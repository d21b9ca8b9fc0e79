"""`tracelab export`: public tables as files that are the same each time."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.conftest import ROOT
from tracelab.errors import TracelabError
from tracelab.export import export_tables, export_warehouse, public_tables
from tracelab.status import status


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "it's a warehouse.duckdb"
    with duckdb.connect(str(path)) as warehouse:
        warehouse.execute("create schema staging; create table staging.summary_inner as select 1 as x")
        warehouse.execute(
            "create table steps as select (i * 7919) % 1000 as step, i / 7 as cost_usd from range(1000) r(i)"
        )
        warehouse.execute(
            "create table summary_hostile (provider varchar, name varchar, mean double, seen_at timestamp);"
            "insert into summary_hostile values"
            " ('codex', '=cmd|''/c calc''!A1', 0.1, '2026-01-02 03:04:05.678'),"
            " ('claude', 'two\nlines', null, null),"
            " ('claude', 'a,\"b\"', 1e-9, null), (null, '', 1e300, null), ('claude', null, 2, null)"
        )
    return path


def test_every_summary_is_exported_by_default(db: Path, tmp_path: Path) -> None:
    assert export_tables(db, tmp_path / "out") == [tmp_path / "out" / "summary_hostile.csv"]


def test_values_survive_the_way_through_csv(db: Path, tmp_path: Path) -> None:
    [path] = export_tables(db, tmp_path / "out")
    with path.open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["provider", "name", "mean", "seen_at"],
            ["claude", 'a,"b"', "1e-09", ""],
            ["claude", "two\nlines", "", ""],
            ["claude", "", "2.0", ""],
            ["codex", "'=cmd|'/c calc'!A1", "0.1", "2026-01-02 03:04:05.678"],  # which no spreadsheet runs
            ["", "", "1e+300", ""],
        ]


def test_a_foreign_warehouse_s_names_are_no_sql_and_no_path(db: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(db)) as warehouse:
        warehouse.execute('create table "summary_x; drop table steps" as select 1 as x')
        warehouse.execute('create table "summary_/../../gone" as select 1 as x')
        warehouse.execute('create table summary_columns as select 1 as "a"", error(""b"")", 2 as "x y"')
    paths = export_tables(db, tmp_path / "out")
    assert [path.name for path in paths] == ["summary_columns.csv", "summary_hostile.csv"]
    assert paths[0].read_text() == '"a"", error(""b"")",x y\n1,2\n'


def test_a_database_of_another_making_is_told_what_it_lacks_and_gives_what_it_has(tmp_path: Path) -> None:
    db = tmp_path / "other.duckdb"
    with duckdb.connect(str(db)) as other:
        other.execute("create table steps as select 1 as a")
    command = [sys.executable, "-m", "tracelab", "--db", db, "export", "--out", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "tracelab: the warehouse has no tables yet: run `tracelab build`\n"
    done = subprocess.run([*command, "steps"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{tmp_path / 'steps.csv'}\n", "")


def test_rows_stand_in_the_order_of_their_keys(db: Path, tmp_path: Path) -> None:
    [path] = export_tables(db, tmp_path / "out", ["steps"])
    assert pl.read_csv(path)["step"].to_list() == list(range(1000))


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_the_same_warehouse_gives_the_same_bytes(warehouse: Path, tmp_path: Path, format: str) -> None:
    names = ["steps", "tool_calls", "requests", "sessions", "summary_overview"]
    for folder in ("first", "second"):
        command = [sys.executable, "-m", "tracelab", "--db", str(warehouse), "export", *names]
        subprocess.run(
            [*command, "--format", format, "--out", str(tmp_path / folder)], check=True, capture_output=True
        )
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / n).iterdir()} for n in ("first", "second")
    )
    assert first.keys() == {f"{name}.{format}" for name in names}
    assert first == second


def test_threads_and_the_order_of_rows_change_no_byte(warehouse: Path, tmp_path: Path) -> None:
    """A sum of doubles in no order differs in its last digits, and a tie that nothing breaks in its row.

    The sample is too small for DuckDB to split between threads: its rows stand in another order too.
    """
    db = tmp_path / "tracelab.duckdb"
    shutil.copyfile(warehouse, db)
    with duckdb.connect(str(db)) as tables:
        names = public_tables(tables)
        raw = tables.execute("select table_name from duckdb_tables() where schema_name = 'raw'").fetchall()
        for (table,) in raw:
            tables.execute(f"create temp table other as from raw.{table} as rows order by hash(rows)")
            tables.execute(f"delete from raw.{table}; insert into raw.{table} from other; drop table other")
    text = (ROOT / "profiles.yml").read_text()
    assert text.count("  threads: 2\n") == 1
    (tmp_path / "profiles.yml").write_text(text.replace("  threads: 2\n", "  threads: 4\n"))
    env = {**os.environ, "TRACELAB_DB": str(db), "DBT_LOG_PATH": str(tmp_path / "logs")}
    env["DBT_TARGET_PATH"] = str(tmp_path / "target")
    command = [Path(sys.executable).with_name("dbt"), "run", "--profiles-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    two, four = (
        {path.name: path.read_bytes() for path in export_tables(built, tmp_path / str(threads), names)}
        for threads, built in ((2, warehouse), (4, db))
    )
    assert len(two) > 50
    assert [name for name in two if two[name] != four[name]] == []


def test_parquet_holds_what_the_table_holds(warehouse: Path, tmp_path: Path) -> None:
    [path] = export_tables(warehouse, tmp_path, ["steps"], format="parquet")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        assert pl.read_parquet(path).height == connection.sql("from steps").shape[0] > 0


def test_a_copy_of_the_warehouse_holds_all_of_it_without_free_blocks(warehouse: Path, tmp_path: Path) -> None:
    db = tmp_path / "it's full of holes.duckdb"
    shutil.copyfile(warehouse, db)
    with duckdb.connect(str(db)) as tables:
        tables.execute("create table gone as select hash(i) as x from range(2_000_000) r(i)")
        tables.execute("checkpoint; create or replace table steps as from steps; drop table gone")
    copy = export_warehouse(db, tmp_path / "to share")
    assert copy == tmp_path / "to share" / db.name
    assert [path.name for path in copy.parent.iterdir()] == [db.name]
    with duckdb.connect(str(copy), read_only=True) as tables:
        assert tables.execute("select free_blocks from pragma_database_size()").fetchall() == [(0,)]
        tables.execute(f"attach '{str(db).replace(chr(39), chr(39) * 2)}' as holed (read_only)")
        described = (
            "select schema_name, table_name, column_name, data_type, is_nullable, comment"
            " from duckdb_columns() where database_name {} 'holed' and not internal order by all"
        )
        columns = tables.execute(described.format("<>")).fetchall()
        assert columns == tables.execute(described.format("=")).fetchall()
        for schema, table in sorted({(schema, table) for schema, table, *_ in columns}):
            name = f'"{schema}"."{table}"'
            differing = tables.execute(
                f"select count(*) from ((from {name} except all from holed.{name})"
                f" union all (from holed.{name} except all from {name}))"
            ).fetchall()
            assert differing == [(0,)], name
    assert copy.stat().st_size < db.stat().st_size - 10_000_000
    assert status(copy).held == status(warehouse).held


def test_a_warehouse_is_not_copied_onto_itself(warehouse: Path) -> None:
    with pytest.raises(TracelabError, match="is the warehouse itself"):
        export_warehouse(warehouse, warehouse.parent)


def test_a_copy_of_no_warehouse_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TracelabError, match="no warehouse at"):
        export_warehouse(tmp_path / "none.duckdb", tmp_path / "out")
    assert not list(tmp_path.rglob("*.partial"))


def test_an_unknown_table_names_those_that_are_near(db: Path, tmp_path: Path) -> None:
    with pytest.raises(TracelabError, match="no table summary_hostil; there is summary_hostile"):
        export_tables(db, tmp_path / "out", ["summary_hostil"])
    assert not (tmp_path / "out").exists()


def test_a_table_that_is_not_public_is_not_exported(db: Path, tmp_path: Path) -> None:
    with pytest.raises(TracelabError):
        export_tables(db, tmp_path / "out", ["staging.summary_inner"])


def test_before_a_build_it_says_what_to_run(tmp_path: Path) -> None:
    empty = tmp_path / "tracelab.duckdb"
    duckdb.connect(str(empty)).close()
    with pytest.raises(TracelabError, match="tracelab build"):
        export_tables(empty, tmp_path / "out")


def test_a_file_in_the_place_of_the_folder_is_one_message(db: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(TracelabError, match="cannot write to"):
        export_tables(db, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_steps_are_in_the_order_of_their_session(warehouse: Path, tmp_path: Path) -> None:
    for mart in ("steps", "idle_gaps", "tool_calls"):
        (path,) = export_tables(warehouse, tmp_path, [mart])
        with path.open(newline="") as file:
            ids = [row["step_id"] for row in csv.DictReader(file)]
        keys = [(session, int(index)) for session, _, index in (step_id.rpartition("#") for step_id in ids)]
        assert len(keys) > 100
        assert keys == sorted(keys), mart
