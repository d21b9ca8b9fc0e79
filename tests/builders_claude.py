"""One-line builders of Claude Code records, and a reader that turns lists of them into raw rows."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.stretches import split
from tracelab.providers.base import Source, Tally
from tracelab.providers.claude import CLAUDE
from tracelab.schema import Row

SESSION = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
PATH = f"/home/ada/.claude/projects/-home-ada-loom/{SESSION}.jsonl"
DAY = "2026-09-20"

Json = dict[str, Any]
R = TypeVar("R")


def clock(second: float) -> str:
    """Timestamp so many seconds after ten o'clock, as the client writes it."""
    return f"{DAY}T10:{int(second) // 60:02d}:{second % 60:06.3f}Z"


def uid(number: int) -> str:
    """A record uuid."""
    return f"00000000-0000-4000-8000-{number:012d}"


def msg(number: int) -> str:
    """A provider-made message id."""
    return f"msg_synthetic_{number:010d}"


def toolu(number: int) -> str:
    """A provider-made tool call id."""
    return f"toolu_synthetic_{number:010d}"


def row(kind: str, number: int, second: float | None = None, **fields: Any) -> Json:
    """A record of any type of the usual session: its uuid from `number`, its parent the record before."""
    parent = uid(number - 1) if number > 1 else None
    stamp = {} if second is None else {"timestamp": clock(second)}
    base: Json = {
        "parentUuid": parent,
        "isSidechain": False,
        "sessionId": SESSION,
        "version": "2.1.300",
        "type": kind,
        "uuid": uid(number),
    }
    return base | stamp | fields


def user(number: int, second: float, content: object, **fields: Any) -> Json:
    """A user row with a string or blocks as content."""
    return row("user", number, second, message={"role": "user", "content": content}, **fields)


def assistant(
    number: int,
    second: float,
    message_id: str | None,
    *blocks: Json,
    usage: Json | None = None,
    stop: str | None = None,
    model: str | None = "claude-opus-4-8",
    **fields: Any,
) -> Json:
    """An assistant row with some blocks of a message."""
    message: Json = {"role": "assistant", "model": model, "content": list(blocks), "stop_reason": stop}
    if message_id is not None:
        message["id"] = message_id
    if usage is not None:
        message["usage"] = usage
    return row("assistant", number, second, message=message, **fields)


def usage(fresh: int = 3, write: int = 0, read: int = 0, out: int = 100, **more: Any) -> Json:
    """Usage with its four counts."""
    counts = {
        "input_tokens": fresh,
        "cache_creation_input_tokens": write,
        "cache_read_input_tokens": read,
        "output_tokens": out,
    }
    return counts | more


def text(words: str) -> Json:
    """A text block."""
    return {"type": "text", "text": words}


def thinking(words: str = "") -> Json:
    """A thinking block."""
    return {"type": "thinking", "thinking": words, "signature": "S" * 40}


def use(tool_id: str, name: str = "Bash", **tool_input: Any) -> Json:
    """A tool_use block."""
    return {"type": "tool_use", "id": tool_id, "name": name, "input": tool_input}


def result(tool_id: str, content: object = "ok", error: bool | None = None) -> Json:
    """A tool_result block; without `error` the flag is missing."""
    flag = {} if error is None else {"is_error": error}
    return {"type": "tool_result", "tool_use_id": tool_id, "content": content} | flag


@dataclass(frozen=True)
class Parsed:
    """The raw rows of a log by table, and its tally."""

    rows: dict[type, list[Any]]
    tally: Tally

    def of(self, table: type[R]) -> list[R]:
        """Rows of one table, in the order they came."""
        return self.rows[table]

    def one(self, table: type[R]) -> R:
        """The only row of a table."""
        (only,) = self.rows[table]
        return only

    def reasons(self) -> list[str]:
        """Reasons of the issues met."""
        return [issue.reason for issue in self.tally.issues]


def parse(data: bytes, path: str = PATH, sidecar: bytes | None = None) -> Parsed:
    """Read a log's bytes."""
    first = hashlib.sha256(data.split(b"\n", 1)[0]).hexdigest()
    source = Source("file", path, "ada", first, sidecar)
    tally = Tally(file_id="file")
    rows: dict[type, list[Row]] = defaultdict(list)
    for found in CLAUDE.parse(split(data), source, tally):
        rows[type(found)].append(found)
    return Parsed(rows, tally)


def read(log: Iterable[Json | str], path: str = PATH, sidecar: Json | None = None) -> Parsed:
    """Read records (or raw lines) as one log."""
    lines = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in log]
    data = "".join(line + "\n" for line in lines).encode()
    return parse(data, path, json.dumps(sidecar).encode() if sidecar is not None else None)
