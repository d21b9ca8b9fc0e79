"""Summaries of tool calls on marts made by hand: what is counted where, and whose time it is."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.test_summaries import Marts

ALL = {"provider": "all", "session_kind": "all", "model": "all"}
HOUR = 3_600_000
NOON = datetime(2026, 1, 1, 12)


@pytest.fixture
def marts(warehouse: Path) -> Iterator[Marts]:
    made = Marts(warehouse)
    made.tables.execute("create table tool_categories as from sample.seeds.tool_categories")
    yield made
    made.tables.close()


def at(seconds: float | None) -> datetime | None:
    return None if seconds is None else NOON + timedelta(seconds=seconds)


def call(tool: str | None, number: int = 0, **columns: Any) -> dict[str, Any]:
    """A call that nothing is special about; numbers keep the calls of a tool apart."""
    return {
        "tool_call_id": f"{tool}/{number}",
        "session_id": "claude:s",
        "step_id": "claude:s#0",
        "tool_name": tool,
        "tool_category": "other",
        "is_denied": False,
        "is_human_tool": False,
        "is_poll": False,
        **columns,
    }


def calls(tool: str | None, count: int, **columns: Any) -> list[dict[str, Any]]:
    return [call(tool, number, **columns) for number in range(count)]


def test_mcp_tools_are_one_group_and_rare_tools_another(marts: Marts) -> None:
    marts.add("tool_calls", *calls("Bash", 25), *calls("Read", 19), *calls("Edit", 3), *calls(None, 1))
    marts.add("tool_calls", *calls("mcp__a__x", 12, mcp_server="a"), *calls("mcp__b__y", 9, mcp_server="b"))
    rows = marts.rows("summary_tool_counts", **ALL)
    groups = {
        row["tool_group"]: (row["calls_rank"], row["tool_calls"], row["cumulative_call_share"])
        for row in rows
        if row["tool_name"] == "all" and row["tool_group"] != "all"
    }
    assert groups == {
        "Bash": (1, 25, 25 / 69),
        "rare": (2, 22, 47 / 69),
        "mcp": (3, 21, 68 / 69),
        None: (4, 1, 1.0),
    }
    tools = {
        (row["tool_group"], row["mcp_server"], row["tool_name"]): row["calls_rank"]
        for row in rows
        if row["tool_name"] != "all"
    }
    assert tools == {
        ("Bash", None, "Bash"): 1,
        ("rare", None, "Read"): 2,
        ("mcp", "a", "mcp__a__x"): 3,
        ("mcp", "b", "mcp__b__y"): 4,
        ("rare", None, "Edit"): 5,
        (None, None, None): 6,
    }
    assert [row["tool_calls"] for row in rows if row["tool_group"] == "all"] == [69]


def test_a_tool_is_rare_in_the_cut_that_has_few_of_its_calls(marts: Marts) -> None:
    marts.add("tool_calls", *calls("exec", 15), *calls("exec", 5, provider="codex"))
    groups = {
        row["provider"]: row["tool_group"]
        for row in marts.rows("summary_tool_counts", session_kind="all", model="all", tool_name="exec")
    }
    assert groups == {"all": "exec", "claude": "rare", "codex": "rare"}


def test_a_tool_that_is_called_like_a_group_is_a_group_of_its_own(marts: Marts) -> None:
    marts.add("tool_calls", *calls("rare", 25), *calls("mcp", 30), *calls("mcp__a__x", 21), *calls("Edit", 2))
    rows = marts.rows("summary_tool_counts", **ALL, tool_name="all")
    groups = {row["tool_group"]: row["tool_calls"] for row in rows}
    assert groups == {"all": 78, '"mcp"': 30, '"rare"': 25, "mcp": 21, "rare": 2}


def test_errors_are_a_share_of_the_known_outcomes_and_refused_calls_did_not_fail(marts: Marts) -> None:
    marts.add(
        "tool_calls",
        call("Bash", 1, is_error=True),
        call("Bash", 2, is_error=True, is_denied=True),
        call("Bash", 3, is_error=False, is_poll=True),
        call("Bash", 4, is_error=False),
        call("Bash", 5, is_error=None),
        call("Bash", 6, is_error=None, is_denied=True),
    )
    row = marts.row("summary_tool_counts", **ALL, tool_group="all")
    names = ("tool_calls", "known_outcomes", "tool_errors", "denied_calls", "failed_calls", "poll_calls")
    assert [row[name] for name in names] == [6, 4, 2, 2, 1, 1]
    assert row["error_share"] == 0.5


def test_bins_of_latency_are_closed_below_and_hold_the_zeros(marts: Marts) -> None:
    latencies = (0, 9, 10, 999, 1000, HOUR - 1, HOUR, None)
    marts.add("tool_calls", *(call("Bash", ms or 0, effective_ms=ms, is_error=ms == 10) for ms in latencies))
    rows = sorted(marts.rows("summary_tool_latency_bins", **ALL), key=lambda row: row["bin"])
    assert [row["tool_calls"] for row in rows] == [2, 1, 1, 1, 0, 0, 1, 1]
    assert [row["tool_errors"] for row in rows] == [0, 1, 0, 0, 0, 0, 0, 0]
    assert rows[0]["call_share"] == 2 / 7
    assert rows[7]["time_share"] == HOUR / (9 + 10 + 999 + 1000 + 2 * HOUR - 1)
    assert (rows[6]["low_s"], rows[6]["high_s"], rows[7]["high_s"]) == (600.0, 3600.0, None)


def test_the_curve_counts_calls_strictly_below_a_threshold(marts: Marts) -> None:
    marts.add("tool_calls", *(call("Bash", ms or 0, effective_ms=ms) for ms in (0, 60_000, 540_000, None)))
    below = {row["threshold_s"]: row for row in marts.rows("summary_tool_latency_cdf", **ALL)}
    assert [below[at]["cumulative_count"] for at in (0.001, 60.0, 600.0, None)] == [1, 1, 3, 3]
    assert (below[100.0]["cumulative_s"], below[100.0]["cumulative_time_share"]) == (60.0, 0.1)
    assert (below[100.0]["count"], below[100.0]["cumulative_share"]) == (3, 2 / 3)


def test_the_long_tail_is_told_by_category_and_by_kind_of_call_apart(marts: Marts) -> None:
    marts.add(
        "tool_calls",
        call("Bash", 1, tool_category="shell", effective_ms=59_999),
        call("Bash", 2, tool_category="shell", effective_ms=60_000),
        call("BashOutput", tool_category="shell", effective_ms=60_001, is_poll=True),
        call(
            "AskUserQuestion", tool_category="human", effective_ms=180_000, is_human_tool=True, is_poll=True
        ),
    )
    found = {
        (row["tool_category"], row["call_kind"]): (row["tool_calls"], row["call_share"], row["total_s"])
        for row in marts.rows("summary_tool_long_tail", **ALL, bin=3)
    }
    assert found == {
        ("all", "all"): (3, 3 / 4, 300.001),
        ("shell", "all"): (2, 2 / 3, 120.001),
        ("human", "all"): (1, 1.0, 180.0),
        ("all", "work"): (1, 1 / 2, 60.0),
        ("all", "poll"): (1, 1.0, 60.001),
        ("all", "human"): (1, 1.0, 180.0),
    }


@pytest.mark.parametrize(("table", "bins"), [("summary_tool_latency_bins", 8), ("summary_tool_long_tail", 4)])
def test_a_cut_without_a_latency_has_every_bin_too(marts: Marts, table: str, bins: int) -> None:
    marts.add("tool_calls", call("Bash", effective_ms=5), call("exec", provider="codex", effective_ms=None))
    pooled = {"tool_category": "all", "call_kind": "all"} if bins == 4 else {}
    rows = marts.rows(table, **{**ALL, "provider": "codex"}, **pooled)
    found = [
        tuple(row[name] for name in ("tool_calls", "call_share", "total_s", "time_share")) for row in rows
    ]
    assert found == [(0, None, 0.0, None)] * bins


def test_each_scheme_sorts_every_call_in_its_own_way(marts: Marts) -> None:
    marts.add(
        "tool_calls",
        *calls("ExitPlanMode", 3, tool_category="human", effective_ms=4000),
        *calls("Bash", 2, tool_category="shell", is_error=False),
        call("mcp__new__thing", tool_category="mcp", is_error=True),
    )
    found = {
        (row["scheme"], row["tool_class"]): (row["tool_calls"], row["error_share"], row["time_share"])
        for row in marts.rows("summary_tool_categories", **ALL)
        if row["tool_calls"]
    }
    assert found == {
        ("ours", "human"): (3, None, 1.0),
        ("ours", "shell"): (2, 0.0, None),
        ("ours", "mcp"): (1, 1.0, None),
        ("published_6", "other"): (4, 1.0, 1.0),
        ("published_6", "execute_command"): (2, 0.0, None),
        ("published_7", "planning_control"): (3, None, 1.0),
        ("published_7", "shell_command"): (2, 0.0, None),
        ("published_7", "other"): (1, 1.0, None),
    }


def test_a_class_without_calls_has_a_row_of_zeros(marts: Marts) -> None:
    marts.add("tool_calls", call("Bash", tool_category="shell", effective_ms=1))
    rows = marts.rows("summary_tool_categories", **ALL)
    assert {scheme: sum(row["scheme"] == scheme for row in rows) for scheme in SCHEMES} == SCHEMES
    (web,) = (row for row in rows if row["tool_class"] == "web")
    shown = ("tool_calls", "call_share", "missing_latencies", "count", "total_s", "time_share", "mean", "p50")
    assert tuple(web[name] for name in shown) == (0, 0.0, 0, 0, 0.0, 0.0, None, None)


SCHEMES = {"ours": 9, "published_6": 6, "published_7": 7}


def test_a_tool_that_one_client_knows_is_one_tool_over_all_clients(marts: Marts) -> None:
    marts.add(
        "tool_calls",
        *calls("Edit", 3, tool_category="edit", effective_ms=2000),
        call("Edit", 9, tool_category="other", effective_ms=6000, provider="codex"),
    )
    for table, amount in (("latency", "mean"), ("time", "mean"), ("counts", "tool_calls")):
        rows = marts.rows(f"summary_tool_{table}", session_kind="all", model="all", tool_name="Edit")
        assert {row["provider"]: (row["tool_category"], row["tool_calls"], row[amount]) for row in rows} == {
            "all": ("edit", 4, 3.0 if amount == "mean" else 4),
            "claude": ("edit", 3, 2.0 if amount == "mean" else 3),
            "codex": ("other", 1, 6.0 if amount == "mean" else 1),
        }


def test_parallel_calls_count_once_in_the_union_of_their_session(marts: Marts) -> None:
    spans = [
        ("Bash", "claude:s", 0, 10),
        ("Bash", "claude:s", 5, 15),
        ("Bash", "claude:s", 6, 7),
        ("Read", "claude:s", 12, 20),
        ("Read", "claude:s", 30, 31),
        ("Bash", "claude:t", 0, 10),
        ("Bash", "claude:t", None, 500),
        ("Bash", "claude:t", 400, None),
    ]
    for number, (tool, session, start, end) in enumerate(spans):
        times = {
            "emitted_at": None if start is None else at(start),
            "result_at": None if end is None else at(end),
        }
        marts.add("tool_calls", call(tool, number, session_id=session, effective_ms=1000, **times))
    unions = {row["tool_name"]: row["union_s"] for row in marts.rows("summary_tool_time", **ALL)}
    assert unions == {"Bash": 15 + 10, "Read": 8 + 1, "all": 20 + 1 + 10}


def test_calls_of_one_model_hide_no_time_of_anothers(marts: Marts) -> None:
    for number, (model, start, end) in enumerate(
        [("a", 0, 100), (None, 10, 60), ("b", 20, 40), ("b", 30, 50)]
    ):
        times = {"emitted_at": at(start), "result_at": at(end)}
        marts.add("tool_calls", call("Bash", number, model=model, effective_ms=1000, **times))
    rows = marts.rows("summary_tool_time", session_kind="all", tool_name="Bash")
    unions = {(row["provider"], row["model"]): row["union_s"] for row in rows}
    assert unions == {
        ("all", "all"): 100,
        ("claude", "all"): 100,
        ("claude", "a"): 100,
        ("claude", None): 50,
        ("claude", "b"): 30,
    }


def test_time_that_is_not_the_tools_own_stands_apart(marts: Marts) -> None:
    marts.add(
        "tool_calls",
        call("Ask", effective_ms=600_000, is_human_tool=True),
        call("BashOutput", effective_ms=200_000, is_poll=True),
        call("Agent", 1, effective_ms=150_000, subagent_session_id="claude:s/a"),
        call("Agent", 2, effective_ms=50_000),
        call("Read", effective_ms=None),
    )
    rows = {row["tool_name"]: row for row in marts.rows("summary_tool_time", **ALL)}
    names = ("total_s", "human_s", "poll_s", "subagent_s")
    assert [rows["all"][name] for name in names] == [1000.0, 600.0, 200.0, 150.0]
    assert [rows["Agent"][name] for name in names] == [200.0, 0.0, 0.0, 150.0]
    ranks = {name: (row["time_rank"], row["time_share"]) for name, row in rows.items()}
    assert ranks == {
        "all": (1, 1.0), "Ask": (1, 0.6), "BashOutput": (2, 0.2), "Agent": (2, 0.2), "Read": (4, None)
    }  # fmt: skip
    assert (rows["Agent"]["mean"], rows["Read"]["mean"], rows["Read"]["total_s"]) == (100.0, None, None)
    assert rows["all"]["union_s"] is None


def test_a_long_call_is_explained_by_what_went_on_meanwhile(marts: Marts) -> None:
    day = {"emitted_at": at(0), "result_at": at(7200), "latency_source": "wall"}
    long = {**day, "effective_ms": 2 * HOUR, "wall_ms": 2 * HOUR}
    marts.add(
        "tool_calls",
        call("Bash", 1, **long, step_id="ann#0"),
        call("Bash", 2, **long, step_id="bob#0"),
        call("AskUserQuestion", **long, step_id="ann#0", is_human_tool=True),
        call("Write", **long, step_id="ann#0", is_denied=True),
        call("WebFetch", step_id="ann#0", **{**long, "effective_ms": 5000, "latency_source": "internal"}),
        call("Task", step_id="bob#0", effective_ms=2 * HOUR, wall_ms=2 * HOUR),
        call("Read", **{**day, "effective_ms": HOUR, "wall_ms": HOUR}, step_id="ann#0"),
        call("exec", **long, step_id="ann#0", provider="codex"),
    )
    marts.add(
        "steps",
        {"step_id": "ann#0", "user_name": "ann", "step_index": 4, "last_output_at": at(1)},
        {"step_id": "ann, elsewhere", "user_name": "ann", "provider": "codex", "last_output_at": at(7199)},
        {"step_id": "ann, afterwards", "user_name": "ann", "last_output_at": at(7200)},
        {"step_id": "bob#0", "user_name": "bob", "step_index": 0, "last_output_at": at(3)},
    )
    found = {
        row["tool_call_id"]: (row["explanation"], row["steps_meanwhile"], row["effective_s"])
        for row in marts.rows("summary_claude_long_tools")
    }
    assert found == {
        "Bash/1": ("awake", 1, 7200.0),
        "Bash/2": ("suspended", 0, 7200.0),
        "AskUserQuestion/0": ("human", 1, 7200.0),
        "Write/0": ("human", 1, 7200.0),
        "WebFetch/0": ("runner", 1, 5.0),
        "Task/0": (None, None, 7200.0),
    }
    counted = marts.rows("summary_tool_latency", provider="claude", session_kind="all", model="all")
    assert {
        row["tool_name"]: (row["long_calls"], row["long_total_s"], row["long_wall_calls"]) for row in counted
    } == {
        "all": (5, 36_000.0, 1),
        "Bash": (2, 14_400.0, 0),
        "AskUserQuestion": (1, 7200.0, 0),
        "Write": (1, 7200.0, 0),
        "WebFetch": (0, 0.0, 1),
        "Task": (1, 7200.0, 0),
        "Read": (0, 0.0, 0),
    }


CODEX = {"provider": "codex", "session_kind": "all", "model": "all"}


def timed(tool: str, number: int, wall: int | None, internal: int | None) -> dict[str, Any]:
    known = wall is not None and wall > 0 and internal is not None
    gap = max(wall - internal, 0) if known and wall is not None and internal is not None else None
    return call(tool, number, provider="codex", wall_ms=wall, internal_ms=internal, runner_gap_ms=gap)


def test_wall_time_is_the_runners_own_and_the_gap_less_what_the_runner_overran(marts: Marts) -> None:
    times = ((1000, 400), (5000, 0), (300, 500), (None, 700), (2000, None), (0, 100))
    marts.add("tool_calls", *(timed("exec_command", number, *each) for number, each in enumerate(times)))
    marts.add("tool_calls", call("exec_command", 9, wall_ms=1, internal_ms=1, runner_gap_ms=0))
    rows = {
        row["measure"]: row for row in marts.rows("summary_codex_tool_gap", **CODEX, tool_name="exec_command")
    }
    counts = {name: (row["tool_calls"], row["count"], row["total_s"]) for name, row in rows.items()}
    assert counts == {"wall": (6, 5, 8.3), "internal": (6, 5, 1.7), "gap": (6, 3, 5.6)}
    gap = rows["gap"]
    names = ("gap_class", "timed_calls", "wall_only_calls", "overruns", "overrun_s", "p50", "max")
    assert [gap[name] for name in names] == ["execution_like", 3, 1, 1, 0.2, 0.6, 5.0]
    assert {name: row["timed_total_s"] for name, row in rows.items()} == {
        "wall": 6.3, "internal": 0.9, "gap": 5.6
    }  # fmt: skip
    assert (gap["timed_wall_share"], rows["wall"]["timed_wall_share"]) == (5600 / 6300, 1.0)


def test_a_class_of_codex_tools_holds_its_tools_and_all_holds_the_classes(marts: Marts) -> None:
    tools = ("shell", "exec_command", "write_stdin", "request_user_input", "a_new_tool")
    marts.add("tool_calls", *(timed(tool, 0, 3000, 1000) for tool in tools))
    rows = marts.rows("summary_codex_tool_gap", **CODEX, tool_name="all", measure="gap")
    assert {row["gap_class"]: (row["count"], row["total_s"]) for row in rows} == {
        "all": (5, 10.0),
        "execution_like": (2, 4.0),
        "write_stdin": (1, 2.0),
        "direct_human": (1, 2.0),
        "other": (1, 2.0),
    }


def test_buckets_of_the_gap_are_closed_above(marts: Marts) -> None:
    times = ((1000, 0), (1001, 0), (10_000, 0), (HOUR, 0), (HOUR + 1, 0), (500, 500), (70_000, None))
    marts.add("tool_calls", *(timed("exec", number, *each) for number, each in enumerate(times)))
    rows = marts.rows("summary_codex_tool_gap_buckets", **CODEX, gap_class="other", tool_name="exec")

    def buckets(measure: str) -> dict[tuple[float, float | None], int]:
        return {
            (row["above_s"], row["up_to_s"]): row["tool_calls"] for row in rows if row["measure"] == measure
        }

    assert buckets("gap") == {(0, 1): 2, (1, 10): 2, (600, 3600): 1, (3600, None): 1}
    assert buckets("wall") == {(0, 1): 2, (1, 10): 2, (60, 600): 1, (600, 3600): 1, (3600, None): 1}
    (slow,) = (row for row in rows if row["measure"] == "wall" and row["above_s"] == 60)
    assert (slow["total_s"], slow["timed_calls"], slow["internal_s"], slow["gap_s"]) == (70.0, 0, 0.0, 0.0)
    (fast,) = (row for row in rows if row["measure"] == "wall" and row["above_s"] == 0)
    assert (fast["internal_s"], fast["gap_s"], fast["call_share"]) == (0.5, 1.0, 2 / 7)


def test_a_clock_set_back_takes_no_time_off_the_wall_time(marts: Marts) -> None:
    marts.add("tool_calls", timed("exec", 0, -5, None), timed("exec", 1, 2000, None))
    at_all = {**CODEX, "gap_class": "all", "tool_name": "all", "measure": "wall"}
    row = marts.row("summary_codex_tool_gap", **at_all)
    assert (row["count"], row["min"], row["mean"], row["total_s"]) == (2, 0.0, 1.0, 2.0)
    buckets = marts.rows("summary_codex_tool_gap_buckets", **at_all)
    assert {(row["up_to_s"], row["total_s"], row["time_share"]) for row in buckets} == {
        (1.0, 0.0, 0.0), (10.0, 2.0, 1.0)
    }  # fmt: skip


@pytest.fixture(scope="module")
def sample(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(warehouse), read_only=True) as tables:
        yield tables


@pytest.mark.parametrize(
    "rows",
    [
        "summary_tool_counts where tool_name <> 'all'",
        "summary_tool_counts where tool_name = 'all' and tool_group <> 'all'",
        "summary_tool_counts where tool_group = 'all'",
        "summary_tool_categories where scheme = 'ours'",
        "summary_tool_categories where scheme = 'published_7'",
    ],
)
def test_every_call_of_the_sample_is_counted_once(sample: duckdb.DuckDBPyConnection, rows: str) -> None:
    ours = sample.execute(
        f"select provider, session_kind, sum(tool_calls), sum(tool_errors) from {rows}"
        " and model = 'all' group by all order by all"
    ).fetchall()
    theirs = sample.execute(
        "select coalesce(provider, 'all') as p, coalesce(session_kind, 'all') as k, count(*),"
        " count(*) filter (where is_error) from tool_calls"
        " group by cube (provider, session_kind) order by all"
    ).fetchall()
    assert ours == theirs


def test_the_union_of_the_sample_is_that_of_its_spans_merged_one_by_one(
    sample: duckdb.DuckDBPyConnection,
) -> None:
    rows = sample.execute(
        "select session_id, epoch_ms(emitted_at), epoch_ms(result_at) from tool_calls"
        " where result_at > emitted_at order by all"
    ).fetchall()
    total, until = 0, dict.fromkeys((session for session, _, _ in rows), 0)
    for session, start, end in rows:
        total += max(0, end - max(start, until[session]))
        until[session] = max(until[session], end)
    (union_s,) = sample.execute(
        "select union_s from summary_tool_time"
        " where provider = 'all' and session_kind = 'all' and model = 'all' and tool_category = 'all'"
    ).fetchall()[0]
    assert total > 0
    assert union_s == total / 1000
