"""`tracelab compare`: ours beside the published figures, and what chance may have done to ours."""

import csv
import re
import shutil
from math import isfinite
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.conftest import ROOT
from tracelab.algorithms.intervals import percentile_intervals
from tracelab.build import _work_folder
from tracelab.compare import Comparison, compare
from tracelab.compare_page import THEMES, comparison_page
from tracelab.errors import TracelabError
from tracelab.export import export_tables
from tracelab.populations import NONE
from tracelab.warehouse import open_read_only


@pytest.fixture(scope="module")
def figures(warehouse: Path) -> dict[str, Comparison]:
    return {figure.figure_id: figure for figure in compare(warehouse)}


def test_every_number_is_made_of_the_rows_that_its_interval_is_drawn_from(
    figures: dict[str, Comparison],
) -> None:
    drawn = [figure for figure in figures.values() if figure.interval]
    assert len(drawn) > 300
    for figure in drawn:
        assert figure.interval and figure.interval.estimate == pytest.approx(figure.ours, rel=1e-9), (
            figure.figure_id
        )
        assert figure.interval.low <= figure.interval.high


def test_an_interval_is_of_its_number_where_a_tool_has_no_name_and_a_fall_lies_beyond_an_unknown_size(
    warehouse: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "tracelab.duckdb"
    shutil.copyfile(warehouse, copy)
    with _work_folder(warehouse) as work:
        compiled = {path.stem: path.read_text() for path in (work / "target" / "compiled").rglob("*.sql")}
    with duckdb.connect() as tables:
        tables.execute(f"attach '{copy}' as warehouse; use warehouse")
        tables.execute("update tool_calls set tool_name = null where tool_name in ('Bash', 'exec_command')")
        tables.execute(
            "update steps set inferred_pre_tokens = 150000, context_tokens = 1, context_growth_tokens = null"
            " where step_index = 2"
        )
        tables.execute("update steps set context_tokens = 150000 where step_index = 0")
        tables.execute("update steps set context_tokens = null where step_index = 1")
        for model in ("summary_overview", "summary_compactions", "compare_published"):
            tables.execute(f"create or replace table {model} as ({compiled[model]})")
    compared = {figure.figure_id: figure for figure in compare(copy)}
    for name in (
        "summary_paper_headlines.top3_tool_call_share.claude.share",
        "summary_paper_headlines.top3_tool_call_share.codex.share",
        "summary_compactions.major_reductions.all.count",
        "summary_compactions.compactions_of_major.all.share",
    ):
        figure = compared[name]
        assert figure.interval and figure.interval.estimate == pytest.approx(figure.ours, rel=1e-9), name


@pytest.mark.parametrize("measure", ["output_tokens_per_s", "decode_tokens_per_s", "first_token_s"])
def test_a_speed_is_drawn_with_all_the_decimals_that_its_table_keeps(warehouse: Path, measure: str) -> None:
    from tracelab import compare as module

    with open_read_only(warehouse) as tables:
        module._prepare(tables)
        drawn = tables.execute(
            f"select provider, min({measure})::double, max({measure})::double"
            f" from rows_speeds where {measure} is not null group by provider order by provider"
        ).fetchall()
        told = tables.execute(
            "select provider, min, max from summary_decode_speed where measure = ? and provider <> 'all'"
            " and (session_kind, model, context_bin) = ('all', 'all', 'all') and count > 0 order by provider",
            [measure],
        ).fetchall()
    assert drawn == told != []


def test_a_number_has_an_interval_or_a_reason(figures: dict[str, Comparison]) -> None:
    for figure in figures.values():
        assert (figure.ours is not None) == bool(figure.interval or figure.no_interval), figure.figure_id
    reasons = {figure.no_interval for figure in figures.values()} - {None}
    assert reasons <= {*NONE.values(), "of one conversation, or of none"}
    assert figures["summary_human_wait.wait_seconds.all.max"].no_interval == "a maximum"
    assert figures["summary_eviction_tradeoff.effective_eviction_time.all.value"].interval is None


def test_ours_is_in_the_unit_of_the_published_figure(figures: dict[str, Comparison], warehouse: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as tables:
        [(hours,)] = tables.execute(
            "select sum(generation_ms) / 3600000 from steps where provider = 'claude'"
        ).fetchall()
        [(median_ms,)] = tables.execute(
            "select median(effective_ms) from tool_calls where provider = 'claude'"
        ).fetchall()
    assert figures["summary_generation_time.generation_total.claude.sum"].ours == pytest.approx(hours)
    latency = figures["summary_tool_latency.effective_latency.claude.p50"]
    assert latency.ours == pytest.approx(median_ms)
    assert latency.interval and latency.interval.estimate == pytest.approx(median_ms)
    assert latency.ratio == pytest.approx(median_ms / 125)


def test_a_share_of_the_whole_goes_by_all_of_the_client(
    figures: dict[str, Comparison], warehouse: Path
) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as tables:
        [(share,)] = tables.execute(
            "select count_if(model = 'gpt-5.5') / count(*) from steps where provider = 'codex'"
        ).fetchall()
    assert figures["summary_overview.model_mix.gpt-5.5.codex.share"].ours == pytest.approx(share)


def test_n_of_a_share_is_how_many_rows_its_base_holds(
    figures: dict[str, Comparison], warehouse: Path
) -> None:
    """Whatever it is a share of: steps, calls, waits, falls, sessions; all of them, not those it counts."""
    from tracelab import compare as module

    shares = {
        figure: sums[1]
        for figure in figures.values()
        if figure.statistic == "share"
        and (measure := module._measure(figure))
        and (sums := module._sums(figure, measure))
        and sums[1]
    }
    with open_read_only(warehouse) as tables:
        module._prepare(tables)
        bases = {
            figure.figure_id: tables.execute(
                f"select if(bool_and(base in (0, 1)), sum(base), count(base))"
                f" from (select {base.value} as base from rows_{base.rows} where {base.where})"
            ).fetchall()[0][0]
            for figure, base in shares.items()
        }
    assert len(bases) > 80
    assert {name: figures[name].n for name in bases} == bases


NONE_OF_SOME = [
    "summary_overview.steps_by_model.gpt-5.3-codex.codex.count",
    "summary_overview.tool_calls_by_model.gpt-5.3-codex.codex.count",
    "summary_overview.model_mix.gpt-5.3-codex.codex.share",
    "summary_tool_counts.calls.shell_command.codex.count",
    "summary_input_growth.negative_share.tool_result.codex.share",
    "summary_compactions.sessions_with_compaction.codex.count",
    "summary_compactions.sessions_with_compaction.codex.share",
]


def test_none_of_a_population_is_0_and_of_no_population_unknown(
    figures: dict[str, Comparison], warehouse: Path, tmp_path: Path
) -> None:
    """The sample's Codex sessions have steps and calls, but no such model, tool, fall or compaction."""
    assert {figure: figures[figure].ours for figure in NONE_OF_SOME} == dict.fromkeys(NONE_OF_SOME, 0)
    assert {figures[figure].ratio for figure in NONE_OF_SOME} == {0}
    # a share of compactions where there is none, and the users of logs without names
    assert figures["summary_compactions.user_initiated_compactions.codex.share"].ours is None
    assert figures["summary_overview.distinct_users.codex.count"].ours is None

    copy = tmp_path / "tracelab.duckdb"
    shutil.copyfile(warehouse, copy)
    with _work_folder(warehouse) as work:
        [compiled] = (work / "target" / "compiled").rglob("compare_published.sql")
        query = compiled.read_text()
    with duckdb.connect() as tables:
        tables.execute(f"attach '{copy}' as warehouse; use warehouse")
        for (table,) in tables.execute(
            "select distinct table_name from duckdb_columns() where database_name = 'warehouse'"
            " and schema_name = 'main' and column_name = 'provider'"
            " and table_name in (select table_name from duckdb_tables())"
        ).fetchall():
            tables.execute(f"delete from {table} where provider = 'codex'")
        without = dict(tables.execute(f"select figure_id, ours from ({query})").fetchall())
    assert {figure: without[figure] for figure in NONE_OF_SOME} == dict.fromkeys(NONE_OF_SOME)


def test_the_same_warehouse_gives_the_same_intervals(figures: dict[str, Comparison], warehouse: Path) -> None:
    assert {figure.figure_id: figure for figure in compare(warehouse)} == figures


def test_a_conversation_is_drawn_as_often_as_by_a_poisson_law_of_mean_one() -> None:
    from tracelab import compare as module

    with duckdb.connect() as warehouse:
        warehouse.execute("create table sessions as select 'c' || i as root_session_id from range(1000) t(i)")
        warehouse.execute(module._CLUSTERS)
        warehouse.execute(module._REPLICATES)
        [(replicates, clusters, mean, variance, none)] = warehouse.execute(
            "with each as (select replicate, unnest(weights) as weight from replicates)"
            " select count(distinct replicate), count(*) / 200, avg(weight), var_pop(weight),"
            " count_if(weight = 0) / count(*) from each"
        ).fetchall()
    assert (replicates, clusters) == (200, 1000)
    assert mean == pytest.approx(1, abs=0.01)
    assert variance == pytest.approx(1, abs=0.02)
    assert none == pytest.approx(0.3679, abs=0.005)


def test_many_rows_of_few_clusters_say_less_than_as_many_of_many() -> None:
    values = [float(value % 97) for value in range(10_000)]
    many = pl.DataFrame({"cluster": list(range(10_000)), "value": values})
    few = pl.DataFrame({"cluster": [int(value) // 10 for value in values], "value": values})
    [(point, low, high)] = percentile_intervals(many, [0.5])
    [(same_point, lower, higher)] = percentile_intervals(few, [0.5])
    assert point == same_point == 48.0
    assert low < point < high
    assert higher - lower > 5 * (high - low)


def test_a_percentiles_interval_is_that_of_a_simple_sample_where_each_row_is_its_own_cluster() -> None:
    """Of 0 to 9,999: the rank of the 90th percentile errs by 1.96 · √(0.9 · 0.1 · 10,000) = 58.8."""
    rows = pl.DataFrame({"cluster": list(range(10_000)), "value": [float(value) for value in range(10_000)]})
    [(point, low, high)] = percentile_intervals(rows, [0.9])
    assert point == pytest.approx(8999.1)
    assert (point - low, high - point) == (pytest.approx(58.8, abs=0.1), pytest.approx(58.8, abs=0.1))


@pytest.fixture(scope="module")
def page(figures: dict[str, Comparison]) -> str:
    return comparison_page(list(figures.values()))


def test_the_page_says_what_is_compared_and_fits_a_terminal(page: str) -> None:
    assert page.startswith("ours:  301 steps of 26 sessions\npaper: 357,161 steps of 4,265 sessions")
    assert max(len(line) for line in page.splitlines()) <= 100


def test_every_figure_is_a_line_of_its_theme_or_counted_by_the_reason_why_not(
    page: str, figures: dict[str, Comparison]
) -> None:
    lines = page.splitlines()
    shown = [line for line in lines[: lines.index("Not on this page")] if line.startswith("  ")]
    left_out = [int(found[1]) for line in lines if (found := re.match(r" {2,}(\d+)  [a-z]", line))]
    assert len(shown) > 300
    assert len(shown) + sum(left_out) == len(figures)
    assert f"{' ' * 4}25  of the paper's own sessions, projects and days" in page
    [latency] = [line for line in shown if re.match(r"  latency  +claude  p50 ms", line)]
    assert re.search(r" 125 +[\d.]+$", latency)
    names = [line[:46] for line in shown if re.match(r"  tool_calls_per_ste…", line)]
    assert len(names) > 1 and len(names) == len(set(names)), "what is cut is cut where names are alike"


def test_of_a_figure_published_twice_the_exact_one_is_printed(page: str) -> None:
    [line] = re.findall(r"  hit_ratio  +all  +share .*", page.partition("summary_cache_hit_ratio")[2])
    assert " 0.957 " in line


def test_themes_are_the_folders_of_their_tables() -> None:
    folders = {path.stem: path.parent.name for path in (ROOT / "models/summaries").rglob("summary_*.sql")}
    for theme, tables in THEMES.items():
        for table in tables:
            assert folders.get(table, "overview") == theme.replace(" ", "_")


def test_the_page_explains_its_marks_and_docs_the_rulings_that_they_cite(
    page: str, figures: dict[str, Comparison]
) -> None:
    body, _, rest = page.partition("\nNot on this page\n")
    used = set("".join(re.findall(r"^  .*  ([a-z]+)$", body, re.MULTILINE)))
    notes = rest.partition("\nNotes\n")[2]
    assert used == set(re.findall(r"^  ([a-z])  ", notes, re.MULTILINE))
    cited = {
        number
        for figure in figures.values()
        for words in re.findall(r"rulings? ([\d and]+)", figure.note or "")
        for number in re.findall(r"\d+", words)
    }
    told = re.findall(r"^\| (\d+) \| ", (ROOT / "docs/rulings.md").read_text(), re.MULTILINE)
    assert cited and cited <= set(told)


def test_no_number_is_infinite_or_none_at_all(figures: dict[str, Comparison]) -> None:
    numbers = [figure.ours for figure in figures.values()] + [figure.ratio for figure in figures.values()]
    assert all(isfinite(number) for number in numbers if number is not None)


def test_the_export_writes_the_comparison(
    warehouse: Path, tmp_path: Path, figures: dict[str, Comparison]
) -> None:
    files = {path.name: path for path in export_tables(warehouse, tmp_path)}
    with files["compare_published.csv"].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["figure_id"] for row in rows} == figures.keys()
    assert all(row["note"] for row in rows if row["comparability"] != "same")
    for row in rows:
        figure = figures[row["figure_id"]]
        ends = (figure.interval.low, figure.interval.high) if figure.interval else ("", "")
        assert (row["interval_low"], row["interval_high"]) == tuple(map(str, ends))
        assert row["no_interval"] == (figure.no_interval or "")


def test_a_warehouse_without_the_table_says_what_to_do(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "w.duckdb")) as warehouse:
        warehouse.execute("create table steps (x int)")
    with pytest.raises(TracelabError, match="run `tracelab build`"):
        compare(tmp_path / "w.duckdb")


def test_a_prompt_of_no_tokens_is_compared_too(warehouse: Path, tmp_path: Path) -> None:
    copy = tmp_path / "tracelab.duckdb"
    shutil.copyfile(warehouse, copy)
    with duckdb.connect(str(copy)) as tables:
        tables.execute("update steps set context_tokens = 0 where generation_ms > 0 and step_index = 0")
    speeds = [figure for figure in compare(copy) if figure.metric == "output_tokens_per_s"]
    assert speeds and all(figure.interval or figure.no_interval for figure in speeds if figure.ours)
