"""What may leave: every column of a published dataset, and how its values are treated.

Plain data. `tracelab publish` selects by it, so a column that is not here cannot leave; `tracelab audit`
judges datasets by it. The shape is that of the published step row, where tables are nested lists; what it
lacks and our marts need is named `x_…`.
"""

from enum import StrEnum
from typing import NamedTuple, get_args

from tracelab.providers.published_row import MessageKind

MOST = 2**53
"""What no count or size exceeds: as far as JSON's readers count exactly."""
README, DATABASE, LINES = "README.md", "dataset.duckdb", "rounds.jsonl.gz"


class How(StrEnum):
    """How a column's values leave."""

    key = "key"
    """As a keyed pseudonym; the provider's prefix stays."""
    place = "place"
    """A step, by the pseudonym of its session and its index there."""
    word = "word"
    """As it is where a fixed list has it, else null."""
    name = "name"
    """As it is where it is publicly known, else as a pseudonym; a version without its suffix."""
    number = "number"
    """As it is within bounds, else null."""
    flag = "flag"
    """As it is: true or false."""
    instant = "instant"
    """As it is, or moved or cut as asked for."""


class Treatment(NamedTuple):
    """How the values of one column leave."""

    how: How
    of: str = ""
    """Of a key or name: of which kind (each kind of key is a domain of its own)."""
    words: tuple[str, ...] = ()
    """Of a word: those that may leave."""
    least: int = 0
    most: int = MOST
    """Of a number: between which it may leave."""


PSEUDONYM_DIGITS = 24
"""Hex digits of a pseudonym."""
KEY_PREFIXES = ("claude:", "codex:", "msg_", "resp_", "toolu_", "srvtoolu_", "call_", "ctc_", "fc_", "rs_")
"""What may stand before the pseudonym of an identifier."""
AGENT_TYPES = (
    "general-purpose", "Explore", "Plan", "Bash", "claude-code-guide", "fork", "output-style-setup",
    "statusline-setup", "default", "explorer", "worker", "awaiter", "review", "compact",
)  # fmt: skip
"""Kinds of subagent that the clients themselves bring; others are named by people."""

SESSION, MESSAGE, TURN, TOOL_CALL, USER, PROJECT = (
    Treatment(How.key, kind) for kind in ("session", "message", "turn", "tool_call", "user", "project")
)
STEP = Treatment(How.place, "session")
MODEL, TOOL, AGENT, VERSION = (Treatment(How.name, kind) for kind in ("model", "tool", "agent", "version"))
NUMBER = Treatment(How.number)
LATENCY = Treatment(How.number, least=-MOST)
FLAG = Treatment(How.flag)
INSTANT = Treatment(How.instant)


def _words(*words: str) -> Treatment:
    return Treatment(How.word, words=words)


_EVENT_TYPE = _words("user_message", "tool_result", "reasoning", "text", "tool_call", "usage_report")
_MESSAGE_KIND = _words(*get_args(MessageKind))
_TIER = _words("standard", "default", "auto", "priority", "fast", "flex", "batch", "scale")
_STOP_REASON = _words(
    "end_turn", "tool_use", "max_tokens", "stop_sequence", "pause_turn", "refusal", "compaction",
    "model_context_window_exceeded",
)  # fmt: skip
_ENTRYPOINT = _words(
    "cli", "sdk-cli", "sdk-py", "sdk-ts", "claude-vscode", "claude-desktop", "claude-code-github-action",
    "remote", "local-agent", "exec", "mcp", "subagent", "user", "vscode", "codex_cli_rs", "codex_exec",
    "codex_vscode", "codex_app_server",
)  # fmt: skip

_EVENT = {
    "round_pk": NUMBER,
    "event_index": NUMBER,
    "event_type": _EVENT_TYPE,
    "timestamp": INSTANT,
    "source": _words("token_usage_record"),
    "tool_call_id": TOOL_CALL,
    "is_error": FLAG,
    "result_chars": NUMBER,
    "content_chars": NUMBER,
    "x_message_kind": _MESSAGE_KIND,
    "x_started_at": INSTANT,
}

