"""What is published, loaded into an empty warehouse and built there gives every number of the private one."""

import hashlib
import hmac
import math
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from tests.conftest import Once
from tests.published_rows import session, write_lines
from tests.reference.corpora import SHARED, built, skip_unless_there
from tracelab.build import build
from tracelab.load import load
from tracelab.publishing import Rules, publish
from tracelab.publishing.keys import key_path

ROOT = Path(__file__).resolve().parents[1]
NEVER = {
    # the client's own totals never leave
    "sessions": ("client_input_tokens", "client_output_tokens", "client_cost_usd"),
    "summary_completeness": (
        "checked_conversations", "client_input_tokens", "logged_input_tokens", "client_output_tokens",
        "logged_output_tokens", "client_cost_usd", "logged_cost_usd", "logged_cost_share",
    ),
    # a marker's id is rebuilt
    "compactions": ("compaction_id",),
}  # fmt: skip


class Trip(NamedTuple):
    """A warehouse, its dataset, and what was made of that."""

    private: duckdb.DuckDBPyConnection
    public: duckdb.DuckDBPyConnection
    key: bytes
    dataset: Path


@pytest.fixture(scope="module", params=["sample", "corpus"])
def trip(
    request: pytest.FixtureRequest, warehouse: Path, once: Once, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trip]:
    if request.param == "corpus":
        skip_unless_there(SHARED / "corpus")
        warehouse = built(SHARED / "corpus", once)
    folder = tmp_path_factory.mktemp("trip")
    private, public, dataset = folder / "private.duckdb", folder / "public.duckdb", folder / "dataset"
    shutil.copyfile(warehouse, private)
    publish(private, dataset)
    load([dataset], db=public)
    build(public, timezone="UTC")
    with (
        duckdb.connect(str(private), read_only=True) as one,
        duckdb.connect(str(public), read_only=True) as other,
    ):
        yield Trip(one, other, bytes.fromhex(key_path(private).read_text()), dataset)


def test_every_number_of_every_table_survives(trip: Trip) -> None:
    translate = translation(trip)
    tables = [name for (name,) in trip.private.execute("show tables").fetchall()]
    assert len(tables) > 60
    different = []
    for table in tables:
        columns = [
            name
            for name, *_ in trip.private.execute(f"describe {table}").fetchall()
            if name not in NEVER.get(table, ())
        ]
        select = f"select {', '.join(columns)} from {table}"
        private = [
            tuple(translate(name, value) for name, value in zip(columns, row, strict=True))
            for row in trip.private.execute(select).fetchall()
        ]
        if not same(private, trip.public.execute(select).fetchall()):
            different.append(table)
    assert not different


@pytest.mark.parametrize("trip", ["sample"], indirect=True)
def test_a_dataset_that_cannot_tell_which_steps_are_final_counts_all_but_placeholders_as_such(
    trip: Trip, tmp_path: Path
) -> None:
    db = tmp_path / "untold.duckdb"
    shutil.copy(trip.dataset.with_name("public.duckdb"), db)
    with duckdb.connect(str(db)) as warehouse:  # as rows of the paper's shape are loaded
        warehouse.execute("update raw.steps set usage_is_final = null where usage_is_final")
    build(db, timezone="UTC")
    with duckdb.connect(str(db), read_only=True) as untold:
        tables = [name for (name,) in trip.public.execute("show tables").fetchall()]
        different = []
        for table in tables:
            select = f"select columns(lambda name: name not like '%usage_is_final') from {table}"
            if not same(trip.public.execute(select).fetchall(), untold.execute(select).fetchall()):
                different.append(table)
    assert not different


def same(one: Sequence[tuple[Any, ...]], other: Sequence[tuple[Any, ...]]) -> bool:
    """Say whether two tables hold the same rows; floats but for what the order of rows changes."""

    def key(row: tuple[Any, ...]) -> str:
        return repr([f"{value:.6g}" if isinstance(value, float) else value for value in row])

    def alike(a: Any, b: Any) -> bool:
        if isinstance(a, float) and isinstance(b, float):
            return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)
        return bool(a == b)

    return len(one) == len(other) and all(
        all(map(alike, a, b)) for a, b in zip(sorted(one, key=key), sorted(other, key=key), strict=True)
    )


