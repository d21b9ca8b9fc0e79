"""Builders of Codex's rollout lines, one function a record, with fields in the client's own order.

Two eras: usage-last (0.104 to 0.121: `token_count` carries usage, no ordinals) and paginated (0.153 and
later: `token_usage_record` carries it, every line has its ordinal, `item_completed` mirrors the items).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]
Value = int | str


def line(at: str, kind: str, payload: Record, ordinal: Value | None = None) -> Record:
    """A rollout line; `ordinal` in paginated files only."""
    number = {} if ordinal is None else {"ordinal": ordinal}
    return {"timestamp": at, **number, "type": kind, "payload": payload}


def tokens(
    *, input_: Value, cached: Value, output: Value, reasoning: Value, total: Value, paginated: bool
) -> Record:
    """Token numbers: cached is part of input, reasoning of output, total is input and output."""
    written = {"cache_write_input_tokens": 0} if paginated else {}
    return {
        "input_tokens": input_,
        "cached_input_tokens": cached,
        **written,
        "output_tokens": output,
        "reasoning_output_tokens": reasoning,
        "total_tokens": total,
    }


def session_meta(thread_id: str, at: str, cwd: str, version: str, **fields: Any) -> Record:
    """The header's payload; `fields` override or add (`source`, `thread_source`, `parent_thread_id`, …)."""
    return {
        "id": thread_id,
        "timestamp": at,
        "cwd": cwd,
        "originator": "codex_cli_rs",
        "cli_version": version,
        "source": "cli",
        "model_provider": "openai",
        "base_instructions": {"text": "You are a coding agent that works in the user's terminal."},
        **fields,
        "git": {"branch": "main"},
    }


def turn_context(turn_id: str, cwd: str, model: str, effort: str = "high") -> Record:
    """The payload that names a turn's model."""
    return {
        "turn_id": turn_id,
        "cwd": cwd,
        "approval_policy": "on-request",
        "sandbox_policy": {"type": "workspace-write"},
        "model": model,
        "effort": effort,
        "summary": "auto",
    }


def thread_settings(thread_id: str, cwd: str, model: str, tier: str = "default") -> Record:
    """The payload that says with which settings a thread goes on."""
    settings = {
        "model": model,
        "model_provider_id": "openai",
        "service_tier": tier,
        "approval_policy": "on-request",
        "cwd": cwd,
        "reasoning_effort": "high",
    }
    return {"type": "thread_settings_applied", "thread_id": thread_id, "thread_settings": settings}


def message(role: str, text: str, item_id: str | None = None, phase: str | None = None) -> Record:
    """A message item: `user` and `developer` are input, `assistant` is output."""
    kind = "output_text" if role == "assistant" else "input_text"
    return {
        "type": "message",
        **({"id": item_id} if item_id else {}),
        "role": role,
        "content": [{"type": kind, "text": text}],
        **({"phase": phase} if phase else {}),
    }


def reasoning(item_id: str, encrypted: str) -> Record:
    """A reasoning item; its text is encrypted."""
    return {"type": "reasoning", "id": item_id, "summary": [], "encrypted_content": encrypted}


def function_call(item_id: str, call_id: str, name: str, arguments: str, **fields: Any) -> Record:
    """A call with JSON arguments, given as a string."""
    return {
        "type": "function_call",
        "id": item_id,
        "name": name,
        **fields,
        "arguments": arguments,
        "call_id": call_id,
    }


def custom_call(item_id: str, call_id: str, name: str, text: str) -> Record:
    """A call with free text: code mode's `exec`, and `apply_patch`."""
    return {
        "type": "custom_tool_call",
        "id": item_id,
        "status": "completed",
        "call_id": call_id,
        "name": name,
        "input": text,
    }


def output(call_id: str, value: Any, *, custom: bool = False) -> Record:
    """A call's output."""
    kind = "custom_tool_call_output" if custom else "function_call_output"
    return {"type": kind, "call_id": call_id, "output": value}


def script_output(status: str, wall_s: Value, text: str) -> list[Record]:
    """Code mode's output: a header item, then what the script printed."""
    header = f"Script {status}\nWall time {wall_s} seconds\nOutput:\n"
    return [{"type": "input_text", "text": header}, {"type": "input_text", "text": text}]


@dataclass(frozen=True)
class Turn:
    """Names that most paginated payloads bear."""

    thread_id: str
    session_id: str
    turn_id: str
    root_turn_id: str


def item_completed(turn: Turn, item: Record, started_ms: Value, completed_ms: Value) -> Record:
    """The mirror of an item, with its times in unix milliseconds."""
    return {
        "type": "item_completed",
        "thread_id": turn.thread_id,
        "turn_id": turn.turn_id,
        "started_at_ms": started_ms,
        "completed_at_ms": completed_ms,
        "item": item,
    }


def usage_record(turn: Turn, response_id: str, last: Record, in_turn: Record, in_thread: Record) -> Record:
    """The payload of `token_usage_record`: one a response, and the running sums of turn and thread."""
    return {
        "thread_id": turn.thread_id,
        "turn_id": turn.turn_id,
        "session_id": turn.session_id,
        "root_turn_id": turn.root_turn_id,
        "response_id": response_id,
        "usage": last,
        "turn_token_usage": in_turn,
        "thread_token_usage": in_thread,
    }


def token_count(total: Record, last: Record, window: Value) -> Record:
    """The payload of a `token_count` event."""
    info = {"total_token_usage": total, "last_token_usage": last, "model_context_window": window}
    return {"type": "token_count", "info": info, "rate_limits": None}
