"""Builders of Claude Code's log lines, one function a record, with fields in the client's own order.

Nothing here draws a number or keeps state: `make_sample` fills the records with a story, `generate` turns
them into templates. A `Value` is what stands in the line, or the name of a template's slot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]
Value = int | str


@dataclass(frozen=True)
class Origin:
    """Who writes a row: the conversation, its place and version, and the subagent if it is one's."""

    session_id: str
    cwd: str
    version: str
    branch: str = "main"
    agent_id: str | None = None

    def head(self, parent: str | None) -> Record:
        """The fields that open a row."""
        agent = {"agentId": self.agent_id} if self.agent_id else {}
        return {"parentUuid": parent, "isSidechain": self.agent_id is not None, **agent}

    def tail(self) -> Record:
        """The fields that close a row."""
        return {
            "userType": "external",
            "entrypoint": "cli",
            "cwd": self.cwd,
            "sessionId": self.session_id,
            "version": self.version,
            "gitBranch": self.branch,
        }


@dataclass(frozen=True)
class Stamp:
    """A row's own uuid, its parent's and its time (ISO 8601, UTC)."""

    uuid: str
    parent: str | None
    at: str


def usage(
    *,
    prefix: Value,
    uncached: Value,
    write_5m: Value,
    write_1h: Value,
    output: Value,
    thinking: Value,
    written: Value,
    listed: bool = True,
) -> Record:
    """A message's usage; `written` is the sum of the two cache tiers, `thinking` a part of `output`.

    `listed` fills `iterations`, the calls behind the message: here always one, equal to the whole.
    """
    tiers = {"ephemeral_1h_input_tokens": write_1h, "ephemeral_5m_input_tokens": write_5m}
    iteration: Record = {
        "input_tokens": uncached,
        "output_tokens": output,
        "cache_read_input_tokens": prefix,
        "cache_creation_input_tokens": written,
        "cache_creation": tiers,
        "type": "message",
    }
    return {
        "input_tokens": uncached,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": prefix,
        "output_tokens": output,
        "output_tokens_details": {"thinking_tokens": thinking},
        "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
        "service_tier": "standard",
        "cache_creation": tiers,
        "inference_geo": "not_available",
        "iterations": [iteration] if listed else [],
        "speed": "standard",
    }


def assistant(
    origin: Origin,
    stamp: Stamp,
    *,
    message_id: str,
    request_id: str,
    model: str,
    block: Record,
    usage: Record,
    stop_reason: str | None,
) -> Record:
    """One content block of a message: a message of several blocks is as many rows, each with its usage."""
    message = {
        "model": model,
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "content": [block],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "stop_details": None,
        "usage": usage,
        "diagnostics": None,
    }
    return {
        **origin.head(stamp.parent),
        "message": message,
        "requestId": request_id,
        "type": "assistant",
        "uuid": stamp.uuid,
        "timestamp": stamp.at,
        "effort": "high",
        **origin.tail(),
    }


def api_error_message(origin: Origin, stamp: Stamp, message_id: str, text: str) -> Record:
    """What the client itself says when a request failed for good: no model call, usage all zero."""
    row = assistant(
        origin,
        stamp,
        message_id=message_id,
        request_id="",
        model="<synthetic>",
        block={"type": "text", "text": text},
        usage=usage(prefix=0, uncached=0, write_5m=0, write_1h=0, output=0, thinking=0, written=0),
        stop_reason="stop_sequence",
    )
    return {**row, "error": "server_error", "isApiErrorMessage": True}


def thinking(text: str, signature: str) -> Record:
    """A thinking block; the newest clients keep the signature and leave the text out."""
    return {"type": "thinking", "thinking": text, "signature": signature}


def text(value: str) -> Record:
    """A text block."""
    return {"type": "text", "text": value}


def tool_use(tool_id: str, name: str, tool_input: Any) -> Record:
    """A tool call block."""
    return {
        "type": "tool_use",
        "id": tool_id,
        "name": name,
        "input": tool_input,
        "caller": {"type": "direct"},
    }


def user(
    origin: Origin, stamp: Stamp, content: Any, /, *, prompt_id: str | None = None, **fields: Any
) -> Record:
    """A user row of any kind; `fields` (`isMeta`, `origin`, `promptSource`, …) follow the timestamp."""
    prompt = {"promptId": prompt_id} if prompt_id else {}
    return {
        **origin.head(stamp.parent),
        **prompt,
        "type": "user",
        "message": {"role": "user", "content": content},
        "uuid": stamp.uuid,
        "timestamp": stamp.at,
        **fields,
        **origin.tail(),
    }


def typed(origin: Origin, stamp: Stamp, prompt: str, prompt_id: str) -> Record:
    """What a person typed."""
    return user(
        origin,
        stamp,
        prompt,
        prompt_id=prompt_id,
        permissionMode="default",
        origin={"kind": "human"},
        promptSource="typed",
        turnOrigin="human",
    )


def tool_result(
    origin: Origin,
    stamp: Stamp,
    *,
    prompt_id: str,
    tool_id: str,
    content: Any,
    result: Any,
    caller: str,
    is_error: bool | None = None,
) -> Record:
    """A call's result; `result` is the client's own copy of the output, `caller` the calling row's uuid."""
    block: Record = {"tool_use_id": tool_id, "type": "tool_result", "content": content}
    if is_error is not None:
        block["is_error"] = is_error
    return user(
        origin, stamp, [block], prompt_id=prompt_id, toolUseResult=result, sourceToolAssistantUUID=caller
    )


def system(origin: Origin, stamp: Stamp, subtype: str, **fields: Any) -> Record:
    """A system row: `turn_duration`, `api_error`, `local_command`, `compact_boundary`, …"""
    return {
        **origin.head(stamp.parent),
        "type": "system",
        "subtype": subtype,
        **fields,
        "timestamp": stamp.at,
        "uuid": stamp.uuid,
        "isMeta": False,
        **origin.tail(),
    }


def attachment(origin: Origin, stamp: Stamp, kind: str, **fields: Any) -> Record:
    """Context that the client adds by itself: reminders, listings, queued prompts."""
    return {
        **origin.head(stamp.parent),
        "attachment": {"type": kind, **fields},
        "type": "attachment",
        "uuid": stamp.uuid,
        "timestamp": stamp.at,
        **origin.tail(),
    }


def compaction(
    origin: Origin, boundary: Stamp, summary: Stamp, metadata: Record, text: str
) -> tuple[Record, Record]:
    """The boundary, then the summary that goes on; the summary's time is the earlier one."""
    marker = system(
        origin,
        Stamp(boundary.uuid, None, boundary.at),
        "compact_boundary",
        logicalParentUuid=boundary.parent,
        content="Conversation compacted",
        level="info",
        compactMetadata=metadata,
    )
    flags: Record = {"isVisibleInTranscriptOnly": True, "isCompactSummary": True}
    return marker, user(origin, Stamp(summary.uuid, boundary.uuid, summary.at), text, **flags)


def forked(row: Record, origin: Origin, source_session: str) -> Record:
    """A row as a resumed or branched session copies it: own session id, same uuid and message id."""
    mark = {"forkedFrom": {"sessionId": source_session, "messageUuid": row.get("uuid")}}
    return {**row, "sessionId": origin.session_id, **(mark if "uuid" in row else {})}
