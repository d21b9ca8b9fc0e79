"""Raw rows of Codex threads, steps, calls and compactions once a file is read."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from tracelab.providers.base import Source, is_name
from tracelab.providers.codex_records import SessionMeta, Usage
from tracelab.providers.codex_thread import EVENT_TYPE, SESSION_ID, STEP_SEQ, Entry, Marker, Response, Thread
from tracelab.providers.codex_tools import Call, starts_agents
from tracelab.schema import Compaction, Session, Values

_MS = timedelta(milliseconds=1)
_MAX_FOLDER_CHARS = 255  # no file system has longer names
_AGENT_SOURCES = frozenset(("subagent", "guardian_review", "memory_consolidation"))


def spawn_parent(meta: SessionMeta) -> str | None:
    """Return the thread that started this one."""
    spawn = _spawn(meta.source)
    parent = spawn.get("parent_thread_id") if isinstance(spawn, dict) else None
    return parent if is_name(parent) else meta.parent_thread_id


def describe(thread: Thread, meta: SessionMeta) -> None:
    """Note who a thread is, as its first `session_meta` in the file says."""
    thread.is_described = True
    parent = spawn_parent(meta)
    is_agent = (
        (isinstance(meta.source, dict) and not meta.source.keys().isdisjoint(("subagent", "internal")))
        or meta.thread_source in _AGENT_SOURCES
        or parent is not None
    )
    if is_agent:
        thread.kind = "subagent"
        thread.parent = parent
        thread.agent_type = _agent_type(meta)
    thread.root = meta.session_id or (parent if is_agent and parent else thread.id)
    origin = meta.forked_from_id or (meta.history_base.thread_id if meta.history_base else None)
    thread.forked_from = origin if origin != thread.id else None  # a revert goes on from itself
    thread.project = project_name(meta.cwd)
    thread.entrypoint = _entrypoint(meta)


def project_name(cwd: str | None) -> str | None:
    """Return the last part of a working directory, of any system."""
    name = (cwd or "").replace("\\", "/").rstrip("/").rpartition("/")[2]
    return name[:_MAX_FOLDER_CHARS] or None


def session_row(thread: Thread, source: Source, copied_from: datetime | None) -> Session:
    """Build a thread's row; a copy stamped at or after `copied_from` (the file's start) lost its times."""
    first_at, last_at = thread.first_at, thread.last_at
    if not thread.is_own:
        if first_at is None or copied_from is None or first_at >= copied_from:
            first_at = last_at = None
        elif last_at is None or last_at >= copied_from:
            last_at = None
    return Session(
        thread.session_id,
        source.file_id,
        "codex",
        thread.is_own,
        thread.kind,
        _session_id(thread.parent),
        f"codex:{thread.root}",
        _session_id(thread.forked_from),
        thread.agent_type,
        source.user_name,
        thread.project,
        thread.first_version,
        thread.entrypoint,
        first_at,
        last_at,
        None,
    )


def step_row(step: Response, thread: Thread, file_id: str) -> Values:
    """Build a step's row: input includes the cached part, and the part written to the cache."""
    usage = step.usage or Usage()
    total, prefix, append, written = _prompt(usage, step.source != "token_count")
    return (
        thread.session_id,
        file_id,
        step.seq,
        step.line_no,
        "codex",
        step.model,
        step.message_id,
        step.echo_id,
        step.source,
        not thread.is_own,
        step.purpose,
        step.turn,
        1,
        total,
        total,
        prefix,
        append,
        written,
        None,
        None,
        usage.output_tokens,
        usage.reasoning_output_tokens,
        step.visible_chars,
        step.usage is not None,
        None,
        step.tier,
        None,
        step.effort,
        step.version,
        step.window,
    )


