"""Going on with a log where its reading ended: what was known there, kept so that only new bytes are parsed.

What a provider holds of a log is pickled after the last whole line, and taken up again if the bytes up to
there are the same. It holds what raw rows do, ids of records, and marks of texts keyed by the log itself.
"""

import hashlib
import io
import os
import pickle
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from io import FileIO
from pathlib import Path
from typing import Any

import msgspec

from tracelab.lines import Lines
from tracelab.providers.base import MAX_TYPES, Log, Mark, Stretch, Tally
from tracelab.schema import Event, LoadIssue, Rows

_KEY_BYTES = 4096
_EVENT_INDEX = Event._fields.index("event_index")
_MAX_ISSUES = 10_000
_MAX_HELD_BYTES = 64 << 20
"""A log of which more is kept (40,000 steps) is read whole when it has grown: pickling it takes as much."""
_OWN_MODULES = ("tracelab.providers.", "tracelab.schema")
_PLAIN = {
    ("builtins", "int"),
    ("builtins", "list"),
    ("builtins", "set"),
    ("collections", "Counter"),
    ("collections", "defaultdict"),
    ("collections", "deque"),
    ("datetime", "datetime"),
    ("datetime", "timedelta"),
    ("datetime", "timezone"),
}


class Place(msgspec.Struct, frozen=True):
    """Where the reading of a log ended: after its last whole line."""

    code_sha256: str
    """Of the code that read it: other code may keep other things."""
    provider: str
    first_line_sha256: str
    consumed_bytes: int
    consumed_sha256: str
    lines: int
    state: bytes
    """What `thaw` takes: the log, its tally, and its issues, to be written again."""
    open_events: list[int]
    """Events, by index, that were written without being settled: going on writes them again."""
    steps: int
    """Of the rows written; so the next."""
    tool_calls: int


def encode(place: Place) -> bytes:
    """Turn a place into bytes."""
    return msgspec.msgpack.encode(place)


def decode(data: bytes) -> Place | None:
    """Return the place that bytes hold; None if this version cannot go on from there."""
    try:
        place = msgspec.msgpack.decode(data, type=Place)
    except msgspec.DecodeError:
        return None
    return place if place.code_sha256 == code_sha256() else None


class Keeper:
    """Watches a log being read, and keeps what going on from its last whole line takes."""

    def __init__(self, log: Log, tally: Tally, lines: Lines, issues: list[LoadIssue]) -> None:
        self._log = log
        self._tally = tally
        self._lines = lines
        self._issues = issues
        self._open_events: list[int] = []
        self._end: tuple[int, str, int, bytes] | None = None
        lines.at_end = self._keep

    def watch(self, portions: Iterable[Rows]) -> Iterator[Rows]:
        """Give rows on, and note which events are to be written again; all other rows come after the end."""
        for row_type, rows in portions:
            if row_type is Event and self._end is not None:
                rows = list(rows)
                self._open_events += [row[_EVENT_INDEX] for row in rows]
            yield row_type, rows

    def note(self, issues: Sequence[LoadIssue]) -> None:
        """Keep issues about to be written, up to the end of whole lines; too many are not kept on."""
        if self._end is None and len(self._issues) <= _MAX_ISSUES:
            self._issues += issues

    def place(self, provider: str, first_line_sha256: str) -> Place | None:
        """Return where reading ended; None where it cannot go on, or to keep that would be too much."""
        if self._end is None or len(self._tally.known_types()) >= MAX_TYPES:
            return None
        consumed_bytes, consumed_sha256, lines, state = self._end
        return Place(
            code_sha256(), provider, first_line_sha256, consumed_bytes, consumed_sha256, lines, state,
            self._open_events, 0, 0,
        )  # fmt: skip

    def _keep(self) -> None:
        tally, lines = self._tally, self._lines
        issues = [*self._issues, *tally.issues]
        if len(issues) > _MAX_ISSUES or self._log.held_bytes() > _MAX_HELD_BYTES:
            return
        self._log.count_types()
        bare = replace(
            tally,
            stretch=Stretch(tally.line_no, tally.offset, []),
            issues=[],
            records_by_type=Counter(tally.known_types()),
        )
        try:
            state = pickle.dumps((self._log, bare, issues), pickle.HIGHEST_PROTOCOL)
        except RecursionError:  # contexts that hang on each other: the log is read whole when it has grown
            return
        self._end = lines.consumed_bytes, lines.consumed_sha256, lines.count, state


def thaw(state: bytes) -> tuple[Log, Tally, list[LoadIssue]]:
    """Return what was frozen."""
    log, tally, issues = _Unpickler(io.BytesIO(state)).load()
    return log, tally, issues


class _Unpickler(pickle.Unpickler):
    """Makes nothing but what a log's state is made of: a warehouse may come from anyone."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _PLAIN or module.startswith(_OWN_MODULES):
            found = getattr(sys.modules[module], name, None)
            if isinstance(found, type) and found.__module__ == module:
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a log's state")


def marks_of(file: FileIO) -> Mark:
    """Return how to mark texts of a log: the same way each time, and nobody without the log can try words."""
    head = os.pread(file.fileno(), _KEY_BYTES, 0).lstrip().partition(b"\n")[0]
    key = hashlib.sha256(head).digest()

    def mark(text: str | tuple[str, str]) -> int:
        whole = text if isinstance(text, str) else f"{len(text[0])}\n{text[0]}\n{text[1]}"
        return int.from_bytes(hashlib.blake2b(whole.encode(), digest_size=8, key=key).digest())

    return mark


@cache
def code_sha256() -> str:
    """Digest the code that reads logs."""
    package = Path(__file__).parent
    files = [*(package / "providers").glob("*.py"), *(package / f"{name}.py" for name in _CODE)]
    return hashlib.sha256(b"\n".join(path.read_bytes() for path in sorted(files))).hexdigest()


_CODE = ("lines", "read", "resume", "schema")
