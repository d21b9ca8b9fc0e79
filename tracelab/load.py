"""Session logs into the warehouse: what changed since the last load, in one transaction.

A file is read again if its size or a time differs from what `raw` says: its new rows come, then its old
ones go. Where it cannot be opened any more, or reading it fails, the old ones stay; so do those of a file
that is gone, until they are pruned. Of a log that has grown only the new bytes are parsed, if the load before
kept its place.
A load that finds nothing changed opens the warehouse for reading only and leaves it as it is, byte for byte.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tracelab import schema
from tracelab.discover import (
    HOME_ROOT,
    Discovery,
    LogFile,
    Skipped,
    discover,
    is_stored,
    log_name,
    nothing_found,
    printable_name,
)
from tracelab.errors import TracelabError
from tracelab.progress import Progress, Report

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from tracelab.read import Outcome
    from tracelab.resume import Place
    from tracelab.worker import Message

_ALONE_BYTES = 32 << 20
"""Up to this much is read in the loader's own process: starting others would take longer."""
_GROWN_BYTES = 32 << 20
"""A log that has grown by more is read whole: that can be left to another process."""
_MAX_PROCESSES = 2  # each may need 400 MB; together a load stays under 1 GB
_INSERT_ROWS = 20_000  # few, since what is left when the readers are done is inserted by one core
_INSERTS_AHEAD = 8
"""Inserts that may wait: some take long (a row group is compressed), and the readers go on meanwhile."""
_FILE_ROWS = 1000
_LIVE_S = 2 * 3600
"""A log written to this shortly before is likely to grow, and so is one that has grown."""
_KEPT_S = 7 * 86_400
"""So long is the place kept where a log ended."""
_LIVE_LOGS = 100
"""More are a copy made just now, whatever their times say: the rest is read whole when it has grown."""
_PLACES_BYTES = 32 << 20
"""Of all places that one load keeps, or goes on from: they are in memory together."""
_UNPACKED_FACTOR = 11  # what a packed log grows to, about

