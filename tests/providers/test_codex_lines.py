"""Usual lines are decoded in one go, all others in two stages: both must tell the same."""

import json
from bisect import bisect_left
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.stretches import split
from tracelab.discover import sample_home
from tracelab.providers.base import Provider, Source, Tally
from tracelab.providers.codex import CODEX
from tracelab.schema import Event

LOGS = sorted((sample_home() / ".codex").rglob("*.jsonl"))


def read(provider: Provider, data: bytes, path: Path) -> tuple[list[Any], Tally]:
    """Rows and tally of a log."""
    tally = Tally(file_id="file")
    rows = list(provider.parse(split(data), Source("file", str(path)), tally))
    tally.stretch = Tally().stretch
    return rows, tally


def first_depth_beyond_decoding(opening: str, closing: str) -> int:
    """How deep brackets are that this interpreter gives up: 1,000 in Python 3.11, 10,000 from 3.12 on."""

    def is_too_deep(depth: int) -> bool:
        try:
            msgspec.json.decode(opening * depth + "1" + closing * depth)
        except RecursionError:
            return True
        return False

    return bisect_left(range(100_000), True, key=is_too_deep)


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_a_log_reads_alike_in_one_go_and_in_two_stages(log: Path) -> None:
    staged = Provider("codex", CODEX.records[-1:], CODEX.log)
    rows, tally = read(CODEX, log.read_bytes(), log)
    assert (rows, tally) == read(staged, log.read_bytes(), log)
    assert tally.steps, "and it holds something"


@pytest.mark.parametrize("log", LOGS[:1], ids=lambda log: log.name)
def test_odd_lines_cost_nothing_but_themselves(log: Path) -> None:
    rows, tally = read(CODEX, log.read_bytes(), log)
    lines = log.read_bytes().splitlines(keepends=True)
    odd = b'{"type":"world_state","payload":{"type":"event_msg"}}\n{"type":"event_msg","payload":7}\n'
    found, after = read(CODEX, b"".join(line + odd for line in lines), log)
    nowhere = {"line_no": 0}
    assert [row._replace(**nowhere) if hasattr(row, "line_no") else row for row in found] == [
        row._replace(**nowhere) if hasattr(row, "line_no") else row for row in rows
    ]
    assert after.objects == 3 * tally.objects
    assert after.records_by_type["world_state"] == len(lines)


@pytest.mark.parametrize(("place", "event_type"), [("arguments", "tool_call"), ("output", "tool_result")])
@pytest.mark.parametrize(
    ("opening", "closing"), [("[", "]"), ('{"a":[],"b":', "}")], ids=["lists", "objects"]
)
def test_no_depth_of_brackets_costs_a_log_of_the_oldest_format(
    place: str, event_type: str, opening: str, closing: str
) -> None:
    header = {"id": "a", "timestamp": "2025-05-07T17:24:21.597Z", "instructions": None}
    call = {"type": "function_call", "name": "shell", "call_id": "c", "arguments": "{}"}
    answer = {"type": "function_call_output", "call_id": "c", "output": ""}
    last = {"type": "message", "role": "assistant", "content": "done"}
    given_up = 0
    too_deep = first_depth_beyond_decoding(opening, closing)
    for depth in range(too_deep - 300, too_deep + 50):
        deep = opening * depth + "1" + closing * depth
        lines = [
            json.dumps(row | {place: "@"} if place in row else row) for row in (header, call, answer, last)
        ]
        data = "\n".join(lines).replace('"@"', deep).encode()
        rows, tally = read(CODEX, data, Path("a.jsonl"))
        sizes = {row.event_type: row.content_chars for row in rows if isinstance(row, Event)}
        assert sizes["text"] == 4, depth
        assert sizes.get(event_type, len(deep)) == len(deep), "given up, or whole"
        assert (event_type in sizes) == (not tally.issues), "what is given up is told"
        given_up += event_type not in sizes
    assert 0 < given_up < 350
