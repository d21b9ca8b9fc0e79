"""The records of Codex rollouts as typed structs: the fields that matter, everything else skipped unread.

Nearly all lines are of four types, each decoded in one go (`UsualLine`). Any other line is decoded in two
stages: its envelope (`Record`) keeps the body as JSON, so that a record type nobody knows yet is never an
error, and a wrong value in a body is mended.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Raw

from tracelab.providers.base import FAULTS, Count, Instant, Name, Tally, is_known, lenient

NO_BODY = Raw()
ExitCode = Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**32)]
"""A process's exit status; Windows has unsigned 32-bit ones."""


class Record(msgspec.Struct, gc=False):
    """One object of a rollout: an envelope around `payload`, or a bare item of the oldest format."""

    timestamp: Instant | None = None
    type: str | None = None
    payload: Raw = NO_BODY
    ordinal: Any = None
    metadata: Raw = NO_BODY
    record_type: Any = None
    id: Any = None
    role: Any = None
    content: Any = None
    name: Any = None
    arguments: Any = None
    input: Any = None
    call_id: Any = None
    output: Any = None


class Usage(msgspec.Struct, gc=False):
    """Token counts of one response, or of all up to one."""

    input_tokens: Count | None = None
    cached_input_tokens: Count | None = None
    cache_write_input_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_output_tokens: Count | None = None
    total_tokens: Count | None = None


Numbers = tuple[int, int, int, int, int, int]
"""All six counts of a usage, absent ones as 0: what echoes and copies are compared by."""


def numbers(usage: Usage) -> Numbers:
    """Return the six counts of a usage."""
    return (
        usage.input_tokens or 0,
        usage.cached_input_tokens or 0,
        usage.cache_write_input_tokens or 0,
        usage.output_tokens or 0,
        usage.reasoning_output_tokens or 0,
        usage.total_tokens or 0,
    )


class _HistoryBase(msgspec.Struct, gc=False):
    thread_id: Name | None = None


class SessionMeta(msgspec.Struct, gc=False):
    """`session_meta`: who writes the file, and whose history it continues."""

    id: Name | None = None
    session_id: Name | None = None
    forked_from_id: Name | None = None
    parent_thread_id: Name | None = None
    timestamp: Instant | None = None
    cwd: str | None = None
    originator: Name | None = None
    cli_version: Name | None = None
    source: Any = None
    thread_source: Name | None = None
    agent_role: Name | None = None
    history_base: _HistoryBase | None = None
    subagent_history_start_ordinal: Any = None

    def __post_init__(self) -> None:
        if self.timestamp is not None and not is_known(self.timestamp):
            raise ValueError("Expected a time from 1970 to 9997 - at `$.timestamp`")


class TurnContext(msgspec.Struct, gc=False):
    """`turn_context`: the model asked for, and the turn it is asked in."""

    turn_id: Name | None = None
    cwd: str | None = None
    model: Name | None = None
    effort: Name | None = None


class _Attribution(msgspec.Struct, gc=False):
    model: Name | None = None
    service_tier: Name | None = None
    context_length: Count | None = None


class UsageRecord(msgspec.Struct, gc=False):
    """`token_usage_record`: the usage of one response; `attribution` is written by one fork only."""

    thread_id: Name | None = None
    turn_id: Name | None = None
    response_id: str | None = None
    usage: Usage | None = None
    attribution: _Attribution | None = None


class Compacted(msgspec.Struct, gc=False):
    """`compacted`: the history was replaced by a summary."""

    window_id: Any = None
    compaction_response_id: str | None = None
    latest_token_usage_record: UsageRecord | None = None


class _Block(msgspec.Struct, gc=False):
    text: str | None = None


Content = list[_Block] | str | None


def text_of(content: Content) -> str:
    """Return the text of a message's content, its blocks joined."""
    if isinstance(content, list):
        if len(content) == 1:
            return content[0].text or ""
        return "".join([block.text for block in content if block.text])
    return content or ""


class _Reasoning(msgspec.Struct, gc=False):
    effort: Name | None = None


class ResponseItem(msgspec.Struct, gc=False):
    """`response_item`: what goes to the model or comes from it."""

    type: str | None = None
    role: str | None = None
    name: Name | None = None
    namespace: Name | None = None
    arguments: Any = None
    input: Any = None
    call_id: str | None = None
    id: str | None = None
    action: Any = None
    output: Any = None
    summary: list[Raw] | str | None = None
    content: Content = None
    reasoning: _Reasoning | None = None


class TokenInfo(msgspec.Struct, gc=False):
    """`token_count.info`: the response's usage, and the running total after it."""

    total_token_usage: Usage | None = None
    last_token_usage: Usage | None = None
    model_context_window: Count | None = None


