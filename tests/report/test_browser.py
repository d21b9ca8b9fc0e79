"""The report as a reader sees it: in Chromium, opened from disk, the network off."""

import csv
import io
import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import axe_playwright_python
import duckdb
import pytest

from tests.report.conftest import DESKTOP, PHONE, Reader, changed
from tracelab.report import build_report

Open = Callable[..., Reader]
SHEET = {"width": 718, "height": 1047}
"""A4 with margins of a centimetre, in CSS pixels."""
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
WITHOUT_MARKS = {"append_vs_prefix_latency", "output_attribution", "timing_fit"}
"""Charts whose population the sample has no members of."""
HOSTILE = {
    "markup": "<img src=x onerror=alert(1)>",
    "script": "</script><script>alert(1)</script>",
    "quotes": "\"'`&quot;",
    "turned": "abc\u202egnp.exe\u2067\u200f",
    "ended": "one\x07\u2028two",
    "emoji": "🧨 tool",
    "formula": '=cmd|" /C calc"!A0',
    "template": "{{ 7 * 7 }}${7 * 7}",
    "long": "x" * 300,
}
SHOWN = {**HOSTILE, "turned": "abcgnp.exe", "ended": "one\N{REPLACEMENT CHARACTER}two"}
"""The same as a reader may see them."""


def test_every_chart_draws_marks(report: Path, read: Open) -> None:
    reader = read(report)
    reader.wait_until_drawn()
    kinds = ", ".join(f".plot svg .mark-{kind} *" for kind in ("rect", "line", "symbol", "rule", "area"))
    marks = reader.page.evaluate(
        "kinds => [...document.querySelectorAll('[data-chart]')]"
        ".map((chart) => [chart.dataset.chart, chart.querySelectorAll(kinds).length])",
        kinds,
    )
    assert len(marks) > 30
    assert [name for name, count in marks if count < 3 and name not in WITHOUT_MARKS] == []
    assert "Oct 05" in reader.page.locator("[data-chart=activity] svg").text_content()


def test_no_two_texts_of_a_chart_touch(report: Path, read: Open) -> None:
    reader = read(report)
    reader.wait_until_drawn()
    touching = reader.page.evaluate("""
        () => [...document.querySelectorAll('[data-chart]')].flatMap((chart) => {
            const texts = [...chart.querySelectorAll('.plot svg text')]
                .filter((text) => text.textContent.trim() && getComputedStyle(text).opacity !== '0')
                .map((text) => ({ words: text.textContent, box: text.getBoundingClientRect() }));
            const touch = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > -1
                && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 5;
            return texts.flatMap((one, place) => texts.slice(place + 1)
                .filter((other) => touch(one.box, other.box))
                .map((other) => [chart.dataset.chart, one.words, other.words]));
        })
    """)
    assert touching == []


def test_a_chart_is_drawn_when_it_comes_into_view_and_data_is_read_when_it_is_asked_for(
    report: Path, browser: Any
) -> None:
    page = browser.new_page(viewport=DESKTOP)
    page.add_init_script("window.requestIdleCallback = () => {};")  # never idle
    page.goto(report.as_uri())
    page.wait_for_selector("[data-chart=activity] .is-drawn")
    last = page.locator("[data-chart=published]")
    assert last.locator(".is-drawn").count() == 0
    assert not page.evaluate("[...unpacked.keys()].some((name) => /^(steps|rows)-/.test(name))")
    last.scroll_into_view_if_needed()
    page.wait_for_selector("[data-chart=published] .is-drawn")
    page.close()


def test_the_controls_change_numbers_findings_and_charts(report: Path, read: Open) -> None:
    page = read(report).page
    page.wait_for_selector("[data-chart=model_mix] .is-drawn")
    sessions = page.locator(".headlines:visible dd.values b").first
    assert sessions.inner_text() == "26"
    assert "gpt-5.5" in page.locator("[data-chart=model_mix] svg").inner_html()
    page.get_by_role("radio", name="Claude").check()
    page.wait_for_function(
        "() => !document.querySelector('[data-chart=model_mix] svg').innerHTML.includes('gpt-5.5')"
    )
    assert sessions.inner_text() == "16"
    assert "16 sessions · 164 steps" in page.locator("[data-chart=activity] .population").inner_text()
    page.get_by_role("radio", name="Main only").check()
    page.wait_for_function(
        "() => document.querySelector('[data-chart=activity] .population').innerText.includes('13 sessions')"
    )
    assert sessions.inner_text() == "13"
    assert page.locator("#session-count").inner_text() == "13 of 26 sessions"


