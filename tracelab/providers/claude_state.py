"""What is kept of a Claude log while it is read, and the raw rows that come of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from tracelab.providers.base import Tally, is_name
from tracelab.providers.claude_records import (
    Block,
    ClaudeRecord,
    CompactMetadata,
    ForkedFrom,
    Message,
    ModelTotal,
    Outcome,
    Usage,
    exit_code,
    internal_ms,
    is_denial,
    searches,
)
from tracelab.providers.claude_usage import UNMETERED, Metered, Names, is_final, metered, prompt_tokens
from tracelab.schema import ClientTotal, Compaction, LoadIssue, Values

AGENT_TOOLS = frozenset({"Task", "Agent", "Skill"})
"""Tools that start a subagent."""
_POLLS = frozenset({"BashOutput", "TaskOutput", "AgentOutput", "AgentOutputTool"})
_SHELLS = frozenset({"Bash", "PowerShell"})
_TRIGGERS = frozenset({"auto", "manual"})
_SILENT = Outcome()
_HEX = "[0-9a-fA-F]"
_is_uuid = re.compile(f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}").fullmatch
_is_plain = re.compile(r"[A-Za-z0-9_.:-]{1,64}").fullmatch


InputEvent = tuple[int, str, int, str, None, datetime | None, str | None, str | None, int | None, bool | None]
"""An Event that waits for its step: its columns from `event_index` on."""


@dataclass(slots=True, eq=False)
class Context:
    """One growing prompt: a conversation (no agent), or one subagent of it."""

    conversation: str
    agent: str | None
    is_own: bool = True
    id: str = ""
    is_present: bool = False
    """Whether the file holds a step, an event or a compaction of it."""
    is_named: bool = False
    """Whether a message bears its name, be it another context's in truth."""
    steps: dict[str, "StepState"] = field(default_factory=dict)
    """By the API message's id as logged, if that is short."""
    pending: list["Input"] = field(default_factory=list)
    """What came since its last step began."""
    held: list["Input"] = field(default_factory=list)
    """What its last step took, holding results of calls that no row had made."""
    records: set[str] = field(default_factory=set)
    """Uuids of records whose events are taken."""
    unnamed: dict[str, int] = field(default_factory=dict)
    """How often each name of records without a proper uuid was seen."""
    marker: "Marker | None" = None
    """The latest compaction since its last step began."""
    started_by: str | None = None
    """The tool call that started it, if the file says so."""
    forked_from: str | None = None
    version: str | None = None
    entrypoint: str | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None

    def __post_init__(self) -> None:
        self.id = f"claude:{self.conversation}" + (f"/{self.agent}" if self.agent else "")

    def held_bytes(self) -> int:
        """Estimate, rather too high, its memory until the file ends."""
        waiting = sum(each.held_bytes() for each in (*self.pending, *self.held))
        return 4_000 + 900 * len(self.steps) + 200 * (len(self.records) + len(self.unnamed)) + waiting

    def seen(self, instant: datetime | None) -> None:
        """Note that the file holds something of the context, and when."""
        self.is_present = True
        if instant is None:
            return
        if self.last_at is None or instant > self.last_at:
            self.last_at = instant
            self.first_at = self.first_at or instant
        elif self.first_at is None or instant < self.first_at:
            self.first_at = instant

    def take(self, record: ClaudeRecord) -> str | None:
        """Return what a record's copies share, or None if the record is a copy of one taken before.

        That is the uuid of the record that it was copied from, else its own; where that is not global, its
        place among the records of its name or time.
        """
        uuid, origin = record.uuid, record.forked_from
        if origin is not None and isinstance(origin, ForkedFrom):
            uuid = origin.message_uuid or uuid
        if uuid is not None and _is_uuid(uuid):
            if uuid in self.records:
                return None
            self.records.add(uuid)
            return uuid
        stem = uuid if uuid is not None and _is_plain(uuid) else str(record.timestamp or "")
        count = self.unnamed[stem] = self.unnamed.get(stem, 0) + 1
        return f"{self.id.removeprefix('claude:')}/{stem}#{count}"


