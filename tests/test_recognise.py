"""Whose log a file is, told by its first objects."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tracelab.lines import Lines
from tracelab.providers.base import Tally, records
from tracelab.providers.recognise import CLAUDE_LOG, CODEX_LOG, EMPTY, UNKNOWN, Head, Verdict, recognise

REAL = Path(__file__).resolve().parents[2] / "shared" / "real"

Json = dict[str, Any]


def verdict(objects: Iterable[Json]) -> Verdict:
    return recognise(msgspec.json.decode(json.dumps(item), type=Head) for item in objects)


CLAUDE_USER = {"type": "user", "sessionId": "s", "message": {"role": "user", "content": "x"}}


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([CLAUDE_USER], CLAUDE_LOG),
        ([{"type": "summary", "summary": "x", "leafUuid": "u"}, CLAUDE_USER], CLAUDE_LOG),
        ([{"type": "summary", "summary": "x", "leafUuid": "u"}], CLAUDE_LOG),
        ([{"type": "file-history-snapshot", "messageId": "m"}], CLAUDE_LOG),
        ([{"type": "queue-operation", "sessionId": "s"}], CLAUDE_LOG),
        ([{"type": "brand-new", "x": 1}] * 150 + [CLAUDE_USER], CLAUDE_LOG),
        ([{"type": "session_meta", "payload": {"id": "t"}}], CODEX_LOG),
        ([{"type": "event_msg", "payload": {"type": "token_count"}}], CODEX_LOG),
        ([{"record_type": "state"}], CODEX_LOG),
        (
            [{"id": "t", "timestamp": "x", "instructions": None}, {"type": "message", "role": "user"}],
            CODEX_LOG,
        ),
    ],
    ids=str,
)
def test_a_log_of_ours_is_known_by_its_objects(objects: list[Json], expected: Verdict) -> None:
    assert verdict(objects) == expected


@pytest.mark.parametrize(
    ("objects", "what"),
    [
        ([{"type": "thread.started", "thread_id": "t"}], "output of codex exec --json"),
        ([{"type": "item.completed", "item": {}}], "output of codex exec --json"),
        ([{"type": "user", "sessionId": "s", "message": {"role": "user", "parts": []}}], "Qwen Code chat"),
        ([{"type": "session", "version": 3}], "pi or oh-my-pi session"),
        ([{"type": "title", "pad": "  "}, {"type": "session"}], "pi or oh-my-pi session"),
        ([{"sessionId": "s", "messages": [{"type": "user"}]}], "Gemini CLI chat"),
        ([{"type": "session.start", "data": {}}], "Copilot CLI session"),
        ([{"role": "user", "message": {"content": []}}], "Cursor chat"),
        ([{"type": "session_start", "id": "x"}], "Droid session"),
    ],
    ids=str,
)
def test_another_agents_log_is_named_and_set_aside(objects: list[Json], what: str) -> None:
    assert verdict(objects) == Verdict(None, what)


@pytest.mark.parametrize(
    "item",
    [
        {"x": 1},
        {"type": "user", "message": {"role": "user"}},  # no sessionId
        {"type": "user", "sessionId": "s", "message": "text"},
        {"type": 7, "payload": {"id": "t"}},
        {"type": "session_meta", "payload": "text"},
        {"id": "t", "timestamp": "x", "instructions": None},  # nothing follows
        {"type": "mode", "mode": "dark"},
    ],
    ids=str,
)
def test_json_that_only_looks_like_a_log_is_unknown(item: Json) -> None:
    assert verdict([item]) == UNKNOWN


def test_no_object_at_all_is_no_log() -> None:
    assert verdict([]) == EMPTY


def test_no_more_than_two_hundred_objects_are_looked_at() -> None:
    assert verdict([{"x": 1}] * 199 + [CLAUDE_USER]) == CLAUDE_LOG
    assert verdict([{"x": 1}] * 200 + [CLAUDE_USER]) == UNKNOWN


def test_reference_every_real_file_is_recognised() -> None:
    if not REAL.is_dir():
        pytest.skip("no ../shared/real here")
    wrong = []
    with (REAL / "expected.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            with (REAL / row["path"]).open("rb", buffering=0) as file:
                found = recognise(records(Lines(file, Tally()), Head, Tally()))
            if (found.provider or "other") != row["provider"]:
                wrong.append((row["path"], row["provider"], found))
    assert not wrong
