"""Claude Code: lines that mislead a reader who trusts one name, one version, or what looks like a call."""

from tests.builders_claude import (
    OTHER,
    SESSION,
    Json,
    assistant,
    clock,
    msg,
    read,
    result,
    row,
    text,
    toolu,
    uid,
    usage,
    use,
    user,
)
from tracelab.schema import ClientTotal, Compaction, Event, Session, Step, ToolCall

MAIN = f"claude:{SESSION}"


def test_another_session_named_by_hooks_and_the_client_is_no_second_session() -> None:
    log = [
        user(1, 0, "go"),
        row("progress", 2, 0.5, sessionId=OTHER, data={"type": "hook_progress", "hookEvent": "PreToolUse"}),
        assistant(3, 1, msg(1), use(toolu(1)), usage=usage()),
        row("system", 4, 1.5, sessionId=OTHER, subtype="stop_hook_summary"),
        user(5, 2, [result(toolu(1))]),
        row("attachment", 6, 2.5, sessionId=OTHER, attachment={"type": "hook_success"}),
        assistant(7, 3, msg(2), text("done"), usage=usage()),
    ]
    parsed = read(log)
    assert parsed.one(Session).session_id == MAIN
    assert [(e.event_type, e.step_seq) for e in sorted(parsed.of(Event), key=lambda e: e.event_index)] == [
        ("user_message", 0),
        ("tool_call", 0),
        ("tool_result", 1),
        ("text", 1),
    ]


def test_a_boundary_that_names_another_session_is_of_the_one_it_stands_in() -> None:
    body = {"trigger": "idle", "preTokens": 210_103, "postTokens": 2000}
    boundary = row("system", 3, 9, sessionId=OTHER, subtype="compact_boundary", compactMetadata=body)
    log = [
        user(1, 0, "go"),
        assistant(2, 1, msg(1), text("a"), usage=usage()),
        boundary | {"parentUuid": None},
        user(4, 9, "summary", isCompactSummary=True),
    ]
    parsed = read(log)
    assert parsed.one(Session).session_id == MAIN
    assert parsed.one(Compaction).session_id == MAIN


def test_an_agent_logged_inside_its_parent_is_its_parents_whatever_session_the_rows_name() -> None:
    message: Json = {"id": msg(2), "role": "assistant", "model": "claude-haiku", "usage": usage()}
    inner: Json = {"type": "assistant", "message": message | {"content": [text("found")]}, "uuid": uid(500)}
    data = {"type": "agent_progress", "agentId": "a01", "message": inner}
    carrier = row("progress", 3, 2.5, sessionId=OTHER, data=data, parentToolUseID=toolu(1))
    parsed = read([user(1, 0, "go"), assistant(2, 1, msg(1), use(toolu(1)), usage=usage()), carrier])
    assert {step.session_id for step in parsed.of(Step)} == {MAIN, f"{MAIN}/a01"}
    assert {row.root_session_id for row in parsed.of(Session)} == {MAIN}


def test_a_file_may_change_its_model_and_version_midway() -> None:
    log = [
        assistant(1, 1, msg(1), text("a"), usage=usage(), version="2.1.300", model="claude-a"),
        assistant(2, 2, msg(2), text("b"), usage=usage(), version="2.1.301", model="claude-b", cwd="/else"),
    ]
    parsed = read(log)
    assert [(step.model, step.client_version) for step in parsed.of(Step)] == [
        ("claude-a", "2.1.300"),
        ("claude-b", "2.1.301"),
    ]
    assert parsed.one(Session).client_version == "2.1.300"


def test_another_vendors_model_is_named_as_logged_and_its_missing_tokens_are_unknown() -> None:
    step = read([assistant(1, 1, msg(1), text("a"), model="glm-4.7")]).one(Step)
    assert (step.provider, step.model, step.usage_source) == ("claude", "glm-4.7", "none")
    assert (step.input_tokens, step.output_tokens, step.usage_is_final) == (None, None, False)


def test_an_agent_in_the_background_has_its_launch_as_result() -> None:
    launched: Json = {"isAsync": True, "status": "async_launched", "agentId": "a01"}
    note = "<task-notification>\n<task-id>a01</task-id>"
    log = [
        assistant(1, 1, msg(1), use(toolu(1), "Agent", subagent_type="scout"), usage=usage()),
        user(2, 1.25, [result(toolu(1), "launched")], toolUseResult=launched),
        assistant(3, 3, msg(2), text("meanwhile"), usage=usage()),
        user(4, 600, note, origin={"kind": "task-notification"}),
        assistant(5, 605, msg(3), text("it is done"), usage=usage()),
    ]
    parsed = read(log)
    call = parsed.one(ToolCall)
    assert (call.wall_ms, call.internal_ms, call.agent_id, call.agent_type) == (250, None, "a01", "scout")
    (message,) = [event for event in parsed.of(Event) if event.event_type == "user_message"]
    assert (message.message_kind, message.step_seq) == ("notification", 2)


def test_a_script_that_calls_tools_is_one_call() -> None:
    script = use(toolu(1), "REPL", code="await Read('a'); await Bash('ls')")
    log = [
        assistant(1, 1, msg(1), script, usage=usage()),
        row("progress", 2, 2, data={"type": "repl_progress", "toolName": "Read"}, parentToolUseID=toolu(1)),
        row("tool_call", 3, 2, name="Bash", input={"command": "ls"}),
        user(4, 3, [result(toolu(1), "files")]),
    ]
    parsed = read(log)
    assert (parsed.one(ToolCall).tool_name, len(parsed.of(Step)), parsed.reasons()) == ("REPL", 1, [])


def test_searches_that_usage_counts_are_not_billed_searches() -> None:
    counted = usage(server_tool_use={"web_search_requests": 3, "web_fetch_requests": 1})
    log = [
        assistant(1, 1, msg(1), use(toolu(1), "WebSearch", query="x"), usage=counted),
        user(2, 2, [result(toolu(1))], toolUseResult={"query": "x", "results": []}),
    ]
    assert read(log).one(ToolCall).web_searches is None


def test_a_subagent_logged_inside_its_parent_and_in_its_own_file_has_the_same_keys_in_both() -> None:
    message: Json = {"id": msg(2), "role": "assistant", "model": "claude-haiku", "usage": usage()}
    message["content"] = [text("found"), use(toolu(2), "Read")]
    inner: Json = {"type": "assistant", "message": message, "uuid": uid(500), "timestamp": clock(2)}
    data = {"type": "agent_progress", "agentId": "a01", "message": inner}
    parent = read([user(1, 0, "go"), row("progress", 3, 2.5, data=data, parentToolUseID=toolu(1))])
    own = read([row("assistant", 1, message=message, isSidechain=True, agentId="a01") | inner])
    keys = [
        (
            [(step.session_id, step.message_id) for step in parsed.of(Step)],
            [(event.event_id, event.block_index) for event in parsed.of(Event) if event.session_id != MAIN],
            [(call.session_id, call.tool_call_id) for call in parsed.of(ToolCall)],
        )
        for parsed in (parent, own)
    ]
    assert keys[0] == keys[1]
    assert keys[0][0] == [(f"{MAIN}/a01", msg(2))]


def test_a_clients_total_that_starts_again_is_its_last_one() -> None:
    def state(cost: float) -> Json:
        return {"type": "cost-state", "sessionId": SESSION, "modelUsage": {"m": {"costUSD": cost}}}

    assert read([user(1, 0, "go"), state(9.5), state(0.25)]).one(ClientTotal).cost_usd == 0.25
