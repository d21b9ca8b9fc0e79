"""The only place that connects to DuckDB: opens the warehouse, or says in one message why that fails."""

import os
import re
import shutil
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

from tracelab import schema
from tracelab.errors import TracelabError
from tracelab.files import advice, beside, first_line, private_folder, replacing, wal_of, why_unwritten

_OFFLINE: Mapping[str, str] = {
    "autoinstall_known_extensions": "false",  # it would fetch what reads a SQLite file, say
    "autoload_known_extensions": "false",
}
_LOADING: Mapping[str, str] = {
    "memory_limit": "128MB",
    "threads": "1",  # the other core parses
    "preserve_insertion_order": "false",
    "max_vacuum_tasks": "1",  # a checkpoint holds in memory all that it writes again where many rows are gone
}
_CHANGING: Mapping[str, str] = {**_LOADING, "memory_limit": "512MB"}
"""Where nobody reads logs beside it."""
_COPYING: Mapping[str, str] = {
    "memory_limit": "1GB",
    "threads": "1",  # two leave blocks half used and free ones between
}
_COMPACTING: Mapping[str, str] = {**_COPYING, "threads": "2"}
"""What is written behind it fills those."""
_CHUNK_BYTES = 1 << 20
_HEADERS_BYTES = 12_288
"""The headers that open a DuckDB file: a shorter one was never made to the end, and holds nothing."""

STALE = "the tables are older than what is loaded: run `tracelab build`"
"""What is said where `is_stale` holds."""


def connect(
    path: Path | None = None, settings: Mapping[str, str] | None = None, *, read_only: bool = False
) -> duckdb.DuckDBPyConnection:
    """Connect to a DuckDB file, else to a database in memory; never to another kind of file, or the network.

    Raises:
        duckdb.Error: if that cannot be done.
    """
    # DuckDB itself would look for the folder that it spills to below one of the name `duckdb:`
    spilling = {"temp_directory": f"{path.absolute()}.tmp"} if path else {}
    place = f"duckdb:{path.absolute()}" if path else ":memory:"
    return duckdb.connect(place, read_only=read_only, config={**_OFFLINE, **spilling, **(settings or {})})


