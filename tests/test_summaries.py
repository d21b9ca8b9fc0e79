"""Summaries on marts made by hand: who is counted, in which bin, and what the numbers are over."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest

ROOT = Path(__file__).resolve().parents[1]
MODELS = {
    path.stem: path
    for layer in ("simulations", "summaries", "audits")
    for path in (ROOT / "models" / layer).rglob("*.sql")
}
MARTS = ("steps", "tool_calls", "idle_gaps", "cache_reuse", "requests", "sessions", "compactions")
CUT = {"provider": "claude", "session_kind": "main", "model": "m", "trigger": "tool"}


class Marts:
    """Marts with the rows that a test gives, and what a summary makes of them."""

    def __init__(self, sample: Path) -> None:
        self.tables = duckdb.connect()
        self.tables.execute(f"attach '{sample}' as sample (read_only)")
        for mart in MARTS:
            self.tables.execute(f"create table {mart} as from sample.{mart} limit 0")
        self.tables.execute("create table stg_events as from sample.staging.stg_events limit 0")
        self.tables.execute("create table bins as from sample.seeds.bins")
        self.tables.execute(f"create view sim_output_pairs as {rendered('sim_output_pairs')}")

    def add(self, mart: str, *rows: dict[str, Any]) -> None:
        """Add rows; columns that a row does not name are those of `CUT`, else null."""
        known = {
            name for (name,) in self.tables.execute(f"select column_name from (describe {mart})").fetchall()
        }
        for row in ({**{name: value for name, value in CUT.items() if name in known}, **row} for row in rows):
            columns = ", ".join(f"? as {name}" for name in row)
            self.tables.execute(f"insert into {mart} by name select {columns}", list(row.values()))

    def rows(self, summary: str, **where: Any) -> list[dict[str, Any]]:
        """Return the rows of a summary, those of one cut."""
        relation = self.tables.sql(rendered(summary))
        found = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
        return [row for row in found if all(row[name] == value for name, value in where.items())]

    def row(self, summary: str, **where: Any) -> dict[str, Any]:
        (row,) = self.rows(summary, **where)
        return row

    def number(self, name: str, **where: Any) -> float | None:
        """Return a number of the overview, None where it has no row."""
        rows = self.rows(
            "summary_overview",
            **dict.fromkeys(("provider", "session_kind", "model", "trigger"), "all") | where | {"name": name},
        )
        return rows[0]["value"] if rows else None


def rendered(summary: str) -> str:
    """Return a model's SQL, its refs being the tables themselves."""
    macros = "\n".join(path.read_text() for path in (ROOT / "macros").glob("*.sql"))
    variables = {"cache_lifetime_5m_ms": 300_000, "cache_lifetime_1h_ms": 3_600_000, "timezone": "UTC"}
    template = jinja2.Environment().from_string(macros + MODELS[summary].read_text())
    return template.render(ref=lambda name: name, var=variables.__getitem__)


@pytest.fixture
def marts(warehouse: Path) -> Iterator[Marts]:
    made = Marts(warehouse)
    yield made
    made.tables.close()


def test_a_tool_call_of_zero_milliseconds_is_part_of_the_distribution(marts: Marts) -> None:
    marts.add(
        "tool_calls",
        *({"tool_name": "Read", "tool_category": "read", "effective_ms": ms} for ms in (0, 0, 3000, None)),
    )
    row = marts.row(
        "summary_tool_latency", provider="claude", session_kind="all", model="all", tool_name="Read"
    )
    assert (row["tool_calls"], row["missing_latencies"], row["zero_latencies"]) == (4, 1, 2)
    assert (row["count"], row["p50"], row["mean"], row["total_s"]) == (3, 0.0, 1.0, 3.0)


def test_a_name_that_both_clients_use_is_kept_apart_by_client_and_pooled_over_all(marts: Marts) -> None:
    for provider, ms in (("claude", 1000), ("codex", 5000)):
        marts.add(
            "tool_calls",
            {"provider": provider, "tool_name": "exec", "tool_category": "shell", "effective_ms": ms},
        )
    rows = marts.rows("summary_tool_latency", session_kind="all", model="all", tool_name="exec")
    assert {row["provider"]: (row["count"], row["mean"]) for row in rows} == {
        "all": (2, 3.0), "claude": (1, 1.0), "codex": (1, 5.0)
    }  # fmt: skip


