"""What each reader takes, as types that refuse all else: written from its documentation, not our code."""

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(gt=0)]
Time = Annotated[float, Meta(ge=0)]
Ids = list[Count]
Row = TypeVar("Row")


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    """A JSON object with these keys and no other."""


class WekaRequest(Strict, tag_field="type", tag="n"):
    """AIPerf 0.13, `WekaNormalRequest`."""

    t: Time
    model: str
    input_length: Positive = msgspec.field(name="in")
    output_length: Count = msgspec.field(name="out")
    hash_ids: Ids
    input_types: list[Literal["text", "tool_result"]]
    output_types: list[Literal["thinking", "text", "tool_use"]]
    stop: Literal["", "tool_use", "end_turn"]
    api_time: Time | None
    think_time: Time | None


class WekaSubagent(Strict, tag_field="type", tag="subagent"):
    """AIPerf 0.13, `WekaSubagentEntry`."""

    t: Time
    agent_id: str
    subagent_type: str
    duration_ms: Count | None
    total_tokens: Count | None
    tool_use_count: Count | None
    status: str
    requests: list[WekaRequest]
    models: list[str]
    tool_tokens: Count
    system_tokens: Count


class WekaTrace(Strict):
    """AIPerf 0.13, `WekaTrace`."""

    id: str
    models: list[str]
    block_size: Literal[64]
    hash_id_scope: Literal["local"]
    tool_tokens: Count
    system_tokens: Count
    requests: list[WekaRequest | WekaSubagent]


class MooncakeRow(Strict):
    """Mooncake's published traces; AIPerf 0.13, `MooncakeTrace`."""

    timestamp: Count
    input_length: Positive
    output_length: Count
    hash_ids: Ids


class MooncakeSessionRow(Strict):
    """Dynamo, `MooncakeRow`: a session's first row has a timestamp, later ones a delay."""

    session_id: str
    input_length: Positive
    output_length: Count
    hash_ids: Ids
    timestamp: Count | None = None
    delay: Count | None = None


class AgenticSource(Strict):
    """Dynamo, `AgenticSourceProvenance`."""

    format: str
    digest: str


class AgenticHeader(Strict):
    """Dynamo, `AgenticMooncakeHeader`."""

    schema: Literal["dynamo.agentic_mooncake"]
    version: Literal[2]
    block_size: Positive
    hash_id_scope: Literal["local"]
    source: AgenticSource


class AgenticDependency(Strict):
    """Dynamo, `AgenticDependency`."""

    request_id: str
    trigger: Literal["dispatch", "completion"]
    delay_ms: Time
    relation: Literal["sequence", "spawn", "join", "replay_barrier"]


class AgenticRow(Strict):
    """Dynamo, `AgenticMooncakeRow`."""

    request_id: str
    play_id: str
    source_play_ordinal: Count
    session_id: str
    model: str
    input_length: Positive
    output_length: Count
    hash_ids: Ids
    not_before_ms: Time
    recorded_api_time_ms: Time | None
    dependencies: list[AgenticDependency]


class StepEvent(Strict):
    """An event of a published row."""

    event_type: Literal["user_message", "tool_result", "reasoning", "text", "tool_call", "usage_report"]
    timestamp: str | None


class StepTool(Strict):
    """A tool call of a published row."""

    tool_name: str
    emitted_at: str | None
    result_at: str | None
    tool_wall_latency_ms: int | None


class StepRow(Strict):
    """A published row, as AIPerf 0.13 reads it (`_tracelab_convert.py`)."""

    session_id: str
    round_index: Count
    input_tokens_total: Positive
    prefix_tokens: Count
    newly_append_tokens: Count
    output_tokens: Count
    reasoning_output_tokens: Count | None
    model: str
    provider: Literal["claude", "codex"]
    user: str
    project: str
    first_input_event_type: Literal["user_message", "tool_result"] | None
    timing_events: list[StepEvent]
    tools: list[StepTool]


class Step(NamedTuple):
    """A step as any format tells it."""

    session: str
    input_tokens: int
    output_tokens: int
    hash_ids: list[int]