COLUMNS: dict[str, dict[str, Treatment]] = {
    "rounds": {
        "round_pk": NUMBER,
        "provider": _words("claude", "codex"),
        "user": USER,
        "project": PROJECT,
        "session_id": SESSION,
        "round_index": NUMBER,
        "round_id": MESSAGE,
        "turn_id": TURN,
        "model": MODEL,
        "input_tokens_total": NUMBER,
        "prefix_tokens": NUMBER,
        "newly_append_tokens": NUMBER,
        "claude_uncached_input_tokens": NUMBER,
        "claude_cache_creation_input_tokens": NUMBER,
        "claude_cache_read_input_tokens": NUMBER,
        "output_tokens": NUMBER,
        "reasoning_output_tokens": NUMBER,
        "current_input_event_count": NUMBER,
        "current_user_message_count": NUMBER,
        "current_user_message_chars": NUMBER,
        "current_tool_result_count": NUMBER,
        "current_tool_result_chars": NUMBER,
        "current_input_chars": NUMBER,
        "first_input_event_type": _words("user_message", "tool_result"),
        "x_session_kind": _words("main", "subagent"),
        "x_parent_session_id": SESSION,
        "x_root_session_id": SESSION,
        "x_forked_from_session_id": SESSION,
        "x_forked_from_step_id": STEP,
        "x_spawn_tool_call_id": TOOL_CALL,
        "x_agent_type": AGENT,
        "x_entrypoint": _ENTRYPOINT,
        "x_session_client_version": VERSION,
        "x_replayed_steps": NUMBER,
        "x_client_version": VERSION,
        "x_context_tokens": NUMBER,
        "x_context_window_tokens": NUMBER,
        "x_cache_write_tokens": NUMBER,
        "x_cache_write_5m_tokens": NUMBER,
        "x_cache_write_1h_tokens": NUMBER,
        "x_usage_is_final": FLAG,
        "x_calls": NUMBER,
        "x_purpose": _words("compaction"),
        "x_stop_reason": _STOP_REASON,
        "x_service_tier": _TIER,
        "x_speed": _words("standard", "fast"),
    },
    "timing_events": _EVENT,
    "tool_calls": {
        "round_pk": NUMBER,
        "tool_index": NUMBER,
        "tool_name": TOOL,
        "tool_call_id": TOOL_CALL,
        "emitted_at": INSTANT,
        "result_at": INSTANT,
        "input_chars": NUMBER,
        "result_chars": NUMBER,
        "tool_wall_latency_ms": LATENCY,
        "tool_internal_latency_ms": LATENCY,
        "is_error": FLAG,
        "x_exit_code": Treatment(How.number, most=255),
        "x_is_denied": FLAG,
        "x_is_poll": FLAG,
        "x_web_searches": NUMBER,
    },
    "x_events_without_step": {name: how for name, how in _EVENT.items() if name != "source"},
    "x_compactions": {
        "round_pk": NUMBER,
        "compaction_index": NUMBER,
        "is_before_step": FLAG,
        "compacted_at": INSTANT,
        "compaction_trigger": _words("auto", "manual"),
        "pre_tokens": NUMBER,
        "post_tokens": NUMBER,
    },
    "x_extra_calls": {
        "round_pk": NUMBER,
        "call_index": NUMBER,
        "call_type": _words("advisor", "compaction", "declined"),
        "model": MODEL,
        "input_tokens": NUMBER,
        "prefix_tokens": NUMBER,
        "append_tokens": NUMBER,
        "cache_write_tokens": NUMBER,
        "cache_write_5m_tokens": NUMBER,
        "cache_write_1h_tokens": NUMBER,
        "output_tokens": NUMBER,
        "reasoning_tokens": NUMBER,
    },
}
"""Table → column → treatment. In JSON Lines a table other than `rounds` is a list in the row of its round_pk,
under its own name (`tool_calls` as `tools`), and round_pk is the line's number."""
PARTS = (DATABASE, LINES, *(f"{table}.parquet" for table in COLUMNS))
"""The files of a dataset beside its README."""