_HELD = ("loaded", "partial")
_SETTLED = (*_HELD, "set_aside")
_UNREAD = ("failed", "gone")
_WHY_UNREAD = ("unreadable", "vanished", "internal_error")
_NO_ISSUES: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load found and did."""

    files: int
    """Found, unchanged ones included."""
    loaded: int
    """Read now, to their end; so with the four below."""
    partial: int
    set_aside: int
    failed: int
    unchanged: int
    gone: int
    """Found missing by this load: their rows stay."""
    pruned: int
    """Missing, and their rows dropped by this load."""
    bytes_read: int
    """Unpacked; of what has grown, what is new. So with the two below."""
    steps: int
    tool_calls: int
    issues: dict[str, int]
    """Problems of the files read now, by reason."""
    files_with_issues: int
    """Found files with any issue, unchanged ones included."""
    skipped: tuple[Skipped, ...]
    """Places that could not be searched."""
    seconds: float


class _Known(NamedTuple):
    """What `raw.files` says of a file."""

    path: str
    size_bytes: int
    mtime_us: int
    ctime_ns: int | None
    user_name: str | None
    store: str | None
    status: str
    has_issues: bool
    is_log: bool
    """Whether it was ever read as a log, so that it has rows besides this one."""


class _Done(NamedTuple):
    """What is kept of a log that was read, its row being on its way: there may be a hundred thousand."""

    file_id: str
    status: str
    error: str | None
    consumed_bytes: int
    steps: int
    tool_calls: int
    issues: Mapping[str, int]
    since: Place | None
    ctime_ns: int | None
    """None where it could not be read."""
    place: bytes | None

    @property
    def is_read(self) -> bool:
        """Whether its rows are those of this reading."""
        return self.status not in _UNREAD


def load(
    paths: Sequence[Path | str] = (),
    *,
    db: Path,
    all_users: bool = False,
    home_root: Path = HOME_ROOT,
    prune: bool = False,
    progress: Report | None = None,
) -> LoadReport:
    """Bring the warehouse up to date with `paths` (homes, folders, files), else with this user's sessions.

    Args:
        paths: What to load; nothing means this user's own sessions.
        db: The warehouse; made if it is missing.
        all_users: Load every home under `home_root` instead.
        home_root: The folder that holds the homes.
        prune: Drop the rows of files that are gone from these places.
        progress: Called after each file that is read, and every few megabytes of a large one.

    Raises:
        TracelabError: if nothing is found, or the warehouse cannot be written or is itself to be loaded; it
            then stays as it was.
    """
    started_s = time.perf_counter()
    if db.exists() and any(path.exists() and db.samefile(path) for path in map(Path, paths)):
        raise TracelabError(
            f"{db} is the warehouse itself: to load a dataset into another one, name that with --db"
        )
    found = discover([Path(path) for path in paths], all_users=all_users, home_root=home_root)
    with _loaded(db) as loaded:
        known, digest = _known(db, loaded) if loaded else ({}, None)
        logs = [_as_known(log, known.get(log.file_id)) for log in found.files]
        changed = _with_live([log for log in logs if not _is_settled(log, known.get(log.file_id))], known)
        places = _places(loaded, [log for log in changed if log.file_id in known]) if loaded else {}
    missing = partial(_missing, *_absent(found, known), known)
    gone = missing([])
    # of all users nothing is found where their root is not mounted: their logs are not gone
    if not found.files and (found.home_root is not None or not gone):
        raise nothing_found(found)
    done: list[_Done] = []
    if changed or (gone and prune) or any(known[file_id].status != "gone" for file_id in gone):
        done, gone = _write(db, changed, places, missing, prune, known, digest, progress)
    newly = 0 if prune else sum(known[file_id].status != "gone" for file_id in gone)
    return _report(found, known, done, newly, len(gone) if prune else 0, time.perf_counter() - started_s)


@contextmanager
def _loaded(db: Path) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """Open what was loaded before; None where nothing ever was."""
    if not db.exists():
        yield None
        return
    from tracelab.warehouse import has_raw, is_unmade, open_read_only

    if is_unmade(db):
        yield None
        return
    with open_read_only(db) as warehouse:
        yield warehouse if has_raw(warehouse, db) else None


def _known(db: Path, warehouse: duckdb.DuckDBPyConnection) -> tuple[dict[str, _Known], str | None]:
    """Read what is loaded, by file_id, and a digest of it."""
    import duckdb

    from tracelab.warehouse import of_another_version, raw_sha256

    try:
        rows = warehouse.execute(
            "select file_id, path, size_bytes, epoch_us(mtime_at), ctime_ns, user_name, store, status,"
            " file_id in (select file_id from raw.load_issues), provider is not null"
            " from raw.files left join loader.bookmarks using (file_id)"
        ).fetchall()
    except duckdb.CatalogException:
        raise of_another_version(db) from None
    return {file_id: _Known(*rest) for file_id, *rest in rows}, raw_sha256(warehouse)


def _as_known(log: LogFile, known: _Known | None) -> LogFile:
    """Let a file that is named by hand be whose it is already known to be."""
    if known is None or (log.user_name and log.store):
        return log
    return log._replace(user_name=log.user_name or known.user_name, store=log.store or known.store)


def _with_live(logs: list[LogFile], known: dict[str, _Known]) -> list[LogFile]:
    """Say which logs are likely to grow: the latest of those that were written to lately."""
    now_s = time.time()
    fresh = [
        log for log in logs if log.mtime_ns / 1e9 > now_s - (_KEPT_S if log.file_id in known else _LIVE_S)
    ]
    latest = sorted(fresh, key=lambda log: log.mtime_ns, reverse=True)[:_LIVE_LOGS]
    live = {log.file_id for log in latest}
    return [log._replace(is_live=True) if log.file_id in live else log for log in logs]


def _is_settled(log: LogFile, known: _Known | None) -> bool:
    """Say whether a file is as it was when it was read, and reading it again would give nothing new."""
    return (
        known is not None
        and _looks_as_known(log, known)
        and known.ctime_ns == log.ctime_ns
        and known.status in _SETTLED
    )


def _looks_as_known(log: LogFile, known: _Known) -> bool:
    """Say whether all is the same that `raw.files` says of a file before it is opened."""
    return (known.size_bytes, known.mtime_us, known.user_name, known.store) == (
        log.size_bytes,
        log.mtime_ns // 1000,
        printable_name(log.user_name),
        printable_name(log.store),
    )


def _absent(found: Discovery, known: dict[str, _Known]) -> tuple[list[str], dict[str, str]]:
    """Return the files of places just searched that are not there, and those that were found as another."""
    present = {log.file_id for log in found.files}
    # paths in `raw` are printable: two folders may look like one, so that nothing counts as in either
    searched = _starts(str(place) for place in found.places)
    closed = _starts(f"{printable_name(str(place.path))}" for place in found.skipped)
    absent, there = list[str](), dict[str, os.stat_result]()
    for file_id, file in known.items():
        if file_id in present:
            continue
        path = f"{file.path}{os.sep}"
        is_searched = path.startswith(searched) or (found.home_root and is_stored(path, found.home_root))
        if not is_searched or path.startswith(closed):
            continue
        try:
            status = Path(file.path).stat()
        except (FileNotFoundError, NotADirectoryError):
            absent.append(file_id)
        except OSError as error:
            if error.errno == errno.ELOOP:
                absent.append(file_id)
            continue  # else nobody can tell, as in a folder that could not be searched
        else:
            if stat.S_ISREG(status.st_mode):
                there[file_id] = status
            else:
                absent.append(file_id)
    return absent, _found_again(there, found, known) if there else {}


def _found_again(
    there: dict[str, os.stat_result], found: Discovery, known: dict[str, _Known]
) -> dict[str, str]:
    """Return which files are another copy, or another name, of a log that was found, and that log."""
    copies = {log_name(log.path): log.file_id for log in found.files}
    looks = {(status.st_size, status.st_mtime_ns) for status in there.values()}
    same = dict[tuple[int, int], str]()
    for log in found.files:
        if (log.size_bytes, log.mtime_ns) in looks:  # few need another look
            with suppress(OSError):
                same[_on_disk(Path(log.path).stat())] = log.file_id
    again = {
        file_id: copies.get(log_name(known[file_id].path)) or same.get(_on_disk(status))
        for file_id, status in there.items()
    }
    return {file_id: other for file_id, other in again.items() if other is not None}


def _missing(
    absent: list[str], again: Mapping[str, str], known: dict[str, _Known], done: Sequence[_Done]
) -> list[str]:
    """Return the files that are gone: those that were found as another are where that one was read."""
    statuses = {other: known[other].status for other in again.values() if other in known}
    statuses |= {each.file_id: each.status for each in done}
    return absent + [file_id for file_id, other in again.items() if statuses.get(other) in _HELD]


def _on_disk(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _starts(places: Iterable[str]) -> tuple[str, ...]:
    """Return how the paths start, a slash added, of what is in places."""
    return tuple(f"{place.rstrip(os.sep)}{os.sep}" for place in places)


def _write(
    db: Path,
    logs: Sequence[LogFile],
    places: Mapping[str, Place],
    missing: Callable[[list[_Done]], list[str]],
    prune: bool,
    known: dict[str, _Known],
    digest: str | None,
    progress: Report | None,
) -> tuple[list[_Done], list[str]]:
    """Replace the rows of `logs`, mark or drop what is gone; return what became of each log, and what is."""
    with _reading(logs, places) as messages:
        # the readers are at work while DuckDB is imported
        from tracelab.warehouse import end_reading, open_for_writing, raw_sha256

        with open_for_writing(db) as warehouse:
            if raw_sha256(warehouse) != digest:
                raise TracelabError(f"another load has just changed {db}, and this one nothing: load again")
            last_rows = _last_rows(warehouse)
            done = _insert_all(warehouse, messages, logs, progress)
            if known:
                end_reading(warehouse)
            _replace(warehouse, last_rows, done, known, logs)
            _mark(warehouse, done)
            gone = missing(done)
            if prune:
                for table in (*(f"raw.{table}" for table in schema.TABLES), "loader.bookmarks"):
                    _delete(warehouse, table, gone)
            else:
                warehouse.execute(
                    "update raw.files set status = 'gone' where file_id in (select unnest(?::varchar[]))",
                    [gone],
                )
    return done, gone


def _last_rows(warehouse: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return the last row of each raw table: all that come in this transaction lie behind it."""
    return {
        table: warehouse.execute(f"select coalesce(max(rowid), -1) from raw.{table}").fetchall()[0][0]
        for table in schema.TABLES
    }


