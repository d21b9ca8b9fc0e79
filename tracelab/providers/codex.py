"""Codex's rollouts: one JSONL file a thread, which may begin with a copy of another thread's history.

Every line belongs to a thread: to the one it names, else to the one in whose part of the file it stands. A
step is a `token_usage_record`, or a `token_count` that no record answers to; outputs without either make a
step without usage. What is copied keeps its owner's session, and no time where the copy was stamped anew.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from tracelab.providers.base import (
    FIRST_INSTANT,
    LAST_INSTANT,
    Portion,
    Provider,
    Source,
    Tally,
    is_name,
    is_object,
    lenient,
    refuse_time,
)
from tracelab.providers.codex_items import EVENT_READERS, ITEM_READERS, read_context
from tracelab.providers.codex_records import (
    NO_BODY,
    Compacted,
    ContextLine,
    EventLine,
    EventMessage,
    ItemLine,
    Record,
    ResponseItem,
    SessionMeta,
    TurnContext,
    UsageLine,
    UsageRecord,
    UsualLine,
    mend_event,
    mend_item,
)
from tracelab.providers.codex_rollout import Rollout
from tracelab.providers.codex_rows import (
    compaction_row,
    session_row,
    step_row,
    tool_call_row,
    unplace,
)
from tracelab.providers.codex_usage import read_compacted, read_usage_record
from tracelab.schema import Compaction, Event, Rows, Session, Step, ToolCall

_BARE_FIELDS = ("type", "role", "content", "name", "arguments", "input", "call_id", "output")


class _Log:
    """A rollout and where it lies."""

    def __init__(self, source: Source, tally: Tally) -> None:
        self.source = source
        self.rollout = Rollout(source, tally)

    def __getstate__(self) -> dict[str, Any]:
        return {"source": None, "rollout": self.rollout}

    def go_on(self, source: Source, tally: Tally) -> None:
        """Go on reading the file, having been pickled."""
        self.source, self.rollout.tally = source, tally

    def rows(self, portions: Iterator[Portion[UsualLine | Record]]) -> Iterator[Rows]:
        """Yield the raw rows: events as their steps are settled, all other rows at the end."""
        rollout = self.rollout
        tally, ready = rollout.tally, rollout.ready
        for number, records in portions:
            for tally.line_no, record in enumerate(records, number):
                at = record.timestamp
                if at is not None and not FIRST_INSTANT <= at < LAST_INSTANT:
                    refuse_time(tally)
                    at = None
                if rollout.boundary is not None:
                    at = rollout.stamp(record.ordinal, at)
                if rollout.here is not rollout.own:
                    rollout.leave_copy(record.ordinal, at)
                _READERS[type(record)](rollout, record, at)
                if at is not None:
                    rollout.previous_at = at
                    here = rollout.here
                    if here.last_at is not None and at > here.last_at:  # without a call on almost every line
                        here.last_at = at
                    else:
                        here.seen(at)
            if ready and not rollout.holds:
                yield Event, ready
                ready.clear()
        self.count_types()
        yield from _finish(rollout, self.source)

    def count_types(self) -> None:
        """Bring the tally's counts of record types up to date."""
        rollout = self.rollout
        for kind, counts in (("response_item", rollout.items), ("event_msg", rollout.events)):
            for subtype, records in counts.items():
                rollout.tally.count_type(f"{kind}/{subtype}", records)
            counts.clear()

    def held_bytes(self) -> int:
        """Estimate, rather too high, the memory of what is kept of the file until it ends."""
        self.count_types()
        return self.rollout.held_bytes() + 300 * len(self.rollout.tally.records_by_type)


def _finish(rollout: Rollout, source: Source) -> Iterator[Rows]:
    ready, calls, file_id, tally = rollout.ready, rollout.calls, rollout.file_id, rollout.tally
    threads = rollout.threads.values()
    for thread in threads:
        thread.finish()
        for instant in (thread.first_at, thread.last_at):
            if instant is not None:
                tally.seen(instant)
    if rollout.awaits_own and rollout.next_event:
        tally.issue("fork_boundary_unreachable", "no line reaches the boundary or names the file's thread")
        for thread in threads:
            ready = ready if thread.is_own else unplace(thread, calls, ready)
    yield Event, ready
    for thread in threads:
        tally.steps += len(thread.steps)
        yield Step, (step_row(step, thread, file_id) for step in thread.steps)
        yield Compaction, (compaction_row(marker, thread, file_id) for marker in thread.markers)
        yield Session, [session_row(thread, source, rollout.begun_at)]
    yield ToolCall, (tool_call_row(call, file_id) for call in calls.values())


