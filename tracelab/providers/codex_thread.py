"""One thread (session) of a rollout while it is read: what waits for its next step, and the steps it has.

Inputs wait for the next step. Outputs belong to the response that a usage row closes: the row after them
(usage-last layout, and every `token_usage_record`), or the row before them (usage-first layout).
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from struct import Struct
from typing import Any

import msgspec

from tracelab.providers.base import global_id
from tracelab.providers.codex_records import Numbers, Usage
from tracelab.providers.codex_tools import Call

Entry = list[Any]
"""An Event under construction: its values in the order of its fields."""
SESSION_ID, STEP_SEQ, EVENT_TYPE, STARTED_AT, EVENT_AT, TOOL_CALL_ID, CHARS = 1, 2, 6, 7, 8, 10, 11
ENTRY_BYTES = 400
"""Memory of an Event under construction, rather too much."""
_pack = Struct("<12q").pack
_INPUTS = frozenset(("user_message", "tool_result"))
_UNKNOWN_TURN = (None, None)


class Response(msgspec.Struct, gc=False, eq=False):
    """A step: one response, its usage, and what was in force when it was asked for."""

    seq: int
    ordinal: int
    """Place among the thread's steps with usage."""
    line_no: int
    source: str
    message_id: str
    turn: str | None
    model: str | None
    effort: str | None
    tier: str | None
    version: str | None
    window: int | None
    usage: Usage | None = None
    numbers: Numbers | None = None
    closed_at: datetime | None = None
    echo_id: str | None = None
    purpose: str | None = None
    tools: int = 0
    visible_chars: int = 0
    speaks: bool = False
    """Has a call or a text: what makes a step of outputs without usage."""


class Marker(msgspec.Struct, gc=False, eq=False):
    """A compaction: where it stands and what is known of the context's size."""

    id: str
    before_seq: int
    compacted_at: datetime | None
    pre_tokens: int | None
    post_tokens: int | None = None
    is_open: bool = False
    """Whether outputs before it are no step yet: counted as one."""


_minor = re.compile(r"0\.(\d{1,6})\.").match


def minor_version(version: str | None) -> int:
    """Return the 155 of a client's 0.155.1, else 0."""
    found = _minor(version or "")
    return int(found[1]) if found else 0


