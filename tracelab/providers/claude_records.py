"""What Claude Code's log lines hold: the fields that matter, and what a user row or a tool result means.

Bodies of messages, tools and attachments vary without end; only what is named here is decoded.
"""

import re
from typing import Any

import msgspec

from tracelab.providers.base import Count, Instant, Name, Tokens, content_chars

Loose = str | list[Any] | int | float | bool | None
"""What may stand where an object is expected, and then says nothing."""

_NOTHING = msgspec.Raw()


class CacheCreation(msgspec.Struct, gc=False):
    """Cache writes by lifetime, tokens."""

    ephemeral_5m_input_tokens: Tokens | None = None
    ephemeral_1h_input_tokens: Tokens | None = None


class OutputDetails(msgspec.Struct, gc=False):
    """What the output tokens were spent on."""

    thinking_tokens: Tokens | None = None


class CallUsage(msgspec.Struct, gc=False):
    """Tokens of model calls; `input_tokens` excludes cache reads and writes."""

    input_tokens: Tokens | None = None
    cache_creation_input_tokens: Tokens | None = None
    cache_read_input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None


class Iteration(CallUsage, gc=False):
    """One of the model calls behind a message."""

    type: Name | None = None
    model: Name | None = None


class Usage(CallUsage, gc=False):
    """Tokens of a message: those of its calls that the client counts as its own."""

    service_tier: Name | None = None
    speed: Name | None = None
    iterations: list[Iteration] | None = None


class Block(msgspec.Struct, gc=False):
    """A content block of any type, of an assistant's or a user's message."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: Name | None = None
    input: msgspec.Raw = _NOTHING
    tool_use_id: str | None = None
    content: Any = None
    is_error: bool | None = None
    source: msgspec.Raw = _NOTHING


class Message(msgspec.Struct, gc=False):
    """The API message of an assistant or user row."""

    id: str | None = None
    model: Name | None = None
    content: str | list[Block] | None = None
    stop_reason: Name | None = None
    usage: Usage | None = None


class Outcome(msgspec.Struct, gc=False, rename="camel"):
    """The runner's view of a tool result; any tool may put anything here."""

    duration_ms: Any = None
    duration_ms_snake: Any = msgspec.field(default=None, name="duration_ms")
    duration_seconds: Any = None
    duration_seconds_snake: Any = msgspec.field(default=None, name="duration_seconds")
    total_duration_ms: Any = None
    agent_id: Any = None
    search_count: Any = None


class Origin(msgspec.Struct, gc=False):
    """Where a user row came from."""

    kind: str | None = None


class ForkedFrom(msgspec.Struct, gc=False, rename="camel"):
    """Where a row was copied from."""

    session_id: Name | None = None
    message_uuid: Name | None = None


class Attachment(msgspec.Struct, gc=False, rename="camel"):
    """Context that the client put before the model."""

    type: str | None = None
    prompt: Any = None
    command_mode: str | None = None
    is_meta: bool | None = None
    origin: Origin | Loose = None


class CompactMetadata(msgspec.Struct, gc=False, rename="camel"):
    """What a compaction did to the context, tokens."""

    trigger: Name | None = None
    pre_tokens: Tokens | None = None
    post_tokens: Tokens | None = None


class ModelTotal(msgspec.Struct, gc=False, rename="camel"):
    """The client's running total for one model."""

    input_tokens: Count | None = None
    output_tokens: Count | None = None
    thinking_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    web_search_requests: Count | None = None
    cost_usd: float | None = msgspec.field(default=None, name="costUSD")


class ProgressData(msgspec.Struct, gc=False, rename="camel"):
    """Live progress of a tool; a subagent's holds a whole row of the subagent."""

    type: str | None = None
    agent_id: Name | None = None
    message: "ClaudeRecord | Loose" = None


class ClaudeRecord(msgspec.Struct, gc=False, rename="camel"):
    """One object of a Claude Code log, of any type."""

    parent_uuid: Name | None = None
    is_sidechain: bool | None = None
    session_id: Name | None = None
    version: Name | None = None
    agent_id: Name | None = None
    type: str | None = None
    message: Message | Loose = None
    uuid: Name | None = None
    timestamp: Instant | None = None
    tool_use_result: Outcome | Loose = None
    entrypoint: Name | None = None
    is_meta: bool | None = None
    is_compact_summary: bool | None = None
    is_visible_in_transcript_only: bool | None = None
    is_api_error_message: bool | None = None
    turn_origin: str | None = None
    origin: Origin | Loose = None
    tool_denial_kind: str | None = None
    effort: Name | None = None
    forked_from: ForkedFrom | Loose = None
    subtype: str | None = None
    data: ProgressData | Loose = None
    attachment: Attachment | Loose = None
    parent_tool_use_id: str | None = msgspec.field(default=None, name="parentToolUseID")
    compact_metadata: CompactMetadata | Loose = None
    session_id_snake: Name | None = msgspec.field(default=None, name="session_id")
    model_usage: dict[Name, ModelTotal] | None = None
    continued_in_session_id: Name | None = None
    parent_session_id: Name | None = None


class Sidecar(msgspec.Struct, gc=False, rename="camel"):
    """The `.meta.json` beside an agent's log."""

    agent_type: Name | None = None
    parent_agent_id: Name | None = None
    tool_use_id: str | None = None


class AgentInput(msgspec.Struct, gc=False):
    """The input of the tool that starts a subagent."""

    subagent_type: Name | None = None


def blocks_of(message: Message) -> list[Block]:
    """Content blocks of a message; a plain string is one text."""
    content = message.content
    if isinstance(content, str):
        return [Block(type="text", text=content)]
    return content or []


