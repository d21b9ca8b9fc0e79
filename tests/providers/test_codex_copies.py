"""Codex: whose lines are whose in forks, resumed files and subagents, and who a session is."""

import json
from typing import Any

import pytest

from tests.builders_codex import (
    OTHER,
    OWN,
    PARENT,
    PATH,
    THREAD,
    Json,
    Parsed,
    asks,
    at,
    call,
    clock,
    compacted,
    counted,
    event,
    gets,
    item,
    line,
    meta,
    mirror,
    parse,
    parse_bytes,
    person,
    recorded,
    resp,
    says,
    started,
    turn,
    usage,
)
from tracelab.schema import Compaction, Event, Session, Step, ToolCall

FIRST, SECOND, BOTH = (1000, 0, 50, 20), (1200, 900, 30, 0), (2200, 900, 80, 20)
SPAWN = {"subagent": {"thread_spawn": {"parent_thread_id": PARENT, "depth": 1, "agent_role": "explorer"}}}


def steps(parsed: Parsed) -> list[tuple[str, int, str, bool]]:
    return [(row.session_id, row.step_seq, row.usage_source, row.is_inherited) for row in parsed.of(Step)]


def own_settings(second: float, ordinal: object = None) -> Json:
    settings = {"model": "gpt-own", "service_tier": "default"}
    return event(
        second, "thread_settings_applied", ordinal=ordinal, thread_id=THREAD, thread_settings=settings
    )


def child(**payload: Any) -> Json:
    """Header of a subagent's file."""
    return meta(60, ordinal=0, source=SPAWN, parent_thread_id=PARENT, session_id=PARENT, **payload)


# Old resumes and forks: a foreign header, then a copy stamped anew, then a pause.


def copied_turn(second: float) -> list[Json]:
    return [
        meta(second, PARENT, cli_version="0.36.0"),
        person(second + 0.01),
        asks(second + 0.02, call(1)),
        gets(second + 0.03, call(1)),
        counted(second + 0.04, FIRST),
    ]


OLD: Json = {"cli_version": "0.119.0"}
"""A client that does not say where a thread's own part begins: a pause does."""


def test_a_copied_history_belongs_to_its_owner_and_has_no_times() -> None:
    parsed = parse([meta(60, **OLD), *copied_turn(66), person(90), says(91), counted(92, BOTH, SECOND)])
    assert steps(parsed) == [(OWN, 0, "token_count", False), (OTHER, 0, "token_count", True)]
    (tool,) = parsed.of(ToolCall)
    assert (tool.session_id, tool.emitted_at, tool.result_at, tool.wall_ms) == (OTHER, None, None, None)
    assert tool.result_chars == 2
    assert {row.event_at for row in parsed.events if row.session_id == OTHER} == {None}
    own = [(row.event_type, row.event_at) for row in parsed.events if row.session_id == OWN]
    assert own == [("user_message", at(90)), ("text", at(91)), ("usage_report", at(92))]
    mine, theirs = sorted(parsed.of(Session), key=lambda row: not row.is_own)
    assert (mine.session_id, mine.started_at, mine.ended_at) == (OWN, at(60), at(92))
    assert (mine.forked_from_session_id, mine.session_kind) == (OTHER, "main")
    assert (theirs.session_id, theirs.is_own, theirs.started_at, theirs.ended_at) == (
        OTHER,
        False,
        None,
        None,
    )


def test_a_copy_ends_at_a_pause_not_at_the_turn_of_a_second() -> None:
    log = [meta(60, **OLD), meta(60.7, PARENT), person(60.9), says(61.4), counted(62.3, FIRST), says(63.3)]
    assert [row[0] for row in steps(parse(log))] == [OWN, OTHER]


def test_a_pause_ends_no_copy_where_the_client_names_the_own_part() -> None:
    log = [meta(60), meta(60.7, PARENT), person(60.9), counted(62.3, FIRST), own_settings(70), says(71)]
    assert [row[0] for row in steps(parse([*log, recorded(72, resp(1), SECOND)]))] == [OWN, OTHER]


