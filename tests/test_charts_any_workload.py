"""Charts of workloads that nobody planned for: names that attack, names without end, and parts that lack."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.test_charts import NAMES, RARE, copy_tables, marks, tables, texts, within  # noqa: F401  (tables is a fixture)
from tracelab.charts import charts, draw, draw_charts, svg
from tracelab.charts.words import dollars

LONG = "x" * 300
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>&amp;",
    "\"quoted\" 'twice' `thrice` ${this} \\n",
    "right \u202eto\u202c left \u200f",
    "two\nlines\tand\x07a bell\u2028",
    "=cmd|' /C calc'!A0",
    "👩‍👩‍👧 family",
    LONG,
)
SHOWN = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>&amp;",
    "\"quoted\" 'twice' `thrice` ${this} \\n",
    "right to left ",
    "two�lines�and�a bell�",
    "=cmd|' /C calc'!A0",
    "👩‍👩‍👧 family",
    LONG,
)


@pytest.fixture
def rare(tables: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:  # noqa: F811
    """The sample's tables, and rows of what no small log has: fits, buckets and outputs of 300 models."""
    models = "(select format('model {:03}', range) as model, range as place from range(300))"
    cut = "'claude' as provider, 'all' as session_kind"
    kinds = "unnest(['tool_to_tool_call', 'user_to_tool_call'])"
    for table, columns in {
        "summary_output_attribution": "'all' as trigger, 2000 as min_output_tokens, 400 - place as pairs,"
        " 'append_side' as decision, 0.9 as append_side_share, 0.1 as prefix_close_share",
        "summary_output_attribution_grid": "unnest(['append_tokens', 'prefix_gain_tokens']) as measure,"
        " 2048 as output_low_tokens, 2896.3 as output_high_tokens, 4096 as held_low_tokens,"
        " 5792.6 as held_high_tokens, 400 - place as pairs",
        "summary_timing_fit": f"{kinds} as segment_kind, unnest(['median', 'log_duration']) as fit,"
        " 9000 - place as segments, 100 as test_segments, 2.5 as mae_s, 1.5 as floor_mae_s",
        "summary_append_vs_prefix_latency": f"{kinds} as segment_kind, 'b' || place as total_bin,"
        " 'o' as output_bin, 30 as pairs, 50000 as total_p50_tokens, 1.5 as p50_ratio,"
        " 0.7 as slower_probability",
    }.items():
        tables.execute(f"insert into {table} by name select {cut}, model, {columns} from {models}")
    tables.execute(f"""
        insert into summary_timing_fit_grid by name
        select {cut}, 'all' as model, 'log_duration' as fit, 1 as segments, x as predicted_low_s,
            1.3 * x as predicted_high_s, y as measured_low_s, 1.3 * y as measured_high_s
        from (select 10 ** (range / 8 - 2) as x from range(48)) as predicted
        cross join (select 10 ** (range / 8 - 2) as y from range(48)) as measured
    """)
    tables.execute(
        "update summary_append_vs_prefix_latency set buckets = 600, p50_ratio = 1.5, slower_probability = 0.7"
        " where total_bin = 'all'"
    )
    return tables


def columns_of(tables: duckdb.DuckDBPyConnection, *names: str) -> Iterator[tuple[str, str]]:  # noqa: F811
    query = "select table_name, column_name from duckdb_columns() where database_name = 'memory' order by all"
    for table, column in tables.execute(query).fetchall():
        if column in names:
            yield table, column


def spec(tables: duckdb.DuckDBPyConnection, name: str) -> dict[str, Any]:  # noqa: F811
    made: dict[str, Any] = draw(charts()[name], tables).to_dict()
    return made


@pytest.mark.parametrize("name", sorted(RARE))
def test_what_few_logs_have_is_drawn_where_there_is_some(name: str, rare: duckdb.DuckDBPyConnection) -> None:
    title = spec(rare, name)["title"]
    assert title["subtitle"] != ["Nothing to draw"]
    assert "26 sessions" in title["subtitle"][0]


def test_fits_without_an_error_are_drawn(rare: duckdb.DuckDBPyConnection) -> None:
    rare.execute("update summary_timing_fit set mae_s = 0, floor_mae_s = 0")
    assert spec(rare, "timing_fit")["title"]["subtitle"] != ["Nothing to draw"]


