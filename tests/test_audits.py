"""The data tests: green on a healthy warehouse, and red for each kind of fault."""

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from tests.conftest import ROOT
from tracelab.build import _work_folder, build
from tracelab.errors import TracelabError


class Fault(NamedTuple):
    """What is broken, where, and the test that must see it."""

    planted: str
    seen_by: str
    rebuilt: str = ""
    """Models to build from the fault first, where it is planted in `raw`."""


ONE_CALL = "where tool_call_id = (select min(tool_call_id) from {} where result_at > emitted_at)"
ERRORS = {
    "a step stands twice": Fault(
        "insert into steps select * replace (step_id || 'x' as step_id) from steps limit 1",
        "assert_every_step_adds_up",
    ),
    "a step_id stands twice": Fault(
        "insert into steps from steps where step_index = 0 limit 1", "assert_every_row_is_named_once"
    ),
    "a tool call stands twice": Fault(
        "insert into tool_calls select * replace ('claude:x' as session_id) from tool_calls limit 1",
        "assert_every_tool_call_has_its_step",
    ),
    "a tool call's step is gone": Fault(
        "update tool_calls set step_id = 'claude:x#0' " + ONE_CALL.format("tool_calls"),
        "assert_every_tool_call_has_its_step",
    ),
    "wall time is not what the stamps say": Fault(
        "update tool_calls set wall_ms = wall_ms + 2 " + ONE_CALL.format("tool_calls"),
        "assert_every_tool_call_has_its_step",
    ),
    "prefix and append are not the input": Fault(
        "update steps set prefix_tokens = prefix_tokens + 1 where step_id = (select min(step_id) from steps)",
        "assert_every_step_adds_up",
    ),
    "a gap is negative": Fault(
        "update idle_gaps set idle_gap_ms = -1 where step_id = (select min(step_id) from idle_gaps)",
        "assert_every_step_adds_up",
    ),
    "a request is lost": Fault(
        "delete from requests where request_id = (select min(request_id) from requests)",
        "assert_every_step_adds_up",
    ),
    "a request ends before it starts": Fault(
        "update requests set ended_at = started_at - interval 1 second"
        " where request_id = (select min(request_id) from requests)",
        "assert_parts_of_time_add_up",
    ),
    "a request spends more than its parts": Fault(
        "update requests set other_ms = 0"
        " where request_id = (select arg_max(request_id, other_ms) from requests)",
        "assert_parts_of_time_add_up",
    ),
    "a session's parts are not its wall time": Fault(
        "update sessions set other_part_ms = other_part_ms + 1"
        " where session_id = (select min(session_id) from sessions)",
        "assert_parts_of_time_add_up",
    ),
    "a token is lost on the way to the marts": Fault(
        "update steps set output_tokens = output_tokens - 1 where step_id = (select min(step_id) from steps)",
        "assert_no_token_is_lost_or_counted_twice",
    ),
    "a step is lost on the way to the marts": Fault(
        "delete from steps where step_id = (select min(step_id) from steps)",
        "assert_no_token_is_lost_or_counted_twice",
    ),
    "bins miss a row": Fault(
        "delete from summary_cache_hit_idle_grid where hit_bin <> 'all' and provider = 'all'"
        " and gap_bin = (select min(gap_bin) from summary_cache_hit_idle_grid)",
        "assert_bins_hold_every_row",
    ),
}
WARNINGS = {
    "a result has no call": Fault(
        "insert into raw.events"
        " select * replace (1000000 as event_index, 'x' as event_id, 'x' as tool_call_id)"
        " from raw.events where event_type = 'tool_result' limit 1",
        "assert_every_result_follows_its_call",
        "stg_events",
    ),
    "a result comes before its call": Fault(
        "update tool_calls set result_at = emitted_at - interval 1 second " + ONE_CALL.format("tool_calls"),
        "assert_every_result_follows_its_call",
    ),
    "prices cover less than 99 % of the steps": Fault(
        "update steps set cost_usd = null where step_index % 20 = 0",
        "assert_prices_cover_the_steps",
    ),
}

