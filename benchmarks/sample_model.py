"""What both clients of the sample share: plans, a clock, tool latencies, the prompt and its cache, counts."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

# Median latency in ms, sigma of its logarithm, median tokens a result adds to the context.
TOOLS = {
    "R": (28, 0.7, 1500),
    "G": (140, 0.8, 520),
    "E": (75, 0.6, 260),
    "W": (90, 0.6, 180),
    "B": (420, 1.2, 420),
    "T": (52_000, 0.9, 900),
    "D": (9, 0.4, 60),
    "Q": (95_000, 0.8, 120),
    "P": (41_000, 0.7, 140),
    "S": (4200, 0.4, 1800),
    "F": (6500, 0.6, 2600),
    "M": (900, 0.8, 750),
    "L": (310, 0.4, 90),
    "A": (0, 0.0, 700),
}
LONGEST_MS = 540_000
ORDINARY_PAUSE_S = (58, 0.8, 240)  # median, sigma, longest


@dataclass(frozen=True)
class Call:
    """One call of a plan: its letter, its subagent's name, whether it fails."""

    letter: str
    agent: str = ""
    fails: bool = False


@dataclass(frozen=True)
class Move:
    """One step of a plan."""

    calls: tuple[Call, ...]
    answers: bool
    loses_cache: bool
    interrupted: bool
    one_by_one: bool


def moves(plan: str) -> list[Move]:
    """Read a plan (see `sample_story`)."""
    return [_move(part.split()) for part in plan.split("|")]


def _move(words: list[str]) -> Move:
    calls = tuple(
        Call(word[0], agent=word[2:] if word[1:2] == ":" else "", fails=word.endswith("!"))
        for word in words
        if word not in {".", "~", "^", ">"}
    )
    return Move(
        calls,
        answers="." in words,
        loses_cache="~" in words,
        interrupted="^" in words,
        one_by_one=">" in words,
    )


def latency_ms(rng: random.Random, letter: str) -> int:
    """A tool's time: log-normal, with a permission prompt before some edits."""
    median, sigma, _ = TOOLS[letter]
    drawn = min(LONGEST_MS, round(median * math.exp(rng.gauss(0, sigma))))
    asked = letter in "EB" and rng.random() < 0.12
    return drawn + (rng.randint(2500, 24_000) if asked else 0)


def result_tokens(rng: random.Random, letter: str, heft: float) -> int:
    """What a result adds to the context: more than the files show, where outputs are abridged."""
    return round(TOOLS[letter][2] * heft * math.exp(rng.gauss(0, 0.5)))


def pause_ms(rng: random.Random, pause_s: int | None) -> int:
    """The time a person takes before a prompt."""
    median, sigma, longest = ORDINARY_PAUSE_S
    seconds = pause_s if pause_s is not None else min(longest, median * math.exp(rng.gauss(0, sigma)))
    return round(seconds * 1000) + rng.randint(0, 999)


def iso(at_ms: int) -> str:
    """A unix time in ms as both clients write it."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def unix_ms(text: str) -> int:
    """The unix time in ms of a UTC time without zone."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@dataclass
class Prompt:
    """One growing prompt and what the provider's cache still holds of it, in tokens."""

    size: int
    shared: int  # what a new session finds warm: the start that it has in common with others
    lifetime_ms: int
    grain: int  # the cache holds whole blocks of this many tokens
    cold: int = 0  # what is left of the cache after its lifetime
    cached: int = 0
    used_at: int | None = None

    def send(self, at_ms: int, kept: float = 1.0) -> tuple[int, int]:
        """Send the prompt: (input tokens, of them read from the cache); `kept` < 1 loses part of it."""
        if self.used_at is None:
            held = self.shared
        else:
            held = int(self.cached * kept) if at_ms - self.used_at <= self.lifetime_ms else self.cold
        prefix = min(held, self.size - 1) // self.grain * self.grain
        self.used_at = at_ms
        self.cached = self.size
        return self.size, prefix


@dataclass
class Planted:
    """What was written, as a loader should count it."""

    counts: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, amount: int = 1) -> None:
        """Count `amount` more of `name`."""
        self.counts[name] += amount
