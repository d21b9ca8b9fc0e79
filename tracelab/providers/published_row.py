"""The published step row: a line of a released dataset, as `load` reads and `publish` writes it.

Keys that begin `x_` are ours: what the marts need and the published shape lacks. Absent is absent, not null.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from tracelab.providers.base import Count, Name, Tokens, is_known

_MOST = 2**53
Milliseconds = (
    Annotated[int, msgspec.Meta(ge=-_MOST, le=_MOST)] | Annotated[float, msgspec.Meta(ge=-_MOST, le=_MOST)]
)
"""A latency; negative where the log says so, and of a part of a millisecond where it was derived."""
Id = Annotated[str, msgspec.Meta(max_length=512)]
"""What tells things apart: a pseudonym, or as another's dataset has it; never a text."""
MessageKind = Literal[
    "human", "agent", "meta", "command", "command_output", "interrupt", "compact_summary", "notification",
    "environment",
]  # fmt: skip


def utc(instant: datetime | None) -> datetime | None:
    """Give an instant its zone: UTC, which a database leaves unsaid."""
    return instant.replace(tzinfo=UTC) if instant and instant.tzinfo is None else instant


def _check(*instants: datetime | None) -> None:
    """Refuse an instant that no clock tells; it costs its row.

    Raises:
        ValueError: if one is out of bounds.
    """
    for at in map(utc, instants):
        if at is not None and not is_known(at):
            raise ValueError("Expected a time from 1970 to 9997")


class PublishedEvent(msgspec.Struct, omit_defaults=True):
    """An input or output of a step."""

    event_type: Name
    event_index: int | None = None
    """1-based place in the list; the older variant has none, and the place says it."""
    timestamp: datetime | None = None
    source: Name | None = None
    tool_call_id: Id | None = None
    is_error: bool | None = None
    result_chars: Count | None = None
    content_chars: Count | None = None
    x_message_kind: MessageKind | None = None
    x_started_at: datetime | None = None

    def __post_init__(self) -> None:
        _check(self.timestamp, self.x_started_at)


class PublishedCall(msgspec.Struct, omit_defaults=True):
    """A tool call of a step."""

    tool_index: int | None = None
    tool_name: Name | None = None
    tool_call_id: Id | None = None
    emitted_at: datetime | None = None
    result_at: datetime | None = None
    input_chars: Count | None = None
    result_chars: Count | None = None
    tool_wall_latency_ms: Milliseconds | None = None
    tool_internal_latency_ms: Milliseconds | None = None
    is_error: bool | None = None
    x_exit_code: int | None = None
    x_is_denied: bool | None = None
    x_is_poll: bool | None = None
    x_web_searches: Count | None = None

    def __post_init__(self) -> None:
        _check(self.emitted_at, self.result_at)


class PublishedCompaction(msgspec.Struct, omit_defaults=True):
    """A compaction marker: before the step of its row, or after the session's last one."""

    is_before_step: bool
    compaction_index: int | None = None
    compacted_at: datetime | None = None
    compaction_trigger: Literal["auto", "manual"] | None = None
    pre_tokens: Count | None = None
    post_tokens: Count | None = None

    def __post_init__(self) -> None:
        _check(self.compacted_at)


class PublishedExtraCall(msgspec.Struct, omit_defaults=True):
    """A model call behind a step that its tokens leave out."""

    call_index: Count
    call_type: Literal["advisor", "compaction", "declined"]
    model: Name | None = None
    input_tokens: Tokens | None = None
    prefix_tokens: Tokens | None = None
    append_tokens: Tokens | None = None
    cache_write_tokens: Tokens | None = None
    cache_write_5m_tokens: Tokens | None = None
    cache_write_1h_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    reasoning_tokens: Tokens | None = None


# Empty lists are written, as the published shape has them: only one made by `list` itself would be left out.
def _no_events() -> list[PublishedEvent]:
    return []


def _no_calls() -> list[PublishedCall]:
    return []


class PublishedRow(msgspec.Struct, omit_defaults=True):
    """A step, with its events and tool calls."""

    provider: Literal["claude", "codex"]
    session_id: Id
    round_index: Count
    user: Name | None = None
    project: Name | None = None
    round_id: Id | None = None
    turn_id: Id | None = None
    model: Name | None = None
    input_tokens_total: Tokens | None = None
    prefix_tokens: Tokens | None = None
    newly_append_tokens: Tokens | None = None
    claude_uncached_input_tokens: Tokens | None = None
    claude_cache_creation_input_tokens: Tokens | None = None
    claude_cache_read_input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    reasoning_output_tokens: Tokens | None = None
    current_input_event_count: Count | None = None
    current_user_message_count: Count | None = None
    current_user_message_chars: Count | None = None
    current_tool_result_count: Count | None = None
    current_tool_result_chars: Count | None = None
    current_input_chars: Count | None = None
    first_input_event_type: Name | None = None
    timing_events: list[PublishedEvent] = msgspec.field(default_factory=_no_events)
    tools: list[PublishedCall] = msgspec.field(default_factory=_no_calls)
    x_session_kind: Literal["main", "subagent"] | None = None
    """Stands in every row that we publish; a row without it has no other `x_…` either."""
    x_parent_session_id: Id | None = None
    x_root_session_id: Id | None = None
    x_forked_from_session_id: Id | None = None
    x_forked_from_step_id: Id | None = None
    x_spawn_tool_call_id: Id | None = None
    x_agent_type: Name | None = None
    x_entrypoint: Name | None = None
    x_session_client_version: Name | None = None
    x_replayed_steps: Count | None = None
    x_client_version: Name | None = None
    x_context_tokens: Tokens | None = None
    x_context_window_tokens: Tokens | None = None
    x_cache_write_tokens: Tokens | None = None
    x_cache_write_5m_tokens: Tokens | None = None
    x_cache_write_1h_tokens: Tokens | None = None
    x_usage_is_final: bool | None = None
    x_calls: Count | None = None
    x_purpose: Literal["compaction"] | None = None
    x_stop_reason: Name | None = None
    x_service_tier: Name | None = None
    x_speed: Name | None = None
    x_events_without_step: list[PublishedEvent] = []
    """Of the session, on its last row."""
    x_compactions: list[PublishedCompaction] = []
    x_extra_calls: list[PublishedExtraCall] = []
