"""One Claude Code file of the sample as it grows, and the client's own running total."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from benchmarks import ids
from benchmarks.records_claude import Origin, Record, Stamp
from benchmarks.sample_model import Planted, Prompt, iso

# USD per million tokens: input, cache read, 5-minute write, 1-hour write, output.
PRICES_USD = {"opus": (5, 0.5, 6.25, 10, 25), "sonnet": (3, 0.3, 3.75, 6, 15), "haiku": (1, 0.1, 1.25, 2, 5)}
UNLOGGED = 1.14  # the total also holds calls that are logged nowhere


@dataclass
class Log:
    """One file: its rows in writing order, the subagents it started, what it holds."""

    origin: Origin
    project: str
    model: str
    rng: random.Random
    prompt: Prompt
    now_ms: int
    planted: Planted
    heft: float = 1.0
    rows: list[Record] = field(default_factory=list)
    agents: list[tuple[str, Record, Log]] = field(default_factory=list)
    parent: str | None = None
    prompt_id: str = ""
    totals: dict[str, Record] = field(default_factory=dict)
    pending: list[tuple[int, str]] = field(default_factory=list)  # notifications to come: (when, text)

    def stamp(self, at_ms: int | None = None) -> Stamp:
        """A new row's uuid, parent and time."""
        return Stamp(ids.uuid4(self.rng), self.parent, iso(self.now_ms if at_ms is None else at_ms))

    def put(self, row: Record) -> None:
        """Append a row; the next one's parent is it."""
        self.rows.append(row)
        self.parent = row.get("uuid", self.parent)


def bill(log: Log, uncached: int, prefix: int, write_5m: int, write_1h: int, output: int) -> None:
    """Add a step's tokens and cost to the session's total."""
    rates = next(prices for family, prices in PRICES_USD.items() if family in log.model)
    numbers = (uncached, prefix, write_5m, write_1h, output)
    cost = sum(rate * count for rate, count in zip(rates, numbers, strict=True)) / 1e6
    names = ("inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens", "outputTokens")
    kept = log.totals.setdefault(
        log.model, {**dict.fromkeys(names, 0), "webSearchRequests": 0, "costUSD": 0.0}
    )
    for name, count in zip(names, (uncached, prefix, write_5m + write_1h, output), strict=True):
        kept[name] += count
    kept["costUSD"] += cost


def spent(log: Log) -> dict[str, Record]:
    """What a session and its subagents took, by model."""
    merged: dict[str, Record] = {}
    for part in (log.totals, *(agent.totals for _, _, agent in log.agents)):
        for model, kept in part.items():
            into = merged.setdefault(model, dict.fromkeys(kept, 0))
            merged[model] = {name: into[name] + kept[name] for name in kept}
    return merged


def cost_state(log: Log) -> Record:
    """The client's own total: it also holds calls that are logged nowhere, see `UNLOGGED`."""
    usage = {
        model: {
            name: round(kept * UNLOGGED, 6) if name == "costUSD" else int(kept * UNLOGGED)
            for name, kept in parts.items()
        }
        for model, parts in spent(log).items()
    }
    total = round(sum(kept["costUSD"] for kept in usage.values()), 6)
    return {
        "type": "cost-state",
        "sessionId": log.origin.session_id,
        "totalCostUSD": total,
        "hasUnknownModelCost": False,
        "modelUsage": usage,
    }