@pytest.mark.parametrize("namer", ["item_completed", "thread_settings_applied"])
@pytest.mark.parametrize("header", [{}, {"forked_from_id": PARENT}])
def test_a_copy_whose_header_is_not_in_it_is_of_the_thread_that_any_line_names(
    namer: str, header: Json
) -> None:
    names = event(60, namer, thread_id=PARENT, item={"type": "Plan"}, thread_settings={"model": "m"})
    copied = [names, started(60, "p1"), person(60), says(60), counted(60, FIRST)]
    own = [own_settings(60.1), started(61, "t1"), person(61), says(62), counted(63, BOTH, SECOND)]
    parsed = parse([meta(60, **header), *copied, *own])
    assert steps(parsed) == [(OWN, 0, "token_count", False), (OTHER, 0, "token_count", True)]


def test_a_revert_is_no_fork_of_itself() -> None:
    (session,) = parse([meta(0, history_base={"thread_id": OWN.removeprefix("codex:")}), says(1)]).of(Session)
    assert session.forked_from_session_id is None


def test_a_compaction_in_the_own_part_is_own_though_it_copies_a_record_of_the_origin() -> None:
    copied = {"thread_id": PARENT, "response_id": resp(9), "usage": usage(FIRST)}
    log = [
        meta(0, history_base={"thread_id": PARENT}),
        person(1),
        compacted(2, latest_token_usage_record=copied),
    ]
    parsed = parse([*log, asks(3, call(1)), recorded(4, resp(1), SECOND)])
    assert [row.session_id for row in parsed.of(Compaction)] == [OWN]
    assert [row.session_id for row in parsed.of(ToolCall)] == [OWN]
    assert [(row[0], row[2]) for row in steps(parsed)] == [(OWN, "record"), (OTHER, "record_copy")]


def test_a_file_may_be_a_copy_to_its_end() -> None:
    parsed = parse([meta(60), *copied_turn(66)])
    assert steps(parsed) == [(OTHER, 0, "token_count", True)]
    assert [row.session_id for row in parsed.of(Session) if row.is_own] == [OWN]


def test_copied_lines_that_kept_their_time_keep_it() -> None:
    parsed = parse([meta(60, **OLD), meta(1, PARENT), person(1.5), says(2), counted(2.4, FIRST), person(90)])
    times = {row.event_at for row in parsed.events if row.session_id == OTHER}
    assert times == {at(1.5), at(2), at(2.4)}
    (theirs,) = [row for row in parsed.of(Session) if not row.is_own]
    assert (theirs.started_at, theirs.ended_at) == (at(1), at(2.4))


def test_a_copy_that_kept_only_some_times_has_no_end() -> None:
    parsed = parse([meta(60), meta(59.5, PARENT), person(60.2), person(90)])
    (theirs,) = [row for row in parsed.of(Session) if not row.is_own]
    assert (theirs.started_at, theirs.ended_at) == (at(59.5), None)


def test_a_resumed_files_header_changes_nothing() -> None:
    parsed = parse([meta(0), says(1), counted(2, FIRST), meta(500), says(501), counted(502, BOTH, SECOND)])
    assert steps(parsed) == [(OWN, 0, "token_count", False), (OWN, 1, "token_count", False)]
    assert len(parsed.of(Session)) == 1


def test_a_fork_with_records_returns_to_its_own_thread_by_name() -> None:
    parsed = parse(
        [
            meta(60, forked_from_id=PARENT),
            meta(60.1, PARENT),
            says(60.1),
            recorded(60.1, resp(1), FIRST, PARENT),
            counted(60.1, FIRST),
            own_settings(60.2),
            says(60.3),
            recorded(60.4, resp(2), SECOND),
        ]
    )
    assert steps(parsed) == [(OWN, 0, "record", False), (OTHER, 0, "record", True)]
    assert parsed.of(Session)[0].forked_from_session_id == OTHER


def test_a_legacy_subagents_copied_token_counts_are_keyed_like_the_echoes_of_its_parent() -> None:
    theirs = [started(1, "p1"), person(1), says(2)]
    parsed = parse(
        [
            meta(60, source=SPAWN),
            meta(60, PARENT),
            *[row | {"timestamp": clock(60)} for row in theirs],
            counted(60, FIRST),
            own_settings(60.1),
            started(60.1, "t1"),
            person(60.1),
            says(60.5),
            recorded(60.6, resp(2), SECOND),
        ]
    )
    assert steps(parsed) == [(OWN, 0, "record", False), (OTHER, 0, "token_count", True)]
    copy = next(row for row in parsed.of(Step) if row.is_inherited)
    (original,) = parse(
        [meta(0, PARENT), *theirs, recorded(3, resp(1), FIRST, PARENT, "p1"), counted(4, FIRST)]
    ).of(Step)
    assert copy.message_id == original.echo_id
    prompts = [
        (row.session_id, row.message_kind) for row in parsed.events if row.event_type == "user_message"
    ]
    assert prompts == [(OTHER, "human"), (OWN, "agent")]