def test_a_model_without_a_name_stays_null_and_is_not_all(marts: Marts) -> None:
    marts.add("requests", {"model": None, "response_ms": 1000}, {"model": "m", "response_ms": 2000})
    counts = {
        row["model"]: row["count"]
        for row in marts.rows("summary_request_response_time", provider="claude", session_kind="all")
    }
    assert counts == {"all": 2, None: 1, "m": 1}


def test_a_request_without_response_time_is_counted_and_left_out(marts: Marts) -> None:
    marts.add("requests", *({"response_ms": ms, "ended_by": "interrupt"} for ms in (0, None, 4000)))
    row = marts.row("summary_request_response_time", provider="all", session_kind="all", model="all")
    assert (row["requests"], row["interrupted_requests"], row["count"], row["p50"]) == (3, 3, 1, 4.0)


def test_the_cdf_counts_what_lies_strictly_below_a_threshold(marts: Marts) -> None:
    marts.add(
        "requests", *({"response_ms": ms, "steps": 1, "tool_calls": 0} for ms in (59_999, 60_000, 180_001))
    )
    rows = marts.rows(
        "summary_request_cdf", provider="all", session_kind="all", model="all", measure="response_s"
    )
    below = {row["threshold"]: row for row in rows}
    assert (below[60.0]["cumulative_count"], below[60.0]["cumulative_mass"]) == (1, 59.999)
    assert (below[600.0]["cumulative_count"], below[600.0]["cumulative_share"]) == (3, 1.0)
    assert (below[None]["cumulative_count"], below[None]["cumulative_mass_share"]) == (3, 1.0)


def test_the_cdf_has_every_threshold_for_every_cut(marts: Marts) -> None:
    marts.add(
        "requests",
        {"response_ms": 5, "steps": 3, "tool_calls": 0},
        {"provider": "codex", "response_ms": 10**11, "steps": 1, "tool_calls": 7},
    )
    rows = marts.rows("summary_request_cdf")
    bins = dict(marts.tables.execute("select grid, count(*) from bins group by grid").fetchall())
    cuts = {(row["provider"], row["session_kind"], row["model"]) for row in rows}
    assert len(rows) == len(cuts) * (bins["duration_s"] + 2 * bins["count"])
    steps = [row for row in rows if row["measure"] == "steps" and row["provider"] == "all"]
    assert {row["threshold"]: row["cumulative_count"] for row in steps if row["bin"] < 4} == {
        1: 0,
        2: 1,
        3: 1,
        4: 2,
    }


def test_a_step_is_low_below_a_tenth_and_idle_beyond_five_minutes(marts: Marts) -> None:
    steps = {"a": (0.0999, 300_001), "b": (0.1, 300_000), "c": (0.0, None)}
    for name, (hit, gap) in steps.items():
        marts.add("steps", {"step_id": name, "hit_ratio": hit, "calls": 1})
        marts.add("idle_gaps", {"step_id": name, "idle_gap_ms": gap, "published_gap_ms": 7000})
    where = {"provider": "all", "session_kind": "all", "model": "all", "trigger": "all"}
    bands = {
        row["hit_band"]: row for row in marts.rows("summary_cache_hit_idle", gap_measure="causal", **where)
    }
    found = {
        band: (row["steps"], row["count"], row["idle_steps"], row["idle_share"])
        for band, row in bands.items()
    }
    assert found == {"all": (3, 2, 1, 0.5), "low": (2, 1, 1, 1.0), "other": (1, 1, 0, 0.0)}
    assert marts.row("summary_cache_hit_idle", gap_measure="published", hit_band="all", **where)["p50"] == 7.0


