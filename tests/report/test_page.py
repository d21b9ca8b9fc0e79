"""What goes into the page: parts of the workload, charts of them, sessions, and what no page may hold."""

import gzip
import json
import multiprocessing
import os
import re
import signal
import time
from base64 import b64decode
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from tests.raw_warehouse import raw_warehouse
from tests.report.conftest import changed
from tracelab.charts import charts, draw
from tracelab.charts.base import tables_in
from tracelab.charts.quick import quick_altair
from tracelab.errors import TracelabError
from tracelab.report import build_report, sessions
from tracelab.report.cuts import Cut, cuts, in_front, tables
from tracelab.report.packing import columns, packed
from tracelab.report.page import sections
from tracelab.report.pictures import NOT_ON_THE_PAGE, cuttable, picture, processes, tables_of

MOST_BYTES = 6_000_000


@pytest.fixture
def built(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        yield connection


def unpacked(text: str) -> Any:
    return json.loads(gzip.decompress(b64decode(text)))


def data_of(report: Path, name: str) -> Any:
    found = re.search(rf'id="data-{name}">([^<]*)<', report.read_text())
    assert found
    return unpacked(found[1])


def test_every_chart_has_its_place_on_the_page(built: duckdb.DuckDBPyConnection) -> None:
    placed = [figure.chart.name for section in sections(tables(built)) for figure in section.figures]
    assert sorted(placed) == sorted(set(charts()) - {NOT_ON_THE_PAGE})


def test_a_section_of_tables_that_are_not_built_is_left_out(built: duckdb.DuckDBPyConnection) -> None:
    there = tables(built)
    names = {section.name for section in sections({**there, "summary_losses": there["steps"]})}
    assert "losses" in names
    there.pop("summary_losses", None)
    there.pop("summary_loss_sessions", None)
    assert names - {section.name for section in sections(there)} == {"losses"}


def test_the_parts_of_the_sample_are_its_providers_and_its_main_sessions(
    built: duckdb.DuckDBPyConnection,
) -> None:
    assert [str(cut) for cut in cuts(built)] == [
        "all-all", "claude-all", "codex-all", "all-main", "claude-main", "codex-main",
    ]  # fmt: skip


def test_a_part_that_has_the_rows_of_another_is_the_other(warehouse: Path, tmp_path: Path) -> None:
    with changed(warehouse, tmp_path / "tracelab.duckdb") as copy:
        copy.execute("delete from summary_overview where provider = 'codex' and session_kind = 'subagent'")
        assert cuts(copy)[Cut("codex", "main")] == Cut("codex", "all")
        assert cuts(copy)[Cut("claude", "main")] == Cut("claude", "main")
        copy.execute("delete from summary_overview where provider = 'codex' or session_kind = 'subagent'")
        assert list(cuts(copy)) == [Cut()]


@pytest.fixture(scope="module")
def lacking(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a Codex without subagents and a Claude without steps in main sessions, at no known time."""
    db = tmp_path_factory.mktemp("lacking") / "tracelab.duckdb"
    with changed(warehouse, db) as copy:
        copy.execute("delete from summary_overview where provider = 'codex' and session_kind = 'subagent'")
        copy.execute("delete from steps where provider = 'claude' and session_kind = 'main'")
        copy.execute("delete from summary_overview where name = 'first_at_epoch_s'")
    return build_report(db, db.with_name("report.html")).read_text()


def test_a_provider_without_subagents_says_why_its_main_sessions_are_all(lacking: str, report: Path) -> None:
    assert re.findall(r'data-cuts="([\w-]+)" hidden>(\w+) has no subagents here', lacking) == [
        ("codex-main", "Codex")
    ]
    assert "has no subagents" not in report.read_text()


def test_a_chart_is_cut_by_kind_of_session_where_its_tables_are(built: duckdb.DuckDBPyConnection) -> None:
    there = tables(built)
    uncut = {name for name, chart in charts().items() if not cuttable(chart, there).by_session_kind}
    by_model = {"model_mix", "output_attribution"}
    assert uncut - {NOT_ON_THE_PAGE} == by_model | {"append_vs_prefix_latency", "compactions", "published"}


def test_what_is_drawn_of_all_sessions_is_drawn_of_main_ones(report: Path) -> None:
    drawn: dict[str, set[str]] = {
        part: set() for part in ("all-all", "all-main", "claude-main", "codex-main")
    }
    for name in set(charts()) - {NOT_ON_THE_PAGE}:
        pictures = data_of(report, f"chart-{name}")
        for part in drawn:
            if "plot" in pictures["values"][pictures["cuts"][part]]:
                drawn[part].add(name)
    assert drawn["all-main"] == drawn["all-all"]
    assert drawn["claude-main"] | drawn["codex-main"] == drawn["all-all"]


def test_a_part_without_a_step_is_not_told_as_all_that_was_loaded(lacking: str) -> None:
    assert lacking.count("This part holds no step") == 1
    assert "The logs that were loaded hold" not in lacking
    assert "At times that no log tells, in <b>" in lacking


def test_in_a_part_all_means_the_part(built: duckdb.DuckDBPyConnection) -> None:
    numbers = (
        "select provider, value from summary_overview where session_kind = 'all' and name = 'steps'"
        " and model = 'all' and trigger = 'all' order by all"
    )
    marts = "select distinct provider, session_kind from steps"
    whole = built.sql(numbers).fetchall()
    expected = built.execute(
        "select count(*) from steps where provider = 'claude' and session_kind = 'main'"
    ).fetchone()
    with in_front(built, Cut("claude", "main"), tables(built)):
        assert built.sql(numbers).fetchall() == [("all", *expected), ("claude", *expected)]
        assert built.sql(marts).fetchall() == [("claude", "main")]
        assert built.sql("select distinct provider from compare_published").fetchall() == [("claude",)]
    assert built.sql(numbers).fetchall() == whole


@pytest.mark.parametrize("name", sorted(set(charts()) - {NOT_ON_THE_PAGE}))
def test_a_chart_of_a_provider_shows_no_other(name: str, built: duckdb.DuckDBPyConnection) -> None:
    for query in charts()[name].frames.values():
        wholes = {"all"} & providers(built, query)
        with in_front(built, Cut("codex", "main"), tables(built, tables_in(query))):
            assert providers(built, query) <= {"codex"} | wholes


def providers(warehouse: duckdb.DuckDBPyConnection, query: str) -> set[str]:
    frame = warehouse.sql(query).pl()
    return set(frame["provider"]) if "provider" in frame.columns else set()


@pytest.mark.parametrize("name", sorted(charts()))
def test_a_chart_made_quickly_is_the_same(name: str, built: duckdb.DuckDBPyConnection) -> None:
    slowly = draw(charts()[name], built).to_dict()
    with quick_altair():
        quickly = draw(charts()[name], built).to_dict(validate=False)
    assert quickly == slowly
    assert draw(charts()[name], built).to_dict() == slowly


@pytest.mark.parametrize("name", sorted(charts()))
def test_a_picture_keeps_what_its_marks_show(name: str, built: duckdb.DuckDBPyConnection) -> None:
    spec = draw(charts()[name], built).to_dict()
    taken = picture(json.loads(json.dumps(spec, default=str)))
    assert taken["notes"].startswith("from ")
    assert taken["subtitle"] == spec["title"]["subtitle"]
    if "nothing" in taken:
        assert taken["nothing"].endswith(".")
        return
    fields = set(re.findall(r'"field": "(\w+)"', json.dumps(taken["plot"])))
    shown = {column for rows in taken["plot"]["datasets"].values() for row in rows for column in row}
    drawn = {column for rows in spec["datasets"].values() for row in rows for column in row}
    assert fields & drawn <= shown
    assert set(taken["plot"]["datasets"]) >= set(
        re.findall(r'"data": {"name": "([\w-]+)"', json.dumps(spec["vconcat"][0]))
    )


def test_a_chart_names_the_tables_that_it_draws() -> None:
    assert tables_of(charts()["miss_causes"]) == ["summary_miss_causes", "summary_losses"]


def test_what_is_packed_is_the_same_afterwards_and_every_time() -> None:
    value = {"a": ["</script>", None, 1.5], "b": date(2026, 1, 2)}
    assert unpacked(packed(value)) == {"a": ["</script>", None, 1.5], "b": "2026-01-02"}
    assert packed(value) == packed(value)
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", packed(value))


def test_columns_hold_no_infinity_and_seven_digits() -> None:
    frame = pl.DataFrame({"x": [1 / 3, float("inf"), None, float("nan")], "n": [1, 2, 3, 4]})
    assert columns(frame) == {"x": [0.3333333, None, None, None], "n": [1, 2, 3, 4]}


def test_sessions_are_listed_costliest_first_and_all_of_them(warehouse: Path, report: Path) -> None:
    listed = data_of(report, "sessions")
    costs = [cost for cost in listed["cost_usd"] if cost is not None]
    assert costs == sorted(costs, reverse=True)
    with duckdb.connect(str(warehouse), read_only=True) as built:
        assert sorted(listed["session_id"]) == [
            name for (name,) in built.execute("select session_id from sessions order by 1").fetchall()
        ]


def test_steps_that_have_no_room_are_left_out_and_counted(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sessions.explore(warehouse)
    assert (whole.left_out, whole.without_room) == (0, 0)
    monkeypatch.setattr(sessions, "MOST_CHARS", 3000)
    explorer = sessions.explore(warehouse)
    assert sorted(explorer.windows) == list(range(len(explorer.windows)))
    assert 0 < len(explorer.windows) < explorer.listed
    assert explorer.left_out == explorer.without_room == explorer.listed - len(explorer.windows)


def test_the_same_warehouse_gives_the_same_page(warehouse: Path, report: Path, tmp_path: Path) -> None:
    assert build_report(warehouse, tmp_path / "again.html").read_bytes() == report.read_bytes()


def test_the_page_says_nothing_of_this_machine_and_is_small(report: Path, warehouse: Path) -> None:
    page = report.read_text()
    assert str(warehouse.parent) not in page
    assert len(page.encode()) < MOST_BYTES / 3


def test_no_link_or_source_leads_out_of_the_page(report: Path) -> None:
    markup = re.sub(r"<script.*?</script>|<pre.*?</pre>", "", report.read_text(), flags=re.DOTALL)
    assert not re.search(r"\b(?:src|srcset|action|ping)=|href=\"(?!#)|url\(|@import", markup)
    assert "default-src &#39;none&#39;; script-src &#39;sha256-" in markup


@pytest.mark.parametrize("out", ["missing/report.html", "folder"])
def test_a_place_that_cannot_be_written_is_told_before_anything_is_drawn(
    out: str, warehouse: Path, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(TracelabError, match="name another file with --output"):
        build_report(warehouse, tmp_path / out)


def test_a_folder_that_may_not_be_written_is_told_before_anything_is_drawn(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "link.html").symlink_to(tmp_path / "theirs" / "report.html")
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path / "theirs" and may(path, mode))
    with pytest.raises(TracelabError, match="permission denied"):
        build_report(warehouse, tmp_path / "link.html")


def test_a_report_is_not_written_over_the_warehouse(tmp_path: Path) -> None:
    db = raw_warehouse(tmp_path / "tracelab.duckdb", files=[{}])
    before = db.read_bytes()
    (tmp_path / "link.html").symlink_to(db)
    for out in (db, tmp_path / "link.html", tmp_path / ".." / tmp_path.name / db.name):
        with pytest.raises(TracelabError, match="is the warehouse itself: name another place with --output"):
            build_report(db, out)
    assert db.read_bytes() == before


def test_an_interrupt_waits_for_nothing_that_is_still_to_be_drawn() -> None:
    since, ending = time.monotonic(), set(multiprocessing.active_children())  # of the reports before
    with pytest.raises(KeyboardInterrupt), processes() as pool:
        for _ in range(100):
            pool.submit(time.sleep, 1)
        raise KeyboardInterrupt
    assert time.monotonic() - since < 20
    assert set(multiprocessing.active_children()) <= ending


def test_an_interrupt_of_all_processes_is_for_the_one_that_was_asked() -> None:
    with processes() as pool:
        os.kill(pool.submit(os.getpid).result(), signal.SIGINT)
        assert [pool.submit(int).result() for _ in range(10)] == [0] * 10


def test_a_warehouse_that_is_not_built_is_told_apart(tmp_path: Path) -> None:
    db = raw_warehouse(tmp_path / "tracelab.duckdb", files=[{}])
    with pytest.raises(TracelabError, match="run `tracelab build`"):
        build_report(db, tmp_path / "report.html")


def test_a_warehouse_that_an_earlier_version_built_is_told_apart(warehouse: Path, tmp_path: Path) -> None:
    db = tmp_path / "tracelab.duckdb"
    with changed(warehouse, db) as copy:
        copy.execute("drop table simulations.sim_restarts")
    with pytest.raises(TracelabError, match=r"the session explorer .* run `tracelab build`"):
        build_report(db, tmp_path / "report.html")