def row_kind(record: ClaudeRecord) -> str | None:
    """Kind of all texts of a user row, where the row itself says it; None: the texts decide."""
    if record.is_compact_summary:
        return "compact_summary"
    if record.is_meta or record.is_visible_in_transcript_only:
        return "meta"
    if record.turn_origin is not None:
        return None if record.turn_origin in _PERSON_TURNS else "notification"
    return "notification" if _is_foreign(record.origin) else None


def queued_kind(attachment: Attachment, texts: list[str], agent: str | None) -> str:
    """Kind of a prompt that was queued while the model was at work, in a subagent if `agent` names one.

    As in a user row, a prompt that holds somebody's own words, or a picture, is theirs.
    """
    if attachment.command_mode == "task-notification" or _is_foreign(attachment.origin):
        return "notification"
    if attachment.command_mode == "bash":
        return "command"
    if attachment.is_meta:
        return "meta"
    kinds = [text_kind(text) for text in texts]
    if isinstance(attachment.prompt, list) and len(texts) < len(attachment.prompt):
        kinds.append(None)
    own = "human" if agent is None else "agent"
    return own if None in kinds or not kinds else str(kinds[0])


def text_kind(text: str) -> str | None:
    """Kind of a text by the wrapper it begins with; None: somebody's own words."""
    head = text[:_HEAD_CHARS].lstrip() or text.lstrip()[:_HEAD_CHARS]
    if head[:1] not in _WRAPPER_STARTS:
        return None
    for prefixes, kind in _WRAPPERS:
        if head.startswith(prefixes):
            return kind
    return "command" if _SLASH_COMMAND.match(head) else None


def internal_ms(outcome: Outcome) -> int | None:
    """The runner's own time of a tool call."""
    for value, to_ms in (
        (outcome.duration_ms, 1),
        (outcome.duration_ms_snake, 1),
        (outcome.duration_seconds, 1000),
        (outcome.duration_seconds_snake, 1000),
        (outcome.total_duration_ms, 1),
    ):
        if type(value) in (int, float) and 0 <= value < _MAX_COUNT:
            milliseconds: int = round(value * to_ms)
            return milliseconds
    return None


def searches(outcome: Outcome) -> int | None:
    """Billed searches, as a web search reports them."""
    count = outcome.search_count
    return count if type(count) is int and 0 <= count < _MAX_COUNT else None


def is_denial(kind: str | None, content: object) -> bool:
    """Say whether a failed tool result tells that a person, a hook or a policy refused the call.

    Newer clients name the kind; an interruption or a cancelled sibling is none. Older ones are known by the
    client's own sentences.
    """
    if kind is not None:
        return kind not in _NO_REFUSALS
    return _REFUSAL.match(_first_text(content)) is not None


def exit_code(content: object) -> int | None:
    """Exit status that the client wrote at the head of a failed command's result."""
    match = _EXIT_CODE.match(_first_text(content))
    return int(match[1]) if match else None


def prompt_texts(prompt: object) -> tuple[list[str], int]:
    """Texts of a queued prompt, and its size in characters, pictures included."""
    if isinstance(prompt, str):
        return [prompt], len(prompt)
    texts: list[str] = []
    chars = 0
    for block in prompt if isinstance(prompt, list) else ():
        if isinstance(block, dict):
            text = block.get("text")
            if isinstance(text, str):
                texts.append(text)
            chars += content_chars(text or block.get("source"))
    return texts, chars


_HEAD_CHARS = 128
_MAX_COUNT = 2.0**53
_PERSON_TURNS = frozenset({"human", "sdk"})
_NO_REFUSALS = frozenset({"interrupted", "cancelled"})
_WRAPPER_STARTS = ("<", "[", "/", "C")
_WRAPPERS = (
    (("<command-name>", "<command-message>", "<command-args>", "<bash-input>"), "command"),
    (
        ("<local-command-stdout>", "<local-command-stderr>", "<bash-stdout>", "<bash-stderr>"),
        "command_output",
    ),
    (
        (
            "<local-command-caveat>",
            "Caveat: The messages below were generated by the user while running local commands",
            "<system-reminder>",
            "<ide_opened_file>",
            "<ide_selection>",
        ),
        "meta",
    ),
    (("[Request interrupted by user",), "interrupt"),
    (
        (
            "<task-notification",
            "<agent-notification",
            "<bash-notification",
            "<teammate-message",
            "<agent-message",
            "<cross-session-message",
        ),
        "notification",
    ),
)
_SLASH_COMMAND = re.compile(r"/[\w:.-]+(?:\s|$)")
_REFUSAL = re.compile(
    r"(?:<tool_use_error>)?(?:The user doesn't want to (?:proceed with this tool use|take this action)"
    r"|Permission (?:to use|for this) .* (?:was|has been) denied"
    r"|Permission to (?:read|edit|write) .* has been denied"
    r"|File is in a directory that is denied by your permission settings"
    r"|This (?:Bash |PowerShell )?command (?:requires approval|contains multiple operations\. The)"
    r"|Claude requested permissions? to .* but you haven't granted it"
    r"|PreToolUse:\S+ hook (?:error|stopped)|Hook PreToolUse\S* denied|\w+ operation blocked by hook"
    r"|Execution stopped by PreToolUse hook"
    r"|\[Request interrupted by user for tool use\])",
    re.DOTALL,  # a command that was refused may have lines
)
_EXIT_CODE = re.compile(r"Exit code (\d{1,10})(?:\n|$)")


def _is_foreign(origin: Origin | Loose) -> bool:
    return isinstance(origin, Origin) and origin.kind is not None and origin.kind != "human"


def _first_text(content: object) -> str:
    """The text that a tool result begins with."""
    if isinstance(content, list) and content and isinstance(content[0], dict):
        content = content[0].get("text")
    return content if isinstance(content, str) else ""