def test_the_first_step_of_a_session_counts_as_one_without_a_gap(marts: Marts) -> None:
    marts.add("steps", {"step_id": "first", "hit_ratio": 0.0, "calls": 1})
    row = marts.row(
        "summary_cache_hit_idle",
        gap_measure="causal",
        hit_band="low",
        provider="all",
        session_kind="all",
        model="all",
        trigger="all",
    )
    assert (row["steps"], row["count"], row["idle_share"]) == (1, 0, None)


def test_steps_of_several_calls_or_that_nothing_started_say_nothing_of_hits(marts: Marts) -> None:
    marts.add(
        "steps",
        {"step_id": "a", "hit_ratio": 0.5, "calls": 2},
        {"step_id": "b", "hit_ratio": 0.5, "calls": 1, "trigger": "none"},
    )
    marts.add("idle_gaps", {"step_id": "a", "idle_gap_ms": 1}, {"step_id": "b", "idle_gap_ms": 1})
    assert marts.rows("summary_cache_hit_idle") == marts.rows("summary_cache_hit_idle_grid") == []


def test_five_minutes_and_an_hour_are_edges_of_the_grid(marts: Marts) -> None:
    for number, gap in enumerate((0, 299_999, 300_000, 3_600_000, 10**10)):
        name = str(number)
        marts.add(
            "steps", {"step_id": name, "hit_ratio": 1.0, "calls": 1, "prefix_tokens": 8, "input_tokens": 8}
        )
        marts.add("idle_gaps", {"step_id": name, "idle_gap_ms": gap})
    rows = marts.rows(
        "summary_cache_hit_idle_grid",
        provider="all",
        session_kind="all",
        model="all",
        trigger="all",
        gap_measure="causal",
        hit_bin="19",
    )
    bins = sorted((row["gap_low_s"], row["gap_high_s"]) for row in rows)
    assert bins == [(0, 0.001), (120, 300), (300, 600), (3600, 7200), (604800, None)]
    assert {(row["hit_low"], row["hit_high"]) for row in rows} == {(0.95, 1.0)}


def test_missed_tokens_and_dollars_add_up_over_causes_and_what_is_left_out_is_counted(marts: Marts) -> None:
    causes = {"idle": (900, 0.25), "residual": (100, None), None: (None, None)}
    for cause, (missed, cost) in causes.items():
        marts.add(
            "cache_reuse",
            {"miss_cause": cause, "missed_tokens": missed, "missed_cost_usd": cost, "append_tokens": 1000},
        )
    rows = {
        row["miss_cause"]: row
        for row in marts.rows(
            "summary_miss_causes", provider="all", session_kind="all", model="all", trigger="all"
        )
    }
    assert rows.keys() == {"all", "idle", "residual"}
    assert [rows["all"][name] for name in ("steps", "missed_tokens", "missed_cost_usd", "append_tokens")] == [
        2,
        1000,
        0.25,
        2000,
    ]
    assert [rows["all"][name] for name in ("unpriced_steps", "unpriced_missed_tokens", "unsplit_steps")] == [
        1,
        100,
        1,
    ]
    assert rows["all"]["missed_tokens"] == rows["idle"]["missed_tokens"] + rows["residual"]["missed_tokens"]


def test_a_step_whose_growth_is_not_known_did_not_grow_by_zero(marts: Marts) -> None:
    marts.add(
        "steps", *({"step_id": str(growth), "context_growth_tokens": growth} for growth in (None, 100, -50))
    )
    assert marts.number("growth_steps") == 2
    assert marts.number("growth_mean_tokens") == 50


def test_each_amplification_is_over_its_own_population(marts: Marts) -> None:
    steps = [
        {"step_id": "first", "append_tokens": 1000, "calls": 1},
        {"step_id": "second", "append_tokens": 600, "context_growth_tokens": 500, "calls": 1},
        {"step_id": "third", "append_tokens": 300, "context_growth_tokens": 100, "calls": 1},
        {"step_id": "of two calls", "append_tokens": 5000, "calls": 2},
    ]
    split = [
        {"step_id": "first", "fresh_tokens": 1000},
        {"step_id": "second", "fresh_tokens": 300, "published_fresh_tokens": 300, "idle_gap_ms": 5},
        {"step_id": "third", "fresh_tokens": 0, "published_fresh_tokens": -60},
    ]
    marts.add("steps", *steps)
    marts.add("cache_reuse", *split)
    assert marts.number("growth_amplification") == 1900 / 600
    assert marts.number("prefill_amplification") == 900 / 240
    assert marts.number("observed_amplification") == 600 / 300
    assert marts.number("redundant_to_new_ratio") == 900 / 240 - 1


