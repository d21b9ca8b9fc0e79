"""The data tests: green on a healthy warehouse, and red for each kind of fault."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from tracelab.build import build
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
        "insert into steps from steps where step_index = 0 limit 1", "unique_grain_steps_step_id"
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
        "update raw.tool_calls set result_at = emitted_at - interval 1 second "
        + ONE_CALL.format("raw.tool_calls"),
        "assert_every_result_follows_its_call",
        "stg_tool_calls tool_calls",
    ),
    "prices cover less than 99 % of the steps": Fault(
        "update raw.steps set model = 'unheard-of' where step_seq % 20 = 0",
        "assert_prices_cover_the_steps",
        "stg_steps int_call_costs steps",
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


@pytest.mark.parametrize("fault", WARNINGS.values(), ids=WARNINGS)
def test_a_fault_of_the_logs_is_a_warning(warehouse: Path, place: Path, fault: Fault) -> None:
    db, select = broken(warehouse, place, fault)
    report = build(db, select=select, timezone="UTC")
    assert any(warning.startswith(f"{fault.seen_by}: ") for warning in report.warnings)
    assert f"warning: {fault.seen_by}: " in str(report)


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
    assert report.tests > len(ERRORS)
    assert report.warnings == []