def lines(path: Path, row_type: type[Row]) -> list[Row]:
    return [msgspec.json.decode(line, type=row_type) for line in path.read_bytes().splitlines()]


def weka(folder: Path) -> list[WekaTrace]:
    return [msgspec.json.decode(path.read_bytes(), type=WekaTrace) for path in sorted(folder.glob("*.json"))]


def agentic(path: Path) -> tuple[AgenticHeader, list[AgenticRow]]:
    header, *rows = path.read_bytes().splitlines()
    decoded = [msgspec.json.decode(row, type=AgenticRow) for row in rows]
    return msgspec.json.decode(header, type=AgenticHeader), decoded


def requests_of(trace: WekaTrace) -> Iterator[tuple[str, WekaRequest]]:
    """Yield each request of a trace with the session that it belongs to."""
    for entry in trace.requests:
        if isinstance(entry, WekaSubagent):
            yield from ((entry.agent_id, request) for request in entry.requests)
        else:
            yield trace.id, entry


def steps(format: str, path: Path) -> list[Step]:
    """Read a workload back as steps, in the order of the file; `mooncake` has no sessions."""
    match format:
        case "weka":
            return [
                Step(session, request.input_length, request.output_length, request.hash_ids)
                for trace in weka(path)
                for session, request in requests_of(trace)
            ]
        case "mooncake":
            rows = lines(path, MooncakeRow)
            return [Step("", row.input_length, row.output_length, row.hash_ids) for row in rows]
        case "mooncake-sessions":
            return [
                Step(row.session_id, row.input_length, row.output_length, row.hash_ids)
                for row in lines(path, MooncakeSessionRow)
            ]
        case "agentic-mooncake":
            return [
                Step(row.session_id, row.input_length, row.output_length, row.hash_ids)
                for row in agentic(path)[1]
            ]
        case "tracelab":
            return [
                Step(row.session_id.partition(":")[2], row.input_tokens_total, row.output_tokens, [])
                for row in lines(path, StepRow)
            ]
        case "replay":
            with path.open(newline="") as file:
                return [
                    Step(
                        row["id"], int(row["prefix_len"]) + int(row["input_len"]), int(row["output_len"]), []
                    )
                    for row in csv.DictReader(file)
                ]
    raise AssertionError(format)


def waits(format: str, path: Path) -> dict[str, float]:
    """Return what each step waits after its session's step before, in ms, as the format itself has it."""
    match format:
        case "weka":
            told = [
                (session, request.think_time and request.think_time * 1000)
                for trace in weka(path)
                for session, request in requests_of(trace)
            ]
        case "mooncake-sessions":
            told = [(row.session_id, row.delay) for row in lines(path, MooncakeSessionRow)]
        case "agentic-mooncake":
            told = [
                (
                    row.session_id,
                    next((e.delay_ms for e in row.dependencies if e.relation == "sequence"), None),
                )
                for row in agentic(path)[1]
            ]
        case _:
            raise AssertionError(format)
    numbers: Counter[str] = Counter()
    found = {}
    for session, wait_ms in told:
        if wait_ms is not None:
            found[f"{session}#{numbers[session]}"] = wait_ms
        numbers[session] += 1
    return found


def waits_beside(path: Path) -> dict[str, dict[str, int]]:
    """Read what stands beside a workload of each step that waited."""
    with path.with_name(f"{path.name}.waits.csv").open(newline="") as file:
        rows = {row.pop("step"): row for row in csv.DictReader(file)}
    return {
        step: {name: int(value) for name, value in row.items()}
        for step, row in rows.items()
        if row["wait_ms"]
    }


def sums(read: list[Step]) -> list[tuple[int, int, int]]:
    """Return steps, input and output tokens of each session, in order of the sessions' names."""
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for step in read:
        for place, number in enumerate((1, step.input_tokens, step.output_tokens)):
            totals[step.session][place] += number
    return [tuple(totals[session]) for session in sorted(totals)]  # type: ignore[misc]


def manifest(path: Path) -> dict[str, object]:
    """Read what stands beside a workload."""
    found: dict[str, object] = json.loads(path.with_name(f"{path.name}.manifest.json").read_text())
    return found