def _replace(
    warehouse: duckdb.DuckDBPyConnection,
    last_rows: dict[str, int],
    done: list[_Done],
    known: dict[str, _Known],
    logs: Sequence[LogFile],
) -> None:
    """Leave each file the rows of one reading: of this one, or of the one before where this one failed.

    Of what was never a log there is nothing to keep: its row tells of this reading, if the file has changed.
    Where it was read on from a place, the events stay that were settled there.
    """
    grown = {each.file_id: each.since.open_events for each in done if each.since}
    again = [each for each in done if each.file_id in known]
    unread = [each.file_id for each in done if not each.is_read]
    unchanged = {
        log.file_id for log in logs if log.file_id in known and _looks_as_known(log, known[log.file_id])
    }
    stay = {
        each.file_id
        for each in again
        if not each.is_read and (known[each.file_id].is_log or each.file_id in unchanged)
    }
    read = [each.file_id for each in again if each.file_id not in stay]
    is_why = f"reason in {_WHY_UNREAD}"
    for table, last_row in last_rows.items():
        settled = grown if table == "events" else {}
        old = [file_id for file_id in read if file_id not in settled]
        _delete(warehouse, f"raw.{table}", old, f"rowid <= {last_row}")
        if table == "load_issues":  # of a file that is read no more, only why is new
            _delete(warehouse, f"raw.{table}", [*stay], f"(rowid <= {last_row}) = ({is_why})")
        elif table == "files":
            _delete(warehouse, f"raw.{table}", [*stay], f"rowid > {last_row}")
        else:
            _delete(warehouse, f"raw.{table}", unread, f"rowid > {last_row}")
    open_events = [(file_id, index) for file_id in read if file_id in grown for index in grown[file_id]]
    if open_events:
        warehouse.execute(
            "delete from raw.events where (file_id, event_index) in"
            " (select unnest(?::varchar[]), unnest(?::bigint[]))"
            f" and rowid <= {last_rows['events']}",
            [*map(list, zip(*open_events, strict=True))],
        )
    for each in again:
        if each.file_id in stay:
            warehouse.execute(
                "update raw.files set status = ?, error = ? where file_id = ?",
                [each.status, each.error, each.file_id],
            )