class _Settings(msgspec.Struct, gc=False):
    model: Name | None = None
    service_tier: Name | None = None
    reasoning_effort: Name | None = None


class _TurnItem(msgspec.Struct, gc=False):
    type: str | None = None
    content: Content = None


class Duration(msgspec.Struct, gc=False):
    """A runner's own measurement of time."""

    secs: Count = 0
    nanos: Count = 0


class _McpAnswer(msgspec.Struct, gc=False):
    isError: bool | None = None


class _McpResult(msgspec.Struct, gc=False):
    Ok: Raw = NO_BODY
    Err: Raw = NO_BODY


class EventMessage(msgspec.Struct, gc=False):
    """`event_msg`: what the client tells of itself; the fields of all the types that are read."""

    type: str | None = None
    info: TokenInfo | None = None
    message: str | None = None
    kind: str | None = None
    turn_id: Name | None = None
    reason: str | None = None
    thread_id: Name | None = None
    thread_settings: _Settings | None = None
    model_context_window: Count | None = None
    item: _TurnItem | None = None
    started_at_ms: Count | None = None
    call_id: str | None = None
    duration: Duration | None = None
    exit_code: ExitCode | None = None
    success: bool | None = None
    status: Any = None
    aggregated_output: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    result: _McpResult | None = None
    usage: Raw = NO_BODY
    event_id: str | None = None
    agent_thread_id: str | None = None
    new_thread_id: str | None = None
    new_agent_role: Name | None = None
    target_item_id: str | None = None


EVENTS_READ = frozenset(
    (
        "token_count",
        "user_message",
        "agent_message",
        "agent_reasoning",
        "task_started",
        "turn_aborted",
        "turn.completed",
        "thread_settings_applied",
        "item_completed",
        "exec_command_end",
        "patch_apply_end",
        "mcp_tool_call_end",
        "collab_agent_spawn_end",
        "sub_agent_activity",
        "guardian_assessment",
    )
)
ITEMS_READ = frozenset(
    (
        "message",
        "reasoning",
        "function_call",
        "custom_tool_call",
        "local_shell_call",
        "function_call_output",
        "custom_tool_call_output",
        "web_search_call",
        "image_generation_call",
        "tool_search_call",
        "agent_message",
        "configuration_update",
    )
)


class LineMetadata(msgspec.Struct, gc=False):
    """What a `response_item` line says beside its payload: who wrote the text."""

    delivered_assistant_message: str | None = None
    compaction_output: bool | None = None


class _Subtype(msgspec.Struct, gc=False):
    type: str | None = None


class _Line(msgspec.Struct, gc=False, kw_only=True, tag_field="type"):
    timestamp: Instant | None = None
    ordinal: Any = None


class ItemLine(_Line, gc=False, kw_only=True, tag="response_item"):
    """A whole `response_item`."""

    payload: ResponseItem
    metadata: Raw = NO_BODY


class EventLine(_Line, gc=False, kw_only=True, tag="event_msg"):
    """A whole `event_msg`."""

    payload: EventMessage


class ContextLine(_Line, gc=False, kw_only=True, tag="turn_context"):
    """A whole `turn_context`."""

    payload: TurnContext


class UsageLine(_Line, gc=False, kw_only=True, tag="token_usage_record"):
    """A whole `token_usage_record`."""

    payload: UsageRecord


UsualLine = ItemLine | EventLine | ContextLine | UsageLine


def mend_item(body: Raw, tally: Tally) -> ResponseItem | None:
    """Decode the body of a `response_item`, mending it; of a type unread, only the type."""
    kind = _subtype(body)
    if kind is None or kind in ITEMS_READ:
        return lenient(body, ResponseItem, tally)
    return ResponseItem(type=kind)


def mend_event(body: Raw, tally: Tally) -> EventMessage | None:
    """Decode the body of an `event_msg`, mending it; of a type unread, only the type."""
    kind = _subtype(body)
    if kind is None or kind in EVENTS_READ:
        return lenient(body, EventMessage, tally)
    return EventMessage(type=kind)


def _subtype(body: Raw) -> str | None:
    try:
        return msgspec.json.decode(body, type=_Subtype).type
    except FAULTS:
        return None


def is_failed_mcp(result: _McpResult | None) -> bool | None:
    """Say whether an MCP tool failed; None if its result does not tell."""
    if result is None:
        return None
    if result.Err:
        return True
    try:
        return bool(msgspec.json.decode(result.Ok, type=_McpAnswer).isError)
    except FAULTS:
        return False if result.Ok else None