def test_a_chart_that_has_no_such_cut_says_so(report: Path, read: Open) -> None:
    page = read(report).page
    note = page.locator("[data-chart=compactions] .uncut[data-uncut=kind]")
    assert note.is_hidden()
    page.get_by_role("radio", name="Main only").check()
    assert note.inner_text().startswith("All sessions: ")
    assert page.locator("[data-chart=activity] .uncut:visible").count() == 0


def test_the_table_behind_a_chart_is_the_warehouse_s(report: Path, warehouse: Path, read: Open) -> None:
    page = read(report).page
    article = page.locator("[data-chart=tool_counts]")
    article.get_by_text("Table", exact=True).click()
    with page.expect_download() as download:
        article.get_by_role("button", name="Download").click()
    with Path(download.value.path()).open(newline="") as file:
        rows = list(csv.DictReader(file))
    with duckdb.connect(str(warehouse), read_only=True) as built:
        expected = built.execute(
            "select provider, tool_name, tool_calls from summary_tool_counts where provider <> 'all'"
            " and session_kind = 'all' and model = 'all' and tool_category <> 'all'"
            " order by tool_calls desc, provider, tool_name limit 15"
        ).fetchall()
    assert [(row["provider"], row["tool_name"], int(row["tool_calls"])) for row in rows][:15] == expected
    assert article.locator("tbody tr").first.inner_text().split("\t")[0] == rows[0][next(iter(rows[0]))]


def test_the_sql_of_a_chart_is_its_model_s_text(report: Path, read: Open) -> None:
    page = read(report).page
    article = page.locator("[data-chart=miss_causes]")
    article.get_by_text("SQL", exact=True).click()
    model = Path("models/summaries/prefix_cache/summary_miss_causes.sql")
    root = Path(__file__).resolve().parents[2]
    shown = article.locator("pre[data-model=summary_miss_causes]:not(:empty)")
    assert shown.inner_text() == (root / model).read_text()
    assert article.locator("pre.query").first.inner_text().startswith("from summary_miss_causes")


def test_every_link_leads_to_a_place_on_the_page(report: Path, read: Open) -> None:
    page = read(report).page
    links = page.eval_on_selector_all("a[href]", "links => links.map((link) => link.getAttribute('href'))")
    assert len(links) > 60
    places = page.eval_on_selector_all("[id]", "places => places.map((place) => `#${place.id}`)")
    assert set(links) <= set(places)
    page.locator("[data-chart=hit_ratio] .definition a").first.click()
    page.wait_for_selector("details[open]#table-summary_cache_hit_ratio_bins")
    assert page.locator("details[open]#table-summary_cache_hit_ratio_bins dt").count() > 5


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_what_a_link_leads_to_is_not_under_the_controls(
    report: Path, read: Open, size: dict[str, int]
) -> None:
    reader = read(report, size=size)
    page = reader.page
    reader.wait_until_drawn()
    page.locator("[data-chart=hit_ratio] .definition a").first.click()
    page.wait_for_selector("details[open]#table-summary_cache_hit_ratio_bins")
    place, controls = (
        page.locator(name).bounding_box() for name in ("details[open].table > summary", ".top")
    )
    assert place and controls
    assert place["y"] >= controls["y"] + controls["height"]


def test_sessions_are_searched_sorted_and_opened_with_the_keyboard_alone(report: Path, read: Open) -> None:
    page = read(report).page
    page.wait_for_selector("#session-table tbody tr")
    page.locator("#session-search").press_sequentially("LANTERN codex")
    count = page.locator("#session-count")
    assert re.fullmatch(r"\d of 26 sessions", count.inner_text())
    steps = page.get_by_role("button", name="Steps", exact=True)
    steps.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("th[aria-sort=descending]:has-text('Steps')")
    shown = [int(text) for text in page.locator("#session-table tbody td:nth-child(3)").all_inner_texts()]
    assert shown == sorted(shown, reverse=True) and len(shown) > 3
    page.keyboard.press("Enter")
    page.wait_for_selector("th[aria-sort=ascending]:has-text('Steps')")
    page.locator("#session-table tbody button").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#session .is-drawn")
    assert page.evaluate("document.activeElement.id") == "session"
    assert page.locator("#session svg .mark-rect path").count() > 3


