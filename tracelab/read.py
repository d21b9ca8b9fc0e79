"""One log file, read whole or on from where it ended: bytes → lines → records → rows, and how it went.

What is wrong with a file stays in that file: its row and its issues say so, and the next one is read.
"""

import hashlib
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import FileIO
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tracelab.arrow import Batches
from tracelab.discover import LogFile, ctime_ns, printable_name, sidecar_of
from tracelab.errors import TracelabError
from tracelab.lines import MAX_LINE_BYTES, Lines, unreadable
from tracelab.providers import PROVIDERS
from tracelab.providers.base import Source, Stretch, Tally, portions, records
from tracelab.providers.recognise import Head, Verdict, recognise
from tracelab.resume import Keeper, Place, encode, marks_of, thaw
from tracelab.schema import Bookmark, File, LoadIssue, ToolCall

if TYPE_CHECKING:
    from tracelab.dataset import DatasetFile

_HEAD_LINES = 1_000  # what holds no known object in these is no log
_HEAD_BYTES = MAX_LINE_BYTES
_HEAD_OBJECTS = 100_000  # likewise, nested ones included, beyond the first 256 KiB
_HEAD_BYTES_AT_LEAST = 1 << 18
_SIDECAR_BYTES = 1 << 20
_TOLD_BYTES = 4 << 20
_NO_DATASET = "no published dataset (a table rounds with a round_pk); a warehouse is named with --db"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Outcome(NamedTuple):
    """What became of one file: its row, and what the load's summary counts besides."""

    file: File
    tool_calls: int
    issues: Counter[str]
    """Issues by reason."""
    since: Place | None
    """Where it was read on from; None: it was read whole."""
    bookmark: Bookmark | None
    """None where it could not be read."""


class _Nothing(msgspec.Struct):
    """Any JSON object, none of its values wanted."""


class Reached(NamedTuple):
    """How far the reading of a file is, in bytes on disk."""

    file_id: str
    bytes_done: int


def read_log(
    log: LogFile,
    loaded_at: datetime,
    batches: Batches,
    tell: Callable[[Reached], object] = lambda _: None,
    since: Place | None = None,
) -> Outcome:
    """Read one file, its rows into `batches`; whatever goes wrong is said in the outcome, never raised.

    `tell` is called every few megabytes. What lies before `since` is not parsed again if it is as it was.
    """
    tally = Tally(file_id=log.file_id)
    row = _blank_row(log, loaded_at)
    issues = Counter[str]()
    bookmark = place = None
    calls_before = batches.count(ToolCall)
    try:
        with FileIO(log.path) as file:
            sidecar = sidecar_of(log.path)
            status = os.fstat(file.fileno())
            changed_ns = ctime_ns(status, sidecar)
            try:
                beside = _content(sidecar)
            except OSError as error:
                beside = None
                changed_ns = ctime_ns(status, None)  # to be read again next time
                _note_whole(tally, "unreadable", f"sidecar: {unreadable(error)}")
            lines = Lines(_as_lines(file, log.path), tally)
            if since and not lines.skip(since.consumed_bytes, since.consumed_sha256, since.lines):
                since = None
            row, place = _read(file, beside, lines, log, row, tally, issues, batches, tell, since)
            bookmark = Bookmark(log.file_id, changed_ns, None)
    except FileNotFoundError:
        row = row._replace(status="gone", error="vanished before it was read")
        _note_whole(tally, "vanished", None)
    except OSError as error:
        row = row._replace(status="failed", error=unreadable(error))
        _note_whole(tally, "unreadable", row.error)
    except TracelabError as error:  # a DuckDB file that DuckDB cannot open
        row = row._replace(status="failed", error=str(error))
        _note_whole(tally, "unreadable", row.error)
    except Exception as error:
        # A mistake in a provider costs its file, not the load. The message of an exception may hold content.
        row = row._replace(status="failed", error=f"{type(error).__name__} at line {tally.line_no}")
        tally.issue("internal_error", type(error).__name__)
    _move_issues(tally, issues, batches)
    has_rows = row.status in ("loaded", "partial")
    tool_calls = batches.count(ToolCall) - calls_before if has_rows else 0
    if bookmark and place:
        place = msgspec.structs.replace(place, steps=row.steps, tool_calls=tool_calls)
        bookmark = bookmark._replace(place=encode(place))
    return Outcome(row, tool_calls, issues, since, None if row.status == "failed" else bookmark)


