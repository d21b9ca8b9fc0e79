"""What Codex's tools say of themselves: calls by their input, results by the many shapes of their output."""

import re
from datetime import datetime
from typing import Any

import msgspec

from tracelab.providers.base import Name, raw_chars
from tracelab.providers.codex_records import (
    Duration,
    EventMessage,
    ExitCode,
    ResponseItem,
    is_failed_mcp,
)

_WAITS = frozenset(("wait", "wait_agent"))
TELLING_INPUTS = _WAITS | {"write_stdin", "spawn_agent"}
"""Tools whose calls are told apart by their input, or that wait."""
_HEADS = ("Chunk ID: ", "Wall time", "Process exited with code ", "Exit code: ", "Script ")
_FAILURES = (
    "failed in sandbox",
    "execution error",
    "error: ",
    "apply_patch verification failed",
    "patch rejected by user",
    "exec command rejected by user",
    "aborted by user",
    "collab spawn failed",
    "collab tool failed",
)
_DENIALS = ("patch rejected by user", "exec command rejected by user")
_HEADER_CHARS = 1000
_MAX_SECONDS = 1e9  # beyond is no measurement
_thread_id = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
_header = re.compile(
    r"""(?>  # a line: its last word on a thing counts
        (?> Wall\ time:?\ (\d+(?:\.\d+)?)\ seconds?\r?(?![^\n])
          | (?:Process\ exited\ with\ code|Exit\ code:)\ (-?\d{1,10})\r?(?![^\n])
          | Script\ (completed|failed)\r*(?![^\n])
          | [^\n]*
        )
        (?:\n(?!Output:) | \Z)?+
    ){1,8}""",
    re.VERBOSE,
).match


class Verdict(msgspec.Struct, gc=False, frozen=True):
    """What a result tells of its call; None is what it does not tell."""

    internal_ms: int | None = None
    exit_code: int | None = None
    is_error: bool | None = None
    is_denied: bool = False
    agent_id: str | None = None


UNTOLD = Verdict()


class _Metadata(msgspec.Struct, gc=False):
    exit_code: ExitCode | None = None
    duration_seconds: float | None = None
    success: bool | None = None


class _JsonOutput(msgspec.Struct, gc=False):
    metadata: _Metadata | None = None
    agent_id: str | None = None


class _StdinInput(msgspec.Struct, gc=False):
    chars: str | None = None


class _SpawnInput(msgspec.Struct, gc=False):
    agent_type: Name | None = None


_FAULTS = (msgspec.DecodeError, UnicodeError, RecursionError)


class Call(msgspec.Struct, gc=False, eq=False):
    """A tool call and what is known of its result."""

    id: str
    session_id: str = ""
    tool_name: str | None = None
    emitted_at: datetime | None = None
    input_chars: int = 0
    is_poll: bool = False
    agent_type: str | None = None
    step_seq: int = -1
    tool_index: int = 0
    result_at: datetime | None = None
    result_chars: int | None = None
    """None until the first result."""
    verdict: Verdict = UNTOLD

    def add(self, verdict: Verdict) -> None:
        """Take in a verdict: the first that tells a thing counts, but any failure makes it a failure."""
        told = self.verdict
        if told is UNTOLD:
            self.verdict = verdict
            return
        self.verdict = Verdict(
            verdict.internal_ms if told.internal_ms is None else told.internal_ms,
            verdict.exit_code if told.exit_code is None else told.exit_code,
            told.is_error if verdict.is_error is None else verdict.is_error or told.is_error or False,
            told.is_denied or verdict.is_denied,
            verdict.agent_id if told.agent_id is None else told.agent_id,
        )

    def start_agent(self, agent_id: str | None) -> None:
        """Note the subagent that the client logs for the call: it counts before what a result tells."""
        if agent_id:
            self.verdict = msgspec.structs.replace(self.verdict, agent_id=_known_id(agent_id))


def _known_id(agent_id: str | None) -> str | None:
    """Return what may be a subagent's id as it is, and anything else as empty: it may be a person's text."""
    return agent_id if agent_id is None or _thread_id(agent_id) else ""


def starts_agents(tool_name: str | None, agent_id: str | None) -> bool:
    """Say whether what looks like a subagent's id is one: of a tool for agents, and in a thread's form."""
    return bool(agent_id and tool_name and "agent" in tool_name and _thread_id(agent_id))


