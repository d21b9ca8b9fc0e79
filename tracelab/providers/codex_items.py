"""What stands between a rollout's usage rows: messages, reasoning, calls, results, and what is in force."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from msgspec import Raw

from tracelab.providers.base import content_chars, global_id, is_before, is_count, lenient
from tracelab.providers.codex_records import (
    EventMessage,
    LineMetadata,
    ResponseItem,
    TurnContext,
    text_of,
)
from tracelab.providers.codex_rollout import Rollout
from tracelab.providers.codex_rows import project_name
from tracelab.providers.codex_texts import injected_kind, user_kind
from tracelab.providers.codex_thread import STARTED_AT, Thread
from tracelab.providers.codex_tools import (
    TELLING_INPUTS,
    Call,
    Verdict,
    agent_type,
    end_chars,
    end_verdict,
    is_poll,
    name_and_input,
    output_verdict,
)
from tracelab.providers.codex_usage import read_token_count

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_MS = 10**14  # year 5138: beyond is no instant
_BY_A_PERSON = frozenset((None, "interrupted", "replaced"))
_MIRRORED = {"Reasoning": "reasoning", "AgentMessage": "text"}
_CLIENT_TEXT = "codex:code-mode-delivery:"


def read_context(rollout: Rollout, context: TurnContext) -> None:
    """Note the turn that begins and the model asked for in it."""
    here = rollout.here
    here.start_turn(context.turn_id)
    here.model = context.model or here.model
    if context.turn_id is not None:
        here.turns[context.turn_id] = (context.model, context.effort)
    else:
        here.effort = context.effort
    if here.project is None:
        here.project = project_name(context.cwd)


def _reasoning(
    rollout: Rollout, thread: Thread, item: ResponseItem, at: datetime | None, _metadata: Raw
) -> None:
    parts = len(item.summary) if isinstance(item.summary, list) else 0
    _output(rollout, thread, at, "reasoning", parts, None)


def _hosted_call(
    rollout: Rollout, thread: Thread, _item: ResponseItem, _at: datetime | None, _metadata: Raw
) -> None:
    rollout.tally.hosted_calls += 1
    thread.begin_output()


def _tool_search(
    _rollout: Rollout, thread: Thread, _item: ResponseItem, _at: datetime | None, _metadata: Raw
) -> None:
    """Note that the model looked for tools: an output, but no call of the client's."""
    thread.begin_output()


def _agent_message(
    rollout: Rollout, thread: Thread, item: ResponseItem, at: datetime | None, _metadata: Raw
) -> None:
    rollout.user_event(thread, at, "notification", len(text_of(item.content)))


def _reconfigure(
    _rollout: Rollout, thread: Thread, item: ResponseItem, _at: datetime | None, _metadata: Raw
) -> None:
    if item.reasoning is not None:
        thread.effort = item.reasoning.effort
        if thread.turn in thread.turns:
            thread.turns[thread.turn] = (thread.turns[thread.turn][0], thread.effort)


def _message(
    rollout: Rollout, thread: Thread, item: ResponseItem, at: datetime | None, metadata: Raw
) -> None:
    if item.role == "assistant":
        if not (metadata and _is_client_text(rollout, metadata)):
            _output(rollout, thread, at, "text", 1, len(text_of(item.content)))
    elif item.role == "user":
        text = text_of(item.content)
        kind = injected_kind(text)
        if kind is None and rollout.is_bare:
            kind = rollout.speaker(thread)
        if kind is not None:
            rollout.user_event(thread, at, kind, len(text))


def _is_client_text(rollout: Rollout, metadata: Raw) -> bool:
    """Say whether the client wrote an assistant's text, or a summary that replaces the history."""
    told = lenient(metadata, LineMetadata, rollout.tally)
    return told is not None and (
        bool(told.compaction_output) or (told.delivered_assistant_message or "").startswith(_CLIENT_TEXT)
    )


def _output(
    rollout: Rollout, thread: Thread, at: datetime | None, event_type: str, parts: int, chars: int | None
) -> None:
    """Add reasoning or text; usage-first, it takes the times of the `parts` in which it was displayed."""
    started_at = None
    if thread.current is not None:
        displayed = thread.streamed[event_type]
        times, displayed[:parts] = displayed[:parts], []
        at = times[-1] if times else thread.current.closed_at
        started_at = times[0] if len(times) > 1 else None
    elif thread.begun:
        begun = thread.begun[event_type]
        if begun and at is not None and begun[0] <= at:
            started_at = begun.pop(0)
    event_id, block = thread.event_key(event_type)
    entry = rollout.entry(thread, at, event_type, event_id, block, None, None, chars)
    entry[STARTED_AT] = started_at
    thread.add_output(entry, rollout.tally.line_no)


