"""One-line builders of Codex records, and a reader that turns lists of them into raw rows."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from tests.stretches import split
from tracelab.providers.base import Source, Tally
from tracelab.providers.codex import CODEX
from tracelab.schema import Event, Row

THREAD = "019a0000-0000-7000-8000-00000000000b"
PARENT = "019a0000-0000-7000-8000-00000000000a"
OWN, OTHER = f"codex:{THREAD}", f"codex:{PARENT}"
PATH = f"/home/ada/.codex/sessions/2026/09/20/rollout-2026-09-20T10-00-00-{THREAD}.jsonl"
TEN = datetime(2026, 9, 20, 10, tzinfo=UTC)

Json = dict[str, Any]
Counts = tuple[int, ...]
R = TypeVar("R")


def at(second: float) -> datetime:
    """The instant so many seconds after ten o'clock."""
    return TEN + timedelta(seconds=second)


def clock(second: float) -> str:
    """That instant as the client writes it."""
    return at(second).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def ms(second: float) -> int:
    """That instant in milliseconds since 1970."""
    return round(at(second).timestamp() * 1000)


def call(number: int) -> str:
    """A provider-made call id."""
    return f"call_synthetic{number:010d}"


def resp(number: int) -> str:
    """A response id."""
    return f"resp_synthetic_{number:06d}"


def line(kind: str, second: float | None, payload: object, **fields: Any) -> Json:
    """A record of any type."""
    stamp = {} if second is None else {"timestamp": clock(second)}
    return stamp | {"type": kind, "payload": payload} | fields


def meta(second: float = 0, thread: str = THREAD, *, ordinal: object = None, **payload: Any) -> Json:
    """The header of a thread."""
    usual = {"id": thread, "timestamp": clock(second), "cwd": "/home/ada/loom", "source": "cli"}
    usual |= {"cli_version": "0.155.0", "originator": "codex_cli_rs"}
    return line("session_meta", second, usual | payload, **_numbered(ordinal))


def turn(second: float, turn_id: str | None = None, model: str = "gpt-5.5", **payload: Any) -> Json:
    """A turn context: the model asked for."""
    return line(
        "turn_context", second, {"turn_id": turn_id, "cwd": "/home/ada/loom", "model": model} | payload
    )


def event(second: float | None, kind: str, /, *, ordinal: object = None, **payload: Any) -> Json:
    """What the client tells of itself."""
    return line("event_msg", second, {"type": kind} | payload, **_numbered(ordinal))


def started(second: float, turn_id: str, **payload: Any) -> Json:
    """A turn begins."""
    return event(second, "task_started", turn_id=turn_id, **payload)


def person(second: float, text: str = "please", **payload: Any) -> Json:
    """A person's message."""
    return event(second, "user_message", message=text, **payload)


def item(
    second: float | None, kind: str, /, *, ordinal: object = None, beside: Json | None = None, **payload: Any
) -> Json:
    """Something that goes to the model or comes from it, perhaps with metadata beside it."""
    fields = _numbered(ordinal) | ({} if beside is None else {"metadata": beside})
    return line("response_item", second, {"type": kind} | payload, **fields)


def says(second: float | None, text: str = "done", role: str = "assistant", **fields: Any) -> Json:
    """A message of the model, or of another role."""
    return item(second, "message", role=role, content=[{"type": "output_text", "text": text}], **fields)


def thinks(second: float, parts: int = 0) -> Json:
    """Reasoning with a summary of so many parts."""
    return item(second, "reasoning", summary=[{"type": "summary_text", "text": "hm"}] * parts)


def asks(
    second: float, call_id: str | None, name: str = "exec_command", arguments: object = "{}", **payload: Any
) -> Json:
    """A function call."""
    return item(second, "function_call", call_id=call_id, name=name, arguments=arguments, **payload)


def gets(second: float, call_id: str, output: object = "ok", **payload: Any) -> Json:
    """A function call's output."""
    return item(second, "function_call_output", call_id=call_id, output=output, **payload)


def usage(counts: Counts) -> Json:
    """A usage object of input, cached, output, reasoning and perhaps cache-written tokens."""
    prompt, cached, output, reasoning, *written = counts
    named = {
        "input_tokens": prompt,
        "cached_input_tokens": cached,
        "output_tokens": output,
        "reasoning_output_tokens": reasoning,
        "total_tokens": prompt + output,
    }
    return named | ({"cache_write_input_tokens": written[0]} if written else {})


def counted(second: float, total: Counts, last: Counts | None = None, window: int = 258_400) -> Json:
    """A `token_count`; without `last` the total is the first response's."""
    info = {"total_token_usage": usage(total), "last_token_usage": usage(last or total)}
    return event(second, "token_count", info=info | {"model_context_window": window}, rate_limits=None)


def recorded(
    second: float,
    response_id: str | None,
    counts: Counts | None,
    thread: str = THREAD,
    turn_id: str = "t1",
    *,
    ordinal: object = None,
    **payload: Any,
) -> Json:
    """A `token_usage_record`."""
    body = {"thread_id": thread, "turn_id": turn_id, "session_id": thread, "response_id": response_id}
    body |= {"usage": None if counts is None else usage(counts)}
    return line("token_usage_record", second, body | payload, **_numbered(ordinal))


def compacted(
    second: float, *, latest: tuple[str, Counts] | None = None, thread: str = THREAD, **payload: Any
) -> Json:
    """A compaction, perhaps with a copy of the latest record (response id, usage)."""
    copy = None
    if latest is not None:
        copy = {"thread_id": thread, "turn_id": "t1", "response_id": latest[0], "usage": usage(latest[1])}
    body = {"message": "", "replacement_history": [{"type": "message"}], "latest_token_usage_record": copy}
    return line("compacted", second, body | payload)


def mirror(second: float, kind: str, thread: str = THREAD, turn_id: str = "t1", **payload: Any) -> Json:
    """An `item_completed` of some item type."""
    content = [{"type": "text", "text": payload.pop("text", "")}]
    return event(
        second,
        "item_completed",
        thread_id=thread,
        turn_id=turn_id,
        item={"type": kind, "content": content},
        **payload,
    )


def _numbered(ordinal: object) -> Json:
    return {} if ordinal is None else {"ordinal": ordinal}


@dataclass(frozen=True)
class Parsed:
    """The raw rows of one file, and what was counted."""

    rows: list[Row]
    tally: Tally

    def of(self, kind: type[R]) -> list[R]:
        """Rows of one table, in the order they came."""
        return [row for row in self.rows if isinstance(row, kind)]

    @property
    def events(self) -> list[Event]:
        """Events in the order of the log."""
        return sorted(self.of(Event), key=lambda row: row.event_index)

    @property
    def reasons(self) -> list[str]:
        """Why something was set aside."""
        return [issue.reason for issue in self.tally.issues]


def parse_bytes(data: bytes, path: str = PATH, user_name: str | None = "ada") -> Parsed:
    """Read a whole log."""
    first = data.split(b"\n", 1)[0]
    source = Source("f" * 16, path, user_name, hashlib.sha256(first).hexdigest())
    tally = Tally(file_id=source.file_id)
    rows = CODEX.parse(split(data), source, tally)
    return Parsed(list(rows), tally)


def parse(log: Iterable[Json], path: str = PATH) -> Parsed:
    """Read a log of these records."""
    return parse_bytes(b"".join(json.dumps(record).encode() + b"\n" for record in log), path)