@dataclass(slots=True, eq=False)
class Marker:
    """A compaction that waits for the step after it."""

    id: str
    at: datetime | None
    body: CompactMetadata
    is_summary: bool = False
    """Whether only the summary was seen so far, not the boundary."""

    def become(self, boundary: "Marker") -> None:
        """Take over what the boundary says."""
        self.id, self.at, self.body, self.is_summary = boundary.id, boundary.at, boundary.body, False


class Input(msgspec.Struct, eq=False):  # many, seldom written to: made twice as fast as a dataclass
    """What one record puts before the next step of its context."""

    context: Context
    at: datetime | None
    events: list[InputEvent] = []
    marker: Marker | None = None
    is_queued: bool = False
    """Whether it is a prompt that was queued while the model worked."""
    is_sent: bool = False
    """Of such a prompt: whether a user row says the same, and stands for it."""
    is_linked: bool = False
    """Whether an assistant row may still descend from it."""
    early: list["CallState"] = []
    """Calls that it holds results of, and that no row made before."""
    step_seq: int | None = None
    """Of one with early results: the step that took it."""

    def held_bytes(self) -> int:
        """Estimate, rather too high, its memory until it is released."""
        return 500 + 500 * len(self.events)

    def say(self, event_index: int, name: str, block_index: int, kind: str, chars: int) -> None:
        """Add the record's message."""
        self.events.append(
            (event_index, name, block_index, "user_message", None, self.at, kind, None, chars, None)
        )

    def release(
        self, file_id: str, step_seq: int | None, ready: list[Values], compactions: list[Values]
    ) -> None:
        """Add its raw rows, as input of a step or of none."""
        session_id = self.context.id
        if self.marker is not None:
            compactions.append(_compaction(file_id, session_id, step_seq, self.marker))
        ready += [(file_id, session_id, step_seq, *event) for event in self.events]


@dataclass(slots=True, eq=False)
class StepState:
    """One API message as far as it was read; `score` ranks the row that its columns come from."""

    context: Context
    seq: int
    line_no: int
    message_id: str
    is_inherited: bool
    score: tuple[int, int, bool] = (-2, 0, False)
    usage: Usage | None = None
    """What `settle` has yet to read."""
    metered: Metered = UNMETERED
    model: str | None = None
    stop_reason: str | None = None
    effort: str | None = None
    version: str | None = None
    tools: int = 0
    visible_chars: int = 0

    def weigh(self, record: ClaudeRecord, message: Message) -> None:
        """Take the columns of a row of the message unless a row before had greater usage."""
        usage, stop_reason = message.usage, message.stop_reason
        output = prompt = None
        if usage is not None:
            output, prompt = usage.output_tokens, prompt_tokens(usage)
        if output is None and prompt is None:
            usage, score = None, (-1, 0, stop_reason is not None)
        else:
            score = (output or 0, prompt or 0, stop_reason is not None)
        if score >= self.score:
            self.score, self.usage, self.stop_reason = score, usage, stop_reason
            self.effort, self.version = record.effort, record.version
            self.model = message.model or self.model
        elif self.model is None:
            self.model = message.model

    def settle(self, shared: Names) -> int:
        """Keep what takes less memory: each name once, and what the usage means; return its extra calls."""
        self.model, self.stop_reason = shared(self.model), shared(self.stop_reason)
        self.effort, self.version = shared(self.effort), shared(self.version)
        if self.usage is None:
            return 0
        self.metered, self.usage = metered(self.usage, shared), None
        return len(self.metered.extra_calls)

    def extra_calls(self, file_id: str) -> Iterator[Values]:
        """Give the raw rows of the calls that its tokens leave out."""
        for index, call in enumerate(self.metered.extra_calls):
            yield (self.context.id, file_id, self.seq, index, *call)

    def row(self, file_id: str, tally: Tally) -> Values:
        """Return its raw row."""
        usage = self.metered
        if not usage.adds_up:
            issue = LoadIssue(file_id, self.line_no, None, "unknown_usage_shape", "iterations")
            tally.issues.append(issue)
        prompt, prefix, append, written, written_5m, written_1h, output, reasoning = usage.tokens
        return (
            self.context.id,
            file_id,
            self.seq,
            self.line_no,
            "claude",
            self.model,
            self.message_id,
            None,
            "none" if usage == UNMETERED else "response",
            self.is_inherited,
            None,
            None,
            usage.calls,
            prompt,
            usage.context_tokens,
            prefix,
            append,
            written,
            written_5m,
            written_1h,
            output,
            reasoning,
            self.visible_chars,
            is_final(output, self.stop_reason, self.visible_chars),
            self.stop_reason,
            usage.service_tier,
            usage.speed,
            self.effort,
            self.version,
            None,
        )


