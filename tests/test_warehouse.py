"""Opening the warehouse, or one message that says why it cannot be opened."""

import errno
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

import tracelab.warehouse
from tracelab import schema
from tracelab.build import SCHEMAS
from tracelab.errors import TracelabError
from tracelab.files import SCHEMAS as TAKEN
from tracelab.files import check_folder, check_name, check_spelled, replacing
from tracelab.warehouse import has_raw, known_zone, open_for_writing, open_read_only, replaced


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """A warehouse with its raw tables."""
    path = tmp_path / "tracelab.duckdb"
    with open_for_writing(path):
        pass
    return path


def message(path: Path) -> str:
    """What both ways of opening say, when they say the same."""
    said = set()
    with pytest.raises(TracelabError) as error:
        open_read_only(path)
    said.add(str(error.value))
    with pytest.raises(TracelabError) as error, open_for_writing(path):
        pass
    said.add(str(error.value))
    (only,) = said
    assert "\n" not in only
    return only


def test_a_new_warehouse_has_the_raw_tables_of_the_schema(db: Path) -> None:
    with open_read_only(db) as warehouse:
        tables = warehouse.execute(
            "select table_name from duckdb_tables() where schema_name = 'raw'"
        ).fetchall()
        assert {table for (table,) in tables} == set(schema.TABLES)
        assert has_raw(warehouse, db)


def test_what_is_written_is_kept_only_if_all_of_it_went_well(db: Path) -> None:
    issue = "insert into raw.load_issues values ('f', 1, 0, 'bad_line', null)"
    with open_for_writing(db) as warehouse:
        warehouse.execute(issue)
    with pytest.raises(ZeroDivisionError), open_for_writing(db) as warehouse:
        warehouse.execute(issue)
        raise ZeroDivisionError
    with pytest.raises(TracelabError, match="stays as it was"), open_for_writing(db) as warehouse:
        warehouse.execute(issue)
        warehouse.execute("insert into raw.load_issues values (null, 1, 0, 'bad_line', null)")
    with open_read_only(db) as warehouse:
        assert warehouse.execute("select count(*) from raw.load_issues").fetchall() == [(1,)]


def test_a_reader_cannot_write(db: Path) -> None:
    with open_read_only(db) as warehouse, pytest.raises(duckdb.Error, match="read-only"):
        warehouse.execute("delete from raw.files")


def test_a_reader_may_bring_settings_of_its_own(db: Path) -> None:
    with open_read_only(db, {"threads": "1"}) as warehouse:
        assert warehouse.execute("select current_setting('threads')").fetchall() == [(1,)]


def test_a_view_of_a_foreign_warehouse_reaches_no_file_and_writes_none(db: Path, tmp_path: Path) -> None:
    secret, out = tmp_path / "secret.csv", tmp_path / "it's out"
    secret.write_text("word\n1\n")
    out.mkdir()
    with duckdb.connect(str(db)) as warehouse:
        warehouse.execute(f"create view summary_all as from read_csv('{secret}')")
    for given in (None, out):
        with open_read_only(db, out=given) as warehouse:
            with pytest.raises(duckdb.PermissionException):
                warehouse.execute("from summary_all")
            with pytest.raises(duckdb.PermissionException):
                warehouse.execute(f"copy (select 1) to '{tmp_path}/beside.csv'")
    with open_read_only(db, out=out) as warehouse:
        warehouse.execute(f"copy (select 1 as x) to '{tmp_path}/it''s out/x.csv'")
    assert (out / "x.csv").read_text() == "x\n1\n"


def test_a_warehouse_that_is_not_there_is_named_with_the_way_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(TracelabError, match=r"no warehouse at .*x\.duckdb: run `tracelab load`"):
        open_read_only(tmp_path / "x.duckdb")


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "x.duckdb"
    with pytest.raises(TracelabError, match="its folder does not exist"), open_for_writing(path):
        pass
    assert not path.parent.exists()


def test_a_folder_is_no_warehouse(tmp_path: Path) -> None:
    assert message(tmp_path) == f"{tmp_path} is a folder: name a file with --db"


def test_another_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database")
    assert "is damaged or no DuckDB file" in message(path)
    assert path.read_text() == "not a database"


