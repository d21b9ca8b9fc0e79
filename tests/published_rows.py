"""Rows of a published dataset, as released with the paper: made by rule, none copied from one."""

import gzip
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import zstandard

Row = dict[str, Any]
_START = datetime(2026, 1, 5, 9)


def session(name: str, steps: int, provider: str = "claude", *, minute: int = 0) -> list[Row]:
    """Return the rows of one session: a person asks, each step calls a tool, the last one answers."""
    return [_step(name, number, number == steps - 1, provider, minute) for number in range(steps)]


def _step(name: str, number: int, is_last: bool, provider: str, minute: int) -> Row:
    began = _START + timedelta(minutes=minute, seconds=20 * number)
    call = f"call_{name}_{number}"
    inputs = (
        [_event("user_message", began, content_chars=120)]
        if number == 0
        else [
            _event("tool_result", began, tool_call_id=f"call_{name}_{number - 1}", result_chars=50 + number)
        ]
    )
    outputs = [_event("reasoning", began, 2), _event("text", began, 4, content_chars=30)]
    tools: list[Row] = []
    if not is_last:
        outputs.append(_event("tool_call", began, 6, tool_call_id=call))
        tools = [
            {
                "tool_index": 0,
                "tool_name": "Bash" if provider == "claude" else "exec_command",
                "tool_call_id": call,
                "emitted_at": _at(began, 6),
                "result_at": _at(began, 20),
                "input_chars": 9,
                "result_chars": 51 + number,
                "tool_wall_latency_ms": 14_000,
                "tool_internal_latency_ms": 13_500 if provider == "codex" else None,
                "is_error": False,
            }
        ]
    events = [*inputs, *outputs]
    prefix, append = 1_000 * number, 1_200 + number
    written = append - 200 if provider == "claude" else None
    return {
        "provider": provider,
        "project": "project_0a1b2c3d",
        "session_id": f"{provider}:{name}",
        "round_index": number,
        "round_id": f"msg_{name}_{number}" if provider == "claude" else f"turn_{name}:{number}",
        "turn_id": None if provider == "claude" else f"turn_{name}",
        "model": "claude-opus-4-8" if provider == "claude" else "gpt-5.5",
        "input_tokens_total": prefix + append,
        "prefix_tokens": prefix,
        "newly_append_tokens": append,
        "claude_uncached_input_tokens": 200 if provider == "claude" else None,
        "claude_cache_creation_input_tokens": written,
        "claude_cache_read_input_tokens": prefix if provider == "claude" else None,
        "output_tokens": 90 + number,
        "reasoning_output_tokens": None if provider == "claude" else 10,
        "user": "user_01020304",
        "trace_key": f"{provider}:{provider}:{name}:{number}",
        "timing_events": [{"event_index": place, **event} for place, event in enumerate(events, 1)],
        "tools": tools,
    }


def _event(kind: str, began: datetime, second: int = 0, **more: Any) -> Row:
    return {"event_type": kind, "timestamp": _at(began, second), "source": f"some.{kind}", **more}


def _at(began: datetime, second: int) -> str:
    return (began + timedelta(seconds=second)).isoformat(timespec="milliseconds") + "Z"


def without_event_indexes(rows: Iterable[Row]) -> list[Row]:
    """Return rows as the older variant has them."""
    return [
        {
            **row,
            "timing_events": [
                {k: v for k, v in event.items() if k != "event_index"} for event in row["timing_events"]
            ],
        }
        for row in rows
    ]


def write_lines(path: Path, rows: Iterable[Row]) -> Path:
    """Write rows as JSON Lines, packed as the file's name says."""
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    if path.suffix == ".gz":
        data = gzip.compress(data)
    elif path.suffix == ".zst":
        data = zstandard.compress(data)
    path.write_bytes(data)
    return path


def write_database(path: Path, lines: Path) -> Path:
    """Write the DuckDB file that the paper's program makes of a JSON Lines file."""
    with duckdb.connect(str(path)) as released:
        released.execute(
            "create temp table read as select row_number() over () as round_pk, * from read_json($1)",
            [str(lines)],
        )
        released.execute("create table rounds as select * exclude (timing_events, tools) from read")
        for table, key, instants in (
            ("timing_events", "timing_events", ["timestamp"]),
            ("tool_calls", "tools", ["emitted_at", "result_at"]),
        ):
            naive = ", ".join(f"{name}::timestamp as {name}" for name in instants)
            released.execute(
                f"create table {table} as select * replace ({naive}) from (select round_pk, unnest(item)"
                f" from (select round_pk, unnest({key}) as item from read))"
            )
        released.execute("create table trace_source as select $1 as path", [str(lines)])
    return path