@pytest.fixture(scope="module")
def grown(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A warehouse and its report: many sessions, the costliest a long one, and the worst of one restarted."""
    db = tmp_path_factory.mktemp("grown") / "tracelab.duckdb"
    with changed(warehouse, db) as copy:
        [(session_id, steps)] = copy.execute(
            "select session_id, steps from sessions order by cost_usd desc nulls last limit 1"
        ).fetchall()
        copy.execute(
            "insert into steps select * exclude (number)"
            " replace (step_id || '+' || number as step_id, step_index + number as step_index)"
            f" from steps, range({steps}, 2500, {steps}) as more(number) where session_id = ?",
            [session_id],
        )
        copy.execute(
            "update sessions set steps ="
            " (select count(*) from steps where steps.session_id = sessions.session_id)"
        )
        copy.execute("update steps set cost_usd = null where step_index = 2001")
        copy.execute("update steps set ready_at = null, first_output_at = null where step_index = 2000")
        copy.execute(
            "update tool_calls set emitted_at = null, result_at = null, wall_ms = null, effective_ms = null"
            " where session_id = ? and tool_index = 0",
            [session_id],
        )
        copy.execute(
            "insert into sessions select * exclude (number)"
            " replace (session_id || '+' || number as session_id, steps + 1000 * number as steps,"
            " cost_usd / 1000 as cost_usd) from sessions, range(1, 21) as more(number)"
        )
        copy.execute(
            "insert into simulations.sim_restarts by name select session_id || '#0' as step_id,"
            " session_id, 4321 as missed_tokens from summary_loss_sessions"
            " where provider = 'all' and session_kind = 'all' and loss = 'cache_miss' and session_rank = 1"
        )
        copy.execute(
            "update summary_loss_sessions set worst_step_id = session_id || '#0' where loss = 'cache_miss'"
        )
    return db, build_report(db, db.with_name("report.html"))


def test_the_list_searches_and_sorts_sessions_that_it_does_not_show_yet(
    grown: tuple[Path, Path], read: Open
) -> None:
    db, report = grown
    with duckdb.connect(str(db), read_only=True) as built:
        [(sought, steps, sessions)] = built.execute(
            "select arg_max(session_id, steps), max(steps), count(*) from sessions"
        ).fetchall()
    page = read(report).page
    rows = page.locator("#session-table tbody tr")
    rows.first.wait_for()
    shown = rows.count()
    assert shown < sessions
    assert f"{steps:,}" not in page.locator("#session-table tbody td:nth-child(3)").all_inner_texts()
    page.get_by_role("button", name="Steps", exact=True).press("Enter")  # charts that are drawn may move it
    page.wait_for_selector("th[aria-sort=descending]:has-text('Steps')")
    assert rows.first.locator("td:nth-child(3)").inner_text() == f"{steps:,}"
    page.locator(".explorer .more button").press("Enter")
    rows.nth(shown + 99).wait_for()
    page.wait_for_function("document.activeElement === document.querySelector('.explorer .more button')")
    name = sought.partition(":")[2]
    page.locator("#session-search").fill(f"{name[:8]}…{name[-4:]}")
    page.get_by_text(f"1 of {sessions} sessions").wait_for()
    assert rows.count() == 1


def test_an_opened_session_shows_the_steps_and_calls_of_the_warehouse(
    report: Path, warehouse: Path, read: Open
) -> None:
    page = read(report).page
    page.locator("#session-search").fill("beb772f2")
    page.locator("#session-table tbody button").click()
    page.wait_for_selector("#session .is-drawn")
    session_id = page.locator("#session h3").inner_text()
    seen = page.evaluate(
        "async () => { const columns = await unpack('sessions');"
        " const row = columns.session_id.indexOf(document.querySelector('#session h3').textContent);"
        " return readWindow(await unpack(`steps-${row}-0`), {started_ms: columns.started_ms[row]}, 0); }"
    )
    with duckdb.connect(str(warehouse), read_only=True) as built:
        steps = built.execute(
            "select step_index, prefix_tokens, append_tokens,"
            " if(usage_is_final is not false, output_tokens, null),"
            " 1000 * (epoch_ms(ready_at) // 1000), sum(cost_usd) over (order by step_index)"
            " from steps where session_id = ? order by step_index",
            [session_id],
        ).fetchall()
        calls = built.execute(
            "select step_index, tool_name, is_error, 1000 * (epoch_ms(emitted_at) // 1000) from tool_calls"
            " inner join (select step_id, step_index from steps) using (step_id) where session_id = ?"
            " order by step_index, tool_index",
            [session_id],
        ).fetchall()
    names = ("step", "prefix_tokens", "append_tokens", "output_tokens", "started_at")
    assert [tuple(step[name] for name in names) for step in seen["steps"]] == [row[:5] for row in steps]
    assert [step["running_cost_usd"] for step in seen["steps"]] == pytest.approx(
        [float(row[5]) for row in steps], abs=1e-4
    )
    names = ("step", "tool_name", "is_error", "emitted_at")
    assert [tuple(call[name] for name in names) for call in seen["calls"]] == calls
    bars = page.locator("#session svg g.mark-rect.role-mark").nth(1)  # behind them stand bands
    bars.locator("path").nth(10).hover(force=True)
    tip = page.locator("#vg-tooltip-element.visible")
    tip.wait_for()
    assert re.search(r"started_at\s+20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\s", tip.inner_text())
    assert not re.search(r"NaN|null|undefined", tip.inner_text())
    assert [row["step"] for row in seen["compactions"]]
    causes = {step["miss_cause"] for step in seen["misses"]}
    assert causes and causes < {"idle", "model_change", "compaction", "residual"}
    assert set(page.locator("#session svg .role-legend-label text").all_text_contents()) == causes


def test_an_unknown_time_is_a_dash(grown: tuple[Path, Path], read: Open) -> None:
    page = read(grown[1]).page
    parts = page.evaluate(
        "async () => { const started_ms = (await unpack('sessions')).started_ms[0];"
        " const seen = async (part) =>"
        " readWindow(await unpack(`steps-0-${part}`), {started_ms}, 2000 * part);"
        " return [await seen(0), await seen(1)]; }"
    )
    calls = [(call["emitted_at_utc"], call["wall_s"]) for call in parts[0]["calls"]]
    assert 0 < calls.count((None, None)) < len(calls)
    assert None not in itertools.chain(*(call for call in calls if call != (None, None)))
    untimed, timed = parts[1]["steps"][:2]
    assert (untimed["started_at"], timed["started_at"] > 0) == (None, True)
    assert not any(step["started_at"] is None for part in parts for step in part["pauses"])
    page.locator("#session-table tbody button").first.click()
    page.wait_for_selector("#session .is-drawn")
    page.locator("#session summary:has-text('Tool calls')").click()
    cells = page.locator("#session details[open] tbody td:nth-child(3)")
    cells.first.wait_for()
    assert cells.all_inner_texts().count("–") == calls.count((None, None))


def test_a_loss_leads_to_the_session_that_lost_most(report: Path, warehouse: Path, read: Open) -> None:
    page = read(report).page
    with duckdb.connect(str(warehouse), read_only=True) as built:
        [(session_id, step, append, prompt, missed, cause)] = built.execute(
            "select session_id, step_index, steps.append_tokens, steps.input_tokens,"
            " missed_tokens, miss_cause from steps inner join cache_reuse using (session_id, step_id)"
            " where step_id = (select worst_step_id from summary_loss_sessions where provider = 'all'"
            " and session_kind = 'all' and loss = 'cache_miss' and session_rank = 1)"
        ).fetchall()
    loss = page.locator(".loss:visible", has_text="Prompts read anew")
    button = loss.locator("button").first
    assert button.get_attribute("title") == session_id
    listed = page.locator(f'#session-table th[title="{session_id}"]')
    assert button.inner_text() == listed.inner_text() == "367047f9…7137"
    button.click()
    page.wait_for_selector("#session .is-drawn")
    assert page.locator("#session h3").inner_text() == session_id
    assert step > 0
    assert page.evaluate("document.activeElement.textContent").startswith(
        f"Step {step}, marked below · {append:,} of {prompt:,} prompt tokens appended"
        f" · {missed:,} missed: {cause} · "
    )
    assert f"step {step}" in page.locator("#session svg .mark-text text").all_text_contents()
    assert f" Step {step} is marked." in (page.locator("#session .plot").get_attribute("aria-label") or "")
    page.locator("#session-table tbody button").first.click()
    page.wait_for_selector("#session:not(:has(.sought)) .is-drawn")
    assert page.evaluate("document.activeElement.id") == "session"


def test_a_restart_is_marked_at_its_step(grown: tuple[Path, Path], read: Open) -> None:
    page = read(grown[1]).page
    page.locator(".loss:visible", has_text="Prompts read anew").locator("button").first.click()
    page.wait_for_selector("#session .is-drawn")
    assert " · 4,321 missed: restart · " in page.evaluate("document.activeElement.textContent")
    assert "restart" in page.locator("#session svg .role-legend-label text").all_text_contents()
    page.locator("#session summary").first.click()
    assert page.locator("#session tbody tr").first.inner_text().split("\t")[-2:] == ["restart", "4,321"]


def test_a_loss_says_of_how_many_its_tables_show_the_worst_and_has_no_empty_row(
    report: Path, read: Open
) -> None:
    page = read(report).page
    tables = page.locator(".loss:visible", has_text="Waiting for tools").locator("table")
    heads = [table.locator("th").first.inner_text() for table in tables.all()]
    assert heads == ["5 of 19 causes", "5 of 26 sessions"]
    tables = page.locator(".loss:visible", has_text="Prompts read anew").locator("table")
    heads = [table.locator("th").first.inner_text() for table in tables.all()]
    assert heads == ["Cause", "5 of 8 sessions"]
    boxes = page.locator(".loss .scroll:visible").evaluate_all(
        "boxes => boxes.map((box) => [box.clientHeight, box.firstElementChild.offsetHeight])"
    )
    assert len(boxes) == 10
    assert all(abs(box - table) <= 1 for box, table in boxes)


def test_the_list_shows_when_a_session_started_without_scrolling(report: Path, read: Open) -> None:
    page = read(report).page
    page.wait_for_selector("#session-table tbody tr")
    started = page.locator("#session-table thead th", has_text="Started").bounding_box()
    place = page.locator(".explorer .scroll").first.bounding_box()
    assert started and place
    assert started["x"] + started["width"] <= place["x"] + place["width"]


def test_the_tables_of_the_explorer_lead_to_their_definitions_and_sql(report: Path, read: Open) -> None:
    page = read(report).page
    explorer = page.locator(".explorer")
    explorer.get_by_text("SQL", exact=True).click()
    root = Path(__file__).resolve().parents[2]
    for table in ("steps", "tool_calls"):
        shown = explorer.locator(f"pre[data-model={table}]:not(:empty)")
        assert shown.inner_text() == (root / "models" / "marts" / f"{table}.sql").read_text()
        explorer.get_by_role("link", name=table).click()
        page.wait_for_selector(f"details[open]#table-{table}")
        assert page.locator(f"#table-{table} dt").count() > 20


def test_a_long_session_is_shown_in_windows(grown: tuple[Path, Path], read: Open) -> None:
    db, report = grown
    with duckdb.connect(str(db), read_only=True) as built:
        costs = built.execute(
            "select cost_usd, sum(cost_usd) over (order by step_index) from steps where session_id ="
            " (select arg_max(session_id, cost_usd) from sessions)"
            " qualify step_index between 2000 and 2002 order by step_index"
        ).fetchall()
    page = read(report).page
    page.locator("#session-table tbody button").first.click()
    page.wait_for_selector("#session .is-drawn")
    windows = page.locator(".windows button")
    assert windows.all_inner_texts()[0] == "Steps 0 to 1,999"
    assert windows.count() == 2
    windows.nth(1).click()
    page.wait_for_selector(".windows button:nth-child(2)[aria-pressed=true]")
    page.locator("#session summary").first.click()
    assert page.locator("#session tbody td").first.inner_text() == "2,000"
    names = page.locator("#session table").first.locator("th").all_inner_texts()
    rows = page.locator("#session table").first.locator("tbody tr")
    for place, (cost, so_far) in enumerate(costs):
        row = dict(zip(names, rows.nth(place).locator("td").all_inner_texts(), strict=True))
        assert float(row["running_cost_usd"].replace(",", "")) == pytest.approx(float(so_far), abs=1e-3)
        if cost is None:
            assert row["cost_usd"] == "–"
        else:
            assert float(row["cost_usd"]) == pytest.approx(float(cost), abs=2e-6)


@pytest.mark.parametrize(("scheme", "size"), [("light", DESKTOP), ("dark", PHONE)], ids=["desktop", "phone"])
def test_axe_finds_nothing_serious(report: Path, read: Open, scheme: str, size: dict[str, int]) -> None:
    reader = read(report, scheme=scheme, size=size)
    page = reader.page
    reader.wait_until_drawn()
    page.locator("[data-chart=activity] summary").first.click()
    page.locator("#session-table tbody button").first.click()
    page.wait_for_selector("#session .is-drawn")
    page.evaluate(AXE.read_text())
    found = page.evaluate("async () => (await axe.run({ resultTypes: ['violations'] })).violations")
    serious = [
        (rule["id"], node["target"], node["failureSummary"])
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
    assert serious == []


def test_nothing_but_a_chart_or_a_table_is_wider_than_a_phone(report: Path, read: Open) -> None:
    reader = read(report, size=PHONE)
    reader.wait_until_drawn()
    assert reader.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_a_chart_that_is_wider_than_the_screen_says_so(report: Path, read: Open) -> None:
    cue = (
        "[...document.querySelectorAll('[data-chart] .scroll')].map((place) => ["
        "place.scrollWidth > place.clientWidth,"
        " getComputedStyle(place, '::before').content.includes('sideways')])"
    )
    reader = read(report, size=PHONE)
    reader.wait_until_drawn()
    for width, is_wide in {PHONE["width"]: True, 767: True, 768: False, 1280: False}.items():
        reader.page.set_viewport_size({"width": width, "height": 900})
        places = reader.page.evaluate(cue)
        assert sum(is_told for _, is_told in places) == is_wide * (len(places) - len(WITHOUT_MARKS))
        assert [is_told for _, is_told in places] == [is_wide for is_wide, _ in places]


def test_dark_and_light_are_the_screen_s_and_a_print_is_light(report: Path, read: Open) -> None:
    page = read(report, scheme="dark").page
    page.wait_for_selector("[data-chart=activity] .is-drawn")
    shade = "getComputedStyle(document.body).backgroundColor"
    label = "document.querySelector('[data-chart=activity] svg .role-axis-label text')?.getAttribute('fill')"
    dark = page.evaluate(shade), page.evaluate(label)
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"() => {label} !== '{dark[1]}'")
    assert page.evaluate(shade) == "rgb(255, 255, 255)"
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"() => {label} === '{dark[1]}'")
    page.emulate_media(media="print", color_scheme="dark")
    text = "getComputedStyle(document.querySelector('[data-chart=activity] svg text')).fill"
    assert page.evaluate(text) == "rgb(23, 32, 51)"
    assert page.evaluate(shade) == "rgb(255, 255, 255)"
    assert page.locator(".controls").is_hidden()


def test_a_print_names_the_sessions_to_look_at_and_is_no_wider_than_a_sheet(report: Path, read: Open) -> None:
    page = read(report, size=SHEET).page
    page.emulate_media(media="print")
    sessions = page.locator(".loss button[data-session]:visible")
    assert sessions.count() == page.locator("[data-cuts]:not([hidden]) > .loss [data-session]").count() > 5
    assert page.locator("#session-search").is_hidden()
    assert page.locator("#explorer").is_hidden(), "no session is open"
    assert page.locator("#definitions").is_hidden(), "none is open"
    assert page.evaluate("document.documentElement.scrollWidth") == SHEET["width"]


def test_a_print_shows_the_session_that_is_open_and_nothing_to_click(report: Path, read: Open) -> None:
    page = read(report, size=SHEET, scheme="dark").page
    page.locator(".loss:visible", has_text="Prompts read anew").locator("button").first.click()
    page.wait_for_selector("#session .is-drawn")
    page.locator("#table-steps > summary").click()
    page.emulate_media(media="print")
    assert page.locator("#definitions > details:visible").count() == 1
    plot = page.locator("#session svg").bounding_box()
    assert plot and 500 < plot["width"] <= SHEET["width"]
    assert page.locator(".explorer :is(button, input, summary, a):visible").count() == 0
    mark = "getComputedStyle(document.querySelector('#session svg .mark-symbol path')).fill"
    assert page.evaluate(mark) == "rgb(23, 32, 51)"
    assert page.evaluate("document.documentElement.scrollWidth") == SHEET["width"]


@pytest.fixture(scope="module")
def hostile_report(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a workload whose names are not only names."""
    db = tmp_path_factory.mktemp("hostile") / "tracelab.duckdb"
    with changed(warehouse, db) as copy:
        columns = copy.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = 'main' and not internal"
            " and column_name in ('tool_name', 'tool_group', 'model', 'project', 'session_id', 'cause',"
            " 'main_cause') and table_name in (select table_name from duckdb_tables())"  # not views
        ).fetchall()
        copy.execute("create temp table names (name varchar)")
        for table, column in columns:
            where = "loss <> 'cache_miss' and" if "cause" in column else ""
            copy.execute(f"insert into names select {column} from {table} where {where} {column} <> 'all'")
        copy.execute(
            "create temp table renamed as select name as good,"
            " $names[1 + place % len($names)] || format(' {:03}', place) as bad"
            " from (select name, row_number() over (order by name) as place from names group by name)",
            {"names": list(HOSTILE.values())},
        )
        for table, column in columns:
            copy.execute(f"update {table} set {column} = bad from renamed where {column} = good")
        copy.execute(
            "update summary_loss_sessions"
            " set worst_step_id = session_id || '#' || split_part(worst_step_id, '#', 2)"
        )
    return build_report(db, db.with_name("report.html"))


