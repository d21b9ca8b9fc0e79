"""What the sections say of tables that are made by hand, and where they are silent."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tracelab.charts import charts, draw
from tracelab.report.cuts import WHOLE, Cut
from tracelab.report.findings import findings
from tracelab.report.headlines import headlines, loaded, period
from tracelab.report.losses import losses
from tracelab.status import Files, Issue, status

CUT = {"provider": "all", "session_kind": "all", "model": "all"}
OVERVIEW = {**CUT, "trigger": "all"}


class Tables:
    """Tables with the columns that a test names."""

    def __init__(self, engine: duckdb.DuckDBPyConnection) -> None:
        self.engine = engine

    def __call__(self, name: str, *rows: dict[str, Any]) -> None:
        values = ", ".join(f"$row{number}" for number in range(len(rows)))
        self.engine.execute(
            f"create table {name} as select unnest([{values}], recursive := true)",
            {f"row{number}": row for number, row in enumerate(rows)},
        )

    def read(self, query: str) -> list[dict[str, Any]]:
        return self.engine.sql(query).pl().to_dicts()

    def overview(self, **numbers: float) -> None:
        self(
            "summary_overview",
            *({**OVERVIEW, "name": name, "value": float(value)} for name, value in numbers.items()),
        )


@pytest.fixture
def tables() -> Iterator[Tables]:
    with duckdb.connect() as engine:
        yield Tables(engine)


def test_requests_say_how_long_they_take_and_at_what(tables: Tables) -> None:
    times = {**CUT, "count": 1200, "p50": 18.6, "p90": 370.0, "p99": 2319.3}
    tables("summary_request_response_time", times)
    part = {**CUT, "response_bin": "all", "requests": 1200}
    tables(
        "summary_request_decomposition",
        {**part, "part": "generation_span", "response_share": 0.349},
        {**part, "part": "generation_alone", "response_share": 0.327},
        {**part, "part": "tool_alone", "response_share": 0.644},
        {**part, "part": "both", "response_share": 0.022},
        {**part, "part": "other", "response_share": 0.007},
    )
    assert findings("requests", tables.read) == [
        "Half of the 1,200 requests are done within 19 s; one in ten takes 6.2 min or more,"
        " one in a hundred 39 min or more.",
        "Of their time, 33% is the model's alone, 64% that of tools alone, 2.2% of both at once and 0.7% of"
        " neither.",
    ]


def test_of_a_few_requests_nothing_is_said(tables: Tables) -> None:
    tables("summary_request_response_time", {**CUT, "count": 19, "p50": 1.0, "p90": 2.0, "p99": 3.0})
    part = {**CUT, "response_bin": "all", "requests": 19, "response_share": 0.5}
    tables(
        "summary_request_decomposition", {**part, "part": "generation_alone"}, {**part, "part": "tool_alone"}
    )
    assert findings("requests", tables.read) == []


def test_activity_names_the_model_that_cost_most(tables: Tables) -> None:
    stats = {"steps_per_week": 89.4, "sessions_per_week": 1.0, "active_days_per_week": 4.33}
    tables(
        "summary_dashboard_stats", *({**CUT, "name": name, "value": value} for name, value in stats.items())
    )
    model = {**CUT, "provider": "claude", "steps": 101, "cost_usd": 12.99}
    tables(
        "summary_dashboard_models",
        {**CUT, "steps": 268, "cost_usd": 22.3},
        {**model, "model": "a", "cost_usd": 0.5},
        {**model, "model": "b"},
    )
    assert findings("activity", tables.read) == [
        "A week with any work has on average 89 steps in 1 session on 4.3 active days.",
        "b cost most: $12.99 of $22.30, for 101 of 268 steps.",
    ]
    tables.engine.execute("update summary_dashboard_stats set value = 1 / 3 where value = 1")
    assert " in 0.3 sessions on " in findings("activity", tables.read)[0]


def test_one_model_alone_or_one_without_a_price_is_not_said_to_cost_most(tables: Tables) -> None:
    tables("summary_dashboard_stats", {**CUT, "name": "steps_per_week", "value": 3.0})
    model = {**CUT, "provider": "claude", "model": "a", "steps": 268, "cost_usd": 22.3}
    tables("summary_dashboard_models", {**model, **CUT}, model, {**model, "model": "b", "cost_usd": None})
    assert findings("activity", tables.read) == []


def test_tokens_say_what_a_step_reads_and_which_steps_hold_the_appends(tables: Tables) -> None:
    halves = {"prefix_tokens": 110_507.5, "append_tokens": 928.0, "output_tokens": 213.0}
    tables(
        "summary_token_lengths",
        *({**CUT, "measure": name, "count": 300, "p50": value} for name, value in halves.items()),
    )
    bins = {**CUT, "measure": "append_tokens", "cumulative_share": 0.938, "cumulative_token_share": 0.27}
    # nothing lies between 4k and 8k: such a bin has no row
    less = {**bins, "high_tokens": 2048.0, "cumulative_share": 0.5}
    more = {**bins, "high_tokens": 16384.0, "cumulative_share": 1.0}
    tables("summary_token_bins", less, {**bins, "high_tokens": 4096.0}, more)
    assert findings("tokens", tables.read) == [
        "In the median a step reads 111k tokens from the cache, appends 928 and puts out 213.",
        "Steps that append less than 8k tokens are 94% of the steps and hold 27% of the appended tokens.",
    ]


def test_the_cache_says_what_was_new_and_what_the_misses_cost(tables: Tables) -> None:
    appended = {
        "steps": 295,
        "append_tokens": 1_336_881_319,
        "fresh_tokens": 401_064_000,
        "resent_output_tokens": 83_943_377,
    }
    missed = {"miss_cause": "all", "missed_tokens": 851_873_942, "missed_share": 0.637}
    tables("summary_miss_causes", {**OVERVIEW, **appended, **missed})
    loss = {**CUT, "loss": "cache_miss", "steps": 9673, "cause_rank": 1, "unpriced_steps": 0}
    tables(
        "summary_losses",
        {**loss, "cause": "residual", "cost_usd": 1474.6, "cause_rank": 2},
        {**loss, "cause": "idle", "cost_usd": 1536.7},
        {**loss, "cause": "all", "cost_usd": 3279.3},
        {**loss, "loss": "long_context", "cause": "all", "cost_usd": 9999.9},
    )
    assert findings("cache", tables.read) == [
        "Of 1.3G appended tokens 401M were new, 84M the output before, sent back; 852M, 64%, stood in an"
        " earlier prompt and were no longer cached, small misses counted.",
        "9,673 steps missed more than 1,024 tokens and 2% of the context, which cost $3,279 beyond a cached"
        " read: $1,537 of it by “idle: longer than the cache lives”.",
    ]
    tables.engine.execute(
        "insert into summary_losses by name from summary_losses"
        " select * replace ('restart' as cause, 3 as cause_rank, 2 as steps) where cause = 'residual'"
    )
    assert " 2% of the context, 2 restarts included, which cost $3,279 " in findings("cache", tables.read)[1]
    tables.engine.execute("update summary_losses set unpriced_steps = 142")
    assert (
        " cost $3,279 beyond a cached read (142 steps without a price): " in findings("cache", tables.read)[1]
    )


def test_the_cache_tells_the_numbers_of_the_chart_below(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as built:
        found = findings("cache", Tables(built).read)[0]
        subtitle = draw(charts()["miss_causes"], built).to_dict()["title"]["subtitle"][0]
    missed, share = re.findall(r"^(\S+) missed tokens, small misses counted, (\S+) of", subtitle)[0]
    assert f"; {missed}, {share}, stood in an earlier prompt" in found


def test_the_cache_and_what_costs_me_tell_the_same_loss(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as built:
        read = Tables(built).read
        miss = next(loss for loss in losses(read) if loss.title == "Prompts read anew")
        found = findings("cache", read)[1]
    steps, cost = re.findall(r"^(\d+) steps .*; that cost (\S+)", miss.sentence)[0]
    assert found.startswith(f"{steps} steps missed ") and f" cost {cost} beyond a cached read" in found


def test_the_cache_is_silent_where_nothing_has_a_price_or_nothing_was_appended(tables: Tables) -> None:
    nothing = {"steps": 295, "append_tokens": 0, "fresh_tokens": 0, "missed_tokens": 0, "missed_share": None}
    tables("summary_miss_causes", {**OVERVIEW, **nothing, "miss_cause": "all"})
    loss = {**CUT, "loss": "cache_miss", "steps": 300, "cause_rank": 1, "cost_usd": None}
    tables("summary_losses", {**loss, "cause": "idle"}, {**loss, "cause": "all"})
    assert findings("cache", tables.read) == []


def test_tools_say_which_holds_the_time_and_how_few_calls(tables: Tables) -> None:
    tables.overview(
        tool_calls=251, tool_total_s=7200, minute_calls_share=0.0335, minute_calls_time_share=0.767
    )
    tool = {**CUT, "tool_category": "shell", "tool_calls": 40, "total_s": 100.0, "time_share": 0.41}
    tables("summary_tool_time", {**tool, "tool_name": "Bash", "total_s": 2478.0}, {**tool, "tool_name": None})
    assert findings("tools", tables.read) == [
        "Bash holds the most of the tools' time: 41% of 2 h, in 40 of 251 calls.",
        "Calls of a minute or more are 3.4% of the calls and 77% of the time.",
    ]


def test_without_tools_nothing_is_said_of_them(tables: Tables) -> None:
    tables.overview(tool_calls=0)
    tables(
        "summary_tool_time",
        {**CUT, "tool_category": "all", "tool_name": "all", "tool_calls": 0, "total_s": None},
    )
    assert findings("tools", tables.read) == []


def test_generation_says_of_each_client_how_long_its_answers_take_and_how_fast_they_come(
    tables: Tables,
) -> None:
    claude, codex = {**CUT, "provider": "claude"}, {**CUT, "provider": "codex"}
    tables(
        "summary_generation_time",
        {**CUT, "count": 500, "p50": 4.0, "p99": 21.0},
        {**claude, "count": 300, "p50": 3.3, "p99": 20.0},
        {**codex, "count": 200, "p50": 6.3, "p99": 17.4},
    )
    speed = {"measure": "output_tokens_per_s", "count": 300}
    short = {"context_low_tokens": 16_384, "context_high_tokens": 32_768}
    long = {"context_low_tokens": 131_072, "context_high_tokens": 262_144}
    longest = {"context_low_tokens": 262_144, "context_high_tokens": 524_288}
    tables(
        "summary_decode_speed",
        {**CUT, **speed, **short, "p50": 50.0},
        {**CUT, **speed, **long, "p50": 20.0},
        {**claude, **speed, **short, "p50": 44.8},
        {**claude, **speed, **long, "p50": 30.2},
        {**claude, **speed, **longest, "p50": 9.0, "count": 3},
        {**codex, **speed, **short, "p50": 60.0},
    )
    assert findings("generation", tables.read) == [
        "Half of the 300 answers of Claude take at most 3.3 s and one in a hundred 20 s or more; half of"
        " the 200 answers of Codex take at most 6.3 s and one in a hundred 17 s or more.",
        "The median answer of Claude comes at 45 tokens/s where the context holds 16k to 32k, at 30 where"
        " it holds 128k to 256k.",
    ]


def test_sessions_say_what_they_cost_for_what_and_how_often_they_are_compacted(tables: Tables) -> None:
    cost = {**CUT, "unit": "session", "measure": "cost_usd", "count": 402, "p50": 0.18, "p90": 7.26}
    tables(
        "summary_cost_distribution",
        {**cost, "category": "all", "total_share": 1.0},
        {**cost, "category": "prefix", "total_share": 0.6},
        {**cost, "category": "append", "total_share": 0.3},
    )
    compactions = {**CUT, "source": "all", "trigger": "all", "population": "compacted"}
    tables("summary_compactions", {**compactions, "compactions": 1746, "count": 1})
    assert findings("sessions", tables.read) == [
        "The median session costs $0.18, one in ten $7.26 or more; the largest part, 60%,"
        " goes to cached prefixes.",
        "1,746 compactions took place in 1 session.",
    ]


def test_people_say_how_long_they_are_waited_for(tables: Tables) -> None:
    wait = {**CUT, "count": 35, "p50": 180.3, "p90": 2641.0, "count_share": 1.0, "time_share": 1.0}
    tables(
        "summary_human_wait",
        {**wait, "cap": "all"},
        {**wait, "cap": "5m", "count_share": 0.54, "time_share": 0.038},
    )
    assert findings("people", tables.read) == [
        "An agent waits 3.0 min for a person in the median, and one time in ten 44 min or more.",
        "Waits of at most 5 min are 54% of the waits and 3.8% of the waiting.",
    ]


def test_nobody_who_is_hardly_waited_for_is_spoken_of(tables: Tables) -> None:
    wait = {**CUT, "count": 3, "p50": 180.3, "p90": 2641.0, "count_share": 1.0, "time_share": 1.0}
    tables("summary_human_wait", {**wait, "cap": "all"}, {**wait, "cap": "5m"})
    assert findings("people", tables.read) == []


def test_beside_the_paper_says_how_many_figures_are_near_its_own(tables: Tables) -> None:
    ratios = [0.5, 1.0, 2.0] * 7 + [0.1, 0.2, 30.0]
    figure = {"comparability": "same", "statistic": "p50"}
    tables(
        "compare_published",
        *({**figure, "ratio": ratio} for ratio in [*ratios, None, 0.0]),
        {**figure, "comparability": "differs", "ratio": 9.0},
        *({**figure, "statistic": total, "ratio": 0.001} for total in ("count", "sum")),
    )
    assert findings("published", tables.read) == [
        "Of the 24 figures above 0 that are counted as in the paper, 21 lie between half and twice its value,"
        " 1 above and 2 below.",
        "Another 2 figures, counts and sums, tell how much was logged, not what it is like: left out.",
    ]
    tables.engine.execute("delete from compare_published where ratio = 1.0")
    assert findings("published", tables.read) == []


def test_a_section_without_a_finding_says_nothing(tables: Tables) -> None:
    assert findings("explorer", tables.read) == []


def headline_tables(tables: Tables, *published: dict[str, Any]) -> None:
    tables.overview(
        sessions=24, requests=58, steps=268, steps_per_request=4.62, hit_ratio=0.931, cost_usd=22.3
    )
    part = {**CUT, "block": "session_partition", "total_s": 7200.0}
    tables(
        "summary_timing_distribution",
        {**part, "category": "all", "total_share": 1.0},
        {**part, "category": "human", "total_share": 0.83},
        {**part, "category": "tool", "total_share": 0.17},
    )
    figure = {
        "table_name": "summary_overview",
        "dimension_value": None,
        "statistic": "share",
        "provider": "all",
    }
    tables(
        "compare_published",
        *(
            {**figure, "comparability": "same", **row}
            for row in (published or [{"metric": "x", "published": 1.0}])
        ),
    )


def test_a_headline_stands_beside_the_published_number(tables: Tables) -> None:
    headline_tables(
        tables,
        {"table_name": "summary_cache_hit_ratio", "metric": "hit_ratio", "published": 0.957},
        {"metric": "steps_per_request", "published": 8.828, "statistic": "mean", "comparability": "differs"},
        {
            "table_name": "summary_cache_hit_ratio",
            "metric": "hit_ratio",
            "published": 0.5,
            "provider": "claude",
        },
    )
    by_title = {headline.title: headline for headline in headlines(tables.read, WHOLE)}
    assert by_title["Hit ratio"].values == (("93.1%", "of prompt tokens"),)
    assert by_title["Hit ratio"].published == "95.7%"
    assert by_title["Hit ratio"].is_counted_alike
    assert by_title["Steps per request"].published == "8.8"
    assert not by_title["Steps per request"].is_counted_alike
    assert by_title["API-equivalent cost"].published == ""


def test_a_part_stands_beside_the_figures_published_for_it(tables: Tables) -> None:
    headline_tables(
        tables,
        {
            "table_name": "summary_cache_hit_ratio",
            "metric": "hit_ratio",
            "published": 0.5,
            "provider": "claude",
        },
    )
    by_title = {headline.title: headline for headline in headlines(tables.read, Cut("claude"))}
    assert by_title["Hit ratio"].published == "50.0%"


def test_the_time_of_sessions_is_split_and_what_is_unknown_is_a_dash(tables: Tables) -> None:
    headline_tables(tables)
    by_title = {headline.title: headline for headline in headlines(tables.read, WHOLE)}
    assert by_title["Time of sessions"].values == (("17%", "tools"), ("83%", "person"))
    assert by_title["Time of sessions"].parts == (("tool", 0.17), ("human", 0.83))
    assert by_title["Time of sessions"].detail == "of 2 h from beginning to end"
    assert by_title["Tokens in and out"].values == (("–", "in"), ("–", "out"))


def test_of_a_part_whose_time_is_not_known_nothing_published_is_told(tables: Tables) -> None:
    person = {"table_name": "summary_timing_distribution", "metric": "session", "dimension_value": "human"}
    headline_tables(tables, {**person, "published": 0.899, "provider": "claude"})
    assert headlines(tables.read, Cut("claude", "main"))[-1].published == "– · – · 90%"
    tables.engine.execute("delete from summary_timing_distribution")
    assert headlines(tables.read, Cut("claude", "main"))[-1].published == ""


def test_one_short_session_is_told_as_one_and_in_minutes(tables: Tables) -> None:
    headline_tables(tables)
    tables.engine.execute("update summary_overview set value = 1 where name in ('sessions', 'requests')")
    tables.engine.execute("update summary_timing_distribution set total_s = 900")
    by_title = {headline.title: headline for headline in headlines(tables.read, WHOLE)}
    assert by_title["Sessions and requests"].values == (("1", "session"), ("1", "request"))
    assert by_title["Time of sessions"].detail == "of 15 min from beginning to end"


def test_the_period_is_that_of_the_logs_and_an_empty_warehouse_has_none(tables: Tables) -> None:
    tables.overview(first_at_epoch_s=1_791_187_200, last_at_epoch_s=1_791_187_260)
    assert period(tables.read) == ("2026-10-05 08:00", "2026-10-05 08:01")
    tables.engine.execute("delete from summary_overview")
    assert period(tables.read) is None


def test_the_first_screen_says_what_was_read_and_what_was_set_aside(warehouse: Path) -> None:
    state = status(warehouse)
    assert loaded(state) == "All that is loaded was read from 26 log files. Set aside: bad line, 1 time."
    many = replace(
        state,
        files=[file._replace(files=2000) for file in state.files],
        issues=[Issue("bad_line", 1200, 3, None, None, None), Issue("not_a_log", 2, 2, None, None, None)],
    )
    assert loaded(many).endswith(
        " from 4,000 log files. Set aside: bad line, 1,200 times; not a log, 2 times."
    )
    assert loaded(replace(state, issues=[])).endswith(" from 26 log files. Nothing was set aside.")
    unread = [Files(None, status, 5, 1, 0, None, None) for status in ("set_aside", "failed")]
    assert " read from 26 log files. " in loaded(replace(state, files=[*state.files, *unread]))