def test_an_axis_of_few_has_no_part_of_a_step_and_no_amount_twice(
    tables: duckdb.DuckDBPyConnection,  # noqa: F811
) -> None:
    tables.execute("delete from summary_dashboard_daily where provider <> 'claude'")
    tables.execute(
        "delete from summary_dashboard_daily where day > (select min(day) from summary_dashboard_daily)"
    )
    tables.execute("update summary_dashboard_daily set steps = 2, cost_usd = 0.0076")
    tables.execute("update summary_tool_counts set tool_calls = 1")
    for name, shown in {"activity": {"0", "1", "2", "$0.002"}, "tool_counts": {"0", "1"}}.items():
        labels = texts(svg(spec(tables, name)))
        assert shown <= set(labels)
        assert not [label for label in labels if label.endswith("00m")]
        amounts = [label for label in labels if label.startswith("$0.")]
        assert len(amounts) == len(set(amounts))


def test_more_days_than_a_year_has_are_drawn_by_month(tables: duckdb.DuckDBPyConnection) -> None:  # noqa: F811
    tables.execute(
        "insert into summary_dashboard_daily by name select * replace (day - interval 400 days as day)"
        " from summary_dashboard_daily where provider = 'claude'"
    )
    drawn = spec(tables, "activity")
    labels = texts(svg(drawn))
    assert {"Month (date)", "Sep 2025", "Sep 2026"} <= set(labels)
    rows = max(drawn["datasets"].values(), key=len)
    (steps,) = tables.execute(
        "select sum(steps) from summary_dashboard_daily"
        " where provider <> 'all' and session_kind = 'all' and day is not null"
    ).fetchall()
    assert sum(row["steps"] for row in rows) == steps[0]
    assert len({(row["day"], row["provider"]) for row in rows}) == len(rows) < 10


@pytest.mark.parametrize(
    ("amount", "said"), [(0, "$0"), (0.000017, "<$0.0001"), (0.00419, "$0.0042"), (3.751, "$3.75")]
)
def test_an_amount_too_small_to_tell_is_no_power_of_ten(amount: float, said: str) -> None:
    assert dollars(amount) == said


def test_2000_tools_and_300_models_stay_within_5000_rows(rare: duckdb.DuckDBPyConnection) -> None:
    many = {"tool_name": (2000, "session_kind = 'all' and model = 'all'"), "model": (300, "true")}
    for table, column in [*columns_of(rare, *many)]:
        number, where = many[column]
        if not table.startswith("summary_"):
            continue
        rare.execute(
            f"insert into {table} select * exclude (range) replace ({column} || range as {column})"
            f" from (from {table} as rows where {column} <> 'all' and {where}"
            f" and to_json(rows) ->> 'provider' is distinct from 'all' limit 20), range({number})"
        )
    for name in NAMES:
        datasets = spec(rare, name).get("datasets", {})
        assert sum(len(rows) for rows in datasets.values()) <= 5000, name
    (tools,) = rare.execute("select count(distinct tool_name) from summary_tool_time").fetchall()
    assert tools[0] > 2000


@pytest.mark.parametrize(("tools", "rest"), [(20, "5 further tools"), (16, "1 further tool")])
def test_what_lies_beyond_the_first_tools_is_one_bar_with_its_sum_and_the_last(
    tables: duckdb.DuckDBPyConnection,  # noqa: F811
    tools: int,
    rest: str,
) -> None:
    tables.execute("delete from summary_tool_counts where tool_category <> 'all'")
    # the rest together have more calls than any tool
    tables.execute(f"""
        insert into summary_tool_counts by name
        select 'claude' as provider, 'all' as session_kind, 'all' as model, 'rare' as tool_group,
            'other' as tool_category, 'tool ' || range as tool_name, 100 - range as tool_calls,
            50 as known_outcomes, 5 as tool_errors
        from range({tools})
    """)
    rows = next(rows for rows in spec(tables, "tool_counts")["datasets"].values() if "tool_calls" in rows[0])
    assert [row["tool"] for row in rows] == [f"tool {place}" for place in range(15)] + [rest]
    last = rows[-1]
    assert (last["provider"], last["error_share"]) == ("all", 0.1)
    assert last["tool_calls"] == sum(100 - place for place in range(15, tools))