def _item(rollout: Rollout, line: ItemLine, at: datetime | None) -> None:
    item = line.payload
    kind = item.type
    if kind is None and item.role is not None:
        kind = item.type = "message"
    rollout.items[kind] += 1
    reader = ITEM_READERS.get(kind)
    if reader is not None:
        thread = rollout.here
        reader(rollout, thread, item, at if thread is rollout.own else rollout.time(at), line.metadata)


def _event(rollout: Rollout, line: EventLine, at: datetime | None) -> None:
    event = line.payload
    kind = event.type
    rollout.events[kind] += 1
    reader = EVENT_READERS.get(kind)
    if reader is not None:
        reader(rollout, event, at)


def _context(rollout: Rollout, line: ContextLine, at: datetime | None) -> None:  # noqa: ARG001
    rollout.tally.count_type("turn_context")
    read_context(rollout, line.payload)


def _usage(rollout: Rollout, line: UsageLine, at: datetime | None) -> None:
    rollout.tally.count_type("token_usage_record")
    read_usage_record(rollout, line.payload, at)


def _record(rollout: Rollout, record: Record, at: datetime | None) -> None:
    """Read a line that is none of the usual, or holds a wrong value."""
    reader = _BODY_READERS.get(record.type, _other)
    if reader is not _other and not is_object(record.payload):
        rollout.tally.issue("wrong_type", "$.payload: Expected `object`")
    reader(rollout, record, at)


def _response_item(rollout: Rollout, record: Record, at: datetime | None) -> None:
    item = mend_item(record.payload, rollout.tally) or ResponseItem()
    _item(rollout, ItemLine(payload=item, metadata=record.metadata), at)


def _event_msg(rollout: Rollout, record: Record, at: datetime | None) -> None:
    event = mend_event(record.payload, rollout.tally) or EventMessage()
    _event(rollout, EventLine(payload=event), at)


def _session_meta(rollout: Rollout, record: Record, at: datetime | None) -> None:
    rollout.tally.count_type("session_meta")
    meta = lenient(record.payload, SessionMeta, rollout.tally)
    if meta is not None:
        rollout.meet(meta, at)


def _turn_context(rollout: Rollout, record: Record, at: datetime | None) -> None:  # noqa: ARG001
    rollout.tally.count_type("turn_context")
    context = lenient(record.payload, TurnContext, rollout.tally)
    if context is not None:
        read_context(rollout, context)


def _usage_record(rollout: Rollout, record: Record, at: datetime | None) -> None:
    rollout.tally.count_type("token_usage_record")
    body = lenient(record.payload, UsageRecord, rollout.tally)
    if body is not None:
        read_usage_record(rollout, body, at)


def _compacted(rollout: Rollout, record: Record, at: datetime | None) -> None:
    rollout.tally.count_type("compacted")
    read_compacted(rollout, lenient(record.payload, Compacted, rollout.tally) or Compacted(), at)


def _other(rollout: Rollout, record: Record, at: datetime | None) -> None:  # noqa: ARG001
    """Read an item of the oldest format, which has neither envelope nor time; count anything else."""
    kind = record.type if record.record_type is None else record.record_type
    if record.payload:
        rollout.tally.count_type(kind)
    elif kind is None and rollout.is_headless and is_name(record.id):
        rollout.tally.count_type("header")
        rollout.is_bare = True
        rollout.name_own(record.id)
    elif isinstance(kind, str) and kind in ITEM_READERS:
        rollout.tally.count_type(kind)
        body = {name: getattr(record, name) for name in _BARE_FIELDS}
        item = lenient(msgspec.json.encode(body), ResponseItem, rollout.tally)
        if item is not None and item.type in ITEM_READERS:
            ITEM_READERS[item.type](rollout, rollout.here, item, None, NO_BODY)
    else:
        rollout.tally.count_type(kind)


_READERS: dict[type, Callable[[Rollout, Any, datetime | None], None]] = {
    ItemLine: _item,
    EventLine: _event,
    ContextLine: _context,
    UsageLine: _usage,
    Record: _record,
}
_BODY_READERS: dict[str | None, Callable[[Rollout, Record, datetime | None], None]] = {
    "response_item": _response_item,
    "event_msg": _event_msg,
    "turn_context": _turn_context,
    "token_usage_record": _usage_record,
    "session_meta": _session_meta,
    "compacted": _compacted,
}

CODEX = Provider("codex", (UsualLine, Record), _Log)
