"""Codex: tool calls, the shapes of their results, and the ends that the client logs."""

import json

import pytest

from tests.builders_codex import (
    OTHER,
    OWN,
    PARENT,
    THREAD,
    Json,
    asks,
    at,
    call,
    event,
    gets,
    item,
    meta,
    mirror,
    parse,
    recorded,
    resp,
    turn,
)
from tracelab.schema import Event, ToolCall

SHELL = '{"output": "Exit code: 9", "metadata": {"exit_code": %s, "duration_seconds": 1.25}}'


def tool(*log: Json) -> ToolCall:
    """The one call of a log."""
    (row,) = parse([meta(), *log, recorded(99, resp(1), (10, 0, 1, 0))]).of(ToolCall)
    return row


def result(output: object, name: str = "exec_command") -> ToolCall:
    """A call with this output."""
    return tool(asks(1, call(1), name), gets(5, call(1), output))


def test_a_call_has_its_times_its_sizes_and_its_place() -> None:
    row = tool(asks(1, call(1), "shell", '{"é":1}'), gets(5.5, call(1), "four"))
    assert (row.session_id, row.step_seq, row.tool_index, row.tool_call_id) == (OWN, 0, 0, call(1))
    assert (row.emitted_at, row.result_at, row.wall_ms) == (at(1), at(5.5), 4500)
    assert (row.tool_name, row.input_chars, row.result_chars) == ("shell", 7, 4)
    assert (row.is_error, row.exit_code, row.internal_ms, row.is_denied) == (None, None, None, False)
    assert row.web_searches is None


def test_a_call_without_a_result_is_open() -> None:
    row = tool(asks(1, call(1)))
    assert (row.result_at, row.wall_ms, row.result_chars, row.is_error) == (None, None, None, None)


def test_a_result_that_names_no_call_is_an_event_alone() -> None:
    parsed = parse([meta(), gets(1, call(1))])
    assert parsed.of(ToolCall) == []
    assert [(row.event_type, row.tool_call_id, row.step_seq) for row in parsed.events] == [
        ("tool_result", call(1), None)
    ]


@pytest.mark.parametrize("code", [0, 1, 137, -1])
def test_json_output_tells_the_exit_code_and_the_runners_time(code: int) -> None:
    for output in (SHELL % code, json.loads(SHELL % code)):
        row = result(output, "shell")
        assert (row.exit_code, row.is_error, row.internal_ms) == (code, code != 0, 1250)


@pytest.mark.parametrize(
    ("metadata", "is_error"),
    [({"success": False}, True), ({"success": True}, False), ({}, None), ("x", None)],
)
def test_json_output_without_exit_code_may_tell_success(metadata: object, is_error: bool | None) -> None:
    row = result(json.dumps({"output": "x", "metadata": metadata}), "apply_patch")
    assert (row.is_error, row.exit_code, row.internal_ms) == (is_error, None, None)


@pytest.mark.parametrize(
    ("output", "exit_code", "is_error", "internal_ms"),
    [
        ("Chunk ID: ab\nWall time: 0.0525 seconds\nProcess exited with code 2\nOutput:\nx", 2, True, 52),
        (
            "Chunk ID: ab\r\nWall time: 2 seconds\r\nProcess exited with code 0\r\nOutput:\r\nx",
            0,
            False,
            2000,
        ),
        (
            "Wall time: 1.5 seconds\nProcess running with session ID 7\nOutput:\nExit code: 3",
            None,
            None,
            1500,
        ),
        ("Exit code: 1\nWall time: 0.1 seconds\nOutput:\nWall time: 9 seconds", 1, True, 100),
        ("Script completed\nWall time 3.5 seconds\nOutput:\n", None, False, 3500),
        ("Script failed\nWall time 0.2 seconds\nOutput:\nx", None, True, 200),
        ("Script running with cell ID 7\nWall time 10.0 seconds\nOutput:\n", None, None, 10_000),
        ("Script terminated\nWall time 4 seconds\nOutput:\n", None, None, 4000),
        ("Wall time: soon\nProcess exited with code none\nOutput:\n", None, None, None),
        ("Wall time: 99999999999 seconds\nOutput:\n", None, None, None),
    ],
)
def test_header_lines_tell_the_runners_time_and_the_exit_code(
    output: str, exit_code: int | None, is_error: bool | None, internal_ms: int | None
) -> None:
    for shape in (output, [{"type": "input_text", "text": part} for part in output.split("\n")]):
        row = result(shape)
        assert (row.exit_code, row.is_error, row.internal_ms) == (exit_code, is_error, internal_ms)


