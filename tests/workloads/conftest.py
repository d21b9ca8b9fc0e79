"""Workloads of the sample and of the reference corpus, and a conversation of a few steps, made by hand."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import Once
from tests.reference.corpora import SHARED, built, skip_unless_there
from tracelab.workloads import FORMATS, export_workload
from tracelab.workloads.selection import Filters, Job, select_steps

START = datetime(2026, 10, 1, 10)
_DEFAULTS = {
    "steps": {
        "provider": "claude", "model": "claude-opus-4-8", "cost_usd": 1, "calls": 1, "usage_is_final": True,
        "user_messages": 0, "tool_results": 0, "reasoning_events": 0, "text_events": 1, "tool_calls": 0,
        "prefix_tokens": 0, "append_tokens": 0, "output_tokens": 10,
    },
    "sessions": {"started_at": START},
    "tool_calls": {"is_human_tool": False, "tool_index": 0, "provider": "claude"},
}  # fmt: skip


class Marts:
    """The marts that a workload is made of, with the rows that a test gives them."""

    def __init__(self, built: Path, tmp_path: Path) -> None:
        self.tmp_path = tmp_path
        self.tables = duckdb.connect()
        self.tables.execute(f"attach '{built}' as built (read_only)")
        self.tables.execute("create schema staging; create schema seeds")
        for table in ("steps", "sessions", "tool_calls", "cache_reuse", "staging.stg_events"):
            name = table if "." in table else f"main.{table}"
            self.tables.execute(f"create table {name} as from built.{name} limit 0")
        self.tables.execute("create table seeds.tool_categories as from built.seeds.tool_categories")

    def add(self, table: str, **values: Any) -> None:
        row = _DEFAULTS.get(table, {}) | values
        marks = ", ".join("?" * len(row))
        self.tables.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", [*row.values()])

    def session(self, session_id: str, parent: str | None = None, **values: Any) -> None:
        kind = {"session_kind": "subagent" if parent else "main", "parent_session_id": parent}
        self.add(
            "sessions", **{"session_id": session_id, "root_session_id": parent or session_id} | kind | values
        )

    def step(self, step_id: str, ready_s: float | None, until_s: float | None, **values: Any) -> None:
        """Add a step, its times in seconds from `START`; reusable_tokens goes to `cache_reuse`."""
        session_id, _, index = step_id.rpartition("#")
        reusable = values.pop("reusable_tokens", None)
        root = {"root_session_id": session_id.partition("/")[0], "session_id": session_id}
        times = {"ready_at": at(ready_s), "last_output_at": at(until_s), "first_output_at": at(until_s)}
        self.add("steps", **{"step_id": step_id, "step_index": int(index)} | root | times | values)
        self.add("cache_reuse", step_id=step_id, session_id=session_id, reusable_tokens=reusable)

    def call(self, step_id: str, emitted_s: float, result_s: float | None, **values: Any) -> None:
        identity = {
            "tool_call_id": f"call {emitted_s}",
            "tool_name": "Bash",
            "session_id": step_id.rpartition("#")[0],
        }
        wall = None if result_s is None else int((result_s - emitted_s) * 1000)
        times = {"emitted_at": at(emitted_s), "result_at": at(result_s), "wall_ms": wall}
        self.add("tool_calls", **{"step_id": step_id} | identity | times | values)

    def selected(self, *columns: str, filters: Filters = Filters()) -> list[Any]:  # noqa: B008
        """Select the steps, and return these columns of them, in order of session and step."""
        self.tables.execute("drop table if exists workload_steps; drop table if exists workload_sessions")
        select_steps(self.tables, filters)
        return self.tables.execute(
            f"select {', '.join(columns)} from workload_steps order by session_key, step_number"
        ).fetchall()

    def written(self, format: str) -> Path:
        """Select the steps and write them; return the file."""
        path = self.tmp_path / format
        self.selected("step_id")
        FORMATS[format](Job(self.tables, path, "load", False, [Path("book.txt")]))
        return path


def at(seconds: float | None) -> datetime | None:
    return None if seconds is None else START + timedelta(seconds=seconds)


@pytest.fixture
def marts(warehouse: Path, tmp_path: Path) -> Iterator[Marts]:
    """Empty marts."""
    made = Marts(warehouse, tmp_path)
    with made.tables:
        yield made


@pytest.fixture
def conversation(marts: Marts) -> Marts:
    """A session that calls an agent, runs into a pause, and is compacted: 31 fresh blocks of 64 tokens."""
    marts.session("m")
    marts.session("m/a", "m", spawn_step_id="m#0", spawn_tool_call_id="call 8", agent_type="Explore")
    marts.step(
        "m#0", 0, 10, input_tokens=1000, append_tokens=1000, user_messages=1, tool_calls=1, text_events=0
    )
    marts.call("m#0", 8, 40, tool_name="Agent")
    marts.step("m/a#0", 9, 20, input_tokens=200, append_tokens=200, user_messages=1, tool_calls=1)
    marts.call("m/a#0", 19, 25)
    marts.step("m/a#1", 25, 35, input_tokens=260, reusable_tokens=220, prefix_tokens=200, append_tokens=60)
    marts.step(
        "m#1",
        40,
        50,
        input_tokens=1300,
        reusable_tokens=1100,
        prefix_tokens=1000,
        append_tokens=300,
        tool_results=1,
    )
    marts.step(
        "m#2",
        300,
        310,
        input_tokens=1500,
        reusable_tokens=1300,
        append_tokens=1500,
        user_messages=1,
        human_wait_ms=249_000,
    )
    marts.step(
        "m#3",
        312,
        320,
        input_tokens=400,
        reusable_tokens=130,
        prefix_tokens=130,
        append_tokens=270,
        user_messages=1,
    )
    return marts


@pytest.fixture(scope="session", params=["sample", "corpus"])
def db(request: pytest.FixtureRequest, once: Once) -> Path:
    """A built warehouse: the packaged sample, or the reference corpus where it is there."""
    if request.param == "sample":
        sample: Path = request.getfixturevalue("warehouse")
        return sample
    skip_unless_there(SHARED / "corpus")
    return built(SHARED / "corpus", once)


@pytest.fixture(scope="session")
def exported(db: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Write a workload of the warehouse once; return where."""
    folder = tmp_path_factory.mktemp("workloads")

    def export(format: str) -> Path:
        path = folder / format
        if not path.exists():
            texts = [Path("/home/ada/book.txt")] if format == "vllm-synthetic" else []
            export_workload(db, format, path, text_files=texts)
        return path

    return export
