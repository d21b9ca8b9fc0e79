"""The sample that ships in the package: small, what its generator writes, holding what it promises."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.make_sample import HOME, sample_files
from benchmarks.sample_model import Planted

Row = dict[str, Any]


@cache
def logs() -> dict[str, list[Row]]:
    """Every log's JSON objects by path below the home; lines that are none are left out."""
    return {str(path.relative_to(HOME)): list(decoded(path)) for path in sorted(HOME.rglob("*.jsonl"))}


def decoded(path: Path) -> Iterator[Row]:
    for line in path.read_bytes().splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


def claude(*, agents: bool | None = None) -> list[list[Row]]:
    return [
        rows
        for name, rows in logs().items()
        if name.startswith(".claude") and (agents is None or agents == ("/subagents/" in name))
    ]


def codex() -> list[list[Row]]:
    return [rows for name, rows in logs().items() if name.startswith(".codex")]


def flat(files: list[list[Row]]) -> list[Row]:
    return [row for rows in files for row in rows]


def payloads(kind: str) -> list[Row]:
    return [row["payload"] for row in flat(codex()) if row["payload"].get("type") == kind]


def blocks(rows: list[Row], kind: str) -> list[Row]:
    contents = [row["message"]["content"] for row in rows if "message" in row]
    return [
        block
        for content in contents
        if isinstance(content, list)
        for block in content
        if block["type"] == kind
    ]


def texts() -> list[str]:
    """What user rows say, as plain strings."""
    rows = [row["message"]["content"] for row in flat(claude()) if row["type"] == "user"]
    return [content for content in rows if isinstance(content, str)]


def at(row: Row) -> datetime:
    return datetime.fromisoformat(row["timestamp"])


def steps_of(rows: list[Row]) -> list[tuple[datetime, int, int]]:
    """A Claude file's messages in order: (first row's time, input tokens, of them read from the cache)."""
    found: dict[str, tuple[datetime, int, int]] = {}
    for row in rows:
        if row["type"] == "assistant":
            usage = row["message"]["usage"]
            prefix = usage["cache_read_input_tokens"]
            size = usage["input_tokens"] + usage["cache_creation_input_tokens"] + prefix
            found.setdefault(row["message"]["id"], (at(row), size, prefix))
    return list(found.values())


def test_the_sample_is_under_one_megabyte() -> None:
    assert 500_000 < sum(path.stat().st_size for path in HOME.rglob("*") if path.is_file()) < 1_000_000


def test_the_shipped_files_are_what_the_generator_writes() -> None:
    shipped = {
        str(path.relative_to(HOME)): path.read_text("utf-8") for path in HOME.rglob("*") if path.is_file()
    }
    assert shipped == dict(sample_files(Planted()))


def test_it_holds_some_twenty_sessions_over_three_weeks_of_autumn_2026_on_four_projects() -> None:
    conversations = claude(agents=False) + codex()
    assert 20 <= len(conversations) <= 30
    times = [at(row) for rows in conversations for row in rows if "timestamp" in row]
    assert (min(times).year, min(times).month) == (2026, 10)
    assert 14 <= (max(times) - min(times)).days <= 28
    places = {row["cwd"] for row in flat(claude()) if "cwd" in row}
    assert len(places | {meta["cwd"] for meta in session_metas()}) == 4


def session_metas() -> list[Row]:
    return [row["payload"] for row in flat(codex()) if row["type"] == "session_meta"]


def test_exactly_one_line_is_torn_and_one_record_type_is_unknown() -> None:
    lines = [line for path in HOME.rglob("*.jsonl") for line in path.read_bytes().splitlines()]
    assert len(lines) - sum(map(len, logs().values())) == 1
    assert [row["minutes"] for row in flat(claude()) if row["type"] == "focus-timer"] == [25]


def test_claude_calls_tools_in_parallel_and_results_come_in_another_order() -> None:
    reordered = 0
    for rows in claude():
        called: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            if row["type"] == "assistant":
                called[row["message"]["id"]] += [block["id"] for block in blocks([row], "tool_use")]
        answered = [block["tool_use_id"] for block in blocks(rows, "tool_result")]
        for calls in called.values():
            order = [call for call in answered if call in calls]
            reordered += len(order) > 1 and order != calls
    assert reordered >= 3


def test_both_clients_have_failed_calls_and_interrupted_requests() -> None:
    assert sum(block.get("is_error") is True for block in blocks(flat(claude()), "tool_result")) >= 5
    assert "[Request interrupted by user" in json.dumps([b["text"] for b in user_blocks()])
    outputs = [json.dumps(payload["output"]) for payload in payloads("function_call_output")]
    assert any("Process exited with code 1" in output for output in outputs)
    assert any(
        "Script failed" in json.dumps(payload["output"]) for payload in payloads("custom_tool_call_output")
    )
    assert [payload["reason"] for payload in payloads("turn_aborted")] == ["interrupted"]