def test_hostile_names_are_plain_text_wherever_they_stand(hostile_report: Path, read: Open) -> None:
    reader = read(hostile_report)
    page = reader.page
    reader.wait_until_drawn()
    page.locator("#session-table tbody button").first.click()
    page.wait_for_selector("#session .is-drawn")
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    page.wait_for_function("() => document.querySelectorAll('details.rows:not(:has(table))').length === 0")
    for place in ("main", "#session-table", ".loss:has(button)", "[data-chart=tool_latency] tbody"):
        titles = page.locator(f"{place} [title]").evaluate_all("marks => marks.map((mark) => mark.title)")
        text = " ".join([*page.locator(place).all_text_contents(), *titles])
        assert [name for name, shown in SHOWN.items() if shown[:19] not in text] == [], place
    titles = page.locator("#session-table th[title]").evaluate_all("heads => heads.map((head) => head.title)")
    assert {title[:-4] for title in titles} == set(SHOWN.values())
    marked = page.evaluate(
        """
        (marks) => [...document.querySelectorAll("*")].flatMap((place) => [
            ...[...place.attributes].map((attribute) => attribute.value),
            ...[...place.childNodes].map((node) => node.nodeType === Node.TEXT_NODE ? node.data : ""),
        ]).filter((text) => !text.includes("vegaEmbed") && [...marks].some((mark) => text.includes(mark)))
        """,
        "".join(chr(place) for place in (7, 0x2028, 0x202E, 0x2067, 0x200F)),
    )
    assert marked == []
    assert page.locator("img").count() == 0
    told = ""
    for label in page.locator(
        "[data-chart=tool_latency] svg .mark-text text", has_text=re.compile(r"\d{3}$")
    ).all():
        label.hover(force=True)
        told += page.locator("#vg-tooltip-element").inner_text()
    assert SHOWN["turned"] in told and page.locator("#vg-tooltip-element img").count() == 0


