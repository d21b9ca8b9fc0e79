"""Claude sessions: contexts, subagents in all their homes, copies, compactions, the client's own totals."""

import hashlib
from typing import Any

import pytest

from tests.builders_claude import (
    OTHER,
    PATH,
    SESSION,
    Json,
    assistant,
    clock,
    msg,
    parse,
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
FOLDER = f"/home/ada/.claude/projects/-home-ada-loom/{SESSION}/subagents"


def embedded(number: int, second: float, agent: str | None, kind: str, message: Json, call: str) -> Json:
    """A subagent's row inside its parent's log."""
    inner = {
        "type": kind,
        "message": message,
        "uuid": uid(number + 500),
        "timestamp": clock(second),
    }
    data = {"type": "agent_progress", "agentId": agent, "message": inner}
    return row("progress", number, second + 0.5, data=data, parentToolUseID=call, toolUseID="agent_msg_1")


def api(message_id: str, *blocks: Json) -> Json:
    """The API message of a subagent's row."""
    return {
        "id": message_id,
        "role": "assistant",
        "model": "claude-haiku",
        "content": list(blocks),
        "usage": usage(),
    }


def test_a_session_holds_everything_that_its_file_says() -> None:
    log = [
        row("mode", 1, 0, mode="default"),
        user(2, 5, "go", entrypoint="sdk-cli", version="2.1.299"),
        assistant(3, 9, msg(1), use(toolu(1))),
        user(4, 7, [result(toolu(1))]),
    ]
    parsed = read(log)
    events = parsed.of(Event)
    assert parsed.one(Session) == Session(
        session_id=MAIN,
        file_id="file",
        provider="claude",
        is_own=True,
        session_kind="main",
        parent_session_id=None,
        root_session_id=MAIN,
        forked_from_session_id=None,
        agent_type=None,
        user_name="ada",
        project="-home-ada-loom",
        client_version="2.1.299",
        entrypoint="sdk-cli",
        started_at=events[0].event_at,
        ended_at=events[1].event_at,
        spawn_tool_call_id=None,
    )


@pytest.mark.parametrize(
    ("path", "project"),
    [
        (PATH, "-home-ada-loom"),
        (f"{FOLDER}/workflows/wf_1/agent-a01.jsonl", "-home-ada-loom"),
        ("/home/ada/projects/loom/.claude/projects/-srv/a.jsonl", "-srv"),
        ("/home/ada/.claude/projects/projects/a.jsonl", "projects"),
        ("/archive/projects/full.jsonl", None),
        ("/archive/full.jsonl", None),
    ],
)
def test_the_project_is_the_folder_right_below_the_clients_projects(path: str, project: str | None) -> None:
    assert read([user(1, 0, "go")], path).one(Session).project == project


def test_a_file_of_two_sessions_has_two() -> None:
    log = [assistant(1, 1, msg(1)), assistant(2, 2, msg(2), sessionId=OTHER), assistant(3, 3, msg(3))]
    parsed = read(log)
    assert [(session.session_id, session.is_own) for session in parsed.of(Session)] == [
        (MAIN, True),
        (f"claude:{OTHER}", True),
    ]
    assert sorted((step.session_id, step.step_seq, step.message_id) for step in parsed.of(Step)) == [
        (MAIN, 0, msg(1)),
        (MAIN, 1, msg(3)),
        (f"claude:{OTHER}", 0, msg(2)),
    ]


def test_a_log_without_any_id_is_named_by_its_first_line() -> None:
    line = b'{"type":"user","message":{"role":"user","content":"go"}}'
    parsed = parse(line + b"\n")
    assert parsed.one(Session).session_id == f"claude:{hashlib.sha256(line).hexdigest()[:32]}"


def test_the_newer_spelling_of_the_session_id_is_one() -> None:
    log = [assistant(1, 1, msg(1), sessionId=None, session_id=OTHER), assistant(2, 2, msg(2), sessionId=None)]
    assert {step.session_id for step in read(log).of(Step)} == {f"claude:{OTHER}"}


@pytest.mark.parametrize(
    "record",
    [
        {"type": "summary", "summary": "A title", "leafUuid": uid(7)},
        row("progress", 1, 1, sessionId=OTHER, data={"type": "hook_progress"}),
        row("system", 1, 1, sessionId=OTHER, subtype="stop_hook_summary"),
        {"type": "queue-operation", "sessionId": OTHER},
    ],
    ids=lambda record: record["type"],
)
def test_records_without_a_message_make_no_session(record: Json) -> None:
    assert read([record]).of(Session) == []


@pytest.mark.parametrize("path", [f"{FOLDER}/agent-a01.jsonl", "/archive/full.jsonl"])
def test_a_subagents_log_carries_its_parents_id(path: str) -> None:
    fields: Json = {"isSidechain": True, "agentId": "a01"}
    parsed = read([user(1, 0, "look", **fields), assistant(2, 1, msg(1), **fields)], path)
    session = parsed.one(Session)
    assert (session.session_id, session.session_kind) == (f"{MAIN}/a01", "subagent")
    assert (session.parent_session_id, session.root_session_id, session.is_own) == (MAIN, MAIN, True)
    assert parsed.one(Event).message_kind == "agent"


def test_a_files_name_gives_the_agent_where_its_rows_do_not() -> None:
    for name in ("agent-a01.jsonl", "agent-a01.jsonl.gz", "agent-a01.jsonl.zst"):
        parsed = read([assistant(1, 1, msg(1), isSidechain=True)], f"{FOLDER}/{name}")
        assert parsed.one(Step).session_id == f"{MAIN}/a01"


def test_a_main_session_may_be_called_as_an_agent() -> None:
    parsed = read([user(1, 0, "look"), assistant(2, 1, msg(1))], f"{FOLDER}/agent-notes.jsonl")
    session = parsed.one(Session)
    assert (session.session_id, session.session_kind) == (MAIN, "main")
    assert [event.message_kind for event in parsed.of(Event) if event.message_kind] == ["human"]


@pytest.mark.parametrize("entrypoint", [{}, {"entrypoint": "cli"}], ids=["", "with all that is asked of it"])
def test_a_sidechain_without_a_name_has_its_roots(entrypoint: Json) -> None:
    side: Json = {"isSidechain": True, **entrypoint}
    log = [
        user(1, 0, "go"),
        assistant(2, 1, msg(1), use(toolu(1), "Task")),
        user(3, 2, "look", parentUuid=None, **side),
        user(10, 2, "look elsewhere", parentUuid=None, **side),
        row("system", 4, 2, subtype="informational", **side),
        assistant(5, 3, msg(2), text("a"), **side),
        assistant(11, 3, msg(3), text("b"), **side),
        user(6, 4, [result(toolu(1))], parentUuid=uid(2)),
        assistant(7, 5, msg(4), text("done")),
    ]
    parsed = read(log)
    assert [(step.session_id, step.step_seq) for step in parsed.of(Step)] == [
        (MAIN, 0),
        (MAIN, 1),
        (f"{MAIN}/{uid(3)}", 0),
        (f"{MAIN}/{uid(10)}", 0),
    ]


def test_a_subagent_inside_its_parents_log_is_a_session_of_its_own() -> None:
    prompt = {"role": "user", "content": "look"}
    answer = {"role": "user", "content": [result(toolu(2), "found")]}
    log = [
        user(1, 0, "go"),
        assistant(2, 1, msg(1), use(toolu(1), "Task", subagent_type="scout"), usage=usage()),
        embedded(3, 2, "a01", "user", prompt, toolu(1)),
        embedded(4, 3, "a01", "assistant", api(msg(2), use(toolu(2), "Read")), toolu(1)),
        embedded(5, 4, "a01", "user", answer, toolu(1)),
        embedded(6, 5, "a01", "assistant", api(msg(3), text("it is there")), toolu(1)),
        user(7, 9, [result(toolu(1))], parentUuid=uid(2)),
        assistant(8, 10, msg(4), text("done"), usage=usage()),
    ]
    parsed = read(log)
    agent = f"{MAIN}/a01"
    assert [(step.session_id, step.step_seq, step.message_id) for step in parsed.of(Step)] == [
        (MAIN, 0, msg(1)),
        (MAIN, 1, msg(4)),
        (agent, 0, msg(2)),
        (agent, 1, msg(3)),
    ]
    sessions = {session.session_id: session for session in parsed.of(Session)}
    assert (sessions[agent].parent_session_id, sessions[agent].agent_type) == (MAIN, "scout")
    assert sessions[agent].client_version == "2.1.300"
    events = sorted(parsed.of(Event), key=lambda event: event.event_index)
    assert [(e.session_id, e.step_seq, e.event_type) for e in events if "/" in e.session_id] == [
        (agent, 0, "user_message"),
        (agent, 0, "tool_call"),
        (agent, 1, "tool_result"),
        (agent, 1, "text"),
    ]
    assert [(call.session_id, call.agent_id, call.is_error) for call in parsed.of(ToolCall)] == [
        (MAIN, "a01", False),
        (agent, None, False),
    ]
    first = next(event for event in events if event.session_id == agent)
    assert (first.event_id, first.message_kind) == (uid(503), "agent")
    assert first.event_at is not None and first.event_at.second == 2, "its own time, not the carrier's"
    assert parsed.tally.records_by_type["progress/agent_progress"] == 4


def test_an_embedded_agent_without_an_id_is_named_by_the_call_that_started_it() -> None:
    log = [embedded(1, 1, None, "assistant", api(msg(1), text("x")), toolu(1))]
    assert read(log).one(Step).session_id == f"{MAIN}/{toolu(1)}"


def test_an_agent_started_by_an_agent_has_it_as_parent() -> None:
    side: Json = {"isSidechain": True, "agentId": "a01"}
    log = [
        assistant(1, 1, msg(1), use(toolu(1), "Agent", subagent_type="scout"), **side),
        embedded(2, 2, "a02", "assistant", api(msg(2), text("x")), toolu(1)) | side,
        user(3, 3, [result(toolu(1))], toolUseResult={"agentId": "a02"}, **side),
    ]
    sessions = {session.session_id: session for session in read(log).of(Session)}
    assert sessions[f"{MAIN}/a02"].parent_session_id == f"{MAIN}/a01"
    assert sessions[f"{MAIN}/a01"].parent_session_id == MAIN


@pytest.mark.parametrize(
    ("sidecar", "agent_type", "parent"),
    [
        ({"agentType": "scout", "description": "words"}, "scout", MAIN),
        ({"agentType": "fork", "parentAgentId": "a00", "toolUseId": toolu(9)}, "fork", f"{MAIN}/a00"),
        ({"agentType": 5}, None, MAIN),
        (None, None, MAIN),
    ],
)
def test_the_file_beside_an_agents_log_gives_its_kind_and_parent(
    sidecar: Json | None, agent_type: str | None, parent: str
) -> None:
    log = [assistant(1, 1, msg(1), isSidechain=True, agentId="a01")]
    session = read(log, f"{FOLDER}/agent-a01.jsonl", sidecar).one(Session)
    assert (session.agent_type, session.parent_session_id) == (agent_type, parent)


def test_history_copied_into_an_agents_log_bears_the_ids_of_the_original() -> None:
    side: Json = {"isSidechain": True, "agentId": "acompact-1"}
    log = [assistant(n, n, msg(n), use(toolu(n)), usage=usage()) for n in (1, 2)]
    copy = read([*(record | side for record in log), assistant(3, 3, msg(3), text("sum"), **side)])
    original = read(log)
    assert [step.message_id for step in copy.of(Step)] == [msg(1), msg(2), msg(3)]
    assert {event.event_id for event in original.of(Event)} < {event.event_id for event in copy.of(Event)}
    assert [call.tool_call_id for call in copy.of(ToolCall)] == [toolu(1), toolu(2)]


def test_rows_forked_from_another_session_stay_its_own_and_are_inherited() -> None:
    copied: Json = {"forkedFrom": {"sessionId": OTHER, "messageUuid": uid(1)}}
    log = [
        user(1, 0, "go", **copied),
        assistant(2, 1, msg(1), text("a"), usage=usage(), **copied),
        user(3, 60, "another way"),
        assistant(4, 61, msg(2), text("b"), usage=usage()),
    ]
    parsed = read(log)
    assert [(step.session_id, step.message_id, step.is_inherited) for step in parsed.of(Step)] == [
        (MAIN, msg(2), False),
        (f"claude:{OTHER}", msg(1), True),
    ]
    assert {(s.session_id, s.is_own, s.forked_from_session_id) for s in parsed.of(Session)} == {
        (MAIN, True, f"claude:{OTHER}"),
        (f"claude:{OTHER}", False, None),
    }
    assert {session.session_kind for session in parsed.of(Session)} == {"main"}


def test_a_fork_without_a_row_of_its_own_is_a_session() -> None:
    copied: Json = {"forkedFrom": {"sessionId": OTHER, "messageUuid": uid(1)}}
    parsed = read([user(1, 0, "go", **copied), assistant(2, 1, msg(1), text("a"), usage=usage(), **copied)])
    assert {(s.session_id, s.is_own, s.forked_from_session_id) for s in parsed.of(Session)} == {
        (MAIN, True, f"claude:{OTHER}"),
        (f"claude:{OTHER}", False, None),
    }


def test_an_embedded_row_that_was_forked_keeps_its_name() -> None:
    log = [
        embedded(1, 1, "a01", "user", {"role": "user", "content": "look"}, toolu(1)),
        embedded(2, 2, "a01", "assistant", api(msg(1), text("there")), toolu(1)),
    ]
    forked = [
        record | {"sessionId": OTHER, "forkedFrom": {"sessionId": SESSION, "messageUuid": record["uuid"]}}
        for record in log
    ]
    original, copy = read(log).of(Event), read(forked).of(Event)
    assert [event.event_id for event in original] == [uid(501), uid(502)]
    assert copy == original


def test_a_session_continued_elsewhere_is_named_with_where_it_comes_from() -> None:
    log = [
        assistant(1, 1, msg(1)),
        {"type": "continued-in", "sessionId": SESSION, "continuedInSessionId": OTHER},
    ]
    successor = read(log).of(Session)[1]
    assert (successor.session_id, successor.forked_from_session_id) == (f"claude:{OTHER}", MAIN)
    assert (successor.is_own, successor.session_kind, successor.started_at) == (False, "main", None)


def test_a_fork_agent_that_copies_nothing_names_the_history_it_continues() -> None:
    side: Json = {"isSidechain": True, "agentId": "a01"}
    log = [
        {"type": "fork-context-ref", "agentId": "a01", "parentSessionId": SESSION, "parentLastUuid": uid(1)},
        assistant(2, 1, msg(1), **side),
    ]
    session = read(log, f"{FOLDER}/agent-a01.jsonl").one(Session)
    assert (session.session_id, session.forked_from_session_id) == (f"{MAIN}/a01", MAIN)


def boundary(number: int, second: float, **metadata: Any) -> Json:
    fields: Json = {"parentUuid": None, "logicalParentUuid": uid(number - 1)}
    return row("system", number, second, subtype="compact_boundary", compactMetadata=metadata, **fields)


def summary(number: int, second: float, **fields: Any) -> Json:
    return user(number, second, "what was", isCompactSummary=True, isVisibleInTranscriptOnly=True, **fields)


def test_a_compaction_is_one_row_before_the_next_step() -> None:
    log = [
        user(1, 0, "go"),
        assistant(2, 1, msg(1)),
        user(3, 2, "/compact"),
        boundary(4, 20, trigger="manual", preTokens=115_665, postTokens=12_994),
        summary(5, 19),
        user(6, 3, "<command-name>/compact</command-name>"),
        assistant(7, 30, msg(2), text("on")),
    ]
    parsed = read(log)
    mark = parsed.one(Compaction)
    assert mark == Compaction(
        file_id="file",
        session_id=MAIN,
        compaction_id=uid(4),
        before_step_seq=1,
        compacted_at=mark.compacted_at,
        compaction_trigger="manual",
        pre_tokens=115_665,
        post_tokens=12_994,
    )
    assert mark.compacted_at is not None and mark.compacted_at.second == 20
    assert [event.message_kind for event in parsed.of(Event)][:4] == [
        "human",
        "command",
        "compact_summary",
        "command",
    ]
    assert parsed.tally.records_by_type["system/compact_boundary"] == 1


def test_two_compactions_are_two_and_the_last_may_have_no_step_after_it() -> None:
    log = [
        boundary(1, 1, trigger="auto", preTokens=9),
        summary(2, 1),
        assistant(3, 2, msg(1)),
        boundary(4, 3, trigger="auto"),
        summary(5, 3),
    ]
    marks = read(log).of(Compaction)
    assert [(mark.compaction_id, mark.before_step_seq) for mark in marks] == [(uid(1), 0), (uid(4), None)]


def test_a_compaction_seen_again_counts_once() -> None:
    log = [boundary(1, 1), boundary(1, 1), summary(2, 1), assistant(3, 2, msg(1)), boundary(1, 1)]
    assert len(read(log).of(Compaction)) == 1


@pytest.mark.parametrize(("trigger", "said"), [("auto", "auto"), ("idle", "auto"), (None, None)])
def test_a_compaction_that_nobody_asked_for_is_automatic(trigger: str | None, said: str | None) -> None:
    assert read([boundary(1, 1, trigger=trigger)]).one(Compaction).compaction_trigger == said


def test_a_summary_without_a_boundary_is_a_compaction_of_unknown_trigger() -> None:
    mark = read([assistant(1, 1, msg(1)), summary(2, 2), assistant(3, 3, msg(2))]).one(Compaction)
    assert (mark.compaction_id, mark.before_step_seq, mark.compaction_trigger) == (uid(2), 1, None)


def test_a_boundary_that_comes_after_its_summary_is_the_same_compaction() -> None:
    mark = read([summary(1, 1), boundary(2, 2, trigger="auto", preTokens=5), assistant(3, 3, msg(1))])
    assert (mark.one(Compaction).compaction_id, mark.one(Compaction).pre_tokens) == (uid(2), 5)


def test_a_compaction_belongs_to_the_session_that_goes_on_after_it() -> None:
    log = [boundary(1, 1) | {"sessionId": OTHER}, summary(2, 1), assistant(3, 2, msg(1))]
    mark = read(log).one(Compaction)
    assert (mark.session_id, mark.before_step_seq) == (MAIN, 0)


def test_cutting_old_tool_results_is_no_compaction() -> None:
    metadata = {"trigger": "auto", "preTokens": 9, "tokensSaved": 4}
    log = [row("system", 1, 1, subtype="microcompact_boundary", microcompactMetadata=metadata)]
    assert read(log).rows == {}


def test_the_clients_last_total_stands_and_is_no_step() -> None:
    def state(cost: float) -> Json:
        total = {
            "inputTokens": 10,
            "outputTokens": 20,
            "thinkingTokens": 5,
            "cacheReadInputTokens": 30,
            "cacheCreationInputTokens": 40,
            "webSearchRequests": 1,
            "costUSD": cost,
        }
        return {"type": "cost-state", "sessionId": SESSION, "modelUsage": {"claude-opus-4-8": total}}

    parsed = read([assistant(1, 1, msg(1), usage=usage()), state(0.5), state(0.75)])
    assert parsed.one(ClientTotal) == ClientTotal(
        session_id=MAIN,
        file_id="file",
        model="claude-opus-4-8",
        input_tokens=10,
        prefix_tokens=30,
        cache_write_tokens=40,
        output_tokens=20,
        reasoning_tokens=5,
        web_searches=1,
        cost_usd=0.75,
    )
    assert len(parsed.of(Step)) == 1


def test_a_growing_log_says_of_its_start_what_it_said_before() -> None:
    log = [
        user(1, 0, "go"),
        assistant(2, 1, msg(1), use(toolu(1)), usage=usage(out=3)),
        user(3, 2, [result(toolu(1))]),
        assistant(4, 3, msg(2), text("b"), usage=usage(out=40), uuid="short"),
        user(5, 4, "more"),
    ]
    whole = read(log)
    for length in range(1, len(log)):
        part = read(log[:length])
        assert set(part.of(Step)) <= set(whole.of(Step))
        settled = [event for event in part.of(Event) if event.step_seq is not None]
        assert set(settled) <= set(whole.of(Event))