@dataclass(slots=True, eq=False)
class CallState:
    """A tool call as far as it was read: its use, its result, or both, in either order."""

    id: str
    step: StepState | None = None
    index: int = 0
    name: str | None = None
    emitted_at: datetime | None = None
    input_chars: int = 0
    agent_type: str | None = None
    agent_id: str | None = None
    result_at: datetime | None = None
    result_chars: int | None = None
    internal_ms: int | None = None
    is_error: bool | None = None
    """None until there is a result."""
    is_denied: bool = False
    exit_code: int | None = None
    searches: int | None = None

    def end(self, result: Block, record: ClaudeRecord, chars: int, is_sole: bool) -> None:
        """Take a result: the first one's times and size; a failure if any is one."""
        failed = result.is_error is True
        if self.is_error is None:
            self.is_error, self.result_at, self.result_chars = failed, record.timestamp, chars
            outcome = record.tool_use_result
            if is_sole and isinstance(outcome, Outcome) and outcome != _SILENT:
                self.internal_ms = internal_ms(outcome)
                if is_name(outcome.agent_id):
                    self.agent_id = outcome.agent_id
                self.searches = searches(outcome)
        if failed:
            self.is_error = True
            self.exit_code = self.exit_code or exit_code(result.content)
        if failed or (is_sole and record.tool_denial_kind is not None):
            self.is_denied = self.is_denied or is_denial(record.tool_denial_kind, result.content)

    def row(self, file_id: str, step: StepState) -> Values:
        """Return its raw row, as a call of a step."""
        emitted_at, result_at, wall_ms = self.emitted_at, self.result_at, None
        if emitted_at is not None and result_at is not None:
            wall_ms = round((result_at - emitted_at).total_seconds() * 1000)
        return (
            step.context.id,
            file_id,
            step.seq,
            self.index,
            self.id,
            self.name,
            emitted_at,
            result_at,
            wall_ms,
            self.internal_ms,
            self.is_error,
            self.exit_code if self.name in _SHELLS else None,
            self.is_denied,
            self.name in _POLLS,
            self.agent_id if self.name in AGENT_TOOLS else None,
            self.agent_type,
            self.searches if self.name == "WebSearch" else None,
            self.input_chars,
            self.result_chars,
        )


def client_total(file_id: str, conversation: str, model: str, total: ModelTotal) -> ClientTotal:
    """Return the row of a client's own total for a model."""
    return ClientTotal(
        session_id=f"claude:{conversation}",
        file_id=file_id,
        model=model,
        input_tokens=total.input_tokens,
        prefix_tokens=total.cache_read_input_tokens,
        cache_write_tokens=total.cache_creation_input_tokens,
        output_tokens=total.output_tokens,
        reasoning_tokens=total.thinking_tokens,
        web_searches=total.web_search_requests,
        cost_usd=total.cost_usd,
    )


def _compaction(file_id: str, session_id: str, step_seq: int | None, marker: Marker) -> Compaction:
    body, trigger = marker.body, marker.body.trigger
    return Compaction(
        file_id=file_id,
        session_id=session_id,
        compaction_id=marker.id,
        before_step_seq=step_seq,
        compacted_at=marker.at,
        # whatever else sets one off (idleness, …), nobody asked for it
        compaction_trigger="auto" if trigger is not None and trigger not in _TRIGGERS else trigger,
        pre_tokens=body.pre_tokens,
        post_tokens=body.post_tokens,
    )
