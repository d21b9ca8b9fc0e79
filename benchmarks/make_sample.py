"""Writes the session logs that ship in the package: `python benchmarks/make_sample.py`.

The output is a function of this folder's code alone, so a test can hold the shipped files to it. Two oddities
are planted on purpose: a line cut short in the session `slow-suite`, as a crash leaves it, and a record of a
type that no reader knows (`focus-timer`) in `galley-speed`.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import sample_claude, sample_codex
from benchmarks.sample_claude_log import Log
from benchmarks.sample_model import Planted
from benchmarks.sample_story import CLAUDE, CODEX

HOME = Path(__file__).resolve().parents[1] / "tracelab" / "sample" / "home"
TORN_SESSION, UNKNOWN_SESSION = "slow-suite", "galley-speed"
UNKNOWN = {"type": "focus-timer", "minutes": 25, "timestamp": "2026-10-19T09:12:00.000Z"}


def sample_files(planted: Planted) -> Iterator[tuple[str, str]]:
    """Every file of the sample: (path below the home, text); counts what they hold into `planted`."""
    logs: dict[str, Log] = {}
    for script in CLAUDE:
        log = logs[script.name] = sample_claude.play(script, planted, logs.get(script.resumes))
        for number, (path, rows) in enumerate(sample_claude.files(log)):
            oddity = script.name if number == 0 else ""
            yield f".claude/projects/{path}", _text(rows) if isinstance(rows, dict) else _lines(rows, oddity)
    for script in CODEX:
        for path, lines in sample_codex.files(sample_codex.play(script, planted)):
            yield f".codex/{path}", _lines(lines, "")


def write_sample(home: Path = HOME) -> Planted:
    """Write the sample below `home`, in place of what was there; returns what it holds."""
    for folder in (".claude", ".codex"):
        shutil.rmtree(home / folder, ignore_errors=True)
    planted = Planted()
    for path, text in sample_files(planted):
        target = home / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
    return planted


def _lines(rows: list[dict[str, Any]], session: str) -> str:
    lines = [_text(row) for row in rows]
    if session == TORN_SESSION:
        lines.insert(20, lines[20][:173])
    if session == UNKNOWN_SESSION:
        lines.insert(20, _text(UNKNOWN))
    return "\n".join(lines) + "\n"


def _text(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    for name, count in sorted(write_sample().counts.items()):
        print(f"{count:>12,} {name}")