def test_placeholder_outputs_are_in_the_sum_and_in_no_other_figure_of_output(marts: Marts) -> None:
    final = {"usage_is_final": True, "output_tokens": 300, "generation_ms": 2000}
    marts.add(
        "steps",
        {"step_id": "a", **final},
        {"step_id": "b", **final, "usage_is_final": False, "output_tokens": 2},
        {"step_id": "c", "usage_is_final": False, "input_tokens": 9},
    )
    names = (
        "output_tokens",
        "output_mean_tokens",
        "output_p50_tokens",
        "decode_mean_tokens_per_s",
        "final_output_steps",
        "placeholder_output_steps",
    )
    assert [marts.number(name) for name in names] == [302, 300, 300, 150, 1, 1]


def test_each_message_ends_a_wait_of_its_own(marts: Marts) -> None:
    waits = ([60_000, 30_000], [1000], [], None)
    marts.add("steps", *({"step_id": str(n), "human_waits_ms": each} for n, each in enumerate(waits)))
    names = ("human_waits", "human_wait_p50_s", "human_wait_total_s")
    assert [marts.number(name) for name in names] == [3, 30, 91]


def test_the_hit_ratio_leaves_out_steps_of_several_calls(marts: Marts) -> None:
    one = {"calls": 1, "input_tokens": 1000, "prefix_tokens": 900}
    marts.add("steps", {"step_id": "a", **one}, {"step_id": "b", **one, "calls": 3, "prefix_tokens": 0})
    assert (marts.number("hit_ratio"), marts.number("multi_call_steps"), marts.number("prefix_tokens")) == (
        0.9,
        1,
        900,
    )


def test_a_step_without_usage_is_counted_and_no_zero(marts: Marts) -> None:
    marts.add(
        "steps",
        {
            "step_id": "a",
            "append_tokens": 10,
            "input_tokens": 10,
            "output_tokens": 4,
            "usage_is_final": True,
            "calls": 1,
        },
        {"step_id": "b", "calls": 1},
        {"step_id": "cut off", "append_tokens": 10, "input_tokens": 10, "calls": 1},
    )
    names = ("steps", "unmetered_steps", "append_p50_tokens", "unpriced_steps", "unpriced_tokens")
    assert [marts.number(name) for name in names] == [3, 1, 10, 2, 24]


def test_the_time_to_the_first_token_is_what_reasoning_does_not_explain(marts: Marts) -> None:
    step = {
        "usage_is_final": True,
        "reasoning_tokens": 100,
        "visible_output_tokens": 50,
        "visible_span_ms": 1000,
        "output_tokens": 150,
    }
    marts.add(
        "steps",
        {"step_id": "a", **step, "input_to_reasoning_end_ms": 5000},
        {"step_id": "b", **step, "input_to_reasoning_end_ms": 9000},
    )
    assert marts.number("after_reasoning_mean_tokens_per_s") == 50
    assert (marts.number("first_token_residual_mean_s"), marts.number("first_token_residual_p50_s")) == (
        5.0,
        5.0,
    )


def test_the_three_most_used_tools_are_those_of_each_client(marts: Marts) -> None:
    names = {"claude": "aaaabbbccd", "codex": "xxxxxyyyzw"}
    for provider, tools in names.items():
        calls = ({"tool_call_id": str(place), "tool_name": tool} for place, tool in enumerate(tools))
        marts.add("tool_calls", *({"provider": provider, **call} for call in calls))
    assert marts.number("top_3_tools_share", provider="claude") == 0.9
    assert (marts.number("top_3_tools_share"), marts.number("tool_names")) == (12 / 20, 8)