# a division of each table, and its number of what falls in it
DIVIDED = {
    "summary_cache_hit_idle_grid": "steps",
    "summary_cache_hit_ratio_bins": "steps",
    "summary_tool_latency_bins": "tool_calls",
    "summary_tool_long_tail": "tool_calls",
    "summary_codex_tool_gap_buckets": "tool_calls",
    "summary_prefix_append": "steps",
    "summary_append_by_prefix_bin": "count",
    "summary_token_bins": "steps",
    "summary_prefix_append_grid": "steps",
    "summary_input_growth_bins": "steps",
    "summary_cost_cdf": "cumulative_count",
    "summary_tool_categories": "tool_calls",
    "summary_request_decomposition": "requests",
    "summary_decode_speed": "count",
    "summary_miss_causes": "steps",
    "summary_dashboard_hour_weekday": "steps",
    "summary_dashboard_daily": "steps",
    "summary_request_cdf": "cumulative_count",
    "summary_tool_latency_cdf": "cumulative_count",
    "summary_human_wait_cdf": "cumulative_count",
    "summary_generation_time_cdf": "cumulative_count",
    "summary_eviction_tradeoff": "steps",
    "summary_kv_active_ratio": "tool_s",
}
TOTALS = {
    "a session's cost is not that of its steps": (
        "update sessions set cost_usd = cost_usd + 0.01",
        "assert_parts_of_time_add_up",
    ),
    "a session's cost is lost": ("update sessions set cost_usd = null", "assert_parts_of_time_add_up"),
    "a request's cost is not that of its steps": (
        "update requests set cost_usd = cost_usd + 0.01",
        "assert_parts_of_time_add_up",
    ),
    "a request's generation is not that of its steps": (
        "update requests set generation_ms = generation_ms + 1",
        "assert_parts_of_time_add_up",
    ),
    "a session has a request too many": (
        "update sessions set requests = requests + 1",
        "assert_parts_of_time_add_up",
    ),
    "a session lasts longer than its stamps say": (
        "update sessions set wall_ms = wall_ms + 1, other_part_ms = other_part_ms + 1",
        "assert_parts_of_time_add_up",
    ),
    "a request lasts longer than its stamps say": (
        "update requests set response_ms = response_ms + 1",
        "assert_parts_of_time_add_up",
    ),
    "reasoning is lost": (
        "update steps set reasoning_tokens = reasoning_tokens - 1 where reasoning_tokens > 0",
        "assert_no_token_is_lost_or_counted_twice",
    ),
    "tokens written to the cache are lost": (
        "update steps set cache_write_tokens = null where cache_write_tokens > 0",
        "assert_no_token_is_lost_or_counted_twice",
    ),
    "a gap since the last activity is negative": (
        "update idle_gaps set activity_gap_ms = -1",
        "assert_every_step_adds_up",
    ),
    "the overview misses a client's cost": (
        "update summary_overview set value = value + 1"
        " where (provider, session_kind, trigger, name) = ('codex', 'all', 'all', 'cost_usd')",
        "assert_bins_hold_every_row",
    ),
    "a cache that holds longer serves less": (
        "update summary_eviction_tradeoff set achievable_hit_ratio = 0 where timeout_s = 3600",
        "assert_bins_hold_every_row",
    ),
    "a cause of misses lacks a token": (
        "update summary_losses set tokens = tokens - 1 where loss = 'cache_miss' and cause = 'idle'",
        "assert_losses_add_up",
    ),
    "a cause of misses is lost": (
        "delete from summary_losses where loss = 'cache_miss' and cause = 'compaction'",
        "assert_losses_add_up",
    ),
    "missed tokens cost what they did not": (
        "update summary_miss_causes set missed_cost_usd = missed_cost_usd + 0.01 where miss_cause = 'idle'",
        "assert_losses_add_up",
    ),
    "causes of a loss do not add up": (
        "update summary_losses set time_s = time_s + 1 where loss = 'tool_time' and cause = 'Bash'",
        "assert_losses_add_up",
    ),
    "a client's losses are not in those of all": (
        "update summary_losses set sessions = sessions + 1 where cause = 'all' and provider = 'codex'",
        "assert_losses_add_up",
    ),
    "a session loses more than it cost": (
        "update simulations.sim_losses set cost_usd = 1000000 where loss = 'cache_miss'",
        "assert_losses_add_up",
    ),
    "a session waits for its tools longer than it has time": (
        "update simulations.sim_losses set time_ms = time_ms + 1 where loss = 'tool_time'",
        "assert_losses_add_up",
    ),
    "a session's waits for tools are lost": (
        "delete from simulations.sim_losses where loss = 'tool_time'",
        "assert_losses_add_up",
    ),
    "a count below a threshold is wrong for all clients alike": (
        "update summary_generation_time_cdf set cumulative_count = cumulative_count - 1 where bin ="
        " (select max(bin) from summary_generation_time_cdf where threshold_s < 10)"
        " and (provider in ('all', 'codex')) and session_kind in ('all', 'main')",
        "assert_bins_hold_every_row",
    ),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the broken warehouse lies: dbt parses a project anew for each path of a database."""
    return tmp_path_factory.mktemp("audits") / "tracelab.duckdb"


def broken(warehouse: Path, place: Path, fault: Fault) -> tuple[Path, Sequence[str]]:
    """A copy of the warehouse with the fault, and what to build and test of it."""
    shutil.copy(warehouse, place)
    with duckdb.connect(str(place)) as tables:
        [(changed,)] = tables.execute(fault.planted).fetchall()
    assert changed > 0, "the fault was not planted"
    test = f"{fault.seen_by}*" if fault.seen_by.startswith("unique") else fault.seen_by
    return place, [*fault.rebuilt.split(), test]


@pytest.mark.parametrize("fault", ERRORS.values(), ids=ERRORS)
def test_a_fault_of_ours_fails_the_build(warehouse: Path, place: Path, fault: Fault) -> None:
    db, select = broken(warehouse, place, fault)
    with pytest.raises(TracelabError, match=rf"test {fault.seen_by}\w*: [\d,]+ rows? against this rule"):
        build(db, select=select, timezone="UTC")


@pytest.fixture(scope="module")
def audited(
    warehouse: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, str]]]:
    """A warehouse to break and to mend by a rollback, and the SQL of the tests on it."""
    copy = tmp_path_factory.mktemp("audited") / "tracelab.duckdb"
    shutil.copy(warehouse, copy)
    with _work_folder(warehouse) as work:
        folder = work / "target" / "compiled" / "tracelab" / "tests" / "dbt"
        queries = {path.stem: path.read_text() for path in folder.glob("*.sql")}
    with duckdb.connect() as tables:
        tables.execute(f"attach '{copy}' as warehouse; use warehouse; set timezone = 'UTC'")
        yield tables, queries


def rows_against(audited: tuple[duckdb.DuckDBPyConnection, dict[str, str]], planted: str, test: str) -> str:
    """What a test finds once a fault is planted, as text."""
    tables, queries = audited
    tables.execute("begin")
    try:
        [(changed,)] = tables.execute(planted).fetchall()
        assert changed > 0, "the fault was not planted"
        return str(tables.execute(queries[test]).fetchall())
    finally:
        tables.execute("rollback")


@pytest.mark.parametrize("cut", ["all", "codex"])
@pytest.mark.parametrize(("table", "number"), DIVIDED.items(), ids=DIVIDED)
def test_one_number_of_a_division_off_by_one_is_seen(
    audited: tuple[duckdb.DuckDBPyConnection, dict[str, str]], table: str, number: str, cut: str
) -> None:
    one = f"(select rowid from {table} where provider = '{cut}' and {number} > 0 order by rowid limit 1)"
    planted = f"update {table} set {number} = {number} + 1 where rowid = {one}"
    if (table, cut) == ("summary_codex_tool_gap_buckets", "all"):
        planted = planted.replace("'all'", "'codex' and session_kind <> 'all'")
    assert table in rows_against(audited, planted, "assert_bins_hold_every_row")


def test_every_table_that_has_bins_is_among_the_divided() -> None:
    binned = {
        model.stem
        for model in (ROOT / "models/summaries").rglob("*.sql")
        if 'ref("bins")' in model.read_text()
        or re.search(r"name: (\w+_)?bin,", model.with_suffix(".yml").read_text())
    }
    # the first holds only what has a match; of what the others divide the sample has none
    binned -= {
        "summary_append_vs_prefix_latency",
        "summary_output_attribution_grid",
        "summary_timing_fit_grid",
    }
    assert binned - DIVIDED.keys() == set(), "add them here and to assert_bins_hold_every_row"


@pytest.mark.parametrize(("planted", "test"), TOTALS.values(), ids=TOTALS)
def test_a_total_that_is_not_the_sum_of_its_parts_is_seen(
    audited: tuple[duckdb.DuckDBPyConnection, dict[str, str]], planted: str, test: str
) -> None:
    assert rows_against(audited, planted, test) != "[]"


@pytest.mark.parametrize("test", sorted({test for _, test in TOTALS.values()}))
def test_nothing_is_seen_where_nothing_is_wrong(
    audited: tuple[duckdb.DuckDBPyConnection, dict[str, str]], test: str
) -> None:
    same = "update sessions set steps = steps"
    assert rows_against(audited, same, test) == "[]"


@pytest.mark.parametrize("fault", WARNINGS.values(), ids=WARNINGS)
def test_a_fault_of_the_logs_is_a_warning(warehouse: Path, place: Path, fault: Fault) -> None:
    db, select = broken(warehouse, place, fault)
    report = build(db, select=select, timezone="UTC")
    assert any(warning.startswith(f"{fault.seen_by}: ") for warning in report.warnings)
    told = rf"^warning: {fault.seen_by}: [\d,]+ rows? against this rule; \w.{{40}}"
    assert re.search(told, str(report), re.MULTILINE)


def test_a_build_with_a_warning_is_a_build(warehouse: Path, place: Path) -> None:
    from tracelab.status import status

    db, _ = broken(warehouse, place, WARNINGS["a result has no call"])
    with duckdb.connect(str(db)) as tables:
        tables.execute("drop table staging.last_build")
    assert len(build(db, timezone="UTC").warnings) == 1
    assert status(db).built_at is not None


def test_a_healthy_warehouse_has_no_warnings(warehouse: Path, place: Path) -> None:
    shutil.copy(warehouse, place)
    report = build(place, select=["test_type:data"], timezone="UTC")
    assert report.tests == len(list((ROOT / "tests/dbt").glob("*.sql")))
    assert report.warnings == []
