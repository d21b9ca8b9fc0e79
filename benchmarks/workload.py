"""What generated sessions are drawn from: the published distributions, pools of text, cheap ids and times.

Figures are those published with the trace: 8.8 steps and 10.8 calls a request, session lengths with a median
of 15 to 20 steps and a p99 near 1,000, prefix, append and output medians of 118,656, 875 and 214 tokens, tool
latencies from milliseconds to minutes, human waits with a median of 86 s and a tail of days.
"""

from __future__ import annotations

import json
import math
import random
from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate

POOL_CHARS = 4_000_000
LINES = (
    "def settle(rows: list[Row], *, strict: bool = False) -> Table:",
    '    key = f"{row.session}/{row.step}"  # one row a step',
    "    if not rows or rows[0].at is None:",
    '        raise ValueError("no rows\\tfor this key")',
    "PASSED tests/test_settle.py::test_a_copy_counts_once [ 48%]",
    "warning: unused variable: `offset` --> src/index.rs:114:9",
    "2026-10-07T09:14:22.310Z INFO  flushed 412 rows in 18.2 ms",
    '{"level":"debug","path":"C:\\\\work\\\\index","took":0.0031}',
    "# größer als der Puffer: naïve Schätzung, siehe 設計メモ №4",
    "",
    "  const width = glyphs.reduce((sum, glyph) => sum + glyph.advance, 0);",
    "+    return Size(width=round(width, 3), height=font.ascent + font.descent)",
)
COMMANDS = (
    "rg -n settle src",
    "git diff --stat",
    "sed -n 1,120p src/settle.py",
    "make test",
    "ls -la out",
    "cargo check",
)

# Median in ms and sigma of the logarithm: file tools, short commands, builds, test suites.
LATENCY_MS = ((55, 0.9), (900, 1.0), (11_000, 0.9), (140_000, 0.9))
LATENCY_WEIGHTS = (0.56, 0.27, 0.135, 0.035)
CALLS_A_STEP = (1,) * 17 + (2, 2, 4)
LONGEST_SESSION_STEPS = 6000
LONGEST_WAIT_MS = 14 * 86_400_000
RESULT_CHARS = (330, 1.3)  # median, sigma; scaled so that the bytes asked for come out
EVICTED, KEPT = 0.012, 0.25  # share of steps that find the cache cut, and what is left of it
LARGE_RESULT, HUGE_RESULT = 0.0016, 0.00002  # share of calls with 50 to 300 kB, with 1 to 3 MB


class Draws:
    """A seeded source of everything that a generated session needs."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.random = self.rng.random
        self.bits = self.rng.getrandbits
        lines = [json.dumps(line, ensure_ascii=False)[1:-1] for line in LINES]
        chosen = self.rng.choices(lines, k=POOL_CHARS // (sum(map(len, lines)) // len(lines) + 2))
        self._pool = "\\n".join(chosen)
        self._cuts: Sequence[int] = [0, *accumulate(len(line) + 2 for line in chosen)]
        self._minutes: dict[int, str] = {}

    def log_normal(self, median: float, sigma: float) -> float:
        """A log-normal value by its median."""
        return median * math.exp(self.rng.gauss(0.0, sigma))

    def text(self, chars: int) -> str:
        """About `chars` characters (at least a line) of a JSON string's inside: escaped, whole lines."""
        cuts, wanted = self._cuts, min(chars, POOL_CHARS - 200_000)
        first = bisect_left(cuts, int(self.random() * (len(self._pool) - wanted)))
        last = bisect_left(cuts, cuts[first] + max(chars, 1), lo=first + 1)
        return self._pool[cuts[first] : cuts[min(last, len(cuts) - 1)] - 2]

    def uuid(self) -> str:
        """A UUID of version 4."""
        digits = f"{self.bits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def uuid7(self, at_ms: int) -> str:
        """A UUID of version 7."""
        time, digits = f"{at_ms:012x}", f"{self.bits(72):018x}"
        return f"{time[:8]}-{time[8:]}-7{digits[:3]}-a{digits[3:6]}-{digits[6:]}"

    def digits(self) -> str:
        """24 hexadecimal digits: the changing part of a provider's id."""
        return f"{self.bits(96):024x}"

    def iso(self, at_ms: int) -> str:
        """A unix time in ms as the logs write it."""
        minute, rest = divmod(at_ms, 60_000)
        text = self._minutes.get(minute)
        if text is None:
            text = self._minutes[minute] = datetime.fromtimestamp(minute * 60, UTC).strftime(
                "%Y-%m-%dT%H:%M:"
            )
        return f"{text}{rest // 1000:02d}.{rest % 1000:03d}Z"

    def session_steps(self) -> int:
        """Steps of a session."""
        return min(LONGEST_SESSION_STEPS, 1 + int(self.log_normal(24, 1.85)))

    def request_steps(self) -> int:
        """Steps of a request."""
        return 1 + int(self.log_normal(1.75, 1.98))

    def calls(self) -> int:
        """Calls of a step that calls tools."""
        return self.rng.choice(CALLS_A_STEP) + (self.random() < 0.02) * self.rng.randint(1, 8)

    def latency_ms(self) -> int:
        """A tool's time."""
        ((median, sigma),) = self.rng.choices(LATENCY_MS, LATENCY_WEIGHTS)
        return 1 + int(self.log_normal(median, sigma))

    def wait_ms(self) -> int:
        """The time a person takes."""
        return min(LONGEST_WAIT_MS, int(self.log_normal(86_000, 2.0)))

    def output_tokens(self) -> int:
        """Output tokens of a step."""
        return 8 + int(self.log_normal(206, 1.05))

    def fresh_tokens(self) -> int:
        """What the inputs of a step add to its prompt."""
        return 40 + int(self.log_normal(400, 1.4))

    def result_chars(self) -> float:
        """Characters of a tool's output, before scaling."""
        at = self.random()
        if at < HUGE_RESULT:
            return 1e6 * (1 + 2 * self.random())
        if at < HUGE_RESULT + LARGE_RESULT:
            return 1e3 * (50 + 250 * self.random() ** 2)
        return self.log_normal(*RESULT_CHARS)

    def send(self, prompt: Prompt, at_ms: int) -> tuple[int, int]:
        """Send a prompt, now and then to a cache that was cut: (input tokens, of them cached)."""
        if self.random() < EVICTED:
            prompt.cached = int(prompt.cached * KEPT)
        return prompt.send(at_ms)


class Prompt:
    """A growing prompt and its cache, in tokens; compacts itself at its limit."""

    __slots__ = ("cached", "lifetime_ms", "limit", "size", "start", "used_at")

    def __init__(self, start: int, limit: int, lifetime_ms: int, warm: int) -> None:
        self.start = self.size = start
        self.limit = limit
        self.lifetime_ms = lifetime_ms
        self.cached = warm
        self.used_at: int | None = None

    def send(self, at_ms: int) -> tuple[int, int]:
        """Send it: (input tokens, of them cached)."""
        if self.used_at is not None and at_ms - self.used_at > self.lifetime_ms:
            self.cached = 0
        prefix = min(self.cached, self.size - 4)
        self.used_at = at_ms
        self.cached = self.size - 3
        return self.size, prefix

    def compact(self) -> int:
        """Start again from a summary; returns the size before."""
        before, self.size = self.size, self.start + 9000
        self.cached = self.start // 2
        return before