def test_a_file_of_sqlite_is_no_warehouse_and_nothing_is_fetched_to_read_it(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("create table steps (step_id text)")
    assert "is damaged or no DuckDB file" in message(path)


def test_a_name_that_duckdb_would_take_for_a_service_is_that_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_for_writing(Path("md:mine")):
        pass
    assert (tmp_path / "md:mine").stat().st_size


@pytest.mark.parametrize("name", ["raw.duckdb", "Staging.v2.db", "information_schema"])
def test_a_name_that_means_a_schema_is_refused_before_there_is_a_file(tmp_path: Path, name: str) -> None:
    command = [sys.executable, "-m", "tracelab", "--db", str(tmp_path / name), "load", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "has the name of a schema" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_every_schema_is_known_as_one() -> None:
    assert {"raw", "loader", *SCHEMAS} - {"main"} <= TAKEN


def test_a_name_that_is_no_utf8_is_told(tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"odd\xff")
    for check in (check_name, check_spelled, check_folder):
        with pytest.raises(TracelabError, match="is no name in UTF-8"):
            check(odd)


@pytest.mark.parametrize("damage", ["header", "end"])
def test_a_damaged_warehouse_is_called_so(db: Path, damage: str) -> None:
    data = bytearray(db.read_bytes())
    if damage == "header":
        data[100:200] = b"x" * 100
    else:
        del data[len(data) // 2 :]
    db.write_bytes(data)
    assert "is damaged or no DuckDB file: move it away" in message(db)


def test_a_file_of_another_duckdb_is_called_so(db: Path) -> None:
    data = bytearray(db.read_bytes())
    struct.pack_into("<Q", data, 12, 9999)
    struct.pack_into("<Q", data, 0, checksum(bytes(data[8:4096])))
    db.write_bytes(data)
    assert "another version of DuckDB: load again into a new file" in message(db)


def checksum(block: bytes) -> int:
    """DuckDB's own checksum of a block."""
    result = 5381
    for (word,) in struct.iter_unpack("<Q", block):
        result ^= word * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    return result


def test_a_folder_that_may_not_be_written_is_named_once(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: str, _flags: int) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", path)  # root may write to any folder

    monkeypatch.setattr(tracelab.warehouse, "_open_private", denied)
    with pytest.raises(TracelabError) as error, replaced(db):
        pass
    assert str(error.value) == (
        f"could not write {db.with_name('.tracelab.duckdb.building')}, which was to replace tracelab.duckdb:"
        " Permission denied; name another file with --db"
    )


@pytest.mark.parametrize(
    ("timezone", "machine", "said"),
    [
        ("", "UTC", "there is no time zone '': give a name"),
        ("utc", "UTC", "there is no time zone utc: give a name"),
        (
            None,
            "Foo/Bar",
            "TZ is Foo/Bar, which names no time zone: give one such as Europe/Berlin with --timezone",
        ),
        (
            None,
            "CET-1CEST",
            "TZ is CET-1CEST, which names no time zone: give one such as Europe/Berlin with --timezone",
        ),
    ],
)
def test_what_names_no_zone_is_refused(
    timezone: str | None, machine: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", machine)
    with pytest.raises(TracelabError, match=said):
        known_zone(timezone)


@pytest.mark.parametrize(
    "machine", ["Europe/Berlin", ":Europe/Berlin", "/usr/share/zoneinfo/Europe/Berlin", ":{folder}/localtime"]
)
def test_the_zone_is_this_machines(machine: str, tmp_path: Path) -> None:
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    code = "from tracelab.warehouse import known_zone; print(known_zone(None))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command,
        env={**os.environ, "TZ": machine.format(folder=tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "Europe/Berlin\n"


def test_other_raw_tables_are_those_of_another_version(db: Path) -> None:
    with duckdb.connect(str(db)) as warehouse:
        warehouse.execute("alter table raw.sessions drop column ended_at")
    with pytest.raises(TracelabError, match="another version of TraceLab"), open_for_writing(db):
        pass
    with open_read_only(db) as warehouse, pytest.raises(TracelabError, match="another version of TraceLab"):
        has_raw(warehouse, db)


def test_a_connection_left_open_in_this_process_is_named(db: Path) -> None:
    with duckdb.connect(str(db)):
        assert message(db) == f"{db} is already open in this process: close that connection and try again"


@pytest.mark.parametrize("size", [0, 4096, 8192])
def test_a_warehouse_whose_making_was_cut_off_is_made_anew(db: Path, size: int) -> None:
    db.write_bytes(db.read_bytes()[:size])
    with open_for_writing(db) as warehouse:
        assert warehouse.execute("select count(*) from raw.files").fetchall() == [(0,)]


_VALUES = {
    "varchar": "noise",
    "bigint": "i",
    "boolean": "true",
    "timestamp": "make_timestamp(i)",
    "map(varchar, bigint)": "map()",
}


def test_a_load_that_fills_all_tables_alike_spills_beside_the_warehouse(db: Path) -> None:
    """As tens of thousands of short logs do: no table has rows enough for DuckDB to write them yet."""
    with open_for_writing(db) as warehouse:
        for table in ("files", "sessions", "steps", "events"):
            row_type = schema.TABLES[table]
            values = ", ".join(
                f"{_VALUES[column.sql_type]} as {column.name}"
                for column in schema.columns(row_type)
                if column.sql_type in _VALUES
            )
            warehouse.execute(
                f"insert into raw.{table} by name select {values}"
                " from (select i, sha256(i::varchar) as noise from range(110_000) as numbers (i))"
            )
    with open_read_only(db) as warehouse:
        [(rows,)] = warehouse.execute("select count(*) from raw.events").fetchall()
    assert rows == 110_000
    assert [path.name for path in db.parent.iterdir()] == [db.name]


def test_a_query_that_needs_more_memory_than_there_is_spills_beside_the_warehouse(db: Path) -> None:
    with open_read_only(db, {"memory_limit": "30MB", "threads": "1"}) as warehouse:
        ranks = "select row_number() over (order by hash(i)) as rank from range(1500000) as numbers (i)"
        assert warehouse.execute(f"select max(rank) from ({ranks})").fetchall() == [(1_500_000,)]
    assert [path.name for path in db.parent.iterdir()] == [db.name]


@pytest.mark.parametrize("read_only", [True, False])
def test_nobody_opens_a_warehouse_that_is_being_replaced(db: Path, read_only: bool) -> None:
    code = f"import duckdb; duckdb.connect({str(db)!r}, read_only={read_only})"
    with replaced(db):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Could not set lock" in done.stderr


def test_what_replaces_a_warehouse_is_whole_even_if_its_writer_was_cut_off(db: Path) -> None:
    code = "import duckdb, os, sys; copy = duckdb.connect(sys.argv[1]);"
    code += " copy.execute('create table mine as select 1 as x'); os._exit(0)"
    with replaced(db) as copy:
        subprocess.run([sys.executable, "-c", code, str(copy)], check=True)
        assert copy.with_name(f"{copy.name}.wal").exists()
    assert [path.name for path in db.parent.iterdir()] == [db.name]
    with open_read_only(db) as warehouse:
        assert warehouse.execute("from mine").fetchall() == [(1,)]


def test_what_replaces_a_warehouse_is_read_by_whom_it_was_read_before(db: Path) -> None:
    db.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(db, 65534, 65533)
    was = db.stat()
    with replaced(db) as copy:
        assert copy.stat().st_mode == was.st_mode
    now = db.stat()
    assert (now.st_mode, now.st_uid, now.st_gid) == (was.st_mode, was.st_uid, was.st_gid)
    assert now.st_ino != was.st_ino


@pytest.mark.parametrize("writing", [open_for_writing, replaced])
def test_nothing_is_written_to_a_file_that_was_replaced_as_it_was_opened(
    db: Path, monkeypatch: pytest.MonkeyPatch, writing: Callable[[Path], AbstractContextManager[object]]
) -> None:
    connect = duckdb.connect

    def connect_late(database: str, **options: Any) -> duckdb.DuckDBPyConnection:
        connection = connect(database, **options)
        shutil.copy(db, db.with_name("built"))
        db.with_name("built").replace(db)
        return connection

    monkeypatch.setattr(duckdb, "connect", connect_late)
    with pytest.raises(TracelabError, match="just replaced"), writing(db):
        pass


@pytest.mark.parametrize("number", [errno.EPERM, errno.EBUSY])
def test_a_warehouse_that_may_be_changed_but_not_replaced_is_told(
    db: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(copy: Path, _: Path) -> None:  # as in another's sticky folder, or where the file is a mount
        raise OSError(number, os.strerror(number), str(copy))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(TracelabError, match="; name another file with --db"), replaced(db):
        pass
    assert [path.name for path in db.parent.iterdir()] == [db.name]


def test_what_is_no_file_is_never_replaced_and_a_link_is_written_through(tmp_path: Path) -> None:
    pipe, linked, link = tmp_path / "pipe", tmp_path / "linked", tmp_path / "link"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="it is no file"), replacing(pipe):
        pass
    assert pipe.is_fifo()
    linked.write_text("old")
    link.symlink_to(linked)
    with replacing(link) as partial:
        partial.write_text("new")
    assert link.is_symlink() and linked.read_text() == "new"