def test_hostile_names_are_plain_text_in_a_download(hostile_report: Path, read: Open) -> None:
    page = read(hostile_report).page
    article = page.locator("article", has=page.locator("[data-rows=summary_losses]"))
    article.get_by_text("Table", exact=True).click()
    with page.expect_download() as download:
        article.get_by_role("button", name="Download").click()
    with Path(download.value.path()).open(newline="") as file:
        names = {row["cause"][:-4] for row in csv.DictReader(file) if row["loss"] == "tool_time"}
    assert names - {""} == {*SHOWN.values(), f"'{SHOWN['formula']}"} - {SHOWN["formula"]}


def test_a_csv_holds_no_formula(report: Path, read: Open) -> None:
    page = read(report).page
    lines = page.evaluate(
        "csvOf({name: ['=1+1', '+1', '-1', '@x', '\\tx', 'plain, \"quoted\"', null],"
        " number: [-1, 2.5, 0, 1, 1, 1, 1]})"
    )
    assert list(csv.reader(io.StringIO(lines, newline=""))) == [
        ["name", "number"], ["'=1+1", "-1"], ["'+1", "2.5"], ["'-1", "0"], ["'@x", "1"], ["'\tx", "1"],
        ['plain, "quoted"', "1"], ["", "1"],
    ]  # fmt: skip