def user_blocks() -> list[Row]:
    return blocks([row for row in flat(claude()) if row["type"] == "user"], "text")


def test_tool_latency_reaches_from_milliseconds_to_minutes() -> None:
    waits = []
    for rows in claude():
        called = {block["id"]: at(row) for row in rows for block in blocks([row], "tool_use")}
        for row in rows:
            waits += [
                (at(row) - called[b["tool_use_id"]]).total_seconds() for b in blocks([row], "tool_result")
            ]
    assert min(waits) < 0.05
    assert max(waits) > 120
    assert all(wait >= 0 for wait in waits)


def test_both_clients_compact_once_and_mark_it() -> None:
    marks = [row for row in flat(claude()) if row.get("subtype") == "compact_boundary"]
    assert [mark["compactMetadata"]["trigger"] for mark in marks] == ["manual"]
    assert sum(row.get("isCompactSummary") is True for row in flat(claude())) == 1
    (compacted,) = (row["payload"] for row in flat(codex()) if row["type"] == "compacted")
    records = [row["payload"] for row in flat(codex()) if row["type"] == "token_usage_record"]
    (record,) = (one for one in records if one["response_id"] == compacted["compaction_response_id"])
    assert compacted["latest_token_usage_record"] == record


def test_subagents_have_their_own_files_and_name_their_parents() -> None:
    agents = {name: rows for name, rows in logs().items() if "/subagents/" in name}
    assert len(agents) >= 3
    for name, rows in agents.items():
        path = Path(name)
        assert all(row["isSidechain"] and row["agentId"] == path.stem.removeprefix("agent-") for row in rows)
        assert {row["sessionId"] for row in rows} == {path.parents[1].name}
        meta = json.loads((HOME / path.with_suffix(".meta.json")).read_text())
        parent = logs()[f"{path.parents[1]}.jsonl"]
        assert meta["toolUseId"] in {
            block["id"] for block in blocks(parent, "tool_use") if block["name"] == "Agent"
        }


def test_a_codex_thread_spawned_by_another_begins_with_a_copy_of_it() -> None:
    (child,) = (rows for rows in codex() if rows[0]["payload"].get("thread_source") == "subagent")
    own, start = child[0]["payload"], child[0]["payload"]["subagent_history_start_ordinal"]
    assert own["parent_thread_id"] in {meta["id"] for meta in session_metas()}
    assert {row["type"] for row in child[1:start]} == {"session_meta", "turn_context", "response_item"}
    assert child[start]["payload"]["thread_id"] == own["id"]
    assert {row["payload"]["thread_id"] for row in child if row["type"] == "token_usage_record"} == {
        own["id"]
    }


def test_a_resumed_session_begins_with_a_copy_of_the_older_one() -> None:
    (resumed,) = (rows for rows in claude(agents=False) if any("forkedFrom" in row for row in rows))
    copied = [row for row in resumed if "forkedFrom" in row]
    assert resumed[: len(copied)] == copied
    (older,) = (
        rows
        for rows in claude(agents=False)
        if any(row["sessionId"] == copied[0]["forkedFrom"]["sessionId"] for row in rows if "sessionId" in row)
    )
    assert {row["uuid"] for row in copied} <= {row["uuid"] for row in older if "uuid" in row}
    assert resumed[-1]["sessionId"] != older[-1]["sessionId"]
    assert len(steps_of(resumed)) > len(steps_of(copied)) >= 5


def test_the_cache_survives_a_pause_of_minutes_and_not_one_of_over_an_hour() -> None:
    kept, lost = [], []
    for rows in claude(agents=False):
        for (before, size, _), (after, _, prefix) in pairwise(steps_of(rows)):
            pause_s = (after - before).total_seconds()
            if 600 < pause_s < 3000:
                kept.append(prefix / size)
            elif pause_s > 4000:
                lost.append(prefix / size)
    assert len(kept) >= 2 and sum(ratio > 0.95 for ratio in kept) >= 2
    assert len(lost) >= 2 and max(lost) < 0.2


def test_main_files_write_for_an_hour_and_agents_for_five_minutes() -> None:
    for agents, tier in ((False, "ephemeral_5m_input_tokens"), (True, "ephemeral_1h_input_tokens")):
        rows = [row for row in flat(claude(agents=agents)) if row["type"] == "assistant"]
        assert sum(row["message"]["usage"]["cache_creation"][tier] for row in rows) == 0
    usages = [row["message"]["usage"] for row in flat(claude()) if row["type"] == "assistant"]
    assert all(
        sum(usage["cache_creation"].values()) == usage["cache_creation_input_tokens"] for usage in usages
    )
    assert all(
        u["output_tokens_details"]["thinking_tokens"] <= u["output_tokens"] for u in usages if is_final(u)
    )


