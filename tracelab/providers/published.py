"""Published datasets: rows of one file, a step each, in; raw rows out.

A row tells of itself all that the marts need if `tracelab publish` wrote it (keys `x_…`). One that lacks them
is taken as published with the paper: every user message a person's, every session a main one, and unknown
whether an output count is final.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, count
from operator import itemgetter
from typing import Any

from msgspec.structs import astuple, replace

from tracelab.providers.base import Portion, Provider, Source, Tally
from tracelab.providers.published_row import PublishedEvent, PublishedRow, utc
from tracelab.schema import Compaction, Event, ExtraCall, Row, Rows, Session, Step, ToolCall, Values

CLOSING_RECORD = "token_usage_record"
"""`source` of a usage report that closes its step."""

_EVENT_TYPES = {"user_message", "tool_result", "reasoning", "text", "tool_call", "usage_report"}
_NO_LISTS: dict[str, list[Any]] = {
    "tools": [], "timing_events": [], "x_events_without_step": [], "x_compactions": [], "x_extra_calls": []
}  # fmt: skip
_NOBODY = {"user_none", "project_none"}


@dataclass(slots=True)
class _Session:
    """What is known of a session so far, its first row's word first."""

    first: PublishedRow
    steps: int = 0
    held: dict[str, list[tuple[int, PublishedEvent]]] = field(default_factory=dict)
    """Results in the row of their own call, by that, with their place: inputs of the step after it."""
    results: int = 0
    """So far, of those."""
    started_at: datetime | None = None
    ended_at: datetime | None = None

    def seen(self, instant: datetime | None) -> None:
        if instant is None:
            return
        if self.started_at is None or instant < self.started_at:
            self.started_at = instant
        if self.ended_at is None or instant > self.ended_at:
            self.ended_at = instant