@pytest.mark.parametrize(
    "output",
    [
        "I ran it.\nExit code: 1\nWall time: 5 seconds",
        "Chunk ID: ab\n1\n2\n3\n4\n5\n6\n7\nProcess exited with code 1",
        "Chunk ID: ab\nProcess exited with code 1 or so\nOutput:\n",
        "Plan updated",
        "",
        '{"message":"Wait timed out.","timed_out":true}',
        "{not json",
        None,
        7,
    ],
)
def test_the_body_of_an_output_tells_nothing(output: object) -> None:
    row = result(output)
    assert (row.exit_code, row.is_error, row.internal_ms, row.is_denied) == (None, None, None, False)


@pytest.mark.parametrize(
    ("output", "is_denied"),
    [
        ("failed in sandbox LinuxSeccomp with execution error: x", False),
        ("execution error: No such file", False),
        ("error: invalid hunk at line 3", False),
        ("apply_patch verification failed: x", False),
        ("patch rejected by user", True),
        ("aborted by user after 3.2s", False),
        ("collab spawn failed: agent thread limit reached", False),
        ("collab tool failed: x", False),
    ],
)
def test_a_known_failure_without_an_exit_code_is_an_error(output: str, is_denied: bool) -> None:
    row = result(output)
    assert (row.is_error, row.is_denied) == (True, is_denied)


def test_an_output_of_items_is_as_large_as_its_json() -> None:
    assert result([{"type": "input_text", "text": "é"}]).result_chars == 34
    assert result({"type": "input_text", "text": "x"}).result_chars == 32


def test_the_first_output_is_the_result_and_a_later_one_may_only_add_a_failure() -> None:
    parsed = parse([meta(), asks(1, call(1)), gets(2, call(1), "four"), gets(9, call(1), SHELL % 1)])
    (row,) = parsed.of(ToolCall)
    assert (row.result_at, row.result_chars, row.is_error) == (at(2), 4, True)
    assert [event.event_type for event in parsed.events].count("tool_result") == 1
    assert (
        result(SHELL % 1).is_error
        is tool(asks(1, call(1)), gets(2, call(1), SHELL % 1), gets(3, call(1), SHELL % 0)).is_error
    )


def test_a_commands_logged_end_is_its_result_where_it_comes_first() -> None:
    end = event(3, "exec_command_end", call_id=call(1), exit_code=2, aggregated_output="four")
    end["payload"]["duration"] = {"secs": 1, "nanos": 500_000_000}
    row = tool(asks(1, call(1)), end, gets(4, call(1), "Wall time: 9 seconds\nOutput:\n"))
    assert (row.result_at, row.result_chars, row.exit_code, row.is_error, row.internal_ms) == (
        at(3),
        4,
        2,
        True,
        1500,
    )


@pytest.mark.parametrize(
    ("kind", "payload", "is_error"),
    [
        ("patch_apply_end", {"success": False, "stdout": "ab", "stderr": "cd"}, True),
        ("patch_apply_end", {"success": True, "stdout": "abcd", "stderr": ""}, False),
        ("mcp_tool_call_end", {"result": {"Err": "no"}}, True),
        ("mcp_tool_call_end", {"result": {"Ok": {"content": [], "isError": False}}}, False),
        ("mcp_tool_call_end", {"result": {"Ok": {"content": [], "isError": True}}}, True),
        ("exec_command_end", {"exit_code": 0}, False),
        ("exec_command_end", {"status": "in_progress"}, None),
    ],
)
def test_logged_ends_tell_whether_a_call_failed(kind: str, payload: Json, is_error: bool | None) -> None:
    assert tool(asks(1, call(1)), event(3, kind, call_id=call(1), **payload)).is_error is is_error


