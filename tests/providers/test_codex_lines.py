"""Usual lines are decoded in one go, all others in two stages: both must tell the same."""

from pathlib import Path
from typing import Any

import pytest

from tests.stretches import split
from tracelab.discover import sample_home
from tracelab.providers.base import Provider, Source, Tally
from tracelab.providers.codex import CODEX

LOGS = sorted((sample_home() / ".codex").rglob("*.jsonl"))


def read(provider: Provider, data: bytes, path: Path) -> tuple[list[Any], Tally]:
    """Rows and tally of a log."""
    tally = Tally(file_id="file")
    rows = list(provider.parse(split(data), Source("file", str(path)), tally))
    tally.stretch = Tally().stretch
    return rows, tally


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