class _Dataset:
    """State of one file; rows that are final gather by table."""

    def __init__(self, source: Source, tally: Tally) -> None:
        self._file_id = source.file_id
        self._tally = tally
        self._sessions: dict[str, _Session] = {}
        self._held_bytes = 0
        """Of the sessions' first rows, rather too high."""
        self._event_numbers = count()
        self._ready: dict[type[Row], list[Values]] = {
            Step: [], Event: [], ToolCall: [], ExtraCall: [], Compaction: []
        }  # fmt: skip

    def rows(self, portions: Iterator[Portion[PublishedRow]]) -> Iterator[Rows]:
        """Turn the dataset's rows into raw rows."""
        for number, rows in portions:
            for self._tally.line_no, row in enumerate(rows, number):
                self.read(row)
            yield from self._take()
        sessions = [*self._finish()]
        yield from self._take()
        yield Session, sessions

    def count_types(self) -> None:
        """Do nothing: each row is counted as it comes."""

    def held_bytes(self) -> int:
        """Estimate, rather too high, the memory of what is kept of the file until it ends."""
        held = chain.from_iterable(session.held.items() for session in self._sessions.values())
        return self._held_bytes + sum(len(results) * (700 + 4 * len(call)) for call, results in held)

    def go_on(self, source: Source, tally: Tally) -> None:
        """Never called: a dataset does not grow."""
        raise NotImplementedError

    def _take(self) -> Iterator[Rows]:
        """Hand on what has gathered, and forget it."""
        for row_type, rows in self._ready.items():
            yield row_type, rows
            rows.clear()

    def read(self, row: PublishedRow) -> None:
        """Take a row: the next step of its session."""
        self._tally.count_type(row.provider)
        self._tally.steps += 1
        session = self._sessions.get(row.session_id)
        if session is None:
            first = replace(row, **_NO_LISTS)
            session = self._sessions[row.session_id] = _Session(first)
            texts = (value for value in astuple(first) if isinstance(value, str))
            self._held_bytes += 2_500 + 4 * sum(map(len, texts))
        step_seq = session.steps
        session.steps += 1
        message_id = row.round_id or f"{row.session_id}/{row.round_index}"
        events = self._inputs_of_others(row, session)
        self._ready[Step].append(self._step(row, step_seq, message_id, events))
        self._add_events(row, session, step_seq, message_id, events)
        self._add_events(row, session, None, f"{row.session_id}/{step_seq}", row.x_events_without_step)
        self._add_calls(row, session, step_seq, message_id)
        for call in row.x_extra_calls:
            self._ready[ExtraCall].append(
                ExtraCall(
                    row.session_id,
                    self._file_id,
                    step_seq,
                    call.call_index,
                    call.call_type,
                    call.model,
                    call.input_tokens,
                    call.prefix_tokens,
                    call.append_tokens,
                    call.cache_write_tokens,
                    call.cache_write_5m_tokens,
                    call.cache_write_1h_tokens,
                    call.output_tokens,
                    call.reasoning_tokens,
                )
            )
        for number, marker in enumerate(row.x_compactions):
            compacted_at = utc(marker.compacted_at)
            session.seen(compacted_at)
            self._ready[Compaction].append(
                Compaction(
                    self._file_id,
                    row.session_id,
                    f"{row.session_id}/{message_id}/{number}",
                    step_seq if marker.is_before_step else None,
                    compacted_at,
                    marker.compaction_trigger,
                    marker.pre_tokens,
                    marker.post_tokens,
                )
            )

    def _finish(self) -> Iterator[Session]:
        """Give what only the end of the file tells, sessions; results that no step follows become events."""
        for session_id, session in self._sessions.items():
            first = session.first
            self._add_events(first, session, None, f"{session_id}/end", _in_order(session.held.values()))
            yield Session(
                session_id=session_id,
                file_id=self._file_id,
                provider=first.provider,
                is_own=True,
                session_kind=first.x_session_kind or "main",
                parent_session_id=first.x_parent_session_id,
                root_session_id=first.x_root_session_id or session_id,
                forked_from_session_id=first.x_forked_from_session_id,
                agent_type=first.x_agent_type,
                user_name=_somebody(first.user),
                project=_somebody(first.project),
                client_version=first.x_session_client_version,
                entrypoint=first.x_entrypoint,
                started_at=session.started_at,
                ended_at=session.ended_at,
                spawn_tool_call_id=first.x_spawn_tool_call_id,
                is_published=True,
                replays_left_out=first.x_replayed_steps,
                forked_from_step_id=first.x_forked_from_step_id,
            )

    def _inputs_of_others(self, row: PublishedRow, session: _Session) -> list[PublishedEvent]:
        """Return a row's events, each result of its own calls kept back for the session's next step."""
        if row.x_session_kind is not None:
            return row.timing_events
        own_calls = {call.tool_call_id for call in row.tools if call.tool_call_id}
        due = [call_id for call_id in session.held if call_id not in own_calls]
        events = _in_order([session.held.pop(call_id) for call_id in due])
        for event in row.timing_events:
            call_id = event.tool_call_id
            if call_id and event.event_type == "tool_result" and call_id in own_calls:
                session.results += 1
                session.held.setdefault(call_id, []).append((session.results, event))
            else:
                events.append(event)
        return events

    def _step(self, row: PublishedRow, step_seq: int, message_id: str, events: list[PublishedEvent]) -> Step:
        is_ours = row.x_session_kind is not None
        total, output = row.input_tokens_total, row.output_tokens
        if not (is_ours or total or output):
            total = output = None  # the published shape writes 0 where no usage was logged
        prefix = None if total is None else min(row.prefix_tokens or 0, total)
        append = None if total is None or prefix is None else total - prefix
        written, written_5m, written_1h = (
            (row.x_cache_write_tokens, row.x_cache_write_5m_tokens, row.x_cache_write_1h_tokens)
            if is_ours
            else _writes(row, append)
        )
        if total is None and output is None:
            usage_source = "none"
        elif any(event.source == CLOSING_RECORD for event in events):
            usage_source = "record"
        else:
            usage_source = "response" if row.provider == "claude" else "token_count"
        return Step(
            session_id=row.session_id,
            file_id=self._file_id,
            step_seq=step_seq,
            line_no=self._tally.line_no,
            provider=row.provider,
            model=row.model,
            message_id=message_id,
            echo_id=None,
            usage_source=usage_source,
            is_inherited=False,
            purpose=row.x_purpose,
            turn_id=row.turn_id,
            calls=row.x_calls or 1,
            input_tokens=total,
            context_tokens=row.x_context_tokens if is_ours else total,
            prefix_tokens=prefix,
            append_tokens=append,
            cache_write_tokens=written,
            cache_write_5m_tokens=written_5m,
            cache_write_1h_tokens=written_1h,
            output_tokens=output,
            reasoning_tokens=row.reasoning_output_tokens,
            visible_chars=0,
            usage_is_final=row.x_usage_is_final if output is not None else False,
            stop_reason=row.x_stop_reason,
            service_tier=row.x_service_tier,
            speed=row.x_speed,
            effort=None,
            client_version=row.x_client_version,
            context_window_tokens=row.x_context_window_tokens,
        )

    def _add_events(
        self,
        row: PublishedRow,
        session: _Session,
        step_seq: int | None,
        key: str,
        events: list[PublishedEvent],
    ) -> None:
        is_ours = row.x_session_kind is not None
        ordinals = Counter[str]()
        for event in events:
            kind = event.event_type
            if kind not in _EVENT_TYPES:
                self._tally.issue("unknown_event_type")
                continue
            event_at = utc(event.timestamp)
            if event_at:
                session.seen(event_at)
                self._tally.seen(event_at)
            # copies of a step list the same things: what an event is, and the how manieth, tells them apart
            name = f"{(event.tool_call_id if step_seq is not None else None) or key}/{kind}"
            ordinals[name] += 1
            chars = event.result_chars if event.content_chars is None else event.content_chars
            message_kind = event.x_message_kind if is_ours else "human"
            self._ready[Event].append(
                Event(
                    file_id=self._file_id,
                    session_id=row.session_id,
                    step_seq=step_seq,
                    event_index=next(self._event_numbers),
                    event_id=f"{name}/{ordinals[name]}",
                    block_index=0,
                    event_type=kind,
                    started_at=utc(event.x_started_at),
                    event_at=event_at,
                    message_kind=message_kind if kind == "user_message" else None,
                    tool_call_id=event.tool_call_id,
                    content_chars=chars,
                    is_error=event.is_error,
                )
            )

    def _add_calls(self, row: PublishedRow, session: _Session, step_seq: int, message_id: str) -> None:
        for place, call in enumerate(row.tools):
            emitted_at, result_at = utc(call.emitted_at), utc(call.result_at)
            session.seen(emitted_at)
            session.seen(result_at)
            self._ready[ToolCall].append(
                ToolCall(
                    session_id=row.session_id,
                    file_id=self._file_id,
                    step_seq=step_seq,
                    tool_index=place,
                    tool_call_id=call.tool_call_id or f"{message_id}/{place}",
                    tool_name=call.tool_name,
                    emitted_at=emitted_at,
                    result_at=result_at,
                    wall_ms=_whole(call.tool_wall_latency_ms),
                    internal_ms=_whole(call.tool_internal_latency_ms),
                    is_error=call.is_error,
                    exit_code=call.x_exit_code,
                    is_denied=call.x_is_denied or False,
                    is_poll=call.x_is_poll or False,
                    agent_id=None,
                    agent_type=None,
                    web_searches=call.x_web_searches,
                    input_chars=call.input_chars or 0,
                    result_chars=call.result_chars,
                )
            )


def _writes(row: PublishedRow, append: int | None) -> tuple[int | None, int | None, int | None]:
    """Cache writes of a row that names no tier: all for 5 minutes, the only tier before there was a split."""
    written = row.claude_cache_creation_input_tokens
    if written is None or append is None:
        return None, None, None
    written = min(written, append)
    return written, written, 0


def _in_order(held: Iterable[list[tuple[int, PublishedEvent]]]) -> list[PublishedEvent]:
    return [event for _, event in sorted(chain.from_iterable(held), key=itemgetter(0))]


def _somebody(name: str | None) -> str | None:
    return None if name in _NOBODY else name


def _whole(latency_ms: float | None) -> int | None:
    return None if latency_ms is None else round(latency_ms)


PUBLISHED = Provider("published", (PublishedRow,), _Dataset, grows=False)
