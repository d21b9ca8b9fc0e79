"""A log of a few MB takes seconds, whatever it holds."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests import builders_codex as codex
from tests.stretches import split
from tracelab.providers import PROVIDERS
from tracelab.providers.base import Source, Tally

RECORDS = 40_000
MOST_S = 8
"""Of a slow machine's time; what grows with the square of the records took several times as long."""
Records = Callable[[int], dict[str, Any]]

KINDS: dict[tuple[str, str], Records] = {
    ("claude", "issues"): lambda _: {"type": "assistant"},
    ("claude", "summaries"): lambda n: {
        "type": "user", "sessionId": f"s{n}", "isCompactSummary": True, "message": {"content": "a"}
    },
    ("codex", "compactions of open outputs"): lambda n: (
        codex.thinks(1) if n < RECORDS // 2 else codex.compacted(2)
    ),
    ("published", "results of a call that every row makes"): lambda n: {
        "provider": "claude", "session_id": "s", "round_index": n, "tools": [{"tool_call_id": "c"}],
        "timing_events": [{"event_type": "tool_result", "tool_call_id": "c"}],
    },
}  # fmt: skip


@pytest.mark.parametrize(("provider", "kind"), KINDS)
def test_reading_takes_no_square_of_the_records(provider: str, kind: str) -> None:
    record = KINDS[provider, kind]
    first = [codex.meta()] if provider == "codex" else []
    data = b"".join(json.dumps(each).encode() + b"\n" for each in (*first, *map(record, range(RECORDS))))
    stretches, tally = split(data), Tally(file_id="f")
    began_s = time.process_time()
    for _ in PROVIDERS[provider].parse(stretches, Source("f", "/a.jsonl"), tally):
        pass
    assert time.process_time() - began_s < MOST_S