def name_and_input(item: ResponseItem) -> tuple[str | None, Any]:
    """Return a call's tool and input, wherever its type keeps them; an MCP namespace names the server."""
    if item.type == "local_shell_call":
        return "local_shell", item.action
    name, namespace = item.name, item.namespace
    if namespace and name and namespace.startswith("mcp__") and not name.startswith("mcp__"):
        name = f"{namespace.rstrip('_')}__{name}"
    return name, item.arguments if item.type == "function_call" else item.input


def is_poll(name: str | None, value: Any) -> bool:
    """Say whether a call only waits for something already running."""
    if name in _WAITS:
        return True
    return name == "write_stdin" and not _arguments(value, _StdinInput).chars


def agent_type(name: str | None, value: Any) -> str | None:
    """Return the kind of subagent that a call asks for."""
    return _arguments(value, _SpawnInput).agent_type if name == "spawn_agent" else None


def output_verdict(output: Any) -> Verdict:
    """Read a call's output: JSON with metadata, a header before `Output:`, a known failure, or nothing."""
    if isinstance(output, str):
        text = output
    elif isinstance(output, list):
        text = "\n".join(
            [
                block["text"]
                for block in output
                if isinstance(block, dict) and isinstance(block.get("text"), str)
            ]
        )
    elif isinstance(output, dict):
        if not isinstance(output.get("text"), str):
            return _json_verdict(output)
        text = output["text"]
    else:
        return UNTOLD
    if text.startswith("{"):
        return _json_verdict(text)
    if text.startswith(_HEADS):
        return _header_verdict(text)
    if text.startswith(_FAILURES):
        return Verdict(is_error=True, is_denied=text.startswith(_DENIALS))
    return UNTOLD


def end_verdict(event: EventMessage) -> Verdict:
    """Read the end that the client logs of a command, a patch or an MCP call."""
    is_error: bool | None = None
    if event.type == "patch_apply_end":
        is_error = None if event.success is None else not event.success
    elif event.type == "mcp_tool_call_end":
        is_error = is_failed_mcp(event.result)
    elif event.exit_code is not None:
        is_error = event.exit_code != 0
    is_denied = event.status == "declined"
    return Verdict(_milliseconds(event.duration), event.exit_code, True if is_denied else is_error, is_denied)


def end_chars(event: EventMessage) -> int:
    """Size of what a logged end shows of the result."""
    if event.type == "exec_command_end":
        return len(event.aggregated_output or "")
    if event.type == "patch_apply_end":
        return len(event.stdout or "") + len(event.stderr or "")
    if event.result is None:
        return 0
    return raw_chars(event.result.Err or event.result.Ok)


def _arguments(value: Any, kind: type[Any]) -> Any:
    """Decode a call's input, which is JSON in a string, or an object; empty where it is neither."""
    try:
        if isinstance(value, str):
            return msgspec.json.decode(value, type=kind)
        return msgspec.convert(value, type=kind)
    except _FAULTS:
        return kind()


def _json_verdict(output: str | dict[str, Any]) -> Verdict:
    told = _arguments(output, _JsonOutput)
    metadata = told.metadata
    if metadata is None:
        return Verdict(agent_id=_known_id(told.agent_id))
    if metadata.exit_code is not None:
        is_error = metadata.exit_code != 0
    else:
        is_error = None if metadata.success is None else not metadata.success
    return Verdict(_seconds_ms(metadata.duration_seconds), metadata.exit_code, is_error)


def _header_verdict(text: str) -> Verdict:
    found = _header(text, 0, _HEADER_CHARS)
    if found is None:
        return UNTOLD
    seconds, code, script = found.groups()
    internal_ms = None if seconds is None else _seconds_ms(float(seconds))
    if code is not None:
        exit_code = int(code)
        return Verdict(internal_ms, exit_code, exit_code != 0)
    return Verdict(internal_ms, None, None if script is None else script == "failed")


def _seconds_ms(seconds: float | None) -> int | None:
    return round(seconds * 1000) if seconds is not None and 0 <= seconds < _MAX_SECONDS else None


def _milliseconds(duration: Duration | None) -> int | None:
    return None if duration is None else duration.secs * 1000 + round(duration.nanos / 1_000_000)