# Subagents with a boundary.


def native(boundary: object) -> list[Json]:
    return [
        child(forked_from_id=PARENT, subagent_history_start_ordinal=boundary, history_mode="paginated"),
        meta(60, PARENT, ordinal=1),
        line("turn_context", 60, {"turn_id": "p1", "model": "gpt-parent"}, ordinal=2),
        item(60, "function_call", ordinal=3, call_id=call(1), name="exec_command", arguments="{}"),
        item(60, "function_call_output", ordinal=4, call_id=call(1), output="ok"),
        says(60, "theirs", ordinal=5),
        own_settings(60, ordinal=6),
        item(61, "message", ordinal=7, role="assistant", content="mine"),
        recorded(62, resp(1), FIRST, ordinal=8),
    ]


@pytest.mark.parametrize("boundary", [6, "6"])
def test_lines_below_the_boundary_are_the_parents(boundary: object) -> None:
    parsed = parse(native(boundary))
    assert steps(parsed) == [
        (OWN, 0, "record", False),
        (OTHER, 0, "none", True),
        (OTHER, 1, "none", True),
    ]
    assert [row.message_id for row in parsed.of(Step)][1:] == [
        f"{PARENT}/{call(1)}",
        f"{PARENT}/p1/unmetered/1",
    ]
    assert [
        row.content_chars for row in parsed.events if row.session_id == OWN and row.event_type == "text"
    ] == [4]
    assert parsed.reasons == []


def test_a_boundary_ends_a_copy_without_any_name() -> None:
    log = [row for row in native(6) if row.get("ordinal") != 6]
    log[-2]["ordinal"] = 6
    assert [row.content_chars for row in parse(log).events if row.session_id == OWN][:1] == [4]


def test_a_boundary_right_after_the_header_means_no_copy() -> None:
    parsed = parse([child(forked_from_id=PARENT, subagent_history_start_ordinal=1)])
    assert [row.session_id for row in parsed.of(Session)] == [OWN]
    assert parsed.reasons == []


def test_a_nested_agents_parent_is_an_agent_of_the_same_root() -> None:
    header = meta(
        60, source=SPAWN, session_id="root", forked_from_id=PARENT, subagent_history_start_ordinal=5
    )
    (theirs,) = [row for row in parse([header, own_settings(61, 5)]).of(Session) if not row.is_own]
    assert (theirs.session_kind, theirs.root_session_id) == ("subagent", "codex:root")


def test_a_pause_in_a_copy_with_a_boundary_does_not_end_it() -> None:
    log = native(6)
    for row in log[4:]:
        row["timestamp"] = clock(200)
    assert [row.session_id for row in parse(log).of(ToolCall)] == [OTHER]


def test_a_boundary_beyond_the_file_gives_way_to_names() -> None:
    parsed = parse([*native(99), counted(62.1, FIRST)])
    assert steps(parsed)[0] == (OWN, 0, "record", False)
    assert {row.session_id for row in parsed.of(ToolCall)} == {OTHER}
    assert parsed.reasons == []


def test_a_migrated_subagents_file_has_the_time_of_its_beginning_on_every_line_and_so_none() -> None:
    log = [*native(12), asks(65, call(2), ordinal=9), gets(69, call(2), ordinal=10), counted(70, BOTH)]
    log[-1]["ordinal"] = 11
    timed = parse(log)
    assert [row.emitted_at for row in timed.of(ToolCall) if row.session_id == OWN] == [at(65)]
    for row in log:
        row["timestamp"] = log[0]["timestamp"]
    parsed = parse(log)
    assert steps(parsed) == steps(timed)
    assert {row.event_at for row in parsed.events} == {None}
    assert {(row.emitted_at, row.result_at) for row in parsed.of(ToolCall)} == {(None, None)}
    assert parsed.reasons == []


def test_a_boundary_beyond_a_file_that_never_names_its_thread_is_unreachable() -> None:
    parsed = parse(
        [
            child(forked_from_id=PARENT, subagent_history_start_ordinal=99),
            started(60, "p1"),
            person(60),
            asks(60, call(1)),
            counted(60, FIRST),
            gets(60, call(1)),
            counted(60, BOTH, SECOND),
        ]
    )
    assert parsed.reasons == ["fork_boundary_unreachable"]
    (row,) = parsed.of(Step)
    assert (row.session_id, row.usage_source, row.is_inherited) == (OTHER, "none", True)
    assert (row.message_id, row.input_tokens) == (f"{PARENT}/{call(1)}", None)
    assert [(row.event_type, row.step_seq) for row in parsed.events] == [
        ("user_message", 0),
        ("tool_call", 0),
        ("tool_result", None),
    ]


