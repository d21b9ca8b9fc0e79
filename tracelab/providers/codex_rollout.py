"""State of one rollout while it is read: its threads, and whose line is whose.

A line belongs to the thread that it names, else to the one in whose part of the file it stands. A file's own
part may follow a copy of another thread's history: where that ends is told by the header's ordinal, by the
first line that names the own thread, or, in old files, by a second in which nothing was written.
"""

import re
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Any

from tracelab.providers.base import Source, Tally
from tracelab.providers.codex_records import Numbers, SessionMeta
from tracelab.providers.codex_rows import describe, spawn_parent
from tracelab.providers.codex_thread import ENTRY_BYTES, Entry, Thread, minor_version
from tracelab.providers.codex_tools import Call

_COPY_GAP = timedelta(seconds=1)
_LOST_LINES = 1_000
"""An ordinal is the number of its line, unless so many were lost."""
_uuid = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Rollout:
    """State of one file; finished events go to `ready`."""

    def __init__(self, source: Source, tally: Tally) -> None:
        self.file_id = source.file_id
        self.tally = tally
        self.ready: list[Entry] = []
        self.calls: dict[str, Call] = {}
        self.orphans: dict[str, Call] = {}
        """What is known of calls that have not come yet."""
        self.threads: dict[str, Thread] = {}
        named = _uuid.search(PurePath(source.path).name)
        self.own = self.here = self.thread(named[0] if named else source.first_line_sha256[:32])
        """The file's thread, and the one in whose part of the file the reader is."""
        self.own.is_own = True
        self.is_headless = True
        """No line has named the file's thread yet."""
        self.damaged_name: str | None = None
        """What the header calls the file's thread, where the file's name knows better."""
        self.is_bare = False
        """The oldest format: items without envelope, usage or times."""
        self.begun_at: datetime | None = None
        """When the file's session began: copied lines stamped earlier kept their time."""
        self.previous_at: datetime | None = None
        self.boundary: int | None = None
        """Ordinal at which the own part begins."""
        self.awaits_own = False
        """The header tells of a copy, and nothing has shown its end yet."""
        self.has_gaps = True
        """A pause ends a copied part: the client that began the file does not name its own part."""
        self.continues = False
        """The header points to another file, whose last numbers this one may begin with."""
        self.total: Numbers | None = None
        """The latest running total in the file."""
        self.has_records = False
        self.next_event = 0
        self.items: defaultdict[str | None, int] = defaultdict(int)
        self.events: defaultdict[str | None, int] = defaultdict(int)
        """Records of the two types that have subtypes, by subtype."""

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"tally": None}

    def held_bytes(self) -> int:
        """Estimate, rather too high, the memory of what is kept of the file until it ends."""
        return (
            700 * (len(self.calls) + len(self.orphans))
            + ENTRY_BYTES * len(self.ready)
            + sum(thread.held_bytes() for thread in self.threads.values())
        )

    @property
    def holds(self) -> bool:
        """Whether what comes may still change whose the events are."""
        return self.is_headless or self.awaits_own

    def thread(self, thread_id: str) -> Thread:
        """Return the thread of an id."""
        thread = self.threads.get(thread_id)
        if thread is None:
            thread = self.threads[thread_id] = Thread(thread_id, self.calls, self.ready)
        return thread

    def named(self, thread_id: str | None) -> Thread:
        """Go on in the part of the thread that a line names, if it names one."""
        if thread_id is not None and thread_id != self.here.id:
            self._go(self.thread(thread_id))
        return self.here

    def mentioned(self, thread_id: str | None) -> Thread:
        """Go on in the part of the thread that a line names, unless the name is new and no whole one."""
        if thread_id is not None and (
            thread_id in self.threads or self.is_headless or _uuid.fullmatch(thread_id)
        ):
            return self.named(thread_id)
        return self.here

    def leave_copy(self, ordinal: Any, at: datetime | None) -> None:
        """End the copied part at its boundary, else where time goes on as it does while people work."""
        if self.boundary is not None:
            place = _ordinal(ordinal)
            if place is not None and self.boundary <= place <= self.tally.line_no + _LOST_LINES:
                self._go(self.own)
        elif (
            self.has_gaps
            and at is not None
            and self.previous_at is not None
            and at - self.previous_at >= _COPY_GAP
        ):
            self._go(self.own)

    def stamp(self, ordinal: Any, at: datetime | None) -> datetime | None:
        """Return when a line says it was written, of a file with a boundary.

        One that was migrated has the time of its beginning on every line, and its boundary behind them all.
        """
        place = _ordinal(ordinal)
        is_below = place is not None and self.boundary is not None and place < self.boundary
        return None if is_below and at == self.begun_at else at

    def time(self, at: datetime | None) -> datetime | None:
        """Return when the line was written; None if it is a copy that was stamped anew."""
        if self.here is self.own or (at is not None and self.begun_at is not None and at < self.begun_at):
            return at
        return None

    def meet(self, meta: SessionMeta, at: datetime | None) -> None:
        """Take in a `session_meta`: the first names the file's thread, a later one whose part follows."""
        if self.is_headless:
            self._open(meta, at)
            return
        own = self.own
        is_own = meta.id is not None and meta.id == self.damaged_name
        thread = self.named(own.id if is_own else meta.id)
        thread.heard = None
        thread.use_version(meta.cli_version)
        if not thread.is_described:
            describe(thread, meta)
        if thread is not own and own.kind == "main":
            own.forked_from = own.forked_from or thread.id

    def name_own(self, thread_id: str | None) -> None:
        """Name the file's thread; what was read before bears the name too."""
        self.is_headless = False
        own = self.own
        if thread_id is None or thread_id == own.id:
            return
        if _uuid.fullmatch(own.id) and not _uuid.fullmatch(thread_id):
            self.damaged_name = thread_id
            return
        if thread_id in self.threads:  # lines have named it before: what named no thread stays apart
            own.is_own = False
            self.own = self.here = self.threads[thread_id]
            self.own.is_own = True
        else:
            del self.threads[own.id]
            own.rename(thread_id)
            self.threads[thread_id] = own

    def speaker(self, thread: Thread) -> str:
        """Say who writes a thread's prompts: in a subagent's file its parent."""
        return "agent" if self.own.kind == "subagent" == thread.kind else "human"

    def entry(
        self,
        thread: Thread,
        at: datetime | None,
        event_type: str,
        event_id: str,
        block: int,
        kind: str | None = None,
        call_id: str | None = None,
        chars: int | None = None,
        is_error: bool | None = None,
    ) -> Entry:
        """Build an event that has no step yet."""
        index = self.next_event
        self.next_event = index + 1
        return [
            self.file_id, thread.session_id, None, index, event_id, block,
            event_type, None, at, kind, call_id, chars, is_error,
        ]  # fmt: skip

    def user_event(self, thread: Thread, at: datetime | None, kind: str, chars: int) -> None:
        """Add a user message of any kind; its copies share its place among those of the turn."""
        event_id, block = thread.event_key(kind)
        entry = self.entry(thread, self.time(at), "user_message", event_id, block, kind, None, chars)
        thread.add_input(entry)

    def _go(self, thread: Thread) -> None:
        if thread is self.own:
            thread.take_over(self.here)
            self.awaits_own = False
        self.here = thread

    def _open(self, meta: SessionMeta, at: datetime | None) -> None:
        self.name_own(meta.id)
        own = self.own
        describe(own, meta)
        own.use_version(meta.cli_version)
        self.has_gaps = not _names_its_part(meta.cli_version)
        self.begun_at = meta.timestamp or at
        if at is not None:
            own.seen(at)
        self.continues = meta.history_base is not None
        boundary = _ordinal(meta.subagent_history_start_ordinal)
        origin = meta.forked_from_id or spawn_parent(meta)
        if origin is None or origin == own.id:
            return
        if boundary is not None and boundary > 1:
            self.boundary = boundary
            self.awaits_own = True
        elif (
            boundary is not None
            or meta.forked_from_id is None
            or meta.history_base is not None
            or self.has_gaps
        ):
            return  # nothing is copied, or the origin's own header begins the copy
        self.here = self.thread(origin)
        if meta.session_id is not None and meta.session_id not in (origin, own.id):
            self.here.kind, self.here.root = "subagent", meta.session_id


def _names_its_part(version: str | None) -> bool:
    """Say whether a client says where a thread's own part begins: since 0.152 it applies settings by name."""
    return minor_version(version) >= 152


def _ordinal(value: Any) -> int | None:
    """Read a line's place, which is a number or a numeric string."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
