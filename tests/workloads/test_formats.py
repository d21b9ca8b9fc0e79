"""Each format says what the marts say, in the types that its reader takes."""

import csv
import itertools
import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.workloads import formats
from tests.workloads.conftest import Marts
from tracelab.workloads import FORMATS
from tracelab.workloads.selection import Filters, select_steps

Exported = Callable[[str], Path]
WITH_SESSIONS = ("weka", "tracelab", "mooncake-sessions", "agentic-mooncake", "replay")
WITH_BLOCKS = {"weka": 64, "mooncake": 512, "mooncake-sessions": 512, "agentic-mooncake": 512}
TRIGGERS = {"user_message": "user", "tool_result": "tool"}
PARTS = ("prompt_input", "prompt_output")
# the marts' own sums a session, in the order in which a workload numbers sessions
SESSIONS = """
with metered as (select * from steps where input_tokens > 0),
starts as (
    select root_session_id, session_id, min(coalesce(ready_at, first_output_at)) as started_at,
        count(*) as steps, sum(input_tokens)::bigint as input_tokens,
        sum(output_tokens)::bigint as output_tokens
    from metered group by all
)
select steps, input_tokens, output_tokens
from starts
order by min(started_at) filter (session_id = root_session_id) over (partition by root_session_id),
    root_session_id, session_id <> root_session_id, started_at, session_id
"""


def asked(db: Path, query: str) -> list[Any]:
    with duckdb.connect(str(db), read_only=True) as warehouse:
        return warehouse.execute(query).fetchall()