def test_a_call_without_a_name_adds_no_name(marts: Marts) -> None:
    names = {"1": "Bash", "2": "Read", "3": None}
    marts.add("tool_calls", *({"tool_call_id": call, "tool_name": name} for call, name in names.items()))
    assert (marts.number("tool_calls"), marts.number("tool_names")) == (3, 2)


def test_calls_of_a_minute_are_a_share_of_the_calls_and_of_the_time(marts: Marts) -> None:
    marts.add("tool_calls", *({"tool_name": "a", "effective_ms": ms} for ms in (60_000, 59_999, 1, 0, None)))
    assert marts.number("minute_calls_share") == 0.25
    assert marts.number("minute_calls_time_share") == 0.5


def test_short_calls_alone_give_those_of_a_minute_no_share_of_the_time(marts: Marts) -> None:
    marts.add("tool_calls", {"tool_name": "a", "effective_ms": 59_999})
    assert (marts.number("minute_calls_share"), marts.number("minute_calls_time_share")) == (0, 0)


def test_a_number_that_nothing_can_be_said_of_has_no_row(marts: Marts) -> None:
    assert marts.number("steps") == 0
    assert marts.number("append_p50_tokens") is None
    assert marts.number("hit_ratio") is None


@pytest.fixture(scope="module")
def sample(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(warehouse), read_only=True) as tables:
        yield tables


def test_every_number_of_the_overview_is_described(sample: duckdb.DuckDBPyConnection) -> None:
    names = {name for (name,) in sample.execute("select distinct name from summary_overview").fetchall()}
    described = set(re.findall(r"\w+", MODELS["summary_overview"].with_suffix(".md").read_text()))
    assert names and names <= described


def test_the_overview_agrees_with_the_marts(sample: duckdb.DuckDBPyConnection) -> None:
    """Sums of each client and kind of session, taken from the marts in other words."""
    queries = {
        "sessions": "select count(distinct session_id) from steps where {}",
        "steps": "select count(*) from steps where {}",
        "prefix_tokens": "select sum(prefix_tokens) from sessions where {}",
        "output_tokens": "select sum(output_tokens) from sessions where {}",
        "tool_calls": "select sum(tool_calls) from sessions where {}",
        "tool_errors": "select sum(tool_errors) from requests where {}",
        "requests": "select sum(requests) from sessions where {}",
        "compactions": "select count(*) from compactions join sessions using (session_id, provider) where {}",
        "cost_usd": "select sum(cost_usd)::double from sessions where {}",
        "fresh_tokens": "select sum(fresh_tokens) from cache_reuse where {}",
        "generation_total_s": "select sum(generation_ms) / 1000 from sessions where {}",
        "tool_total_s": "select sum(tool_effective_ms) / 1000 from sessions where {}",
    }
    for provider in ("all", "claude", "codex"):
        for kind in ("all", "main", "subagent"):
            cut = f"'{provider}' in ('all', provider) and '{kind}' in ('all', session_kind)"
            for name, query in queries.items():
                ours = sample.execute(
                    "select value from summary_overview where (model, trigger) = ('all', 'all')"
                    " and (provider, session_kind, name) = (?, ?, ?)",
                    [provider, kind, name],
                ).fetchall()
                theirs = sample.execute(query.format(cut)).fetchall()
                assert ours[0][0] == pytest.approx(theirs[0][0], rel=1e-12), (provider, kind, name)


def test_bins_are_the_grids_that_are_fixed_for_good(sample: duckdb.DuckDBPyConnection) -> None:
    def grid(name: str) -> list[tuple[float, float | None]]:
        return sample.execute(
            "select low, high from seeds.bins where grid = ? order by bin", [name]
        ).fetchall()

    landmarks = {60.0, 600.0, 3600.0, 21600.0, 86400.0, 604800.0}
    durations = sorted({10 ** (k / 16) for k in range(-48, 113)} | landmarks)
    assert [low for low, _ in grid("duration_s")] == [0.0, *durations]
    for name in ("duration_s", "count", "idle_s", "hit_ratio"):
        bins = grid(name)
        assert [high for _, high in bins[:-1]] == [low for low, _ in bins[1:]]
    assert grid("hit_ratio")[-1] == (0.95, 1.0)