def open_read_only(
    path: Path, settings: Mapping[str, str] | None = None, *, out: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """Open an existing warehouse for reading; use it as a context manager.

    It may come from anybody: whatever views it holds, they reach no file but itself and no network. Files are
    written below `out` alone.

    Raises:
        TracelabError: if there is none, or it is in use, damaged, or of another version.
    """
    if not path.exists():
        raise TracelabError(f"no warehouse at {path}: run `tracelab load` first, or name another with --db")
    warehouse = _connect(path, read_only=True, settings=settings or {})
    if out:
        warehouse.execute("set allowed_directories = ?", [[str(out.absolute())]])
    warehouse.execute("set enable_external_access = false")
    warehouse.execute("set enable_progress_bar = false")  # else it draws one on a slow machine
    return warehouse


@contextmanager
def open_for_writing(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for one load: made if it is missing, its `raw` tables in place, in bounded memory.

    What is done inside is one transaction: all of it is kept, or nothing.

    Raises:
        TracelabError: if it is in use, damaged, of another version, or cannot be written.
    """
    if path.exists() and is_unmade(path):
        path.unlink()
    with _connect(path, read_only=False, settings=_LOADING) as warehouse:
        try:
            warehouse.begin()
            if not has_raw(warehouse, path):
                warehouse.execute("create schema if not exists raw")
                for table in schema.TABLES:
                    warehouse.execute(schema.create_table(table))
                warehouse.execute(schema.CREATE_BOOKMARKS)
            yield warehouse
            warehouse.commit()
        except duckdb.Error as error:
            raise TracelabError(
                f"could not write {path}, which stays as it was: {first_line(error)}{advice(str(error))}"
            ) from error


def end_reading(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Let a load take the memory that its readers had: what it deletes needs more than what it inserts."""
    warehouse.execute(f"set memory_limit = '{_CHANGING['memory_limit']}'")


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Give a copy of the warehouse to change; it replaces the warehouse, unless an exception comes.

    So a change is made whole or not at all, and what the copy drops first leaves no free blocks in the end.
    Nobody else may open the warehouse meanwhile: what they wrote would be lost.

    Raises:
        TracelabError: if it is in use, damaged, of another version, or cannot be written or copied.
    """
    path = path.resolve()
    # closing a file gives up every lock that the process has on it: this stays open as long as the warehouse
    with _connect(path, read_only=False, settings=_CHANGING) as warehouse, path.open("rb") as file:
        try:
            warehouse.execute("force checkpoint")  # all that was loaded is in the one file
            with replacing(path, "building") as copy:
                with open(copy, "xb", opener=_open_private) as out:
                    shutil.copyfileobj(file, out, _CHUNK_BYTES)
                _give_alike(copy, os.fstat(file.fileno()))
                yield copy
                if wal_of(copy).exists():  # its last writer could not put all of it in the one file
                    with _connect(copy, read_only=False, settings=_CHANGING) as changed:
                        changed.execute("force checkpoint")
                with copy.open("rb") as made:
                    os.fsync(made.fileno())  # DuckDB did so for what it wrote, not for what was copied
        except (duckdb.Error, OSError) as error:
            message = why_unwritten(error)
            raise TracelabError(
                f"could not write {beside(path, 'building')}, which was to replace {path.name}:"
                f" {message}{advice(message)}"
            ) from error


def drop_tables(path: Path, schemas: Collection[str], names: Collection[str]) -> None:
    """Drop tables and views of these schemas that have one of these names; free their blocks."""
    with _connect(path, read_only=False, settings=_CHANGING) as warehouse:
        for schema_name, name, kind in warehouse.execute(
            "select schema_name, table_name, 'table' from duckdb_tables()"
            " union all select schema_name, view_name, 'view' from duckdb_views() where not internal"
        ).fetchall():
            if schema_name in schemas and name in names:
                warehouse.execute(f"drop {kind} {identifier(schema_name)}.{identifier(name)}")
        warehouse.execute("force checkpoint")


def compact(path: Path) -> None:
    """Write a file once more if any of its blocks are free: they lie below what a load wrote last.

    What DuckDB cannot copy, such as triggers, stays as it is, and the free blocks with it.
    """
    with _connect(path, read_only=True, settings=_CHANGING) as warehouse:
        [(free, triggers)] = warehouse.execute(
            "select free_blocks, (select count(*) from duckdb_triggers()) from pragma_database_size()"
        ).fetchall()
    if free and not triggers:
        with suppress(duckdb.Error, OSError), private_folder(path) as folder:
            copy = folder / "copy.duckdb"
            _copy_tables(path, copy, _COMPACTING)
            _give_alike(copy, path.stat())
            copy.replace(path)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _give_alike(copy: Path, status: os.stat_result) -> None:
    """Give a copy the owner that its original has, as far as one may, and then its permissions."""
    for owner in (status.st_uid, -1):
        with suppress(PermissionError):
            os.chown(copy, owner, status.st_gid)
            break
    copy.chmod(stat.S_IMODE(status.st_mode))


def copy_whole(path: Path, copy: Path) -> None:
    """Copy a warehouse with all its schemas into a new file, free blocks left out.

    Raises:
        TracelabError: if there is none, or it is in use, damaged, or of another version.
    """
    open_read_only(path).close()
    _copy_tables(path, copy, _COPYING)


def _copy_tables(path: Path, copy: Path, settings: Mapping[str, str]) -> None:
    with connect(settings=settings) as engine:
        engine.execute("set enable_progress_bar = false")  # it would go to standard output
        engine.execute(f"attach '{quoted(path)}' as warehouse (type duckdb, read_only)")
        engine.execute(f"attach '{quoted(copy)}' as copied")
        engine.execute("copy from database warehouse to copied")
        engine.execute("detach copied")


def quoted(path: Path) -> str:
    """Return a path as it stands between the quotes of an SQL string."""
    return str(path).replace("'", "''")


def identifier(name: str) -> str:
    """Return a name, whatever it holds, as that of a table or column in SQL."""
    return '"' + name.replace('"', '""') + '"'


def known_zone(timezone: str | None) -> str:
    """Return a time zone's name, this machine's if there is none.

    Raises:
        TracelabError: if no zone has that name, or TZ should name this machine's and does not.
    """
    with connect() as engine:
        names = {name for (name,) in engine.execute("select name from pg_timezone_names()").fetchall()}
        [(here,)] = engine.execute("select current_setting('TimeZone')").fetchall()
    told = os.environ.get("TZ", "").removeprefix(":")
    told = "UTC" if told == "UTC0" else told
    if told.startswith(os.sep):  # a zone's file, by whatever name
        told = os.path.realpath(told).rpartition("zoneinfo/")[2]
    if timezone is None and told and told not in names:  # DuckDB takes UTC then, without a word
        raise TracelabError(
            f"TZ is {told}, which names no time zone: give one such as Europe/Berlin with --timezone"
        )
    zone: str = (told or here) if timezone is None else timezone
    if zone not in names:
        raise TracelabError(
            f"there is no time zone {zone or repr(zone)}: give a name such as Europe/Berlin or UTC"
        )
    return zone


def is_unmade(path: Path) -> bool:
    """Say whether there is no warehouse yet, or only the beginning of one whose making was cut off."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEADERS_BYTES)
    except FileNotFoundError:
        return True
    except OSError:
        return False  # opening it will say what is wrong
    return len(head) < _HEADERS_BYTES and (not head or head[8:12] == b"DUCK")


def has_raw(warehouse: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Say whether anything was ever loaded.

    Raises:
        TracelabError: if another version of TraceLab, with other `raw` tables, loaded it.
    """
    rows = warehouse.execute(
        "select table_name, column_index, column_name, lower(data_type)"
        " from duckdb_columns() where schema_name = 'raw'"
    ).fetchall()
    found = {row for row in rows if row[0] in schema.TABLES}
    wanted = {
        (table, index, column.name, column.sql_type)
        for table, row_type in schema.TABLES.items()
        for index, column in enumerate(schema.columns(row_type), start=1)
    }
    if found and found != wanted:
        raise of_another_version(path)
    return bool(found)


def of_another_version(path: Path) -> TracelabError:
    """Return the error of a warehouse whose raw tables are not of this version."""
    return TracelabError(
        f"{path} was loaded by another version of TraceLab, whose raw tables differ:"
        " load into a new file (--db), or delete this one and load again"
    )


def raw_sha256(warehouse: duckdb.DuckDBPyConnection) -> str | None:
    """Return what changes with anything that is loaded or dropped, which the macro `record_build` keeps.

    None where nothing is loaded: the database may be of somebody else's making.
    """
    try:
        [(digest,)] = warehouse.execute(
            "select sha256(string_agg(file_id || status || loaded_at, '' order by file_id)) from raw.files"
        ).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return None
    return digest  # type: ignore[no-any-return]


class LastBuild(NamedTuple):
    """What the macro `record_build` kept of the last whole build."""

    built_at: datetime
    timezone: str
    """Zone of days."""
    raw_sha256: str | None
    """As `raw_sha256` was."""
    project_sha256: str | None
    """Of models, seeds and code; None where tables may have been made since, or dbt ran by itself."""


def last_build(warehouse: duckdb.DuckDBPyConnection) -> LastBuild | None:
    """Return what is on record of the last whole build; None if there was none, or by another version."""
    try:
        rows = warehouse.execute(f"select {', '.join(LastBuild._fields)} from staging.last_build").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return None
    return LastBuild(*rows[0]) if rows else None


def is_stale(warehouse: duckdb.DuckDBPyConnection, built: LastBuild | None) -> bool:
    """Say whether what is loaded is not what the last build was made of."""
    return (built and built.raw_sha256) != raw_sha256(warehouse)


def _connect(path: Path, *, read_only: bool, settings: Mapping[str, str]) -> duckdb.DuckDBPyConnection:
    found = path.stat() if path.exists() else None
    try:
        warehouse = connect(path, settings, read_only=read_only)
    except duckdb.Error as error:
        raise TracelabError(_reason(path, error)) from error
    if found and not read_only and not os.path.samestat(found, path.stat()):  # it may have opened the old one
        warehouse.close()
        raise TracelabError(f"a build has just replaced {path}: try again")
    return warehouse


def _reason(path: Path, error: duckdb.Error) -> str:
    """Turn DuckDB's message into one that says what to do."""
    message = str(error)
    if holder := re.search(r"lock is held in (?:(\S+) )?\(PID (\d+)\)", message):
        program, pid = holder.groups()
        name = f"{Path(program).name}, process {pid}" if program else f"process {pid}"
        return (
            f"{path} is in use by another program ({name}): wait until it is done, or end it, and try again"
        )
    if re.search("different configuration|already attached", message):
        return f"{path} is already open in this process: close that connection and try again"
    if "version number" in message:
        return f"{path} was written by another version of DuckDB: load again into a new file (--db)"
    if re.search("not a valid DuckDB|Corrupt|enough bytes", message):
        return f"{path} is damaged or no DuckDB file: move it away and load again, or name another with --db"
    if path.is_dir():
        return f"{path} is a folder: name a file with --db"
    if not path.parent.is_dir():
        return f"{path} cannot be made: its folder does not exist; make it, or name another file with --db"
    return f"{path} cannot be opened: {first_line(error)}{advice(message)}"
