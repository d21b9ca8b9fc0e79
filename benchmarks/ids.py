"""Ids as the two clients and their providers write them, drawn from a seeded generator."""

from __future__ import annotations

import random
from uuid import UUID

ALPHANUMERIC = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def uuid4(rng: random.Random) -> str:
    """A random UUID: Claude Code's session, row and prompt ids."""
    return str(UUID(int=rng.getrandbits(128), version=4))


def uuid7(rng: random.Random, at_ms: int) -> str:
    """A time-ordered UUID of the instant `at_ms` (unix milliseconds): Codex's thread, turn and item ids."""
    value = at_ms << 80 | 0x7 << 76 | rng.getrandbits(12) << 64 | 0b10 << 62 | rng.getrandbits(62)
    return str(UUID(int=value))


def opaque(rng: random.Random, prefix: str, length: int = 22) -> str:
    """A provider-made id such as `msg_01…`, `toolu_01…`, `call_…`."""
    return prefix + "".join(rng.choices(ALPHANUMERIC, k=length))


def hexadecimal(rng: random.Random, prefix: str, length: int = 48) -> str:
    """A provider-made id in hexadecimal digits such as `resp_…`, `rs_…`."""
    return prefix + f"{rng.getrandbits(4 * length):0{length}x}"
