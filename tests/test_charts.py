"""Charts: what a reader finds in them, on much data, on one session and on none; and what the files hold."""

import csv
import itertools
import json
import re
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import Once
from tests.raw_warehouse import raw_warehouse
from tracelab.charts import charts, draw, draw_charts, shapes
from tracelab.charts.base import Chart
from tracelab.charts.overview import THEMES
from tracelab.charts.sessions import MISS_SHAPES
from tracelab.charts.theme import TIME_PARTS, TOKEN_COLOURS, config
from tracelab.charts.vega import vega_script
from tracelab.errors import TracelabError

NAMES = tuple(charts())
RARE = {"append_vs_prefix_latency", "output_attribution", "timing_fit"}
NOTHING_OF = {
    "sample": RARE,
    "one_session": RARE | {"compactions", "human_waits", "tool_long_tail"},
}
"""Charts whose population few logs have members of."""
STATIC_SIZES = {(640, 360), (960, 360), (960, 640)}


@pytest.fixture(scope="module")
def drawn(warehouse: Path, once: Once) -> Path:
    """A folder with every chart of the sample, in every format."""
    formats = ("html", "svg", "png", "json")
    return once("charts", lambda folder: draw_charts(warehouse, folder, formats=formats))


@pytest.fixture(scope="module")
def one_session(poor_warehouse: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the charts of a warehouse of one session."""
    folder = tmp_path_factory.mktemp("one")
    draw_charts(poor_warehouse("one_session"), folder, formats=("svg", "json"))
    return folder


@pytest.fixture(scope="module")
def nothing(poor_warehouse: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the charts of a warehouse whose one log held no session."""
    folder = tmp_path_factory.mktemp("nothing")
    draw_charts(poor_warehouse("nothing"), folder, formats=("svg", "json"))
    return folder


@pytest.fixture
def tables(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The sample's tables, to be changed at will."""
    with duckdb.connect() as copy:
        copy_tables(warehouse, copy)
        yield copy


def copy_tables(warehouse: Path, copy: duckdb.DuckDBPyConnection) -> None:
    """Copy the tables that charts read from a warehouse."""
    copy.execute(f"attach '{warehouse}' as sample (read_only)")
    copy.execute("create schema simulations")
    for schema, name in copy.execute(
        "select schema_name, table_name from duckdb_tables()"
        " where schema_name in ('main', 'simulations') and database_name = 'sample'"
    ).fetchall():
        copy.execute(f"create table {schema}.{name} as from sample.{schema}.{name}")


def spec_of(folder: Path, name: str) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
    return spec


def within(value: Any, key: str) -> Iterator[Any]:
    """Every value under a key, at any depth."""
    if isinstance(value, dict):
        if key in value:
            yield value[key]
        for part in value.values():
            yield from within(part, key)
    elif isinstance(value, list):
        for part in value:
            yield from within(part, key)


def texts(svg: str) -> list[str]:
    return [re.sub("<[^>]*>", "", text) for text in re.findall(r"<text[^>]*>(.*?)</text>", svg)]


def marks(folder: Path, name: str) -> int:
    """How many bars, lines, points and ticks a picture shows."""
    svg = (folder / f"{name}.svg").read_text()
    return len(re.findall(r'aria-roledescription="(?:bar|line mark|point|rect mark|rule mark|tick)"', svg))


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_asks_a_question_and_says_what_it_reads(name: str) -> None:
    chart = charts()[name]
    assert chart.question.endswith("?")
    assert all(re.search(r"\bfrom \w+", query) for query in chart.frames.values())


@pytest.mark.parametrize("name", sorted(set(NAMES) - NOTHING_OF["sample"]))
def test_a_chart_of_the_sample_shows_marks_and_how_many_it_is_of(name: str, drawn: Path) -> None:
    title = spec_of(drawn, name)["title"]
    assert marks(drawn, name) > 3
    assert re.search(r"\d+ steps? · .*\d{4}-\d\d-\d\d|\d+ steps ·", title["subtitle"][0])


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_names_the_tables_that_it_reads(name: str, drawn: Path) -> None:
    footnote = next(text for text in texts((drawn / f"{name}.svg").read_text()) if text.startswith("from "))
    queries = " ".join(charts()[name].frames.values())
    read = set(re.findall(r"\bfrom (?:simulations\.)?(\w+)", queries)) - {"summary_overview", "sessions"}
    assert read <= set(re.findall(r"\w+", footnote))


@pytest.mark.parametrize("name", sorted(set(NAMES) - NOTHING_OF["one_session"]))
def test_a_chart_of_one_session_still_shows_marks(name: str, one_session: Path) -> None:
    assert marks(one_session, name) > 0
    assert "1 session" in " ".join(spec_of(one_session, name)["title"]["subtitle"]) or name == "session_steps"


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_without_data_says_what_is_missing(name: str, nothing: Path) -> None:
    shown = texts((nothing / f"{name}.svg").read_text())
    assert any(re.fullmatch(r"No .+\.", text) for text in shown)
    assert marks(nothing, name) == 0


@pytest.mark.parametrize("name", sorted(set(NAMES) - NOTHING_OF["sample"]))
def test_every_titled_axis_names_its_unit(name: str, drawn: Path) -> None:
    titles = [axis["title"] for axis in within(spec_of(drawn, name), "axis") if axis and axis.get("title")]
    assert len(titles) >= 1
    assert [title for title in titles if not re.search(r"\(.+\)$", title)] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_holds_at_most_5000_rows(name: str, drawn: Path) -> None:
    assert sum(len(rows) for rows in spec_of(drawn, name)["datasets"].values()) <= 5000


def test_a_curve_of_tokens_says_its_landmarks_and_the_end_of_its_axis(drawn: Path) -> None:
    keys = [text for text in texts((drawn / "adjusted_append.svg").read_text()) if "p50" in text]
    assert len(keys) == 4
    assert all(re.fullmatch(r"\w+: p50 \S+ · p90 \S+ · p99 \S+", key) for key in keys)
    assert texts((drawn / "token_lengths.svg").read_text()).count("512k") == 6


@pytest.mark.parametrize(
    ("name", "kind"), list(itertools.product(NAMES, ("drawn", "one_session", "nothing")))
)
def test_a_static_picture_fits_its_size(name: str, kind: str, request: pytest.FixtureRequest) -> None:
    """What is drawn is not shrunk by more than a hundredth, so that its text keeps its size."""
    svg = (request.getfixturevalue(kind) / f"{name}.svg").read_text()
    match = re.search(r'width="(\d+)" height="(\d+)" viewBox="0 0 ([\d.]+)', svg)
    assert match
    width, height, box = int(match[1]), int(match[2]), float(match[3])
    assert (width, height) in STATIC_SIZES
    assert box <= 1.01 * width


@pytest.mark.parametrize("name", NAMES)
def test_a_png_is_drawn_at_twice_its_size(name: str, drawn: Path) -> None:
    png = (drawn / f"{name}.png").read_bytes()
    assert png.startswith(b"\x89PNG")
    assert tuple(spec_of(drawn, name)["usermeta"]["size"]) == (
        int.from_bytes(png[16:20], "big") / 2,
        int.from_bytes(png[20:24], "big") / 2,
    )


@pytest.mark.parametrize("name", NAMES)
def test_an_html_file_needs_nothing_from_elsewhere(name: str, drawn: Path) -> None:
    html = (drawn / f"{name}.html").read_text()
    tags = re.findall(r"<(?:script|link|img|iframe|style)\b[^>]*>", html.replace("\\u003c", ""))
    assert [tag for tag in tags if re.search(r"\b(?:src|href)=", tag)] == [
        tag
        for tag in tags
        if "${" in tag  # templates inside the libraries
    ]
    assert "vegaEmbed(" in html and "actions: false" in html


def test_the_script_that_draws_is_made_once_and_again_where_it_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    monkeypatch.setattr("vl_convert.javascript_bundle", lambda snippet: made.append(snippet) or "script")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def scripts() -> tuple[str, int]:
        vega_script.cache_clear()
        return vega_script(), len(made)

    try:
        assert [scripts(), scripts()] == [("script", 1), ("script", 1)]
        [kept] = (tmp_path / "cache/tracelab").iterdir()
        kept.write_bytes(kept.read_bytes()[:-1])
        assert [scripts(), scripts()] == [("script", 2), ("script", 2)]
        (tmp_path / "file").touch()
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
        assert [scripts(), scripts()] == [("script", 3), ("script", 4)]
    finally:
        vega_script.cache_clear()


def test_the_same_warehouse_gives_the_same_files(warehouse: Path, drawn: Path, tmp_path: Path) -> None:
    for path in draw_charts(warehouse, tmp_path, formats=("svg", "json")):
        assert path.read_bytes() == (drawn / path.name).read_bytes()


def test_an_asked_for_session_is_drawn_instead_of_the_chosen_one(warehouse: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as built:
        query = (
            "select session_id from sessions where steps > 0 and session_kind = 'subagent' order by 1 limit 1"
        )
        ((asked,),) = built.execute(query).fetchall()
    draw_charts(warehouse, tmp_path, ["session_steps"], ("json",), session_id=asked)
    assert spec_of(tmp_path, "session_steps")["title"]["subtitle"][0].startswith(f"{asked} · ")


def test_the_session_drawn_by_default_is_a_main_one(warehouse: Path, drawn: Path) -> None:
    shown = spec_of(drawn, "session_steps")["title"]["subtitle"][0].partition(" · ")[0]
    with duckdb.connect(str(warehouse), read_only=True) as built:
        kind = built.execute("select session_kind from sessions where session_id = ?", [shown]).fetchall()
    assert kind == [("main",)]


def test_every_panel_of_the_miss_causes_has_them_in_the_same_rows(drawn: Path, one_session: Path) -> None:
    for folder in (drawn, one_session):
        channels = [y for y in within(spec_of(folder, "miss_causes"), "y") if isinstance(y, dict)]
        rows = [y["scale"]["domain"] for y in channels if "field" in y]
        assert len(rows) >= 3
        assert all(row == rows[0] for row in rows)


def test_published_figures_are_grouped_by_the_themes_of_their_tables(drawn: Path) -> None:
    root = Path(__file__).resolve().parents[1]
    folders = {path.stem: path.parent.name for path in (root / "models/summaries").glob("*/*.sql")}
    with (root / "seeds" / "published_figures.csv").open(newline="") as file:
        compared = {
            row["table_name"]
            for row in csv.DictReader(file)
            if row["comparability"] in ("same", "compare_with", "differs")
            and row["statistic"] not in ("count", "sum")
        }
    themes = {name: theme for theme, names in THEMES.items() for name in names}
    assert {table.removeprefix("summary_"): table for table in compared}.keys() == themes.keys()
    for table in compared & folders.keys():
        assert folders[table].replace("_", " ") == themes[table.removeprefix("summary_")]
    shown = texts((drawn / "published.svg").read_text())
    assert set(THEMES) <= set(shown)
    assert not any(text.endswith("…") for text in shown)


def test_a_cause_that_missed_nothing_has_no_row(tables: duckdb.DuckDBPyConnection) -> None:
    tables.execute("update summary_miss_causes set missed_tokens = 0 where miss_cause = 'model_change'")
    spec = draw(charts()["miss_causes"], tables).to_dict()
    names = {row["cause"] for rows in spec["datasets"].values() for row in rows if "cause" in row}
    [rows] = {tuple(y["scale"]["domain"]) for y in within(spec, "y") if isinstance(y, dict) and "field" in y}
    assert sorted(rows) == ["compaction", "idle", "none", "residual"] and len(names) == 4


def test_where_a_session_was_restarted_no_first_step_is_said_to_miss_nothing(
    tables: duckdb.DuckDBPyConnection,
) -> None:
    def footnote() -> str:
        texts = within(draw(charts()["miss_causes"], tables).to_dict(), "text")
        return next(text for text in texts if str(text).startswith("from "))

    assert "a session's first step misses nothing" in footnote()
    tables.execute(
        "insert into summary_losses by name from summary_losses select * replace ('restart' as cause)"
        " where loss = 'cache_miss' and cause = 'compaction'"
    )
    assert "of 2 restarts the first step is told in summary_losses" in footnote()
    assert "misses nothing" not in footnote()


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        (
            "compactions",
            "insert into compactions by name select * replace (null as pre_tokens, 'manual' as"
            " compaction_trigger) from compactions limit 1",
            "left out: 1 compaction of unknown size",
        ),
        (
            "hit_ratio",
            "update summary_cache_hit_ratio set steps = count + 21, multi_call_steps = 2",
            "left out: 2 steps of several calls, 21 that nothing in the log started",
        ),
        ("adjusted_append", "update summary_adjusted_append set missing_pairs = 4", "left out: 4 pairs with"),
        (
            "activity",
            "insert into summary_dashboard_daily by name"
            " select * replace (null as day, 4 as steps) from summary_dashboard_daily"
            " where provider = 'all' and session_kind = 'all' limit 1",
            "left out: 4 steps without a day",
        ),
        (
            "session_cost",
            "update summary_cost_distribution set units = count + 3",
            "left out: 3 sessions without a priced step",
        ),
        (
            "human_waits",
            "update sessions set human_wait_ms = human_wait_ms + 60000 where session_id ="
            " (select min(session_id) from sessions)",
            "left out: 1 min before messages that led to no step",
        ),
        (
            "request_shape",
            "update summary_request_response_time set untimed_requests = 1",
            "left out: 1 request without a response time",
        ),
        (
            "token_lengths",
            "update summary_token_lengths set placeholder_steps = 7 where measure = 'output_tokens'",
            "left out: 7 outputs without a final count",
        ),
        (
            "decode_speed",
            "update summary_decode_speed set placeholder_steps = 9",
            "left out: 9 steps without a final output count",
        ),
    ],
    ids=lambda value: value if re.fullmatch(r"\w+", value) else "",
)
def test_what_a_picture_leaves_out_is_told_with_its_count(
    tables: duckdb.DuckDBPyConnection, name: str, change: str, told: str
) -> None:
    tables.execute(change)
    said = map(str, within(draw(charts()[name], tables).to_dict(), "text"))
    assert told in next(text for text in said if text.startswith("from "))


@pytest.mark.parametrize(
    ("name", "table"),
    [("tool_counts", "summary_tool_counts"), ("tool_categories", "summary_tool_categories")],
)
def test_few_known_outcomes_are_no_share_of_a_tool(
    tables: duckdb.DuckDBPyConnection, name: str, table: str
) -> None:
    tables.execute(f"update {table} set known_outcomes = 1, tool_errors = 1, error_share = 1")
    tables.execute(f"update {table} set tool_calls = 3")
    assert "unknown" in (texts := set(map(str, within(draw(charts()[name], tables).to_dict(), "text"))))
    assert "100%" not in texts
    tables.execute(f"update {table} set tool_calls = 2")
    assert "unknown" not in set(map(str, within(draw(charts()[name], tables).to_dict(), "text")))


def test_what_started_compactions_is_told_of_all_of_them(tables: duckdb.DuckDBPyConnection) -> None:
    [(number, manual)] = tables.sql(
        "select count(*), count(*) filter (where compaction_trigger = 'manual') from compactions"
    ).fetchall()
    tables.execute(
        "insert into compactions by name"
        " select * replace (null as post_tokens, 'manual' as compaction_trigger) from compactions"
    )
    [_, told] = draw(charts()["compactions"], tables).to_dict()["title"]["subtitle"]
    share = (manual + number) / (2 * number)
    assert f"What started {2 * number} compactions in all: " in told
    assert f"{100 * share:.0f}% manual" in told


def test_an_output_of_unknown_length_is_left_out_of_a_session(tables: duckdb.DuckDBPyConnection) -> None:
    tables.execute("update steps set usage_is_final = false, output_tokens = 3")
    spec = draw(charts()["session_steps"], tables).to_dict()
    shown = [
        row["output_tokens"] for rows in spec["datasets"].values() for row in rows if "output_tokens" in row
    ]
    assert shown and set(shown) == {None}
    assert any(
        re.search(r"left out: \d+ outputs? of unknown length", str(text)) for text in within(spec, "text")
    )


def test_a_session_s_key_names_the_marks_that_are_there(tables: duckdb.DuckDBPyConnection) -> None:
    def key() -> set[str]:
        spec = draw(charts()["session_steps"], tables).to_dict()
        marks = {"failed call", "compacted", "missed, by cause:", "idle", "compaction", "restart", "residual"}
        return marks & {text for text in within(spec, "text") if isinstance(text, str)}

    assert {"failed call", "missed, by cause:", "idle"} <= key()
    tables.execute("update tool_calls set is_error = false")
    tables.execute("delete from compactions")
    tables.execute("update cache_reuse set miss_cause = 'idle' where miss_cause <> 'none'")
    assert key() == {"missed, by cause:", "idle"}
    tables.execute("update cache_reuse set miss_cause = 'none'")
    assert key() == set()
    tables.execute(
        "insert into simulations.sim_restarts by name select step_id, 1234 as missed_tokens from steps"
        " where step_index = 0"
    )
    assert key() == {"missed, by cause:", "restart"}


def test_a_cause_of_a_miss_has_the_same_shape_in_the_explorer() -> None:
    script = files("tracelab.report").joinpath("templates", "session_plot.js").read_text()
    shapes = re.search(r"const CAUSES = \{(.*)\}", script)
    assert shapes
    assert dict(re.findall(r'(\w+): "([\w-]+)"', shapes[1])) == MISS_SHAPES


def test_a_day_s_label_stands_in_the_middle_of_its_bar(drawn: Path) -> None:
    ticks = [tick for values in within(spec_of(drawn, "activity"), "values") for tick in values if tick != {}]
    assert 5 < len(ticks) <= 10
    assert {(tick["hours"], tick["utc"]) for tick in ticks} == {(12, True)}


def test_a_first_token_before_its_time_is_drawn_below_zero(tables: duckdb.DuckDBPyConnection) -> None:
    tables.execute("update summary_decode_speed set p25 = -8, p50 = -2, p75 = 1")
    spec = draw(charts()["first_token_time"], tables).to_dict()
    domain = next(scale["domain"] for scale in within(spec, "scale") if scale.get("type") == "symlog")
    assert domain[0] <= -8 and domain[1] >= 1


def test_times_to_the_first_token_begin_at_zero(tables: duckdb.DuckDBPyConnection) -> None:
    tables.execute("update summary_decode_speed set p25 = 4, p50 = 6, p75 = 9")
    spec = draw(charts()["first_token_time"], tables).to_dict()
    axes = [axis for axis in within(spec, "axis") if axis and "Residual" in axis.get("title", "")]
    assert axes and all(axis["values"] == [0, 1, 3, 10] for axis in axes)


def test_money_large_sums_and_infinities_reach_a_chart_as_numbers(tables: duckdb.DuckDBPyConnection) -> None:
    query = "select 1.5::decimal(18, 12) as money, sum(range::hugeint) as tokens, 'inf'::double as endless"
    query += " from range(4)"
    seen = draw(Chart("x", "x", "x?", {"data": query}, lambda data: data), tables)
    assert seen.to_dicts() == [{"money": 1.5, "tokens": 6.0, "endless": None}]


@pytest.mark.parametrize(("names", "formats", "message"), [
    (["tool_latencies"], ["svg"], "there is no chart tool_latencies; there is tool_latency"),
    (["tool_latency"], ["gif"], "there is no format gif; there is html, svg, png, json"),
])  # fmt: skip
def test_an_unknown_name_is_refused_with_those_there_are(
    names: list[str], formats: list[str], message: str, warehouse: Path, tmp_path: Path
) -> None:
    with pytest.raises(TracelabError, match=re.escape(message)):
        draw_charts(warehouse, tmp_path / "out", names, formats)
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_place_of_the_folder_is_one_message(warehouse: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(TracelabError, match="out is no folder"):
        draw_charts(warehouse, tmp_path / "out", ["activity"])
    assert (tmp_path / "out").read_text() == "mine"


def test_a_warehouse_that_is_not_built_is_told_apart(tmp_path: Path) -> None:
    db = raw_warehouse(tmp_path / "tracelab.duckdb", files=[{}])
    with pytest.raises(TracelabError, match="run `tracelab build`"):
        draw_charts(db, tmp_path)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("style", ["label", "strong", "note"])
def test_text_has_contrast_in_light_and_in_dark(mode: Any, style: str) -> None:
    colours = config(mode)
    assert contrast(colours["style"][style]["color"], colours["background"]) >= 4.5


@pytest.mark.parametrize("colour", [*(look for _, look in TIME_PARTS.values()), *TOKEN_COLOURS.values()])
def test_numbers_on_a_coloured_bar_have_contrast(colour: str) -> None:
    assert contrast(shapes.ON_COLOUR, colour) >= 4.5


@pytest.mark.parametrize("name", NAMES)
def test_only_the_config_knows_whether_the_page_is_light(name: str, drawn: Path) -> None:
    spec = spec_of(drawn, name)
    del spec["config"]
    light = {config()["background"], *(config()["style"][style]["color"] for style in ("label", "note"))}
    assert not {"white", "black", *light} & set(re.findall(r'"([^"]*)"', json.dumps(spec)))


def contrast(one: str, other: str) -> float:
    """The WCAG contrast ratio of two colours."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_draws_no_whole_beside_its_parts(name: str, tables: duckdb.DuckDBPyConnection) -> None:
    for frame, query in charts()[name].frames.items():
        if "$" in query:  # of one session: marts, which pool nothing
            continue
        rows = tables.sql(query).pl()
        for cut in {"session_kind", "model", "trigger"} & set(rows.columns):
            values = set(rows[cut].to_list())
            assert "all" not in values or values == {"all"}, f"{frame} mixes cuts by {cut}"


@pytest.mark.parametrize("name", ["eviction_tradeoff", "human_waits", "kv_active"])
def test_lifetimes_of_caches_are_ruled_at_the_end_of_an_axis_too(drawn: Path, name: str) -> None:
    assert {300, 3600} <= {place for place in within(spec_of(drawn, name), "datum") if isinstance(place, int)}


@pytest.mark.parametrize(
    ("name", "shares"),
    [
        ("model_mix", {"step_share", "token_share", "cost_share"}),
        ("tool_categories", {"call_share", "time_share"}),
        ("tool_long_tail", {"call_share", "time_share"}),
    ],
)
def test_shares_beside_each_other_are_drawn_to_one_scale(name: str, shares: set[str], drawn: Path) -> None:
    ends: dict[str, set[float]] = {}
    for x in within(spec_of(drawn, name), "x"):
        if isinstance(x, dict) and "scale" in x:
            ends.setdefault(x["field"], set()).add(x["scale"]["domain"][1])
    assert shares <= set(ends)
    assert len(set.union(*(ends[share] for share in shares))) == 1


def test_a_hit_ratio_has_all_its_bins_and_says_where_they_end(drawn: Path) -> None:
    found = texts((drawn / "hit_ratio.svg").read_text())
    below = [f"&lt; {share}%" for share in (10, 40, 50, 80, 90, 95, 98, 99)]
    assert [text for text in found if text.startswith(("&lt;", "≥"))] == 4 * [*below, "≥ 99%"]


def test_an_open_bin_of_times_says_where_it_begins(drawn: Path) -> None:
    found = texts((drawn / "tool_latency_mass.svg").read_text())
    assert found.count("10 min") == found.count("≥ 1 h") == 2
    assert any(text.startswith("≤ 10 s") for text in texts((drawn / "runner_gap.svg").read_text()))
