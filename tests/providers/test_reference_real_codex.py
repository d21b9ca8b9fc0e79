"""Real Codex rollouts, each loaded alone, against counts made by others (`real/README.md`)."""

import csv
import json
import tarfile
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.builders_codex import Parsed, parse_bytes
from tracelab.schema import Compaction, Event, Session, Step, ToolCall

SHARED = Path(__file__).parents[2].parent / "shared"
REAL = SHARED / "real"
CORPORA = [SHARED / "corpus", SHARED / "corpus_large"]


def _expected() -> list[dict[str, str]]:
    table = REAL / "expected.csv"
    if not table.is_file():
        return []
    with table.open(newline="") as lines:
        return [line for line in csv.DictReader(lines) if line["provider"] == "codex"]


def _read(path: Path) -> Parsed:
    return parse_bytes(path.read_bytes(), str(path))


def _instant(value: datetime | None) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z" if value else ""


def _counts(parsed: Parsed, path: Path) -> dict[str, Any]:
    """Every column of expected.csv that the rows of one file give."""
    tally, sessions, calls = parsed.tally, parsed.of(Session), parsed.of(ToolCall)
    steps = [step for step in parsed.of(Step) if step.usage_source != "none"]
    agents = {session.session_id for session in sessions if session.session_kind == "subagent"}
    names = b'"session_meta"' in path.read_bytes()  # without one a log has no conversation id

    def total(column: str) -> int:
        return sum(getattr(step, column) or 0 for step in steps)

    return {
        "bad_lines": tally.bad_lines,
        "objects": tally.objects,
        "sessions": len(sessions) if names else 0,
        "contexts": len({step.session_id for step in steps}),
        "steps": len(steps),
        "input_tokens_total": total("input_tokens"),
        "prefix_tokens": total("prefix_tokens"),
        "append_tokens": total("append_tokens"),
        "cache_write_5m": total("cache_write_5m_tokens"),
        "cache_write_1h": total("cache_write_1h_tokens"),
        "output_tokens": total("output_tokens"),
        "reasoning_tokens": total("reasoning_tokens"),
        "tool_calls": len(calls),
        "tool_results_matched": sum(call.result_chars is not None for call in calls),
        "tool_errors": sum(call.is_error is True for call in calls),
        "compaction_markers": len(parsed.of(Compaction)),
        "human_messages": sum(event.message_kind == "human" for event in parsed.of(Event)),
        "subagent_steps": sum(step.session_id in agents for step in steps),
        "synthetic_skipped": tally.synthetic_rows,
        "first_at": _instant(tally.first_at),
        "last_at": _instant(tally.last_at),
        "hosted_calls": tally.hosted_calls,
        "rows_without_id": tally.rows_without_id,
        "usage_echoes": tally.usage_echoes,
        "steps_not_final": sum(not step.usage_is_final for step in steps),
        "multi_call_steps": sum(step.calls > 1 for step in steps),
    }


@pytest.mark.skipif(not REAL.is_dir(), reason="the real logs are not here")
@pytest.mark.parametrize("expected", _expected(), ids=lambda row: row["path"])
def test_a_real_rollout_has_the_counts_that_others_found(expected: dict[str, str]) -> None:
    path = REAL / expected["path"]
    ours = {column: str(value) for column, value in _counts(_read(path), path).items()}
    assert ours == {column: expected[column] for column in ours}


@pytest.mark.skipif(not REAL.is_dir(), reason="the real logs are not here")
def test_a_copied_history_has_the_message_ids_of_its_original() -> None:
    original, continued = sorted((REAL / "codex/Hoper-J__cpolar-connect").rglob("*.jsonl"))
    first, second = _read(original).of(Step), _read(continued).of(Step)
    copied = [step for step in second if step.is_inherited]
    assert {step.session_id for step in copied} == {step.session_id for step in first}
    assert [step.message_id for step in copied] == [step.message_id for step in first]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real logs are not here")
@pytest.mark.parametrize("expected", _expected(), ids=lambda row: row["path"])
def test_every_call_and_event_of_a_real_rollout_points_to_a_step_of_its_session(
    expected: dict[str, str],
) -> None:
    parsed = _read(REAL / expected["path"])
    steps = {(step.session_id, step.step_seq) for step in parsed.of(Step)}
    assert len(steps) == len(parsed.of(Step))
    assert {(call.session_id, call.step_seq) for call in parsed.of(ToolCall)} <= steps
    events = parsed.of(Event)
    assert {(event.session_id, event.step_seq) for event in events if event.step_seq is not None} <= steps
    assert sorted(event.event_index for event in events) == list(range(len(events)))
    keys = Counter((event.event_type, event.event_id, event.block_index) for event in events)
    assert not [key for key, count in keys.items() if count > 1]


@pytest.mark.parametrize("corpus", CORPORA, ids=lambda corpus: corpus.name)
def test_a_corpus_has_the_totals_planted_in_it(corpus: Path, tmp_path: Path) -> None:
    if not corpus.is_dir():
        pytest.skip(f"no reference data: {corpus.name} is not here")
    home = corpus / "home"
    if not home.is_dir():
        with tarfile.open(corpus / "home.tar.xz") as archive:
            archive.extractall(tmp_path, filter="data")
        home = tmp_path
    truth = json.loads((corpus / "truth.json").read_text())
    planted = truth["providers"]["codex"]
    parsed = [_read(path) for path in sorted(home.rglob("rollout-*.jsonl"))]
    steps = [step for file in parsed for step in file.of(Step)]
    calls = [call for file in parsed for call in file.of(ToolCall)]
    assert {
        "files": len(parsed),
        "steps": len(steps),
        "input_tokens_total": sum(step.input_tokens or 0 for step in steps),
        "prefix_tokens": sum(step.prefix_tokens or 0 for step in steps),
        "newly_append_tokens": sum(step.append_tokens or 0 for step in steps),
        "output_tokens": sum(step.output_tokens or 0 for step in steps),
        "reasoning_output_tokens": sum(step.reasoning_tokens or 0 for step in steps),
        "tool_calls": len(calls),
        "tool_results": sum(call.result_at is not None for call in calls),
        "tool_errors": sum(call.is_error is True for call in calls),
        "wall_latency_ms": sum(call.wall_ms or 0 for call in calls),
        "effective_latency_ms": sum(call.internal_ms or max(call.wall_ms or 0, 0) for call in calls),
    } == {key: planted[key] for key in planted if key != "bytes"}
    assert Counter(call.tool_name for call in calls) == truth["tools"]["codex"]