def is_final(usage: Row) -> bool:
    return bool(usage["output_tokens"] > 5)


def test_codex_sums_add_up_and_echoes_repeat_their_record() -> None:
    for rows in codex():
        sums, last = [0, 0], None
        for row in rows:
            payload = row["payload"]
            if row["type"] == "token_usage_record":
                last = payload["usage"]
                assert last["cached_input_tokens"] <= last["input_tokens"]
                assert last["reasoning_output_tokens"] <= last["output_tokens"]
                assert last["total_tokens"] == last["input_tokens"] + last["output_tokens"]
                sums = [sums[0] + last["input_tokens"], sums[1] + last["output_tokens"]]
                thread = payload["thread_token_usage"]
                assert sums == [thread["input_tokens"], thread["output_tokens"]]
            elif (
                payload.get("type") == "token_count"
                and last
                and payload["info"]["last_token_usage"]["input_tokens"]
            ):
                assert payload["info"]["last_token_usage"] == last


def test_the_older_codex_era_counts_after_the_calls_and_before_their_outputs() -> None:
    older = [rows for rows in codex() if rows[0]["payload"]["cli_version"] == "0.121.0"]
    newer = {rows[0]["payload"]["cli_version"] for rows in codex()} - {"0.121.0"}
    assert len(older) == 2 and newer == {"0.155.0", "0.158.0", "0.160.0"}
    for rows in older:
        assert not any("ordinal" in row for row in rows)
        kinds = [row["payload"].get("type") for row in rows]
        assert kinds[kinds.index("function_call_output") - 1] == "token_count"
    assert any(name.startswith(".codex/archived_sessions/") for name in logs())


def test_code_mode_calls_exec_and_wait_and_mirrors_the_commands() -> None:
    calls = payloads("custom_tool_call") + payloads("function_call")
    assert {"exec", "wait", "exec_command", "write_stdin", "apply_patch", "update_plan"} <= {
        c["name"] for c in calls
    }
    mirrored = {payload["item"]["type"] for payload in payloads("item_completed")}
    assert {"UserMessage", "AgentMessage", "Reasoning", "CommandExecution", "ContextCompaction"} <= mirrored


def test_claude_uses_the_tools_that_readers_ask_about() -> None:
    names = {block["name"] for block in blocks(flat(claude()), "tool_use")}
    wanted = {"Bash", "Read", "Edit", "Write", "Grep", "TodoWrite", "WebSearch", "WebFetch", "Agent"}
    assert wanted | {"AskUserQuestion", "ExitPlanMode", "mcp__staging__query"} <= names
    results = [row["toolUseResult"] for row in flat(claude()) if isinstance(row.get("toolUseResult"), dict)]
    assert sum(result.get("searchCount", 0) for result in results) >= 3


def test_not_every_user_row_is_a_person() -> None:
    assert any(text.startswith("<command-name>/model") for text in texts())
    assert any(text.startswith("<bash-input>") for text in texts())
    assert sum(text.startswith("<task-notification>") for text in texts()) == 2
    assert any(row.get("isMeta") for row in flat(claude()))


def test_a_session_changes_its_model_midway_and_loses_its_cache() -> None:
    switches = 0
    for rows in claude(agents=False):
        said = [row["message"] for row in rows if row["type"] == "assistant"]
        for one, next_one in pairwise(said):
            if one["model"] != next_one["model"]:
                switches += 1
                assert next_one["usage"]["cache_read_input_tokens"] == 0
    assert switches == 1
    models = {row["message"]["model"] for row in flat(claude()) if row["type"] == "assistant"}
    assert {"claude-opus-4-8", "claude-opus-4-7", "claude-sonnet-4-6", "claude-haiku-4-5-20251001"} == models


def test_every_conversation_ends_with_the_clients_own_total_and_it_is_tens_of_dollars() -> None:
    last = [rows[-1] for rows in claude(agents=False)]
    assert {row["type"] for row in last} == {"cost-state"}
    assert 10 < sum(row["totalCostUSD"] for row in last) < 60


def test_about_ninety_four_percent_of_all_input_is_read_from_the_cache() -> None:
    steps = {(rows[0].get("sessionId"), step) for rows in claude() for step in steps_of(rows)}
    size, prefix = sum(step[1] for _, step in steps), sum(step[2] for _, step in steps)
    for row in flat(codex()):
        if row["type"] == "token_usage_record":
            size += row["payload"]["usage"]["input_tokens"]
            prefix += row["payload"]["usage"]["cached_input_tokens"]
    assert 0.93 <= prefix / size <= 0.96
