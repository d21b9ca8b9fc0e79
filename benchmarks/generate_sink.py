"""Where generated lines go: files below one folder, counts of what was written, the size of results."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

FLUSH_CHARS = 4_000_000


@dataclass
class Stats:
    """What was written."""

    files: int = 0
    bytes: int = 0
    lines: int = 0
    steps: Counter[str] = field(default_factory=Counter)  # by provider
    counts: Counter[str] = field(
        default_factory=Counter
    )  # requests, tool_calls, compactions, sessions, agents


class Output:
    """One file: lines are gathered and written in large pieces."""

    def __init__(self, stats: Stats, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stats = stats
        self._file: BinaryIO = path.open("wb")
        self._lines: list[str] = []
        self._chars = 0

    def write(self, line: str) -> None:
        """Add a line that ends in a newline."""
        self._lines.append(line)
        self._chars += len(line)
        if self._chars > FLUSH_CHARS:
            self._flush()

    def close(self) -> None:
        """Write what is left."""
        self._flush()
        self._file.close()
        self._stats.files += 1

    def _flush(self) -> None:
        data = "".join(self._lines).encode()
        self._file.write(data)
        self._stats.bytes += len(data)
        self._stats.lines += len(self._lines)
        self._lines.clear()
        self._chars = 0


class Sink:
    """A folder that fills up to about `bytes_per_step` for each step."""

    def __init__(self, out: Path, bytes_per_step: int) -> None:
        self.stats = Stats()
        self._out = out
        self._target = bytes_per_step
        self._scale = 1.0
        self._drawn = self._text = 0.0

    def open(self, path: str) -> Output:
        """A new file below the folder."""
        return Output(self.stats, self._out / path)

    def count(self, name: str, amount: int = 1) -> None:
        """Count `amount` more of `name`."""
        self.stats.counts[name] += amount

    def step(self, provider: str) -> None:
        """Count a step."""
        self.stats.steps[provider] += 1

    def chars(self, drawn: float, copies: int) -> int:
        """A drawn size, scaled so that the bytes asked for come out; its text stands `copies` times."""
        self._drawn += drawn * copies
        chars = int(drawn * self._scale)
        self._text += max(chars, 1) * copies
        return chars

    def rescale(self) -> None:
        """Steer the size of results by what came out so far; called between sessions."""
        steps = sum(self.stats.steps.values())
        if steps < 50:
            return
        fixed = (self.stats.bytes - self._text) / steps
        missing = (self._target * steps - self.stats.bytes) / steps
        drawn = self._drawn / steps
        self._scale = min(50.0, max(0.02, (self._target - fixed + missing) / drawn))