def translation(trip: Trip) -> Callable[[str, Any], Any]:
    """Return what turns a private value into the published one, by its column."""
    names = dict(trip.private.execute("select tool_name, tool_name from tool_calls").fetchall())
    public = dict(
        trip.public.execute("select tool_call_id, (tool_name, mcp_server) from tool_calls").fetchall()
    )
    for call_id, tool_name, server in trip.private.execute(
        "select tool_call_id, tool_name, mcp_server from tool_calls"
    ).fetchall():
        names[tool_name], names[server] = public[_pseudonym(trip.key, "tool_call", call_id)]

    def translate(column: str, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if column in ("tool_name", "mcp_server", "cause"):
            return names.get(value, value)
        if column == "project":
            return _pseudonym(trip.key, "project", f"\0{value}", "project_")
        for ending, domain in _KEYS.items():
            if column.endswith(ending):
                name, mark, number = re.fullmatch(r"(.*?)([#@]\d+)?()", value, re.DOTALL).groups()  # type: ignore[union-attr]
                return _pseudonym(trip.key, domain, name) + (mark or "") + number
        return value

    return translate


_KEYS = {
    "session_id": "session",
    "step_id": "session",
    "request_id": "session",
    "message_id": "message",
    "turn_id": "turn",
    "tool_call_id": "tool_call",
}


def _pseudonym(key: bytes, domain: str, value: str, prefix: str | None = None) -> str:
    if prefix is None:
        match = re.match("claude:|codex:|msg_|toolu_|call_", value)
        prefix = match[0] if match else ""
    return prefix + hmac.new(key, f"{domain}\0{value}".encode(), hashlib.sha256).hexdigest()[:24]


def test_the_database_file_gives_the_same_rows_as_the_lines(trip: Trip, tmp_path: Path) -> None:
    db = tmp_path / "database.duckdb"
    load([trip.dataset / "dataset.duckdb"], db=db)
    with duckdb.connect(str(db), read_only=True) as loaded:
        for table in ("sessions", "steps", "tool_calls", "events", "compactions", "extra_calls"):
            rows = f"select * exclude (file_id) from raw.{table} order by all"
            assert loaded.execute(rows).fetchall() == trip.public.execute(rows).fetchall(), table


def test_copies_that_are_steps_of_the_dataset_are_not_told_of_as_left_out(
    warehouse: Path, tmp_path: Path
) -> None:
    private, dataset, public = tmp_path / "private.duckdb", tmp_path / "dataset", tmp_path / "public.duckdb"
    shutil.copyfile(warehouse, private)
    subprocess.run(
        [Path(sys.executable).with_name("dbt"), "--quiet", "run", "--select", "path:models/staging",
         "--vars", "{include_replays: true}"],
        cwd=ROOT,
        env=os.environ
        | {
            "TRACELAB_DB": str(private),
            "DBT_TARGET_PATH": str(tmp_path / "target"),
            "DBT_LOG_PATH": str(tmp_path / "logs"),
        },
        check=True,
    )  # fmt: skip
    publish(private, dataset)
    load([dataset], db=public)
    with duckdb.connect(str(private), read_only=True) as tables:
        [(replayed,)] = tables.execute("select sum(replayed_steps) from staging.stg_sessions").fetchall()
    with duckdb.connect(str(public), read_only=True) as tables:
        [(told, repeated)] = tables.execute(
            "select sum(replays_left_out), (select count(*) - count(distinct message_id) from raw.steps)"
            " from raw.sessions"
        ).fetchall()
    assert repeated > 0
    assert told + repeated == replayed


def test_shifted_times_leave_tokens_and_durations_equal(warehouse: Path, tmp_path: Path) -> None:
    private, public = tmp_path / "private.duckdb", tmp_path / "public.duckdb"
    private.write_bytes(warehouse.read_bytes())
    publish(private, tmp_path / "dataset", Rules(shift_times=True))
    load([tmp_path / "dataset"], db=public)
    build(public, select=["+requests", "+idle_gaps", "+sessions"], timezone="UTC")
    figures = """
        select input_tokens, prefix_tokens, output_tokens, generation_ms from steps order by all;
        select response_ms, other_ms, tool_effective_ms, ended_by from requests order by all;
        select idle_gap_ms, published_gap_ms from idle_gaps order by all;
        select wall_ms, human_part_ms, tool_part_ms, other_part_ms from sessions order by all
        """
    first = "select min(started_at) from sessions"
    with (
        duckdb.connect(str(private), read_only=True) as one,
        duckdb.connect(str(public), read_only=True) as other,
    ):
        for figure in figures.split(";"):
            assert one.execute(figure).fetchall() == other.execute(figure).fetchall()
        [(exact,)], [(moved,)] = one.execute(first).fetchall(), other.execute(first).fetchall()
    assert exact - moved > timedelta(seconds=1)


def test_what_sessions_are_called_decides_nothing_but_between_equal_ones(tmp_path: Path) -> None:
    chance = random.Random(1)
    dataset = [
        {**row, "prefix_tokens": prefix, "newly_append_tokens": row["input_tokens_total"] - prefix}
        for number in range(30)  # all start at one instant
        for row in session(f"{number:02}", chance.randint(1, 9), chance.choice(("claude", "codex")))
        for prefix in [chance.randint(0, row["input_tokens_total"])]
    ]
    private = tmp_path / "private.duckdb"
    load([write_lines(tmp_path / "rounds.jsonl", dataset)], db=private)
    build(private, select=["+path:models/marts"], timezone="UTC")
    found = []
    for number in range(2):
        db = tmp_path / f"{number}.duckdb"
        publish(private, tmp_path / str(number), fresh_key=number > 0)
        load([tmp_path / str(number)], db=db)
        build(db, select=["+path:models/summaries/overview"], timezone="UTC")
        with duckdb.connect(str(db), read_only=True) as warehouse:
            tables = [name for (name,) in warehouse.execute("show tables").fetchall()]
            found.append({table: numbers(warehouse, table) for table in tables})
    assert [table for table in found[0] if found[0][table] != found[1][table]] == []


def numbers(warehouse: duckdb.DuckDBPyConnection, table: str) -> list[tuple[Any, ...]]:
    """Every row of a table but for names, in one order."""
    columns = [name for name, *_ in warehouse.execute(f"describe {table}").fetchall()]
    shown = ", ".join(name for name in columns if not name.endswith(("_id", "user_name", "project")))
    return warehouse.execute(f"select {shown} from {table} order by all").fetchall()