def test_logged_ends_measure_what_they_show() -> None:
    patch = event(3, "patch_apply_end", call_id=call(1), success=True, stdout="ab", stderr="c")
    assert tool(asks(1, call(1)), patch).result_chars == 3
    mcp = event(3, "mcp_tool_call_end", call_id=call(1), result={"Ok": {"a": 1}})
    assert tool(asks(1, call(1)), mcp).result_chars == 7
    failed = event(3, "mcp_tool_call_end", call_id=call(1), result={"Err": "four"})
    assert tool(asks(1, call(1)), failed).result_chars == 4


def test_what_a_script_runs_is_neither_call_nor_result() -> None:
    inner = "exec-019a0000-0000-7000-8000-0000000000c1"
    parsed = parse(
        [
            meta(),
            item(1, "custom_tool_call", call_id=call(1), name="exec", input="await tools.exec_command({})"),
            event(2, "exec_command_end", call_id=inner, exit_code=1, aggregated_output="x"),
            mirror(3, "CommandExecution"),
            item(4, "custom_tool_call_output", call_id=call(1), output=[{"text": "Script completed"}]),
        ]
    )
    (row,) = parsed.of(ToolCall)
    assert (row.tool_name, row.input_chars, row.is_error, row.result_at) == ("exec", 28, False, at(4))
    assert [event.event_type for event in parsed.events] == ["tool_call", "tool_result"]


def test_a_refused_command_is_denied() -> None:
    declined = event(2, "exec_command_end", call_id=call(1), status="declined")
    assert (tool(asks(1, call(1)), declined).is_denied, tool(asks(1, call(1)), declined).is_error) == (
        True,
        True,
    )
    assessed = event(2, "guardian_assessment", target_item_id=call(1), status="denied")
    assert tool(asks(1, call(1)), assessed).is_denied
    approved = event(2, "guardian_assessment", target_item_id=call(1), status="approved")
    assert not tool(asks(1, call(1)), approved).is_denied


@pytest.mark.parametrize(
    ("name", "arguments", "is_poll"),
    [
        ("write_stdin", '{"session_id":7,"chars":""}', True),
        ("write_stdin", '{"session_id":7}', True),
        ("write_stdin", '{"session_id":7,"chars":"y\\n"}', False),
        ("write_stdin", {"session_id": "7", "chars": "y"}, False),
        ("wait", '{"cell_id":"7"}', True),
        ("wait_agent", "{}", True),
        ("exec_command", '{"cmd":"wait"}', False),
    ],
)
def test_a_poll_only_waits_for_what_already_runs(name: str, arguments: object, is_poll: bool) -> None:
    assert tool(asks(1, call(1), name, arguments)).is_poll is is_poll


def test_a_spawned_agent_is_known_by_its_thread() -> None:
    asked = asks(
        1, call(1), "spawn_agent", '{"agent_type":"explorer","message":"look"}', namespace="collaboration"
    )
    answered = tool(asked, gets(2, call(1), json.dumps({"agent_id": PARENT, "nickname": "Ada"})))
    assert (answered.tool_name, answered.agent_id, answered.agent_type) == ("spawn_agent", PARENT, "explorer")
    activity = event(2, "sub_agent_activity", event_id=call(1), agent_thread_id=PARENT, kind="started")
    assert tool(asked, activity, gets(3, call(1), '{"task_name":"/root/a"}')).agent_id == PARENT
    ended = event(2, "collab_agent_spawn_end", call_id=call(1), new_thread_id=PARENT, new_agent_role="reader")
    assert tool(asks(1, call(1), "spawn_agent"), ended).agent_type == "reader"
    assert tool(asked, ended).agent_type == "explorer"
    mailed = event(2, "sub_agent_activity", event_id=call(1), agent_thread_id=PARENT, kind="interacted")
    assert tool(asks(1, call(1), "send_message"), mailed).agent_id is None
    assert tool(asks(1, call(1), "exec_command", '{"agent_type":"x"}')).agent_type is None
    text = json.dumps({"agent_type": "Please read this. " * 40})
    assert tool(asks(1, call(1), "spawn_agent", text)).agent_type is None


