"""Whose log a file is, told by its first objects and never by its path.

The first object that matches a rule decides. Other agents' logs are named, so that `status` can say what was
set aside; they are never an error.
"""

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

import msgspec

from tracelab.providers.base import is_object

HEAD_OBJECTS = 200
"""Objects looked at before a file counts as unknown."""


class Verdict(NamedTuple):
    """Whose log a file is: the provider's name, None for what is set aside; and what it is, in words."""

    provider: str | None
    what: str


CLAUDE_LOG = Verdict("claude", "Claude Code session")
CODEX_LOG = Verdict("codex", "Codex rollout")
DATASET = Verdict("published", "published dataset")
EMPTY = Verdict(None, "no JSON object in it")
UNKNOWN = Verdict(None, "JSON, but no session log that is known")

_ABSENT = msgspec.Raw()


class Head(msgspec.Struct):
    """The keys that tell logs apart, undecoded: any type of value will do."""

    type: msgspec.Raw = _ABSENT
    payload: msgspec.Raw = _ABSENT
    message: msgspec.Raw = _ABSENT
    messages: msgspec.Raw = _ABSENT
    role: msgspec.Raw = _ABSENT
    id: msgspec.Raw = _ABSENT
    timestamp: msgspec.Raw = _ABSENT
    instructions: msgspec.Raw = _ABSENT
    record_type: msgspec.Raw = _ABSENT
    sessionId: msgspec.Raw = _ABSENT
    leafUuid: msgspec.Raw = _ABSENT
    messageId: msgspec.Raw = _ABSENT
    version: msgspec.Raw = _ABSENT
    pad: msgspec.Raw = _ABSENT
    provider: msgspec.Raw = _ABSENT
    session_id: msgspec.Raw = _ABSENT
    round_index: msgspec.Raw = _ABSENT


class _Message(msgspec.Struct):
    role: msgspec.Raw = _ABSENT
    parts: msgspec.Raw = _ABSENT


_ROLLOUT_TYPES = {
    "session_meta", "turn_context", "response_item", "event_msg", "compacted", "world_state",
    "token_usage_record",
}  # fmt: skip
_BARE_ITEM_TYPES = {"message", "reasoning", "function_call", "function_call_output", "local_shell_call"}
_COPILOT_TYPES = {"session.start", "assistant.turn_start", "assistant.message", "user.message"}
_CLAUDE_STATE_TYPES = {
    "agent-color", "agent-name", "agent-setting", "ai-title", "atis-latch", "attachment",
    "attribution-snapshot", "bridge-session", "content-replacement", "continued-in", "cost-state",
    "custom-title", "file-history-delta", "fork-context-ref", "frame-link", "last-prompt", "mode",
    "permission-mode", "pr-link", "progress", "queue-operation", "relocated", "system", "tag",
    "task-summary", "worktree-state",
}  # fmt: skip


def recognise(objects: Iterable[Head]) -> Verdict:
    """Decide from a file's first objects (at most `HEAD_OBJECTS` are taken) whose log it is."""
    fallback = EMPTY
    has_bare_header = False
    for place, head in enumerate(islice(objects, HEAD_OBJECTS)):
        kind = _text(head.type)
        if has_bare_header and kind in _BARE_ITEM_TYPES and not head.payload:
            return CODEX_LOG
        verdict = _codex(kind, head) or _message_log(kind, head) or _other(kind, head)
        if verdict:
            return verdict
        has_bare_header |= place == 0 and bool(head.id and head.timestamp and head.instructions and not kind)
        if _is_claude_state(kind, head):
            fallback = CLAUDE_LOG
        elif fallback is EMPTY:
            fallback = UNKNOWN
    return fallback


def _codex(kind: str, head: Head) -> Verdict | None:
    if kind in _ROLLOUT_TYPES and is_object(head.payload):
        return CODEX_LOG
    if _text(head.record_type) == "state":
        return CODEX_LOG
    if not head.payload and kind.startswith(("thread.started", "turn.", "item.")):
        return Verdict(None, "output of codex exec --json")
    return None


def _message_log(kind: str, head: Head) -> Verdict | None:
    if kind not in ("user", "assistant") or not is_object(head.message):
        return None
    message = msgspec.json.decode(head.message, type=_Message)
    if message.parts:
        return Verdict(None, "Qwen Code chat")
    return CLAUDE_LOG if message.role and head.sessionId else None


def _other(kind: str, head: Head) -> Verdict | None:
    if (kind == "session" and head.version) or (kind == "title" and head.pad):
        return Verdict(None, "pi or oh-my-pi session")
    if kind == "session_start":
        return Verdict(None, "Droid session")
    if kind in _COPILOT_TYPES:
        return Verdict(None, "Copilot CLI session")
    if not kind and head.provider and head.session_id and head.round_index:
        return DATASET
    if not kind and bytes(head.messages).startswith(b"["):
        return Verdict(None, "Gemini CLI chat")
    if not kind and head.role and head.message:
        return Verdict(None, "Cursor chat")
    return None


def _is_claude_state(kind: str, head: Head) -> bool:
    """Say whether it is a record that Claude Code writes beside messages: a log may hold nothing else."""
    match kind:
        case "summary":
            return bool(head.leafUuid)
        case "file-history-snapshot":
            return bool(head.messageId)
        case _:
            return kind in _CLAUDE_STATE_TYPES and bool(head.sessionId)


def _text(raw: msgspec.Raw) -> str:
    data = bytes(raw)
    return data[1:-1].decode("utf-8", "replace") if data.startswith(b'"') else ""