def _insert_all(
    warehouse: duckdb.DuckDBPyConnection,
    messages: Iterator[Message],
    logs: Sequence[LogFile],
    progress: Report | None,
) -> list[_Done]:
    from collections import deque
    from concurrent.futures import Future, ThreadPoolExecutor

    from tracelab.arrow import record_batch
    from tracelab.read import Outcome, Reached

    started_s = time.perf_counter()
    sizes = {log.file_id: log.size_bytes for log in logs}
    bytes_done, bytes_total = 0, sum(sizes.values())
    reached: dict[str, int] = {}
    places_bytes = 0
    rows: list[schema.File] = []
    done: list[_Done] = []
    arrived: dict[str, list[pa.RecordBatch]] = {table: [] for table in schema.TABLES}
    inserting: deque[Future[None]] = deque()
    # DuckDB works in a thread of its own, one insert at a time, so that no reader waits for it to take rows
    with ThreadPoolExecutor(1) as inserter:
        for message in messages:
            if not isinstance(message, Outcome | Reached):
                table, batch = message
                arrived[table].append(batch)
                if sum(batch.num_rows for batch in arrived[table]) >= _INSERT_ROWS:
                    if len(inserting) == _INSERTS_AHEAD:
                        inserting.popleft().result()
                    inserting.append(inserter.submit(_insert, warehouse, table, arrived[table]))
                    arrived[table] = []
                continue
            if isinstance(message, Outcome):
                rows.append(message.file)
                if len(rows) == _FILE_ROWS:
                    arrived["files"].append(record_batch("files", rows))
                    rows = []
                each = _done(message)
                places_bytes += len(each.place or b"")
                done.append(each if places_bytes <= _PLACES_BYTES else each._replace(place=None))
                bytes_done += sizes[each.file_id] - reached.pop(each.file_id, 0)
            else:
                # a file may have grown since it was found
                bytes_here = min(message.bytes_done, sizes[message.file_id])
                bytes_done += bytes_here - reached.get(message.file_id, 0)
                reached[message.file_id] = bytes_here
            if progress:
                elapsed_s = time.perf_counter() - started_s
                progress(Progress(bytes_done, bytes_total, len(done), len(logs), elapsed_s))
        for insert in inserting:
            insert.result()
    if rows:
        arrived["files"].append(record_batch("files", rows))
    for table, batches in arrived.items():
        _insert(warehouse, table, batches)
    return done


def _done(outcome: Outcome) -> _Done:
    """Keep of an outcome what is asked for at the end."""
    file, bookmark = outcome.file, outcome.bookmark
    return _Done(
        file.file_id,
        sys.intern(file.status),
        file.error,
        file.consumed_bytes,
        file.steps,
        outcome.tool_calls,
        outcome.issues or _NO_ISSUES,
        outcome.since,
        bookmark.ctime_ns if bookmark else None,
        bookmark.place if bookmark else None,
    )