def test_a_namespace_names_the_server_of_an_mcp_tool() -> None:
    assert tool(asks(1, call(1), "lookup", namespace="mcp__acme__")).tool_name == "mcp__acme__lookup"
    assert tool(asks(1, call(1), "mcp__acme__lookup", namespace="mcp__acme")).tool_name == "mcp__acme__lookup"


def test_a_local_shell_call_is_a_call() -> None:
    row = tool(
        item(1, "local_shell_call", id="x", call_id=call(1), action={"command": ["ls"]}), gets(3, call(1))
    )
    assert (row.tool_name, row.input_chars, row.wall_ms) == ("local_shell", 18, 2000)


def test_a_call_id_that_comes_twice_is_one_call() -> None:
    parsed = parse([meta(), asks(1, "call_test", "first"), asks(2, "call_test", "second")])
    assert [row.tool_name for row in parsed.of(ToolCall)] == ["first"]
    assert len(parsed.events) == 1


def test_a_call_id_that_is_a_count_names_another_call_in_each_turn_and_after_its_result() -> None:
    count = "functions.exec_command:0"
    parsed = parse(
        [
            meta(), turn(0, "t1"),
            asks(1, count, "first"), asks(2, count, "told again"), gets(3, count, "ok"),
            asks(4, count, "second"), gets(5, count, "Exit code: 2"),
            turn(6, "t2"), asks(7, count, "third"), gets(9, count, "ok"),
        ]
    )  # fmt: skip
    assert [(row.tool_name, row.tool_call_id, row.wall_ms) for row in parsed.of(ToolCall)] == [
        ("first", f"{THREAD}/t1/{count}", 2000),
        ("second", f"{THREAD}/t1/{count}#1", 1000),
        ("third", f"{THREAD}/t2/{count}", 2000),
    ]


def test_a_result_that_comes_before_its_call_finds_it_where_the_id_is_a_count() -> None:
    count = "functions.exec_command:0"
    (row,) = parse([meta(), turn(0, "t1"), gets(2, count), asks(1, count)]).of(ToolCall)
    assert (row.result_at, row.emitted_at) == (at(2), at(1))


def test_a_result_stamped_a_moment_before_its_call_is_its_own_where_the_id_is_a_count() -> None:
    count = "functions.exec_command:0"
    log = [gets(1.9, count), asks(2, count, "first"), asks(4, count, "second"), gets(5, count)]
    rows = parse([meta(), turn(0, "t1"), *log]).of(ToolCall)
    assert [(row.tool_name, row.result_at) for row in rows] == [("first", at(1.9)), ("second", at(5))]


def test_a_result_whose_call_was_cut_off_is_not_that_of_the_next_call_of_its_count() -> None:
    count = "functions.exec_command:0"
    parsed = parse(
        [meta(), turn(0, "t1"), gets(1, count, SHELL % 1), asks(5, count), gets(9, count, SHELL % 0)]
    )
    (row,) = parsed.of(ToolCall)
    assert (row.wall_ms, row.is_error) == (4000, False)
    results = [event.tool_call_id for event in parsed.of(Event) if event.event_type == "tool_result"]
    assert len(results) == 2
    assert results.count(row.tool_call_id) == 1


def test_short_call_ids_belong_to_their_session() -> None:
    log = [asks(1, "call_1"), gets(2, "call_1")]
    (row,), (other,) = parse([meta(), *log]).of(ToolCall), parse([meta(0, PARENT), *log]).of(ToolCall)
    assert (row.tool_call_id, row.result_chars) == (f"{THREAD}/call_1", 2)
    assert (other.tool_call_id, other.session_id) == (f"{PARENT}/call_1", OTHER)


def test_a_call_without_an_id_is_known_by_its_place() -> None:
    rows = parse([meta(), asks(1, None), asks(2, None)]).of(ToolCall)
    assert len({row.tool_call_id for row in rows}) == 2


def test_an_output_that_names_no_call_is_noted() -> None:
    parsed = parse([meta(), gets(1, call(1)), gets(2, None)])
    assert parsed.reasons == ["wrong_type"]


def test_a_result_may_stand_before_its_call() -> None:
    row = tool(gets(1, call(1), SHELL % 0), asks(2, call(1)))
    assert (row.result_at, row.exit_code, row.wall_ms) == (at(1), 0, -1000)
