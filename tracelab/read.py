"""One log file, read whole: bytes → lines → records → rows, and a row that says how it went.

What is wrong with a file stays in that file: its row and its issues say so, and the next one is read.
"""

import hashlib
import os
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from io import FileIO
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from tracelab.arrow import Batches
from tracelab.discover import LogFile, mtime_ns, printable_name, sidecar_of
from tracelab.lines import Lines, unreadable
from tracelab.providers import PROVIDERS
from tracelab.providers.base import Source, Stretch, Tally, records
from tracelab.providers.recognise import Head, Verdict, recognise
from tracelab.schema import Bookmark, File, LoadIssue, ToolCall

_HEAD_LINES = 1_000  # what holds no known object in these is no log
_HEAD_BYTES = 64 << 20
_SIDECAR_BYTES = 1 << 20
_TOLD_BYTES = 4 << 20
_MAX_TYPES = 200  # real logs hold some fifty
_is_type = lru_cache(1_000)(re.compile(r"[A-Za-z0-9_./-]{1,80}").fullmatch)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Outcome(NamedTuple):
    """What became of one file: its row, and what the load's summary counts besides."""

    file: File
    tool_calls: int
    issues: Counter[str]
    """Issues by reason."""
    bookmark: Bookmark | None
    """None where it could not be read."""


class _Nothing(msgspec.Struct):
    """Any JSON object, none of its values wanted."""


class Reached(NamedTuple):
    """How far the reading of a file is, in bytes on disk."""

    file_id: str
    bytes_done: int


def read_log(
    log: LogFile, loaded_at: datetime, batches: Batches, tell: Callable[[Reached], object] = lambda _: None
) -> Outcome:
    """Read one file, its rows into `batches`; whatever goes wrong is said in the outcome, never raised.

    `tell` is called every few megabytes.
    """
    tally = Tally(file_id=log.file_id)
    row = _blank_row(log, loaded_at)
    issues = Counter[str]()
    bookmark = None
    calls_before = batches.count(ToolCall)
    try:
        with log.path.open("rb", buffering=0) as file:
            bookmark = Bookmark(log.file_id, os.fstat(file.fileno()).st_ctime_ns)
            row = _read(file, log, row, tally, issues, batches, tell)
    except FileNotFoundError:
        row = row._replace(status="gone", error="vanished before it was read")
        _note_whole(tally, "vanished", None)
    except OSError as error:
        row = row._replace(status="failed", error=unreadable(error))
        _note_whole(tally, "unreadable", row.error)
    except Exception as error:
        # A mistake in a provider costs its file, not the load. The message of an exception may hold content.
        row = row._replace(status="failed", error=f"{type(error).__name__} at line {tally.line_no}")
        tally.issue("internal_error", type(error).__name__)
    _move_issues(tally, issues, batches)
    has_rows = row.status in ("loaded", "partial")
    tool_calls = batches.count(ToolCall) - calls_before if has_rows else 0
    return Outcome(row, tool_calls, issues, None if row.status == "failed" else bookmark)


def _read(
    file: FileIO,
    log: LogFile,
    row: File,
    tally: Tally,
    issues: Counter[str],
    batches: Batches,
    tell: Callable[[Reached], object],
) -> File:
    stat = os.fstat(file.fileno())
    lines = Lines(file, tally)
    rest = iter(lines)
    verdict, head = _recognise(rest)
    lines_of_head = chain.from_iterable(stretch.lines for stretch in head)
    first = next(filter(bytes.strip, lines_of_head), b"").removesuffix(b"\n").removesuffix(b"\r")
    every = chain(_taken(head), rest)
    told_bytes = 0

    def move_on() -> None:
        nonlocal told_bytes
        if not verdict.provider:
            tally.issues.clear()  # the faults of what is no log are nobody's concern
        _move_issues(tally, issues, batches)
        if file.tell() - told_bytes >= _TOLD_BYTES:
            told_bytes = file.tell()
            tell(Reached(tally.file_id, told_bytes))

    lines.between_blocks = move_on
    if verdict.provider:
        provider = PROVIDERS[verdict.provider]
        first_line_sha256 = hashlib.sha256(first).hexdigest()
        source = Source(tally.file_id, row.path, row.user_name, first_line_sha256, _sidecar(log.path))
        decoded = records(every, provider.record, tally)
        batches.add(provider.parse(decoded, source, tally))
    else:
        for _ in records(every, _Nothing, tally):
            pass
        tally.issues.clear()
        if not lines.fault:
            _note_whole(tally, "not_a_log", verdict.what)
    if lines.fault:
        tally.issue("unreadable", lines.fault)
    return row._replace(
        provider=verdict.provider,
        size_bytes=stat.st_size,
        mtime_at=_instant(mtime_ns(log.path, stat)),
        consumed_bytes=lines.consumed_bytes,
        consumed_sha256=lines.consumed_sha256,
        lines=lines.count,
        bad_lines=tally.bad_lines,
        objects=tally.objects,
        records_by_type=_known_types(tally.records_by_type),
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


def _status(verdict: Verdict, lines: Lines) -> str:
    if lines.fault:
        return "partial" if verdict.provider else "failed"
    return "loaded" if verdict.provider else "set_aside"


def _recognise(stretches: Iterator[Stretch]) -> tuple[Verdict, deque[Stretch]]:
    """Tell whose log it is by as few lines as that takes; return their stretches, to be read again."""
    head = deque[Stretch]()

    def lines() -> Iterator[Stretch]:
        room = _HEAD_BYTES
        for stretch in stretches:
            head.append(stretch)
            yield from stretch.one_by_one()
            room -= sum(map(len, stretch.lines))
            if room < 0:
                return

    return recognise(records(islice(lines(), _HEAD_LINES), Head, Tally())), head


def _taken(head: deque[Stretch]) -> Iterator[Stretch]:
    """Give the stretches and let go of them: one may hold 50 MB."""
    while head:
        yield head.popleft()


def _move_issues(tally: Tally, issues: Counter[str], batches: Batches) -> None:
    issues.update(issue.reason for issue in tally.issues)
    batches.add(tally.issues)
    tally.issues.clear()


def _note_whole(tally: Tally, reason: str, detail: str | None) -> None:
    """Note an issue that is the file's, not a line's."""
    tally.issues.append(LoadIssue(tally.file_id, None, None, reason, detail))


def _known_types(counts: Counter[str]) -> dict[str, int]:
    """Keep what may be the name of a type; anything else is counted as other."""
    types = Counter[str]()
    for name, count in counts.most_common():
        types[name if _is_type(name) and len(types) < _MAX_TYPES else "other"] += count
    return dict(sorted(types.items()))


def _sidecar(path: Path) -> bytes | None:
    """Return what the client wrote beside a subagent's log, if it did."""
    sidecar = sidecar_of(path)
    if sidecar is None:
        return None
    try:
        with sidecar.open("rb") as file:
            return file.read(_SIDECAR_BYTES)
    except OSError:
        return None


def _blank_row(log: LogFile, loaded_at: datetime) -> File:
    """Return the row of a file of which nothing is read yet."""
    return File(
        file_id=log.file_id,
        path=printable_name(str(log.path)) or "",
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