@dataclass(slots=True, eq=False)
class Thread:
    """State of one thread in one file; finished events go to `ready`."""

    id: str
    calls: dict[str, Call]
    ready: list[Entry]
    session_id: str = field(init=False)
    turn_key: str = field(init=False)
    root: str = field(init=False)
    # who it is
    is_own: bool = False
    is_described: bool = False
    kind: str = "main"
    parent: str | None = None
    forked_from: str | None = None
    agent_type: str | None = None
    project: str | None = None
    entrypoint: str | None = None
    first_version: str | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None
    # what is in force
    version: str | None = None
    model: str | None = None
    effort: str | None = None
    tier: str | None = None
    window: int | None = None
    turn: str | None = None
    turns: dict[str | None, tuple[str | None, str | None]] = field(default_factory=dict)
    """Model and effort by turn."""
    # what is open
    layout: str | None = None
    """Where usage rows stand: `first`, `last`, or not yet known."""
    spoke: bool = False
    """Whether an output stands since the last user message."""
    is_cut: bool = False
    """Whether the next output begins another response than what is open."""
    pending: list[Entry] = field(default_factory=list)
    open: list[Entry] = field(default_factory=list)
    open_lines: list[int] = field(default_factory=list)
    open_turn: str | None = None
    open_tier: str | None = None
    speaks: bool = False
    """Whether what is open will be a step."""
    current: Response | None = None
    """Usage-first: the step that takes the outputs."""
    handed: list[Entry] = field(default_factory=list)
    handed_to: Response | None = None
    """The latest closed step: it may still turn out to be a compaction, which takes no inputs."""
    heard: tuple[str | None, int] | None = None
    """Type and size of a message just heard, whose mirror may follow."""
    streamed: defaultdict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    """When outputs were displayed since the last input: usage-first, before they are logged."""
    begun: defaultdict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    """When outputs to come began, as their mirrors say."""
    # what is known
    steps: list[Response] = field(default_factory=list)
    metered: int = 0
    places: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    """So far, by key."""
    responses: defaultdict[str | None, int] = field(default_factory=lambda: defaultdict(int))
    """So far, by turn."""
    event_ids: dict[str, str] = field(default_factory=dict)
    """Of the turn, by event type or message kind."""
    counted: dict[str, str] = field(default_factory=dict)
    """Keys of the latest calls whose ids are counts, by these."""
    unmatched: dict[Numbers, list[Response]] = field(default_factory=dict)
    """Records that no `token_count` has echoed yet."""
    latest_record: Response | None = None
    by_response: dict[str, Response] = field(default_factory=dict)
    markers: list[Marker] = field(default_factory=list)
    compacting: set[str] = field(default_factory=set)
    """Responses that wrote a summary."""
    marker: Marker | None = None
    """The latest compaction since the last step began."""

    def __post_init__(self) -> None:
        self.turn_key = self.root = self.id
        self.session_id = f"codex:{self.id}"

    def held_bytes(self) -> int:
        """Estimate, rather too high, its memory until the file ends."""
        entries = len(self.pending) + len(self.open) + len(self.handed)
        instants = (*self.streamed.values(), *self.begun.values())
        return (
            5_000
            + 700 * len(self.steps)
            + ENTRY_BYTES * (entries + len(self.markers) + len(self.unmatched))
            + 2_000 * len(self.turns)
            + 300 * (len(self.places) + len(self.responses) + len(self.by_response) + len(self.compacting))
            + 500 * len(self.counted)
            + 100 * sum(map(len, instants))
        )

    def start_turn(self, turn: str | None) -> None:
        """Enter a turn; what the last one left open has no usage, unless a usage row still closes it."""
        if turn is None or turn == self.turn:
            return
        self.turn = turn
        self.turn_key = f"{self.id}/{turn}"
        self.latest_record = None
        self.event_ids = {}
        self.is_cut = True
        self.spoke = False
        self.heard = None
        if self.layout == "first":
            self.layout = self.current = None

    def use_version(self, version: str | None) -> None:
        """Note the client's version; another one may write in another layout."""
        if version is None or version == self.version:
            return
        self.layout = self.current = None
        self.is_cut = True
        self.version = version
        self.first_version = self.first_version or version

    def seen(self, at: datetime) -> None:
        """Widen the thread's span of time."""
        if self.last_at is None or at > self.last_at:
            self.last_at = at
        if self.first_at is None or at < self.first_at:
            self.first_at = at

    def take_over(self, other: "Thread") -> None:
        """Go on with the settings of a copied history, where the thread has none of its own."""
        self.model = self.model or other.model
        self.effort = self.effort or other.effort
        self.tier = self.tier or other.tier
        self.window = self.window or other.window

    def rename(self, thread_id: str) -> None:
        """Bear another id: the one that a log turns out to have after all."""
        old, self.id, self.session_id = self.session_id, thread_id, f"codex:{thread_id}"
        self.turn_key = thread_id if self.turn is None else f"{thread_id}/{self.turn}"
        self.event_ids = {}
        self.root = thread_id
        for entry in (*self.ready, *self.pending, *self.open, *self.handed):
            if entry[SESSION_ID] == old:
                entry[SESSION_ID] = self.session_id
        for call in self.calls.values():
            if call.session_id == old:
                call.session_id = self.session_id

    def event_key(self, event_type: str) -> tuple[str, int]:
        """Return what the turn's next event of a type is keyed by: the turn's id of the type, and a place."""
        event_id = self.event_ids.get(event_type)
        if event_id is None:
            event_id = self.event_ids[event_type] = f"{self.turn_key}/{event_type}"
        place = self.places[event_id]
        self.places[event_id] = place + 1
        return event_id, place

    def call_key(self, call_id: str) -> str:
        """Return what a call that the log tells more of is known by."""
        return self.counted.get(call_id) or global_id(call_id, self.id)

    def place(self, key: str) -> int:
        """Return the next 0-based place under a key."""
        place = self.places[key]
        self.places[key] = place + 1
        return place

    def add_input(self, entry: Entry) -> None:
        """Keep an input for the next step: a response has not seen what stands after its first output."""
        self.streamed.clear()
        self.begun.clear()
        if self.open:
            self.open.append(entry)
            self.open_lines.append(0)
        else:
            self.pending.append(entry)

    def begin_output(self) -> None:
        """Note that the model says something here."""
        if self.is_cut:
            self.abandon()
            self.is_cut = False
        if self.handed_to is not None:
            self.hand_over()
        self.spoke = True
        self.heard = None

    def add_output(self, entry: Entry, line_no: int) -> None:
        """Give an output to the response that it belongs to."""
        self.begin_output()
        if self.current is not None:
            self._give(self.current, (entry,))
            return
        if not self.open:
            self.open_turn, self.open_tier = self.turn, self.tier
        self.open.append(entry)
        self.open_lines.append(line_no)
        self.speaks = self.speaks or entry[EVENT_TYPE] != "reasoning"

    def began(self, event_type: str, instant: datetime) -> None:
        """Take in a mirror's word of when an output began; the mirror stands right before or after it."""
        for entry in reversed(self.open):
            if entry[EVENT_TYPE] == event_type:
                if entry[STARTED_AT] is None and entry[EVENT_AT] is not None and instant <= entry[EVENT_AT]:
                    entry[STARTED_AT] = instant
                    return
                break
        self.begun[event_type].append(instant)

    def abandon(self) -> None:
        """Make steps without usage of open outputs: one a run between inputs that has a call or a text."""
        if not self.open:
            return
        self.hand_over()
        entries, self.open, self.speaks = self.open, [], False
        lines, self.open_lines = self.open_lines, []
        before, start = len(self.steps), 0
        for end, entry in enumerate(entries):
            if entry[EVENT_TYPE] in _INPUTS:
                self._unmetered(entries[start:end], lines[start])
                self.pending.append(entry)
                start = end + 1
        if start < len(entries):
            self._unmetered(entries[start:], lines[start])
        self._settle_markers(len(self.steps) - before)

    def _settle_markers(self, steps: int) -> None:
        """Move compactions behind the steps that were made of what was open before them."""
        for marker in reversed(self.markers):
            if not marker.is_open:
                break
            marker.before_seq += steps - 1
            marker.is_open = False

    def finish(self) -> None:
        """Settle what is left at the end of the file: inputs that led to no step are events of none."""
        self.abandon()
        self.hand_over()
        self.ready += self.pending
        self.pending = []

    def counted_step(self, total: Numbers, last: Numbers, line_no: int) -> Response:
        """Make a step of a `token_count`."""
        self._break_off(self.turn)
        turn = self.open_turn if self.open else self.turn
        key = self.count_key(turn, self.metered, total, last)
        if self.layout is None:
            # a copy may have lost the record of a response that put nothing out
            is_without_record = not self.is_own and minor_version(self.version) >= 153
            self.layout = "last" if self.spoke or is_without_record else "first"
        if self.layout == "last":
            return self._close("token_count", key, turn, line_no)
        self.abandon()
        step = self.current = self._new("token_count", key, self.turn, line_no)
        self._take_inputs(step)
        return step

    def recorded_step(self, response_id: str, turn: str | None, line_no: int) -> Response:
        """Make a step of a `token_usage_record`, or return the one that it makes again."""
        self.current = None
        self.layout = "last"
        self._break_off(turn)
        known = self.by_response.get(response_id)
        if known is not None:
            if self.handed_to is not known:  # else a compaction may yet give back what it took
                self.hand_over()
                self.handed_to = known
            self._take_outputs(known, steps=0)
            return known
        step = self._close("record", f"{self.id}/{response_id}", turn, line_no)
        self.by_response[response_id] = step
        return step

    def _break_off(self, turn: str | None) -> None:
        """Leave what an earlier turn left open to itself where a response of this turn ends."""
        if self.is_cut and turn == self.turn != self.open_turn:
            self.abandon()

    def copied_step(self, response_id: str, turn: str | None, line_no: int) -> Response:
        """Make a step of a record that only a copy tells of; it takes neither inputs nor outputs."""
        step = self._new("record_copy", f"{self.id}/{response_id}", turn, line_no)
        self.by_response[response_id] = step
        return step

    def mark_compaction(self, step: Response) -> None:
        """Mark the response that wrote a summary; its inputs wait for the next step."""
        step.purpose = "compaction"
        if self.handed_to is step:
            self.pending[:0] = [entry for entry in self.handed if entry[EVENT_TYPE] in _INPUTS]
            self.handed = [entry for entry in self.handed if entry[EVENT_TYPE] not in _INPUTS]

    def hand_over(self) -> None:
        """Settle what the latest closed step took in."""
        step = self.handed_to
        if step is not None:
            seq = step.seq
            for entry in self.handed:
                entry[STEP_SEQ] = seq
            self.ready += self.handed
            self.handed = []
            self.handed_to = None

    def count_key(self, turn: str | None, ordinal: int, total: Numbers, last: Numbers) -> str:
        """Key a `token_count`, the same in every copy: in a turn its numbers tell, else its place."""
        digest = blake2b(_pack(*total, *last), digest_size=8).hexdigest()
        return f"{self.id}/{ordinal if turn is None else turn}/{digest}"

    def _new(self, source: str, key: str, turn: str | None, line_no: int) -> Response:
        model, effort = self.turns.get(turn, _UNKNOWN_TURN)
        step = Response(
            len(self.steps),
            self.metered,
            line_no,
            source,
            key,
            turn,
            model or self.model,
            effort or self.effort,
            self.tier,
            self.version,
            self.window,
        )
        if source != "none":
            self.metered += 1
        self.responses[turn] += 1
        self.marker = None
        self.steps.append(step)
        return step

    def _close(self, source: str, key: str, turn: str | None, line_no: int) -> Response:
        step = self._new(source, key, turn, self.open_lines[0] if self.open else line_no)
        self._take_inputs(step)
        self._take_outputs(step)
        return step

    def _take_inputs(self, step: Response) -> None:
        self.hand_over()
        self.handed_to = step
        self.handed, self.pending = self.pending, []

    def _take_outputs(self, step: Response, steps: int = 1) -> None:
        """Give what is open to a step; `steps` says whether it was made for that."""
        self.begun.clear()
        if self.open:
            entries, self.open, self.open_lines, self.speaks = self.open, [], [], False
            self._settle_markers(steps)
            self._give(step, entries)

    def _give(self, step: Response, entries: Iterable[Entry]) -> None:
        """Give outputs to a step; an input that stands among them waits for the next one."""
        seq, ready = step.seq, self.ready
        for entry in entries:
            event_type = entry[EVENT_TYPE]
            if event_type in _INPUTS:
                self.pending.append(entry)
                continue
            entry[STEP_SEQ] = seq
            ready.append(entry)
            if event_type == "reasoning":
                continue
            step.speaks = True
            step.visible_chars += entry[CHARS]
            if event_type == "tool_call":
                call = self.calls[entry[TOOL_CALL_ID]]
                call.step_seq = seq
                call.tool_index = step.tools
                step.tools += 1

    def unmetered_key(self, call_id: str | None, turn: str | None, place: int) -> str:
        """Key a step without usage: by its first call, else by its place among all responses of its turn.

        All, so that it is the same in a log cut off before a response was counted.
        """
        if call_id is not None:
            return call_id if call_id.startswith(f"{self.id}/") else f"{self.id}/{call_id}"
        return f"{self.id}/unmetered/{place}" if turn is None else f"{self.id}/{turn}/unmetered/{place}"

    def _unmetered(self, run: list[Entry], line_no: int) -> None:
        if all(entry[EVENT_TYPE] == "reasoning" for entry in run):
            self.ready += run
            return
        call_id = next((entry[TOOL_CALL_ID] for entry in run if entry[TOOL_CALL_ID] is not None), None)
        turn = self.open_turn
        step = self._new("none", self.unmetered_key(call_id, turn, self.responses[turn]), turn, line_no)
        step.tier = self.open_tier
        self._take_inputs(step)
        self.hand_over()
        self._give(step, run)
