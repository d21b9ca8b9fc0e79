"""Real Claude Code logs, each loaded alone, against counts made by others (`real/README.md`)."""

import csv
import json
import os
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.builders_claude import Parsed, parse
from tracelab.schema import Compaction, Event, ExtraCall, Session, Step, ToolCall

REAL = Path(__file__).parents[2].parent / "shared" / "real"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the real logs are not here")


def _expected() -> list[dict[str, str]]:
    table = REAL / "expected.csv"
    if not table.is_file():
        return []
    with table.open(newline="") as lines:
        return [line for line in csv.DictReader(lines) if line["provider"] == "claude"]


def _instant(value: datetime | None) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z" if value else ""


def _winners(steps: list[Step]) -> list[Step]:
    """One row for each message: of its copies in the file, the one with the greatest usage."""
    best: dict[str, Step] = {}
    for step in steps:
        rank = (step.output_tokens or 0, step.input_tokens or 0, step.stop_reason is not None)
        known = best.get(step.message_id)
        if known is None or rank >= (
            known.output_tokens or 0,
            known.input_tokens or 0,
            known.stop_reason is not None,
        ):
            best[step.message_id] = step
    return list(best.values())


def counts(parsed: Parsed) -> dict[str, Any]:
    """Every column of expected.csv that the rows of one file give."""
    tally, steps, calls = parsed.tally, _winners(parsed.of(Step)), parsed.of(ToolCall)
    mains = {step.message_id for step in parsed.of(Step) if "/" not in step.session_id}
    humans = [event for event in parsed.of(Event) if event.message_kind == "human"]
    advisors = [call for call in parsed.of(ExtraCall) if call.call_type == "advisor"]

    def total(column: str, rows: list[Any] = steps) -> int:
        return sum(getattr(row, column) or 0 for row in rows)

    return {
        "bad_lines": tally.bad_lines,
        "objects": tally.objects,
        "sessions": len({session.root_session_id for session in parsed.of(Session)}),
        "contexts": len({step.session_id for step in parsed.of(Step)}),
        "steps": len(steps),
        "input_tokens_total": total("input_tokens"),
        "prefix_tokens": total("prefix_tokens"),
        "append_tokens": total("append_tokens"),
        "cache_write_5m": total("cache_write_5m_tokens"),
        "cache_write_1h": total("cache_write_1h_tokens"),
        "output_tokens": total("output_tokens"),
        "reasoning_tokens": total("reasoning_tokens"),
        "tool_calls": len({call.tool_call_id for call in calls}),
        "tool_results_matched": sum(call.is_error is not None for call in calls),
        "tool_errors": sum(call.is_error is True for call in calls),
        "compaction_markers": len({mark.compaction_id for mark in parsed.of(Compaction)}),
        "human_messages": len(humans),
        "subagent_steps": sum(step.message_id not in mains for step in steps),
        "synthetic_skipped": tally.synthetic_rows,
        "first_at": _instant(tally.first_at),
        "last_at": _instant(tally.last_at),
        "hosted_calls": tally.hosted_calls,
        "rows_without_id": tally.rows_without_id,
        "usage_echoes": tally.usage_echoes,
        "steps_no_stop_reason": sum(step.stop_reason is None for step in steps),
        "steps_not_final": sum(not step.usage_is_final for step in steps),
        "multi_call_steps": sum(step.calls > 1 for step in steps),
        "advisor_input_tokens": total("input_tokens", advisors),
        "advisor_output_tokens": total("output_tokens", advisors),
    }


@pytest.mark.parametrize("expected", _expected(), ids=lambda line: line["path"])
def test_reference_counts_of_a_real_file_are_those_expected(expected: dict[str, str]) -> None:
    file = REAL / expected["path"]
    parsed = parse(file.read_bytes(), str(file))
    got = {name: str(value) for name, value in counts(parsed).items()}
    assert got == {name: expected[name] for name in got}


CORPUS = Path(os.environ.get("TRACELAB_REFERENCE", REAL.parent / "corpus"))


@pytest.mark.skipif(not (CORPUS / "truth.json").is_file(), reason="the reference corpus is not here")
def test_reference_corpus_adds_up_to_its_planted_truth() -> None:
    truth = json.loads((CORPUS / "truth.json").read_text())
    files = sorted((CORPUS / "home").rglob("*.jsonl"))
    logs = [parse(file.read_bytes(), str(file)) for file in files if ".claude" in file.parts]
    steps = [step for log in logs for step in log.of(Step)]
    calls = [call for log in logs for call in log.of(ToolCall)]

    def effective_ms(call: ToolCall) -> int:
        return call.internal_ms or max(call.wall_ms or 0, 0)

    expected = truth["providers"]["claude"]
    got = {
        "files": len(logs),
        "steps": len(steps),
        "input_tokens_total": sum(step.input_tokens or 0 for step in steps),
        "prefix_tokens": sum(step.prefix_tokens or 0 for step in steps),
        "newly_append_tokens": sum(step.append_tokens or 0 for step in steps),
        "output_tokens": sum(step.output_tokens or 0 for step in steps),
        "tool_calls": len(calls),
        "tool_results": sum(call.result_at is not None for call in calls),
        "tool_errors": sum(call.is_error is True for call in calls),
        "wall_latency_ms": sum(call.wall_ms or 0 for call in calls),
        "effective_latency_ms": sum(map(effective_ms, calls)),
    }
    assert got == {name: expected[name] for name in got}
    assert Counter(call.tool_name for call in calls) == truth["tools"]["claude"]
    assert len({step.session_id for step in steps}) == truth["sessions"]["claude"]
