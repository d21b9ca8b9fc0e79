"""Charts and report of 68,000 steps in as many sessions as the paper has."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.report.conftest import Reader
from tests.report.test_browser import WITHOUT_MARKS, Open
from tests.report.test_page import MOST_BYTES, data_of
from tracelab.charts import charts, draw
from tracelab.charts.quick import quick_altair
from tracelab.report import build_report
from tracelab.report.cuts import tables
from tracelab.report.page import sections
from tracelab.report.pictures import NOT_ON_THE_PAGE
from tracelab.report.sessions import COSTLIEST, LONGEST, MOST_CHARS, WINDOW_STEPS

STEPS = 68_000
MOST_ROWS = 5000


@pytest.fixture(scope="module")
def large(large_warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(large_warehouse), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def large_report(large_warehouse: Path) -> Path:
    return build_report(large_warehouse, large_warehouse.with_name("report.html"))


def one(warehouse: duckdb.DuckDBPyConnection, query: str) -> Any:
    [(value,)] = warehouse.execute(query).fetchall()
    return value


def test_the_warehouse_has_as_many_sessions_as_the_paper_and_all_kinds(
    large: duckdb.DuckDBPyConnection,
) -> None:
    assert one(large, "select count(*) from steps") >= STEPS
    assert one(large, "select count(*) from sessions") > 4000
    assert one(large, "select max(steps) from sessions") > 2 * WINDOW_STEPS
    assert one(large, "select count(distinct generation_ms) from steps") > 10_000
    assert one(large, "select count(distinct miss_cause) from cache_reuse") >= 6


def test_every_chart_draws_within_5000_rows(large: duckdb.DuckDBPyConnection) -> None:
    with quick_altair():
        specs = {name: draw(chart, large).to_dict(validate=False) for name, chart in charts().items()}
    rows = {name: sum(map(len, spec.get("datasets", {}).values())) for name, spec in specs.items()}
    assert {name: count for name, count in rows.items() if count > MOST_ROWS} == {}
    empty = {name for name, spec in specs.items() if spec["title"]["subtitle"] == ["Nothing to draw"]}
    assert empty <= WITHOUT_MARKS


def test_the_report_keeps_within_6_mb_and_each_picture_of_a_part_within_5000_rows(large_report: Path) -> None:
    assert len(large_report.read_bytes()) < MOST_BYTES
    rows = {
        (name, place): sum(map(len, picture["plot"]["datasets"].values()))
        for name in sorted(set(charts()) - {NOT_ON_THE_PAGE})
        for place, picture in enumerate(data_of(large_report, f"chart-{name}")["values"])
        if "plot" in picture
    }
    assert len(rows) > 150
    assert {place: count for place, count in rows.items() if count > MOST_ROWS} == {}


def test_the_explorer_lists_all_sessions_and_says_which_steps_it_leaves_out(
    large: duckdb.DuckDBPyConnection, large_report: Path, read: Open
) -> None:
    listed = data_of(large_report, "sessions")["session_id"]
    sessions = [name for (name,) in large.execute("select session_id from sessions order by all").fetchall()]
    assert sorted(listed) == sessions
    reader: Reader = read(large_report)
    page = reader.page
    reader.wait_until_drawn()
    headings = page.locator("main > section > h2").all_inner_texts()
    assert headings == [section.title for section in sections(tables(large))] + ["Definitions"]
    pictures = page.locator("[data-chart]:has(.plot svg)").evaluate_all(
        "charts => charts.map((chart) => chart.dataset.chart)"
    )
    assert set(charts()) - {NOT_ON_THE_PAGE} - set(pictures) <= WITHOUT_MARKS
    carried, room = page.locator("[id^=data-steps-]").evaluate_all(
        "parts => [new Set(parts.map((part) => part.id.split('-')[2])).size,"
        " parts.reduce((sum, part) => sum + part.textContent.length, 0)]"
    )
    assert 100 < carried <= COSTLIEST + LONGEST
    assert room <= MOST_CHARS
    told = page.locator("#explorer .question").inner_text()
    assert f"the steps of {carried} sessions: the 200 costliest and the 100 with most steps" in told
    assert ("it has no room" in told) == (carried < COSTLIEST)
    assert f"Those of {len(sessions) - carried:,} others are left out" in told
    assert page.locator("#session-count").inner_text() == f"{len(sessions):,} of {len(sessions):,} sessions"
    longest, steps = large.execute("select session_id, steps from sessions order by steps desc").fetchone()  # type: ignore[misc]
    page.locator("#session-search").fill(longest)
    page.locator("#session-table tbody button").first.click()
    page.wait_for_selector("#session .is-drawn")
    assert page.locator(".windows button").count() == -(-steps // WINDOW_STEPS)
    assert page.locator("#session svg .mark-rect path").count() > WINDOW_STEPS