def test_the_page_forbids_itself_the_network_and_foreign_scripts(report: Path, browser: Any) -> None:
    page = browser.new_page()
    requests: list[str] = []
    page.on("requestfinished", lambda request: requests.append(request.url))
    page.on("requestfailed", lambda request: requests.append(f"{request.url} {request.failure}"))
    page.goto(report.as_uri())
    page.evaluate(
        "() => { const image = new Image(); image.src = 'https://example.org/a.png';"
        " document.body.append(image); const script = document.createElement('script');"
        " script.textContent = 'window.ran = true'; document.body.append(script);"
        " return fetch('https://example.org/').catch(() => null); }"
    )
    assert page.evaluate("window.ran") is None
    assert [url for url in requests if not url.startswith("file:")] == ["https://example.org/a.png csp"]
    page.close()


@pytest.mark.parametrize(
    ("name", "parts", "expected"),
    [
        ("nothing", 0, ["there is nothing to show yet"]),
        ("one_session", 0, ["Open a session to see it step by step."]),
        ("bare", 1, ["16 of 16 sessions", "No tool call.", "of all tokens)"]),
    ],
)
def test_a_workload_that_lacks_something_makes_a_page(
    name: str,
    parts: int,
    expected: list[str],
    poor_warehouse: Callable[[str], Path],
    tmp_path: Path,
    read: Open,
) -> None:
    reader = read(build_report(poor_warehouse(name), tmp_path / "report.html"))
    page = reader.page
    reader.wait_until_drawn()
    shown = page.locator("main").inner_text()
    assert not re.search(r"\b(None|nan|NaN|undefined|null|inf)\b", page.locator(".first").inner_text())
    assert page.locator("fieldset").count() == parts
    svg = " ".join(page.locator(".plot svg").all_text_contents())
    assert [text for text in expected if text not in f"{shown} {svg}"] == []


def test_a_session_without_a_price_has_no_running_cost_and_whole_steps(
    poor_warehouse: Callable[[str], Path], tmp_path: Path, read: Open
) -> None:
    page = read(build_report(poor_warehouse("bare"), tmp_path / "report.html")).page
    page.fill("#session-search", "")
    page.locator("#session-table thead button", has_text="Steps").click()
    page.locator("#session-table thead button", has_text="Steps").click()  # the shortest first
    page.locator("#session-table tbody button").first.click()
    page.wait_for_selector("#session .is-drawn")
    texts = page.locator("#session svg text").all_text_contents()
    assert "Running cost: no price" in texts
    assert not [text for text in texts if text.startswith("$")]
    steps = int(page.locator("#session .population").inner_text().split(" step")[0].split()[-1])
    axis = page.locator("#session svg .role-axis", has_text="Step of the session").last
    labels = [text for text in axis.locator(".role-axis-label text").all_text_contents() if text]
    assert labels == [str(step) for step in range(steps)]