@contextmanager
def _reading(logs: Sequence[LogFile], places: Mapping[str, Place]) -> Iterator[Iterator[Message]]:
    """Read logs, the largest first, so that the last to be read are small; grown ones from their place."""
    loaded_at = datetime.now(UTC)
    grown = [log for log in logs if log.file_id in places]
    whole = [log for log in logs if log.file_id not in places]
    ordered = sorted(whole, key=_unpacked_bytes, reverse=True)
    if sum(map(_unpacked_bytes, whole)) <= _ALONE_BYTES:
        from tracelab.worker import read_here

        yield read_here([*ordered, *grown], loaded_at, places)
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    from tracelab.processes import read_in_processes

    with read_in_processes(ordered, loaded_at, min(_MAX_PROCESSES, cores, len(whole))) as messages:
        from tracelab.worker import read_here  # not before: the readers start meanwhile

        yield chain(read_here(grown, loaded_at, places), messages)


def _places(warehouse: duckdb.DuckDBPyConnection, logs: Sequence[LogFile]) -> dict[str, Place]:
    """Return where to go on with logs, by file_id."""
    if not logs:
        return {}
    from tracelab.resume import decode

    rows = warehouse.execute(
        "select file_id, place from loader.bookmarks"
        " where place is not null and file_id in (select unnest(?::varchar[]))"
        " qualify sum(octet_length(place)) over (order by octet_length(place), file_id) <= ?",
        [[log.file_id for log in logs], _PLACES_BYTES],
    ).fetchall()
    sizes = {log.file_id: log.size_bytes for log in logs}
    places = {file_id: decode(place) for file_id, place in rows}
    return {
        file_id: place
        for file_id, place in places.items()
        if place and sizes[file_id] - place.consumed_bytes <= _GROWN_BYTES
    }


def _unpacked_bytes(log: LogFile) -> int:
    """Guess how much a log holds."""
    return log.size_bytes * (_UNPACKED_FACTOR if log.path.endswith((".gz", ".zst")) else 1)


def _insert(warehouse: duckdb.DuckDBPyConnection, table: str, batches: list[pa.RecordBatch]) -> None:
    """Insert a table's batches, and empty the list."""
    import pyarrow as pa

    if batches:
        # `register` would keep the table in memory for as long as the connection is open
        warehouse.from_arrow(pa.Table.from_batches(batches)).insert_into(f"raw.{table}")
        batches.clear()


def _mark(warehouse: duckdb.DuckDBPyConnection, done: list[_Done]) -> None:
    """Replace the bookmarks of files that were read; let go of places that are old, or led nowhere."""
    import pyarrow as pa

    read = [each for each in done if each.ctime_ns is not None]
    again = [each.file_id for each in done if each.ctime_ns is not None or each.since]
    _delete(warehouse, "loader.bookmarks", again)
    old_ns = time.time_ns() - _KEPT_S * 10**9
    warehouse.execute(
        f"update loader.bookmarks set place = null where place is not null and ctime_ns < {old_ns}"
    )
    if read:
        bookmarks = {
            "file_id": pa.array([each.file_id for each in read], pa.string()),
            "ctime_ns": pa.array([each.ctime_ns for each in read], pa.int64()),
            "place": pa.array([each.place for each in read], pa.binary()),
        }
        warehouse.from_arrow(pa.table(bookmarks)).insert_into("loader.bookmarks")


def _delete(
    warehouse: duckdb.DuckDBPyConnection, table: str, file_ids: list[str], which: str = "true"
) -> None:
    if file_ids:
        warehouse.execute(
            f"delete from {table} where file_id in (select unnest(?::varchar[])) and {which}", [file_ids]
        )


def _report(
    found: Discovery,
    known: dict[str, _Known],
    done: list[_Done],
    gone: int,
    pruned: int,
    seconds: float,
) -> LoadReport:
    statuses = Counter(each.status for each in done)
    read = {each.file_id for each in done}
    since = [each.since for each in done if each.since and each.is_read]
    unchanged = [log.file_id for log in found.files if log.file_id not in read]
    with_issues = sum(known[file_id].has_issues for file_id in unchanged)
    with_issues += sum(bool(each.issues) for each in done)
    issues = Counter[str]()
    for each in done:
        issues.update(each.issues)
    return LoadReport(
        files=len(found.files),
        loaded=statuses["loaded"],
        partial=statuses["partial"],
        set_aside=statuses["set_aside"],
        failed=statuses["failed"],
        unchanged=len(unchanged),
        gone=gone + statuses["gone"],
        pruned=pruned,
        bytes_read=sum(each.consumed_bytes for each in done) - sum(place.consumed_bytes for place in since),
        steps=sum(each.steps for each in done) - sum(place.steps for place in since),
        tool_calls=sum(each.tool_calls for each in done) - sum(place.tool_calls for place in since),
        issues=dict(sorted(issues.items())),
        files_with_issues=with_issues,
        skipped=found.skipped,
        seconds=seconds,
    )