def seconds_between(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def shared(one: list[int], other: list[int]) -> int:
    """Return how many leading ids two lists have in common."""
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


@pytest.mark.parametrize("format", WITH_SESSIONS)
def test_sums_of_each_session_equal_the_marts(db: Path, exported: Exported, format: str) -> None:
    assert formats.sums(formats.steps(format, exported(format))) == asked(db, SESSIONS)


def test_open_loop_rows_are_those_of_the_sessions_in_the_order_of_time(exported: Exported) -> None:
    rows = formats.lines(exported("mooncake"), formats.MooncakeRow)
    with_sessions = formats.lines(exported("mooncake-sessions"), formats.MooncakeSessionRow)
    assert [row.hash_ids for row in rows] == [row.hash_ids for row in with_sessions]
    times = [row.timestamp for row in rows]
    assert times == sorted(times)
    assert times[0] == 0
    firsts = [row.timestamp for row in with_sessions if row.timestamp is not None]
    assert len(firsts) == len({row.session_id for row in with_sessions})
    assert all((row.timestamp is None) != (row.delay is None) for row in with_sessions)


@pytest.mark.parametrize("format", ["weka", "mooncake-sessions", "agentic-mooncake"])
def test_ids_let_a_reader_reuse_what_was_reusable(db: Path, exported: Exported, format: str) -> None:
    """To within a block a step; what the step before put out is in no prompt before, and has no ids."""
    [(wanted, steps)] = asked(
        db,
        "select sum(least(coalesce(reusable_tokens, prefix_tokens), before, input_tokens))::bigint, count(*)"
        " from ("
        "  select steps.*, reusable_tokens, lag(steps.input_tokens) over ("
        "    partition by steps.session_id order by step_index) as before"
        "  from steps inner join cache_reuse using (step_id) where steps.input_tokens > 0"
        ") where before is not null",
    )
    before: dict[str, list[int]] = {}
    reused = 0
    for step in formats.steps(format, exported(format)):
        if step.session in before:
            reused += shared(before[step.session], step.hash_ids) * WITH_BLOCKS[format]
        before[step.session] = step.hash_ids
    assert 0 <= wanted - reused <= steps * WITH_BLOCKS[format]
    assert wanted > 0


@pytest.mark.parametrize("format", WITH_BLOCKS)
def test_the_manifest_counts_what_a_cache_that_keeps_all_would_reuse(exported: Exported, format: str) -> None:
    kept = 0
    for _, group in itertools.groupby(
        formats.steps(format, exported(format)),
        key=lambda step: step.session.partition("-")[0] if format == "weka" else "",
    ):
        cached: set[int] = set()
        for step in group:
            kept += sum(1 for _ in itertools.takewhile(cached.__contains__, step.hash_ids))
            cached.update(step.hash_ids)
    about = formats.manifest(exported(format))
    assert (about["reused_tokens"], about["block_size"]) == (kept * WITH_BLOCKS[format], WITH_BLOCKS[format])


@pytest.mark.parametrize("format", WITH_BLOCKS)
def test_prompts_have_as_many_ids_as_their_reader_wants(exported: Exported, format: str) -> None:
    size = WITH_BLOCKS[format]
    for step in formats.steps(format, exported(format)):
        whole = step.input_tokens // size if format == "weka" else -(-step.input_tokens // size)
        assert len(step.hash_ids) == whole
        assert len(set(step.hash_ids)) == whole


@pytest.mark.parametrize("format", FORMATS)
def test_the_manifest_counts_what_the_marts_hold(db: Path, exported: Exported, format: str) -> None:
    about = formats.manifest(exported(format))
    counts = asked(
        db,
        "select count(distinct root_session_id), count(distinct session_id), count(*),"
        " sum(input_tokens)::bigint, sum(output_tokens)::bigint from steps where input_tokens > 0",
    )
    names = ("conversations", "sessions", "steps", "input_tokens", "output_tokens")
    assert [tuple(about[name] for name in names)] == counts
    assert about["format"] == format
    assert about["filters"] == {"sessions": None, "since": None, "until": None}
    assert len(str(about["load_id"])) == 16


@pytest.mark.parametrize("format", ["weka", "mooncake", "mooncake-sessions", "agentic-mooncake", "replay"])
def test_waits_stand_beside_a_format_that_mixes_them(db: Path, exported: Exported, format: str) -> None:
    path = exported(format)
    with path.with_name(f"{format}.waits.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    waited = [row for row in rows if row["wait_ms"]]
    assert all(
        int(row["wait_ms"]) == int(row["tool_ms"]) + int(row["human_ms"]) + int(row["other_ms"])
        for row in waited
    )
    [(gaps_ms,)] = asked(db, "select sum(idle_gap_ms)::bigint from idle_gaps")
    total = sum(int(row["wait_ms"]) for row in waited)
    assert total == pytest.approx(gaps_ms, rel=0.001)
    assert sum(int(row["human_ms"]) for row in waited) > 0 < sum(int(row["tool_ms"]) for row in waited)
    if format == "agentic-mooncake":
        assert [row["step"] for row in rows] == [row.request_id for row in formats.agentic(path)[1]]


@pytest.mark.parametrize("format", ["weka", "mooncake-sessions", "agentic-mooncake"])
def test_the_wait_of_a_format_is_the_one_that_is_split_beside_it(exported: Exported, format: str) -> None:
    beside = formats.waits_beside(exported(format))
    told = formats.waits(format, exported(format))
    assert told == pytest.approx({step: row["wait_ms"] for step, row in beside.items()})
    assert len(told) > 200


@pytest.mark.parametrize("format", ["weka", "mooncake", "mooncake-sessions", "agentic-mooncake", "replay"])
def test_what_a_person_waits_is_told_from_what_tools_take(db: Path, exported: Exported, format: str) -> None:
    beside = formats.waits_beside(exported(format))
    with duckdb.connect(str(db), read_only=True) as warehouse:
        select_steps(warehouse, Filters())
        marts = warehouse.execute("""
            select step_key, trigger, coalesce(steps.human_wait_ms, 0),
                lag(human_calls, 1, 0) over (partition by session_key order by step_number) as asked
            from workload_steps
            inner join (select step_id, trigger, human_wait_ms from steps) as steps using (step_id)
            left join (
                select step_id, count(*) filter (is_human_tool) as human_calls
                from tool_calls group by step_id
            ) using (step_id)
        """).fetchall()
    of_tools = [beside[step] for step, trigger, _, asked in marts if trigger == "tool" and not asked]
    assert {row["human_ms"] for row in of_tools} == {0}
    assert sum(row["tool_ms"] > 0 for row in of_tools) > 100
    of_people = [
        (beside[step]["human_ms"], waited_ms)
        for step, _, waited_ms, _ in marts
        if waited_ms and step in beside
    ]
    assert all(told_ms > 0 for told_ms, _ in of_people)
    told_ms, waited_ms = (sum(column) for column in zip(*of_people, strict=True))
    assert told_ms == pytest.approx(waited_ms, rel=0.05)


def test_step_rows_tell_by_their_events_what_was_waited_for(db: Path, exported: Exported) -> None:
    """From the latest output so far to the latest input: a message of a person, or a tool's result."""
    ended_at: dict[str, str] = {}
    waited_s: Counter[str] = Counter()
    for row in formats.lines(exported("tracelab"), formats.StepRow):
        events = [(event.timestamp, event.event_type) for event in row.timing_events if event.timestamp]
        inputs = [event for event in events if event[1] in TRIGGERS]
        if inputs and row.session_id in ended_at:
            ready_at, kind = max(inputs)
            waited_s[TRIGGERS[kind]] += seconds_between(ended_at[row.session_id], ready_at)
        outputs = [at for at, kind in events if kind in ("reasoning", "text", "tool_call")]
        if outputs:
            ended_at[row.session_id] = max([*outputs, ended_at.get(row.session_id, "")])
    marts = asked(
        db,
        # a notice of a client, such as that an agent is done, is a message there
        "select if(trigger_kind = 'notification', 'user', trigger), sum(idle_gap_ms) / 1000"
        " from idle_gaps inner join (select step_id, trigger_kind, input_tokens from steps) using (step_id)"
        " where input_tokens > 0 and idle_gap_ms is not null group by all",
    )
    assert waited_s == pytest.approx(dict(marts), rel=0.001)


def test_a_weka_trace_is_in_the_order_of_time(exported: Exported) -> None:
    traces = formats.weka(exported("weka"))
    assert len({trace.id for trace in traces}) == len(traces)
    agents = 0
    for trace in traces:
        times = [entry.t for entry in trace.requests]
        assert times == sorted(times)
        assert times[0] == 0
        assert isinstance(trace.requests[0], formats.WekaRequest)
        for entry in trace.requests:
            if isinstance(entry, formats.WekaSubagent):
                agents += 1
                inside = [request.t for request in entry.requests]
                assert [entry.t, *inside] == sorted([entry.t, *inside])
                assert entry.requests[0].think_time is None
    assert agents > 0


def test_an_agentic_play_is_a_graph_without_cycles(exported: Exported) -> None:
    header, rows = formats.agentic(exported("agentic-mooncake"))
    by_id = {row.request_id: row for row in rows}
    assert len(by_id) == len(rows)
    plays = {row.play_id: row.source_play_ordinal for row in rows}
    assert sorted(plays.values()) == list(range(len(plays)))
    roots: dict[str, int] = dict.fromkeys(plays, 0)
    done: set[str] = set()
    for row in rows:  # in order of submission, so that what a row waits for stands before it
        roots[row.play_id] += not row.dependencies
        for edge in row.dependencies:
            assert edge.request_id in done
            assert by_id[edge.request_id].play_id == row.play_id
            assert edge.trigger == "completion" or edge.relation == "spawn"
        done.add(row.request_id)
        assert row.input_length <= len(row.hash_ids) * header.block_size
    assert set(roots.values()) == {1}
    relations = [edge.relation for row in rows for edge in row.dependencies]
    assert relations.count("spawn") == len({row.session_id for row in rows if "-" in row.session_id}) > 0
    assert relations.count("sequence") == len(rows) - len({row.session_id for row in rows})


def test_replay_rows_are_numbered_from_0_in_each_session(exported: Exported) -> None:
    with exported("replay").open(newline="") as file:
        rows = list(csv.DictReader(file))
    header = [
        "id",
        "input_len",
        "output_len",
        "arrival_time",
        "round_idx",
        "tool_wait_after_ms",
        "prefix_len",
    ]
    assert list(rows[0]) == header
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    for _, session in itertools.groupby(rows, key=lambda row: row["id"]):
        steps = list(session)
        assert [int(row["round_idx"]) for row in steps] == list(range(len(steps)))
        assert len({row["arrival_time"] for row in steps}) == 1
        assert int(steps[-1]["tool_wait_after_ms"]) == 0


def test_step_rows_tell_events_tools_and_pseudonyms(db: Path, exported: Exported) -> None:
    rows = formats.lines(exported("tracelab"), formats.StepRow)
    kept = "semi join (from steps where input_tokens > 0) using (step_id)"
    assert [(sum(len(row.timing_events) for row in rows),)] == asked(
        db, f"select count(*) from staging.stg_events {kept}"
    )
    assert [(sum(len(row.tools) for row in rows),)] == asked(db, f"select count(*) from tool_calls {kept}")
    assert {row.user for row in rows} == {"user_1"}
    assert (
        len({row.project for row in rows})
        == asked(db, "select count(distinct (user_name, project)) from steps")[0][0]
    )
    firsts = [row.first_input_event_type for row in rows if row.round_index == 0]
    assert firsts.count("user_message") > len(firsts) / 2


def test_vllm_draws_from_what_was_fitted(db: Path, exported: Exported) -> None:
    config = json.loads(exported("vllm-synthetic").read_text())
    assert config["filetype"] == "generate_conversations"
    assert (config["num_conversations"],) == asked(
        db, "select count(distinct session_id) from steps where input_tokens > 0"
    )[0]
    assert config["text_files"] == ["book.txt"]
    assert set(config["prompt_input"]) == {
        "num_turns", "common_prefix_num_tokens", "prefix_num_tokens", "num_tokens"
    }  # fmt: skip
    assert set(config["prompt_output"]) == {"num_tokens"}
    fits = formats.manifest(exported("vllm-synthetic"))["fits"]
    assert isinstance(fits, list)
    assert [fit["parameters"] for fit in fits] == [
        *config["prompt_input"].values(), *config["prompt_output"].values()
    ]  # fmt: skip
    for fit in fits:
        match fit["parameters"]:
            case {"distribution": "lognormal", "mean": mean, "sigma": sigma, "max": high}:
                assert mean > 0 < sigma
                assert high >= 1
            case {"distribution": "uniform", "min": low, "max": high}:
                assert 0 < low < high
            case parameters:
                assert parameters["distribution"] == "constant"


def test_a_weka_trace_worked_out_by_hand(conversation: Marts) -> None:
    [trace] = formats.weka(conversation.written("weka"))
    assert trace.id == "000001"
    first, agent, second, third, compacted = trace.requests
    assert isinstance(agent, formats.WekaSubagent)
    assert not any(isinstance(entry, formats.WekaSubagent) for entry in (first, second, third, compacted))
    # 31 fresh blocks: two digits, so that ids begin at 10
    assert first.hash_ids == [*range(10, 25)]  # type: ignore[union-attr]
    assert [request.hash_ids for request in agent.requests] == [[25, 26, 27], [25, 26, 27, 28]]
    assert second.hash_ids == [*range(10, 25), *range(29, 34)]  # type: ignore[union-attr]
    assert third.hash_ids == [*range(10, 25), *range(29, 34), 34, 35, 36]  # type: ignore[union-attr]
    assert compacted.hash_ids == [10, 11, 37, 38, 39, 40]  # type: ignore[union-attr]
    assert (agent.t, agent.duration_ms, agent.status, agent.subagent_type) == (
        8.0,
        27_000,
        "completed",
        "Explore",
    )
    assert (agent.total_tokens, agent.tool_use_count) == (200 + 260 + 20, 1)
    assert [(request.t, request.think_time) for request in agent.requests] == [(9.0, None), (25.0, 5.0)]
    assert first == formats.WekaRequest(
        t=0.0, model="claude-opus-4-8", input_length=1000, output_length=10, hash_ids=[*range(10, 25)],
        input_types=["text"], output_types=["tool_use"], stop="tool_use", api_time=10.0, think_time=None,
    )  # fmt: skip
    assert (second.t, second.think_time, second.api_time) == (40.0, 30.0, 10.0)  # type: ignore[union-attr]
    assert (second.input_types, second.stop) == (["tool_result"], "end_turn")  # type: ignore[union-attr]


def test_a_subagent_of_a_subagent_stands_beside_it(conversation: Marts) -> None:
    conversation.session("m/b", "m/a", root_session_id="m", agent_type="made-up")
    conversation.step("m/b#0", 22, 23, input_tokens=70)
    [trace] = formats.weka(conversation.written("weka"))
    agents = [entry for entry in trace.requests if isinstance(entry, formats.WekaSubagent)]
    assert [(agent.agent_id, agent.t, agent.subagent_type, agent.status) for agent in agents] == [
        ("000001-01", 8.0, "Explore", "completed"),
        ("000001-02", 22.0, "custom", "unknown"),
    ]


def test_mooncake_blocks_worked_out_by_hand(conversation: Marts) -> None:
    path = conversation.written("mooncake-sessions")
    rows = formats.lines(path, formats.MooncakeSessionRow)
    # blocks of 512: a last, partial one is never kept; 9 fresh in all, so that ids begin at 1
    assert [(row.session_id, row.timestamp, row.delay, row.hash_ids) for row in rows] == [
        ("000001", 0, None, [1, 2]),
        ("000001-01", 9000, None, [3]),
        ("000001-01", None, 5000, [4]),
        ("000001", None, 30_000, [1, 5, 6]),
        ("000001", None, 250_000, [1, 5, 7]),
        ("000001", None, 2000, [8]),
    ]


def test_sessions_that_start_warm_share_the_shorter_of_their_prefixes(marts: Marts) -> None:
    def start(session: str, at_s: float, prefix: int, version: str = "2.1") -> None:
        marts.session(session)
        step = {"input_tokens": 2000, "prefix_tokens": prefix, "client_version": version}
        marts.step(f"{session}#0", at_s, at_s + 1, **step)

    start("a", 0, 600)
    start("b", 10, 1100)
    start("c", 20, 1600)
    start("d", 30, 0)
    start("e", 40, 600, version="2.2")
    marts.step("c#1", 50, 51, input_tokens=2100, reusable_tokens=2000)
    rows = formats.lines(marts.written("mooncake"), formats.MooncakeRow)
    a, b, c, d, e, later = (row.hash_ids for row in rows)
    assert (shared(a, b), shared(a, c), shared(b, c)) == (1, 1, 2)
    assert set(d).isdisjoint([*a, *b, *c, *e])
    assert set(e).isdisjoint([*a, *b, *c])
    assert shared(c, later) == 3
    # where ids are a play's own, every session starts cold
    plays = formats.steps("agentic-mooncake", marts.written("agentic-mooncake"))
    assert len({block for step in plays[:5] for block in step.hash_ids}) == 20


def test_agentic_dependencies_worked_out_by_hand(conversation: Marts) -> None:
    _, rows = formats.agentic(conversation.written("agentic-mooncake"))
    edges = {
        row.request_id: [
            (edge.request_id, edge.trigger, edge.delay_ms, edge.relation) for edge in row.dependencies
        ]
        for row in rows
    }
    assert edges == {
        "000001#0": [],
        "000001-01#0": [("000001#0", "dispatch", 9000, "spawn")],
        "000001-01#1": [("000001-01#0", "completion", 5000, "sequence")],
        "000001#1": [
            ("000001#0", "completion", 30_000, "sequence"),
            ("000001-01#1", "completion", 5000, "join"),
        ],
        "000001#2": [("000001#1", "completion", 250_000, "sequence")],
        "000001#3": [("000001#2", "completion", 2000, "sequence")],
    }
    assert [row.not_before_ms for row in rows] == [0, 9000, 25_000, 40_000, 300_000, 312_000]
    assert [row.recorded_api_time_ms for row in rows] == [10_000, 11_000, 10_000, 10_000, 10_000, 8000]


def edges_of(marts: Marts) -> dict[tuple[str, str], str]:
    """What each step of an agentic play follows, by step and relation."""
    _, rows = formats.agentic(marts.written("agentic-mooncake"))
    return {(row.request_id, edge.relation): edge.request_id for row in rows for edge in row.dependencies}


def test_an_agent_without_a_known_call_follows_the_latest_step_of_its_parent(marts: Marts) -> None:
    marts.session("m")
    marts.session("m/a", "m")
    marts.session("m/b", "m/a", root_session_id="m")
    marts.step("m#0", 0, 10, input_tokens=600)
    marts.step("m/a#0", 20, 30, input_tokens=600)
    marts.step("m#1", 40, 50, input_tokens=600)
    marts.step("m/a#1", 60, 70, input_tokens=600)
    marts.step("m/b#0", 55, 58, input_tokens=600)
    spawns = {step: before for (step, relation), before in edges_of(marts).items() if relation == "spawn"}
    assert spawns == {
        "000001-01#0": "000001#0",
        "000001-02#0": "000001-01#0",
    }


def test_an_agent_whose_caller_is_left_out_follows_none_that_comes_later_and_is_waited_for(
    marts: Marts,
) -> None:
    marts.session("m")
    marts.session("m/a", "m", spawn_step_id="m#0", spawn_tool_call_id="call 4")
    marts.step("m#0", 0, 5, input_tokens=None, output_tokens=None)
    marts.call("m#0", 4, 50)
    marts.step("m/a#0", 6, 10, input_tokens=600)
    marts.step("m/a#1", 40, 45, input_tokens=600)
    marts.step("m#1", 60, 70, input_tokens=600)
    edges = edges_of(marts)
    assert edges == {("000001-01#1", "sequence"): "000001-01#0", ("000001#0", "join"): "000001-01#1"}
    [trace] = formats.weka(marts.written("weka"))
    main, agent = trace.requests
    # readers know no agent before the conversation's first request
    assert isinstance(agent, formats.WekaSubagent)
    assert (main.t, agent.t, agent.duration_ms) == (0.0, 0.0, 39_000)
    assert [request.t for request in agent.requests] == [0.0, 34.0]


def test_an_agent_whose_caller_is_left_out_is_waited_for_by_its_parent_not_by_the_main_session(
    marts: Marts,
) -> None:
    marts.session("m")
    marts.session("m/a", "m")
    marts.session("m/b", "m/a", root_session_id="m", spawn_step_id="m/a#0", spawn_tool_call_id="call 12")
    marts.step("m#0", 0, 5, input_tokens=600)
    marts.step("m/a#0", 10, 13, input_tokens=None, output_tokens=None)
    marts.call("m/a#0", 12, 30)
    marts.step("m/b#0", 14, 29, input_tokens=600)
    marts.step("m/a#1", 31, 40, input_tokens=600)
    marts.step("m#1", 50, 60, input_tokens=600)
    edges = edges_of(marts)
    b, a = "000001-01#0", "000001-02#0"
    assert edges[b, "spawn"] == edges[a, "spawn"] == "000001#0"
    assert edges[a, "join"] == b
    assert ("000001#1", "join") not in edges


def test_an_agent_follows_no_step_that_was_submitted_later(marts: Marts) -> None:
    marts.session("m")
    marts.session("m/a", "m", spawn_step_id="m#1", spawn_tool_call_id="call 8")
    marts.step("m#0", 0, 100, input_tokens=600)
    marts.step("m#1", 5, 9, input_tokens=600)  # submitted when the one before it is done, at 100 s
    marts.call("m#1", 8, 300)
    marts.step("m/a#0", 9, 20, input_tokens=600)
    marts.step("m#2", 310, 320, input_tokens=600)
    edges = edges_of(marts)
    assert edges["000001-01#0", "spawn"] == "000001#0"
    assert edges["000001#2", "join"] == "000001-01#0"
    assert ("000001#1", "join") not in edges


def test_agents_of_steps_that_are_left_out_keep_their_distances(marts: Marts) -> None:
    for session in ("m", "m/a", "m/b"):
        marts.session(session, None if session == "m" else "m")
    marts.step("m/a#0", 0, 5, input_tokens=600)
    marts.step("m/b#0", 6, 9, input_tokens=600)
    marts.step("m#0", 60, 70, input_tokens=600)
    marts.session("m/c", "m")
    marts.step("m/c#0", 62, 65, input_tokens=600)
    [trace] = formats.weka(marts.written("weka"))
    assert [entry.t for entry in trace.requests] == [0.0, 0.0, 2.0, 6.0]


def test_a_fork_begins_with_what_its_origin_sent(marts: Marts) -> None:
    for session in ("m", "other"):
        marts.session(session)
    marts.session("fork", forked_from_session_id="m")
    marts.session("lost", forked_from_session_id="nobody")
    marts.step("m#0", 0, 10, input_tokens=512 * 4)
    marts.step("other#0", 1, 10, input_tokens=512 * 4, prefix_tokens=512 * 2)
    marts.step("fork#0", 20, 30, input_tokens=512 * 5, prefix_tokens=512 * 3)
    marts.step("lost#0", 21, 30, input_tokens=512 * 5, prefix_tokens=512 * 3)
    rows = formats.lines(marts.written("mooncake"), formats.MooncakeRow)
    origin, other, fork, lost = (row.hash_ids for row in rows)
    assert fork[:3] == origin[:3]
    assert len({*origin, *other, *fork, *lost}) == 4 + 4 + (5 - 3) + 5


def test_replay_waits_for_tools_and_not_after_the_last_step(marts: Marts) -> None:
    marts.session("m")
    marts.step("m#0", 0, 10, input_tokens=600, append_tokens=600)
    marts.call("m#0", 5, 8)
    marts.call("m#0", 6, 10)
    marts.call("m#0", 7, 6.5)  # a clock that ran backwards
    marts.call("m#0", 9, None)
    marts.call("m#0", 8, 70, is_human_tool=True)  # a question
    marts.step("m#1", 100, 110, input_tokens=900, prefix_tokens=600, append_tokens=300, human_wait_ms=90_000)
    marts.call("m#1", 105, 107)
    assert marts.written("replay").read_text().splitlines()[1:] == [
        "000001,600,10,0,0,7000,0",
        "000001,300,10,0,1,0,600",
    ]


def test_vllm_gets_two_messages_a_step_and_the_first_prompt_as_prefix(marts: Marts) -> None:
    for session in ("m", "n"):
        marts.session(session)
        marts.step(f"{session}#0", 0, 10, input_tokens=900, prefix_tokens=300, append_tokens=600)
        marts.step(f"{session}#1", 20, 30, input_tokens=950)
    marts.tables.execute("update cache_reuse set fresh_tokens = 40 where step_id like '%#1'")
    config = json.loads(marts.written("vllm-synthetic").read_text())
    assert config["num_conversations"] == 2
    values = {part: {name: drawn["value"] for name, drawn in config[part].items()} for part in PARTS}
    assert values == {
        "prompt_input": {
            "num_turns": 4, "common_prefix_num_tokens": 300, "prefix_num_tokens": 600, "num_tokens": 40
        },
        "prompt_output": {"num_tokens": 10},
    }  # fmt: skip


def test_vllm_draws_outputs_of_steps_that_a_dataset_does_not_call_final_but_of_no_placeholder(
    marts: Marts,
) -> None:
    marts.session("m")
    marts.step("m#0", 0, 10, input_tokens=900, output_tokens=70, usage_is_final=None)
    marts.step("m#1", 20, 30, input_tokens=900, output_tokens=1, usage_is_final=False)
    config = json.loads(marts.written("vllm-synthetic").read_text())
    assert config["prompt_output"]["num_tokens"] == {"distribution": "constant", "value": 70}


def test_nobody_waits_for_an_agent_whose_call_returned_at_once(marts: Marts) -> None:
    marts.session("m")
    marts.session("m/a", "m", spawn_step_id="m#0", spawn_tool_call_id="call 8")
    marts.session("m/b", "m")
    marts.step("m#0", 0, 10, input_tokens=600)
    marts.call("m#0", 8, 8.5)
    marts.step("m/a#0", 11, 30, input_tokens=600)
    marts.step("m#1", 12, 20, input_tokens=600)
    marts.step("m/b#0", 25, 30, input_tokens=600)
    marts.step("m#2", 40, 50, input_tokens=600)
    _, rows = formats.agentic(marts.written("agentic-mooncake"))
    found = [
        (row.request_id, edge) for row in rows for edge in row.dependencies if edge.relation != "sequence"
    ]
    assert [
        (request, edge.relation, edge.request_id, edge.trigger, edge.delay_ms) for request, edge in found
    ] == [
        ("000001-01#0", "spawn", "000001#0", "completion", 1000),
        ("000001-02#0", "spawn", "000001#1", "completion", 5000),
    ]