def test_a_subagents_file_that_only_begins_has_nothing_to_place() -> None:
    parsed = parse([child(forked_from_id=PARENT, subagent_history_start_ordinal=9)])
    assert (parsed.reasons, parsed.of(Step)) == ([], [])


def test_a_setting_in_the_copied_part_still_holds_for_the_childs_own_turns() -> None:
    log = native(6)
    log[6] = event(60, "task_started", ordinal=6, turn_id="t1")
    log.insert(
        3, event(60, "thread_settings_applied", ordinal=2, thread_settings={"service_tier": "priority"})
    )
    (row,) = [row for row in parse(log).of(Step) if not row.is_inherited]
    assert (row.service_tier, row.model) == ("priority", "gpt-parent")


@pytest.mark.parametrize("origin", ["forked_from_id", "parent_thread_id", "session_id"])
@pytest.mark.parametrize("namer", ["thread_settings_applied", "item_completed"])
def test_a_migrated_fork_names_its_origin_only_in_its_own_header(origin: str, namer: str) -> None:
    item_of = {"type": "UserMessage", "content": [{"type": "text", "text": "please"}]}
    parsed = parse(
        [
            meta(60, **{origin: PARENT}),
            event(60.1, namer, thread_id=PARENT, item=item_of, thread_settings={"model": "m"}),
            says(60.1),
            counted(60.1, FIRST),
            own_settings(60.2),
            says(60.3),
            recorded(60.4, resp(2), SECOND),
        ]
    )
    assert sorted(steps(parsed)) == [(OTHER, 0, "token_count", True), (OWN, 0, "record", False)]


@pytest.mark.parametrize("source", ["cli", SPAWN])
def test_a_copy_begins_behind_the_header_where_none_of_its_origin_is_in_it(source: object) -> None:
    parsed = parse(
        [
            meta(60, source=source, forked_from_id=PARENT, cli_version="0.155.0"),
            started(60, "p1"),
            person(60),
            asks(60, call(1)),
            counted(60, FIRST),
            own_settings(60.1),
            started(60.1, "t1"),
            person(60.2),
            says(62),
            recorded(63, resp(2), SECOND),
        ]
    )
    assert sorted(steps(parsed)) == [(OTHER, 0, "token_count", True), (OWN, 0, "record", False)]
    prompts = [row.session_id for row in parsed.events if row.event_type == "user_message"]
    assert sorted(prompts) == [OTHER, OWN]


def test_a_paginated_fork_copies_nothing() -> None:
    base = {"thread_id": PARENT, "end_ordinal_exclusive": 40}
    parsed = parse([meta(60, history_base=base), says(61), recorded(62, resp(1), FIRST)])
    assert steps(parsed) == [(OWN, 0, "record", False)]
    (session,) = parsed.of(Session)
    assert (session.forked_from_session_id, session.session_kind) == (OTHER, "main")


def test_a_mirror_names_its_thread() -> None:
    parsed = parse(
        [meta(60), meta(60, PARENT), says(60), mirror(60.1, "UserMessage", text="mine"), says(60.2)]
    )
    rows = [(row.session_id, row.event_type) for row in parsed.events]
    assert sorted(rows) == [(OTHER, "text"), (OWN, "text"), (OWN, "user_message")]


def test_in_a_copy_of_a_copy_a_compaction_stays_with_the_thread_between() -> None:
    """Its record is copied from the first thread: that is the weaker name."""
    middle = "019a0000-0000-7000-8000-00000000000c"
    first = [meta(0, PARENT), turn(1, "t1"), person(1), says(3), recorded(4, resp(1), FIRST, PARENT, "t1")]
    between = [
        meta(20, middle, forked_from_id=PARENT),
        *first,
        event(21, "thread_settings_applied", thread_id=middle, thread_settings={"model": "gpt-5.5"}),
        started(22, "t2"),
        turn(22, "t2"),
        compacted(25, latest=(resp(1), FIRST), thread=PARENT, window_id="w2"),
    ]
    log = [meta(60, THREAD, forked_from_id=middle), *between, own_settings(62), turn(63, "t3"), says(65)]
    assert [row.session_id for row in parse(log).of(Compaction)] == [f"codex:{middle}"]