def tool_call_row(call: Call, file_id: str) -> Values:
    """Build a call's row."""
    verdict, wall_ms = call.verdict, None
    if call.emitted_at is not None and call.result_at is not None:
        wall_ms = round((call.result_at - call.emitted_at) / _MS)
    return (
        call.session_id,
        file_id,
        call.step_seq,
        call.tool_index,
        call.id,
        call.tool_name,
        call.emitted_at,
        call.result_at,
        wall_ms,
        verdict.internal_ms,
        verdict.is_error,
        verdict.exit_code,
        verdict.is_denied,
        call.is_poll,
        verdict.agent_id if starts_agents(call.tool_name, verdict.agent_id) else None,
        call.agent_type,
        None,
        call.input_chars,
        call.result_chars,
    )


def compaction_row(marker: Marker, thread: Thread, file_id: str) -> Compaction:
    """Build a compaction's row; Codex does not say what triggered it."""
    before = marker.before_seq if marker.before_seq < len(thread.steps) else None
    return Compaction(
        file_id,
        thread.session_id,
        marker.id,
        before,
        marker.compacted_at,
        None,
        marker.pre_tokens,
        marker.post_tokens,
    )


def unplace(thread: Thread, calls: dict[str, Call], ready: list[Entry]) -> list[Entry]:
    """Take back the usage of a copy that may be anyone's; its calls and texts stay, as steps without usage.

    Returns the events of the file without the reports of that usage.
    """
    own_calls = [call for call in calls.values() if call.session_id == thread.session_id]
    first_calls = {call.step_seq: call.id for call in own_calls if call.tool_index == 0}
    kept: list[Response] = []
    moved: dict[int, int] = {}
    taken_back: set[int] = set()
    places: Counter[str | None] = Counter()
    for step in thread.steps:
        place = places[step.turn]
        places[step.turn] += 1
        if step.source == "token_count":
            taken_back.add(step.seq)
            if not step.speaks:
                continue
            step.source, step.usage = "none", None
            step.message_id = thread.unmetered_key(first_calls.get(step.seq), step.turn, place)
        moved[step.seq] = len(kept)
        step.seq = len(kept)
        kept.append(step)
    thread.steps = kept
    for marker in thread.markers:
        marker.before_seq = sum(seq < marker.before_seq for seq in moved)
    for call in own_calls:
        call.step_seq = moved[call.step_seq]
    events: list[Entry] = []
    for entry in ready:
        if entry[SESSION_ID] == thread.session_id:
            if entry[EVENT_TYPE] == "usage_report" and entry[STEP_SEQ] in taken_back:
                continue
            entry[STEP_SEQ] = moved.get(entry[STEP_SEQ])
        events.append(entry)
    return events


def _prompt(usage: Usage, is_record: bool) -> tuple[int | None, int | None, int | None, int | None]:
    total = usage.input_tokens
    if total is None:
        return None, None, None, None
    prefix = min(usage.cached_input_tokens or 0, total)
    append = total - prefix
    written = usage.cache_write_input_tokens
    if written is None:
        return total, prefix, append, 0 if is_record else None
    return total, prefix, append, min(written, append)


def _spawn(source: Any) -> Any:
    agent = source.get("subagent") if isinstance(source, dict) else None
    return agent.get("thread_spawn") if isinstance(agent, dict) else None


def _agent_type(meta: SessionMeta) -> str | None:
    spawn = _spawn(meta.source)
    if meta.agent_role is None and not isinstance(spawn, dict):
        agent = meta.source.get("subagent") if isinstance(meta.source, dict) else None
        named = agent.get("other") if isinstance(agent, dict) else agent
        return named if is_name(named) else None
    role = meta.agent_role or (spawn.get("agent_role") if isinstance(spawn, dict) else None)
    return role if is_name(role) else None


def _entrypoint(meta: SessionMeta) -> str | None:
    source = meta.source
    if isinstance(source, dict):
        return next(filter(is_name, source), None)
    return source if is_name(source) else meta.originator


def _session_id(thread_id: str | None) -> str | None:
    return None if thread_id is None else f"codex:{thread_id}"