@pytest.fixture(scope="module")
def hostile(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all charts of the sample, its tools, models, sessions and triggers named to do harm."""
    db = tmp_path_factory.mktemp("hostile") / "tracelab.duckdb"
    with duckdb.connect(str(db)) as changed:
        copy_tables(warehouse, changed)
        tools = ["Bash", "wait", "write_stdin", "exec_command", "exec", "Agent", "Read", "Edit"]
        models = ["claude-opus-4-8", "gpt-5.6-sol", "gpt-5.5", "claude-opus-4-7", "claude-sonnet-4-6"]
        names = {
            ("tool_latency", "tool_name"): tools,
            ("tool_time", "tool_name"): tools,
            ("dashboard_models", "model"): [*models, "gpt-5.4", "claude-haiku-4-5-20251001"],
        }
        for (table, column), found in names.items():
            for name, bad in zip(found, HOSTILE[-len(found) :], strict=True):
                changed.execute(f"update summary_{table} set {column} = ? where {column} = ?", [bad, name])
        changed.execute("update compactions set compaction_trigger = ?", [HOSTILE[0] + LONG])
        (session,) = changed.execute(
            charts()["session_steps"].frames["session"], {"session_id": None}
        ).fetchall()
        for table in ("sessions", "steps", "tool_calls", "compactions"):
            changed.execute(
                f"update {table} set session_id = ? where session_id = ?", [HOSTILE[0] + LONG, session[0]]
            )
    draw_charts(db, db.parent, formats=("svg", "html", "json"))
    return db.parent


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_of_hostile_names_is_sound_and_runs_none_of_them(name: str, hostile: Path) -> None:
    svg = (hostile / f"{name}.svg").read_text()
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(svg).iter()}
    assert not tags & {"script", "img", "foreignObject", "image"}
    html = (hostile / f"{name}.html").read_text()
    assert html.count("</script>") == 2 and "<img src=x" not in html


@pytest.mark.parametrize("name", ["tool_latency", "tool_time", "model_mix"])
def test_names_are_drawn_as_text_cut_where_they_are_long_and_whole_where_pointed_at(
    name: str, hostile: Path
) -> None:
    root = ET.fromstring((hostile / f"{name}.svg").read_text())
    drawn = {"".join(element.itertext()) for element in root.iter() if element.tag.endswith("}text")}
    ends = {(text.strip()[:8], text.strip()[-8:]) for text in drawn}
    missing = [label for label in SHOWN if (label.strip()[:8], label.strip()[-8:]) not in ends]
    assert len(missing) <= 1, missing  # a chart draws the first, and sums up the rest
    assert any(text.startswith("xxx") and "…xxx" in text for text in drawn)
    assert all(len(text) < 250 for text in drawn)
    made = json.loads((hostile / f"{name}.json").read_text())
    assert LONG in {value for rows in made["datasets"].values() for row in rows for value in row.values()}


def test_a_session_with_a_hostile_name_is_named_in_short(hostile: Path) -> None:
    title = json.loads((hostile / "session_steps.json").read_text())["title"]["subtitle"][0]
    assert title.startswith(HOSTILE[0]) and "…" in title and len(title) < 250


@pytest.fixture(scope="module")
def bare(poor_warehouse: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the charts of one client's logs, without a tool call and without a price."""
    folder = tmp_path_factory.mktemp("bare")
    draw_charts(poor_warehouse("bare"), folder, formats=("svg", "json"))
    return folder


NEEDS_TOOLS = {
    "runner_gap",
    *(name for name in NAMES if name.startswith("tool_")),
}


@pytest.mark.parametrize("name", NAMES)
def test_one_client_without_tools_or_prices_has_every_chart_or_a_reason(name: str, bare: Path) -> None:
    missing = name in NEEDS_TOOLS | RARE | {"session_cost"}
    shown = texts((bare / f"{name}.svg").read_text())
    assert any(text.startswith("No ") and text.endswith(".") for text in shown) == missing
    assert (marks(bare, name) == 0) == missing
    assert not any(text.endswith("$0") for text in shown if "step" in text or "model" in text)
    made = json.loads((bare / f"{name}.json").read_text())
    assert "Codex" not in {text for text in within(made, "text") if isinstance(text, str)}


def test_bars_without_a_price_say_so(bare: Path) -> None:
    assert "no price" in texts((bare / "model_mix.svg").read_text())