def test_a_copied_compaction_is_its_owners() -> None:
    parsed = parse([meta(60), meta(60, PARENT), compacted(60, window_id="w1"), person(90)])
    (mark,) = parsed.of(Compaction)
    assert (mark.session_id, mark.compaction_id, mark.compacted_at) == (OTHER, f"{PARENT}/w1", None)


# Who a session is.


def session(log: list[Json], path: str = PATH) -> Session:
    (row,) = parse(log, path).of(Session)
    return row


def test_a_header_describes_its_session() -> None:
    row = session([meta(0, cwd="/home/ada/loom/"), person(5)])
    assert (row.session_id, row.provider, row.is_own, row.session_kind) == (OWN, "codex", True, "main")
    assert (row.parent_session_id, row.root_session_id, row.forked_from_session_id) == (None, OWN, None)
    assert (row.user_name, row.project, row.client_version, row.entrypoint) == (
        "ada",
        "loom",
        "0.155.0",
        "cli",
    )
    assert (row.started_at, row.ended_at, row.agent_type) == (at(0), at(5), None)


@pytest.mark.parametrize(
    ("payload", "kind", "agent_type", "entrypoint", "root"),
    [
        ({"source": SPAWN, "session_id": "r"}, "subagent", "explorer", "subagent", "codex:r"),
        ({"source": SPAWN}, "subagent", "explorer", "subagent", OTHER),
        (
            {"source": {"subagent": "review"}, "parent_thread_id": PARENT},
            "subagent",
            "review",
            "subagent",
            OTHER,
        ),
        ({"source": {"subagent": "compact"}}, "subagent", "compact", "subagent", OWN),
        ({"source": {"subagent": {"other": "guardian"}}}, "subagent", "guardian", "subagent", OWN),
        ({"source": "cli", "thread_source": "memory_consolidation"}, "subagent", None, "cli", OWN),
        ({"source": {"internal": "memory"}}, "subagent", None, "internal", OWN),
        ({"source": "exec", "thread_source": "guardian_review"}, "subagent", None, "exec", OWN),
        ({"source": "cli", "parent_thread_id": PARENT}, "subagent", None, "cli", OTHER),
        ({"source": "vscode", "thread_source": "user"}, "main", None, "vscode", OWN),
        ({"source": {"custom": "thing"}}, "main", None, "custom", OWN),
        ({"source": None}, "main", None, "codex_cli_rs", OWN),
    ],
)
def test_the_source_tells_who_started_a_session(
    payload: Json, kind: str, agent_type: str | None, entrypoint: str, root: str
) -> None:
    row = session([meta(**payload)])
    assert (row.session_kind, row.agent_type, row.entrypoint, row.root_session_id) == (
        kind,
        agent_type,
        entrypoint,
        root,
    )


@pytest.mark.parametrize(
    ("cwd", "project"),
    [("C:\\work\\loom\\", "loom"), ("/", None), (None, None), ("/w/" + "x" * 255, "x" * 255)],
)
def test_the_project_is_the_last_part_of_the_working_directory(cwd: str | None, project: str | None) -> None:
    assert session([meta(cwd=cwd)]).project == project


def test_a_file_without_a_header_is_known_by_its_name_else_by_its_first_line() -> None:
    assert session([turn(1), says(2)]).session_id == OWN
    assert session([turn(1), says(2)]).project == "loom"
    nameless = session([turn(1), says(2)], "/tmp/full.jsonl").session_id
    assert nameless == session([turn(1), says(3)], "/elsewhere/log.jsonl").session_id
    assert len(nameless.removeprefix("codex:")) == 32


def test_a_rollout_of_a_reverted_thread_is_named_by_the_thread() -> None:
    path = f"/x/rollout-2026-09-20T10-00-00-{PARENT}_{THREAD}.jsonl"
    assert session([turn(1)], path).session_id == OTHER


def test_a_late_header_still_names_the_file() -> None:
    early = [person(1) for _ in range(600)]
    parsed = parse([*early, asks(2, call(1)), counted(3, FIRST), says(3), meta(4)], "/tmp/full.jsonl")
    kinds = (Event, Step, ToolCall, Session)
    assert {row.session_id for kind in kinds for row in parsed.of(kind)} == {OWN}
    assert (parsed.tally.first_at, parsed.tally.last_at, parsed.tally.steps) == (at(1), at(4), 2)