def _read(
    file: FileIO,
    sidecar: bytes | None,
    lines: Lines,
    log: LogFile,
    row: File,
    tally: Tally,
    issues: Counter[str],
    batches: Batches,
    tell: Callable[[Reached], object],
    since: Place | None,
) -> tuple[File, Place | None]:
    stat = os.fstat(file.fileno())
    every = iter(lines)
    if since:
        verdict, first_line_sha256 = Verdict(since.provider, ""), since.first_line_sha256
    else:
        verdict, head = _recognise(every)
        lines_of_head = chain.from_iterable(stretch.lines for stretch in head)
        first = next(filter(bytes.strip, lines_of_head), b"").removesuffix(b"\n").removesuffix(b"\r")
        first_line_sha256 = hashlib.sha256(first).hexdigest()
        every = chain(_taken(head), every)
    told_bytes = 0
    keeper: Keeper | None = None
    place = None

    def move_on() -> None:
        nonlocal told_bytes
        if not verdict.provider:
            tally.issues.clear()  # the faults of what is no log are nobody's concern
        if keeper:
            keeper.note(tally.issues)
        _move_issues(tally, issues, batches)
        if lines.source.tell() - told_bytes >= _TOLD_BYTES:
            told_bytes = lines.source.tell()
            tell(Reached(tally.file_id, told_bytes))

    lines.between_blocks = move_on
    if verdict.provider:
        provider = PROVIDERS[verdict.provider]
        is_followed = log.is_live and provider.grows and sidecar_of(log.path) is None
        mark = marks_of(file) if since or is_followed else hash
        source = Source(tally.file_id, row.path, row.user_name, first_line_sha256, sidecar, mark)
        kept: list[LoadIssue] = []
        if since:
            reading, before, kept = thaw(since.state)
            tally.take(before)
            reading.go_on(source, tally)
            issues.update(issue.reason for issue in kept)
            batches.add(LoadIssue, kept)
        else:
            reading = provider.log(source, tally)
        lines.held_bytes = reading.held_bytes
        portioned = reading.rows(portions(every, provider.records, tally))
        if is_followed:
            keeper = Keeper(reading, tally, lines, kept)
            portioned = keeper.watch(portioned)
        for row_type, rows in portioned:
            batches.add(row_type, rows)
        if keeper:
            place = keeper.place(provider.name, first_line_sha256)
    else:
        for _ in records(every, _Nothing, tally):
            pass
        tally.issues.clear()
        if not lines.fault:
            _note_whole(tally, "not_a_log", verdict.what if lines.source is file else _NO_DATASET)
    lines.between_blocks = lines.at_end = lambda: None
    lines.held_bytes = lambda: 0  # readers collect no garbage: leave no cycle
    if lines.fault:
        tally.issue("unreadable", lines.fault)
    read = row._replace(
        provider=verdict.provider,
        size_bytes=stat.st_size,
        mtime_at=_instant(stat.st_mtime_ns),
        consumed_bytes=lines.consumed_bytes,
        consumed_sha256=lines.consumed_sha256,
        lines=lines.count,
        bad_lines=tally.bad_lines,
        objects=tally.objects,
        records_by_type=tally.known_types(),
        steps=tally.steps,
        synthetic_rows=tally.synthetic_rows,
        rows_without_id=tally.rows_without_id,
        usage_echoes=tally.usage_echoes,
        hosted_calls=tally.hosted_calls,
        first_at=tally.first_at,
        last_at=tally.last_at,
        status=_status(verdict, lines),
        error=lines.fault,
    )
    return read, place


def _as_lines(file: FileIO, path: str) -> "FileIO | DatasetFile":
    """Return a file to read lines from: itself, or a DuckDB file's rows as lines."""
    head = file.read(12)
    file.seek(0)
    if head[8:] != b"DUCK":
        return file
    from tracelab.dataset import DatasetFile  # which imports DuckDB, else left out of reading

    return DatasetFile(Path(path))


def _status(verdict: Verdict, lines: Lines) -> str:
    if lines.fault:
        return "partial" if verdict.provider else "failed"
    return "loaded" if verdict.provider else "set_aside"


def _recognise(stretches: Iterator[Stretch]) -> tuple[Verdict, deque[Stretch]]:
    """Tell whose log it is by as few lines as that takes; return their stretches, to be read again."""
    head = deque[Stretch]()

    def lines() -> Iterator[Stretch]:
        room, objects = _HEAD_BYTES, _HEAD_OBJECTS
        for stretch in stretches:
            head.append(stretch)
            for line in stretch.one_by_one():
                yield line
                # line by line: how many lines make a stretch depends on where the file ends so far
                room -= len(line.lines[0])
                objects -= line.lines[0].count(b"{")
                if room <= 0 or (objects < 0 and room <= _HEAD_BYTES - _HEAD_BYTES_AT_LEAST):
                    return

    return recognise(records(islice(lines(), _HEAD_LINES), Head, Tally())), head


def _taken(head: deque[Stretch]) -> Iterator[Stretch]:
    """Give the stretches and let go of them: one may hold 50 MB."""
    while head:
        yield head.popleft()


def _move_issues(tally: Tally, issues: Counter[str], batches: Batches) -> None:
    if not tally.issues:
        return
    issues.update(issue.reason for issue in tally.issues)
    batches.add(LoadIssue, tally.issues)
    tally.issues.clear()


def _note_whole(tally: Tally, reason: str, detail: str | None) -> None:
    """Note an issue that is the file's, not a line's."""
    tally.issues.append(LoadIssue(tally.file_id, None, None, reason, detail))


def _content(sidecar: str | None) -> bytes | None:
    """Return what the client wrote beside a subagent's log, if it did.

    Raises:
        OSError: if it is there and cannot be read.
    """
    if sidecar is None or not Path(sidecar).is_file():  # a pipe would keep everybody waiting
        return None
    with FileIO(sidecar) as file:
        return file.read(_SIDECAR_BYTES)


def _blank_row(log: LogFile, loaded_at: datetime) -> File:
    """Return the row of a file of which nothing is read yet."""
    return File(
        file_id=log.file_id,
        path=printable_name(log.path) or "",
        provider=None,
        user_name=printable_name(log.user_name),
        store=printable_name(log.store),
        size_bytes=log.size_bytes,
        mtime_at=_instant(log.mtime_ns),
        consumed_bytes=0,
        consumed_sha256=None,
        lines=0,
        bad_lines=0,
        objects=0,
        records_by_type={},
        steps=0,
        synthetic_rows=0,
        rows_without_id=0,
        usage_echoes=0,
        hosted_calls=0,
        first_at=None,
        last_at=None,
        loaded_at=loaded_at,
        status="failed",
        error=None,
    )


def _instant(mtime_ns: int) -> datetime:
    return _EPOCH + timedelta(microseconds=mtime_ns // 1000)