def _call(rollout: Rollout, thread: Thread, item: ResponseItem, at: datetime | None, _metadata: Raw) -> None:
    name, value = name_and_input(item)
    call_id = item.call_id or (item.id if item.type == "local_shell_call" else None)
    if call_id is None:
        stem = f"{thread.turn_key}/call"
        key = f"{stem}/{thread.place(stem)}"
    else:
        key = global_id(call_id, thread.id)
        early = rollout.orphans.get(key)
        # a result from before the call is that of one that the log has lost
        if is_count(call_id) and (early is None or is_before(early.result_at, at)):
            key = _counted(rollout, thread, call_id)
    if key in rollout.calls:
        return
    if thread.current is not None:
        at = thread.current.closed_at
    chars = content_chars(value)
    call = rollout.orphans.pop(key, None)
    if call is None:
        call = Call(key)
    call.session_id, call.tool_name, call.emitted_at, call.input_chars = thread.session_id, name, at, chars
    rollout.calls[key] = call
    if name in TELLING_INPUTS:
        call.is_poll, call.agent_type = is_poll(name, value), agent_type(name, value)
    entry = rollout.entry(thread, at, "tool_call", key, 0, None, key, chars)
    thread.add_output(entry, rollout.tally.line_no)


def _counted(rollout: Rollout, thread: Thread, call_id: str) -> str:
    """Key a call whose id is a count: another in each turn, and where the last of that id has its result."""
    stem = f"{thread.turn_key}/{call_id}"
    key = thread.counted.get(call_id, "")
    latest = rollout.calls.get(key) if key.startswith(stem) else None
    if latest is None or latest.result_chars is not None:
        place = thread.place(stem)
        key = thread.counted[call_id] = f"{stem}#{place}" if place else stem
    return key


def _call_output(
    rollout: Rollout, thread: Thread, item: ResponseItem, at: datetime | None, _metadata: Raw
) -> None:
    if item.call_id is None:
        rollout.tally.issue("wrong_type", "$.payload: Expected `call_id` of an output")
    else:
        output = item.output
        _result(rollout, thread, item.call_id, at, output_verdict(output), content_chars(output))


def _result(
    rollout: Rollout, thread: Thread, call_id: str, at: datetime | None, verdict: Verdict, chars: int
) -> None:
    """Take in a call's output: the first is its result, a later one may only add to the verdict."""
    call = rollout.calls.get(call_id)
    if call is None:
        key = thread.call_key(call_id)
        call = rollout.calls.get(key) or rollout.orphans.setdefault(key, Call(key))
    call.add(verdict)
    if call.result_chars is None:
        call.result_at = at
        call.result_chars = chars
        thread.add_input(
            rollout.entry(thread, at, "tool_result", call.id, 1, None, call.id, chars, verdict.is_error)
        )


def _end(rollout: Rollout, event: EventMessage, at: datetime | None) -> None:
    """Take in a logged end: a result of its call; where none is known (code mode), at most a verdict."""
    if event.call_id is None:
        return
    thread, verdict = rollout.here, end_verdict(event)
    key = thread.call_key(event.call_id)
    if key in rollout.calls:
        _result(rollout, thread, event.call_id, rollout.time(at), verdict, end_chars(event))
    else:
        rollout.orphans.setdefault(key, Call(key)).add(verdict)


def _user_message(rollout: Rollout, event: EventMessage, at: datetime | None) -> None:
    _heard(rollout, rollout.here, at, event, event.message or "")


def _turn_item(rollout: Rollout, event: EventMessage, at: datetime | None) -> None:
    """Read a mirror: in paginated files it is the user's message, and it knows when outputs began."""
    thread, item = rollout.mentioned(event.thread_id), event.item
    if item is None:
        return
    if item.type == "UserMessage":
        _heard(rollout, thread, at, event, text_of(item.content))
    elif (
        item.type in _MIRRORED
        and event.started_at_ms
        and event.started_at_ms < _MAX_MS
        and thread is rollout.own
    ):
        thread.began(_MIRRORED[item.type], _EPOCH + timedelta(milliseconds=event.started_at_ms))