def test_a_late_header_names_neither_what_was_read_of_another_thread_nor_loses_what_named_its_own() -> None:
    early = [says(1), recorded(2, resp(1), FIRST, PARENT), says(2), recorded(3, resp(2), SECOND)]
    parsed = parse([*early, meta(4)], "/tmp/full.jsonl")
    owned = {(row.session_id, row.message_id) for row in parsed.of(Step) if row.usage_source == "record"}
    assert owned == {(OTHER, f"{PARENT}/{resp(1)}"), (OWN, f"{THREAD}/{resp(2)}")}
    assert {row.session_id for row in parsed.events if row.event_id.startswith(PARENT)} == {OTHER}
    assert [row.session_id for row in parsed.of(Session) if row.is_own] == [OWN]


def test_the_first_of_several_versions_and_the_headers_project_are_the_sessions() -> None:
    row = session([meta(cli_version="0.1"), turn(1, cwd="/elsewhere/x"), meta(2, cli_version="0.2")])
    assert (row.client_version, row.project) == ("0.1", "loom")


def test_the_oldest_format_has_a_session_messages_and_calls_but_no_times() -> None:
    parsed = parse(
        [
            {"id": THREAD, "timestamp": clock(0), "instructions": None, "git": {}},
            {"record_type": "state"},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "please"}]},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
            {"type": "function_call", "name": "acme__lookup", "arguments": "{}", "call_id": call(1)},
            {"record_type": "state"},
            {"type": "function_call_output", "call_id": call(1), "output": "ok"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]},
        ],
        "/tmp/old.jsonl",
    )
    assert steps(parsed) == [(OWN, 0, "none", False), (OWN, 1, "none", False)]
    assert [(row.event_type, row.step_seq, row.event_at) for row in parsed.events] == [
        ("user_message", 0, None),
        ("reasoning", 0, None),
        ("tool_call", 0, None),
        ("tool_result", 1, None),
        ("text", 1, None),
    ]
    assert parsed.events[0].message_kind == "human"
    (tool,) = parsed.of(ToolCall)
    assert (tool.tool_name, tool.wall_ms, tool.result_chars) == ("acme__lookup", None, 2)
    (row,) = parsed.of(Session)
    assert (row.session_id, row.started_at, row.client_version) == (OWN, at(0), None)
    assert parsed.tally.records_by_type["state"] == 2


def test_two_objects_on_a_line_and_a_bad_line_are_survived() -> None:
    good = [json.dumps(row).encode() for row in (meta(0), person(1), says(2))]
    parsed = parse_bytes(good[0] + b"\n" + good[1] + good[2] + b'\n"text"\n{"type":\n')
    assert (parsed.tally.objects, parsed.tally.bad_lines) == (3, 2)
    assert [row.event_type for row in parsed.events] == ["user_message", "text"]
    assert [row.line_no for row in parsed.of(Step)] == [2]


def test_a_lone_surrogate_in_an_output_is_survived() -> None:
    parsed = parse([meta(), asks(1, call(1)), gets(2, call(1), "\ud83d")])
    assert [row.result_chars for row in parsed.of(ToolCall)] == [1]


def test_nothing_that_a_person_wrote_or_a_tool_printed_is_kept() -> None:
    mark = "MARK"
    header = meta(0, cwd=f"/home/{mark}/loom", instructions=mark, git={"branch": mark})
    log = [
        header,
        person(1, mark),
        says(1, mark, role="user"),
        item(2, "reasoning", summary=[{"text": mark}], encrypted_content=mark),
        says(3, mark),
        asks(4, call(1), "spawn_agent", json.dumps({"message": mark, "agent_type": "reader"})),
        gets(5, call(1), json.dumps({"output": mark, "metadata": {"exit_code": 1}})),
        asks(6, call(2), "exec_command", mark),
        event(7, "exec_command_end", call_id=call(2), aggregated_output=mark, status=mark),
        mirror(8, "UserMessage", text=mark),
        compacted(9, message=mark),
        event(10, "turn_aborted", reason=mark),
        event(11, "thread_name_updated", thread_name=mark),
        recorded(12, resp(1), FIRST) | {"timestamp": mark},
    ]
    parsed = parse(log)
    assert parsed.of(Session)[0].project == "loom"
    assert mark not in repr(parsed.rows) + repr(parsed.tally)
