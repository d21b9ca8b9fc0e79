"""AIPerf's own models take what is written for it; skipped where AIPerf is not installed."""

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.workloads import formats

Exported = Callable[[str], Path]


def test_weka_traces_pass_its_models(exported: Exported) -> None:
    models = pytest.importorskip("aiperf.dataset.loader.weka_trace_models")
    paths = sorted(exported("weka").glob("*.json"))
    for path in paths:
        assert models.WekaTrace.model_validate(json.loads(path.read_text())).id == path.stem
    assert paths


def test_mooncake_rows_pass_its_models(exported: Exported) -> None:
    models = pytest.importorskip("aiperf.dataset.loader.models")
    for line in exported("mooncake").read_text().splitlines():
        models.MooncakeTrace.model_validate(json.loads(line))


def test_step_rows_become_traces_with_their_subagents(exported: Exported) -> None:
    convert = pytest.importorskip("aiperf.dataset.loader._tracelab_convert")
    models = pytest.importorskip("aiperf.dataset.loader.weka_trace_models")
    sessions: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in exported("tracelab").read_text().splitlines():
        row = json.loads(line)
        sessions[row["session_id"]].append(row)
    links, stats = convert.build_join_index(dict(sessions), min_spawn_ms=10_000, enable_codex=True)
    # what it finds by time is what we know
    assert all(child.startswith(f"{spawn.parent_sid}-") for child, spawn in links.items())
    children = convert.group_children_by_parent(sessions, links, stats)
    tokens = 0
    for session in sessions.keys() - links.keys():
        trace = convert.build_trace(session, sessions[session], 64, children.get(session))
        trace["id"] = convert.safe_trace_id(session)
        read = models.WekaTrace.model_validate(trace)
        for entry in read.requests:
            inside = entry.requests if entry.type == "subagent" else [entry]
            tokens += sum(request.input_length for request in inside)
    # it drops a step without events but its usage report: a compaction's
    assert tokens == sum(
        row.input_tokens_total
        for row in formats.lines(exported("tracelab"), formats.StepRow)
        if {event.event_type for event in row.timing_events} - {"usage_report"}
    )