def _heard(rollout: Rollout, thread: Thread, at: datetime | None, event: EventMessage, text: str) -> None:
    """Add a user message; an event and its mirror are one."""
    chars = len(text)
    if thread.heard is not None and thread.heard[0] != event.type and thread.heard[1] == chars:
        thread.heard = None
        return
    thread.heard = (event.type, chars)
    thread.spoke = False
    rollout.user_event(thread, at, user_kind(text, event.kind, rollout.speaker(thread)), chars)


def _displayed(event_type: str) -> Callable[[Rollout, EventMessage, datetime | None], None]:
    def read(rollout: Rollout, event: EventMessage, at: datetime | None) -> None:  # noqa: ARG001
        at = rollout.time(at)
        if at is not None:
            rollout.here.streamed[event_type].append(at)

    return read


def _turn_started(rollout: Rollout, event: EventMessage, at: datetime | None) -> None:  # noqa: ARG001
    rollout.here.start_turn(event.turn_id)
    rollout.here.window = event.model_context_window or rollout.here.window


def _turn_aborted(rollout: Rollout, event: EventMessage, at: datetime | None) -> None:
    rollout.here.is_cut = True
    if event.reason in _BY_A_PERSON:
        rollout.user_event(rollout.here, at, "interrupt", 0)


def _settings(rollout: Rollout, event: EventMessage, at: datetime | None) -> None:  # noqa: ARG001
    """Note the settings, of which each row is a full snapshot."""
    thread, settings = rollout.mentioned(event.thread_id), event.thread_settings
    if settings is not None:
        thread.model = settings.model or thread.model
        thread.effort, thread.tier = settings.reasoning_effort, settings.service_tier


def _known_call(rollout: Rollout, call_id: str | None) -> Call | None:
    return None if call_id is None else rollout.calls.get(rollout.here.call_key(call_id))


def _spawned(rollout: Rollout, event: EventMessage, at: datetime | None) -> None:  # noqa: ARG001
    call = _known_call(rollout, event.call_id)
    if call is not None:
        call.start_agent(event.new_thread_id)
        call.agent_type = call.agent_type or event.new_agent_role


def _agent_started(rollout: Rollout, event: EventMessage, at: datetime | None) -> None:  # noqa: ARG001
    call = _known_call(rollout, event.event_id)
    if call is not None and event.kind == "started":
        call.start_agent(event.agent_thread_id)


def _assessed(rollout: Rollout, event: EventMessage, at: datetime | None) -> None:  # noqa: ARG001
    call = _known_call(rollout, event.target_item_id)
    if call is not None and event.status == "denied":
        call.add(Verdict(is_denied=True))


def _strange_usage(rollout: Rollout, event: EventMessage, at: datetime | None) -> None:  # noqa: ARG001
    if event.usage:
        rollout.tally.issue("unknown_usage_shape", "usage of a whole turn in an event_msg")


ITEM_READERS: dict[str | None, Callable[[Rollout, Thread, ResponseItem, datetime | None, Raw], None]] = {
    "reasoning": _reasoning,
    "message": _message,
    "function_call": _call,
    "custom_tool_call": _call,
    "local_shell_call": _call,
    "function_call_output": _call_output,
    "custom_tool_call_output": _call_output,
    "web_search_call": _hosted_call,
    "image_generation_call": _hosted_call,
    "tool_search_call": _tool_search,
    "agent_message": _agent_message,
    "configuration_update": _reconfigure,
}
"""What goes to the model or comes from it, by the type of the item."""
EVENT_READERS: dict[str | None, Callable[[Rollout, EventMessage, datetime | None], None]] = {
    "token_count": read_token_count,
    "user_message": _user_message,
    "agent_message": _displayed("text"),
    "agent_reasoning": _displayed("reasoning"),
    "item_completed": _turn_item,
    "task_started": _turn_started,
    "turn_aborted": _turn_aborted,
    "thread_settings_applied": _settings,
    "exec_command_end": _end,
    "patch_apply_end": _end,
    "mcp_tool_call_end": _end,
    "collab_agent_spawn_end": _spawned,
    "sub_agent_activity": _agent_started,
    "guardian_assessment": _assessed,
    "turn.completed": _strange_usage,
}
"""What the client tells of itself, by the type of the event."""
