"""Cuts of summaries: what models and kinds of session have adds up to what their client has."""

from pathlib import Path

import duckdb
import pytest

from tests.test_summaries import Marts, marts

__all__ = ["marts"]

_COUNTS = {
    "summary_session_counts": ("count", "unit <> 'session'"),
    "summary_cost_distribution": ("units", "unit <> 'session'"),
    "summary_timing_distribution": ("count", "block not like 'session%'"),
    "summary_cache_hit_idle_grid": ("steps", "true"),
    "summary_cache_replay": ("count", "true"),
    "summary_cache_replay_shares": ("steps", "true"),
    "summary_overview": (
        "value",
        "name in ('steps', 'output_tokens', 'requests', 'tool_calls', 'human_waits')",
    ),
    "summary_paper_headlines": ("value", "name in ('timed_requests', 'append_tokens', 'growth_tokens')"),
}
"""A column of each table that adds up, and the rows in which it does."""

_DIMENSIONS = {"provider", "trigger", "unit", "metric", "measure", "block", "category", "name"}
_DIMENSIONS |= {"gap_measure", "gap_bin", "hit_bin", "population", "threshold", "test"}


@pytest.mark.parametrize(("table", "count", "chosen"), [(table, *of) for table, of in _COUNTS.items()])
def test_models_add_up_to_their_client(warehouse: Path, table: str, count: str, chosen: str) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as tables:
        names = [row[0] for row in tables.execute(f"describe {table}").fetchall()]
        known = {
            "provider",
            "trigger",
            "unit",
            "metric",
            "measure",
            "block",
            "category",
            "name",
            "population",
        }
        keys = ", ".join(name for name in names if name in known)
        parts = tables.execute(
            f"""
            select {keys},
                sum({count}) filter (where model = 'all') as whole,
                sum({count}) filter (where model is distinct from 'all') as parts
            from {table}
            where provider <> 'all' and session_kind = 'all' and {chosen}
            group by {keys}
            """
        ).fetchall()
    assert parts
    assert [row for row in parts if row[-2] != row[-1]] == []


def test_a_step_without_a_model_is_counted_as_such_and_sessions_have_no_model(marts: Marts) -> None:
    at = {"session_id": "s", "trigger": "user"}
    marts.add(
        "steps",
        *({"step_id": str(index), "model": model, **at} for index, model in enumerate(("m", "m", None))),
    )
    marts.add("sessions", {"session_id": "s", "steps": 3})
    marts.add("requests", {"request_id": "r", "model": "m", "response_ms": 1000})
    assert marts.number("steps") == 3
    (provider,) = {row["provider"] for row in marts.rows("summary_overview")} - {"all"}
    assert [marts.number("steps", provider=provider, model=model) for model in ("m", None)] == [2, 1]
    assert marts.number("timed_requests", provider=provider, model="m") == 1
    assert marts.number("timed_requests", provider=provider, model=None) == 0
    assert {row["model"] for row in marts.rows("summary_overview", section="scope")} == {"all"}


def test_a_request_is_of_its_first_steps_model_and_a_session_of_none(marts: Marts) -> None:
    tokens = {"append_tokens": 1, "prefix_tokens": 0, "output_tokens": 0}
    costs = {"cost_usd": 1, "append_cost_usd": 1, "prefix_cost_usd": 0, "output_cost_usd": 0}
    marts.add("sessions", {"session_id": "s", "steps": 2, "tool_calls": 0, "wall_ms": 9, "human_wait_ms": 0})
    marts.add("requests", {"request_id": "r", "model": "m", "tool_calls": 0, "response_ms": 5})
    marts.add(
        "steps",
        *(
            {
                "step_id": model,
                "session_id": "s",
                "request_id": "r",
                "model": model,
                "tool_calls": 0,
                "generation_ms": 2,
                **tokens,
                **costs,
            }
            for model in ("m", "n")
        ),
    )

    def models(summary: str, unit: str, **where: str) -> dict[str, int]:
        rows = marts.rows(summary, provider="claude", session_kind="all", **{unit: where.pop("of")}, **where)
        return {row["model"]: row["count"] for row in rows}

    counts = {"summary": "summary_session_counts", "unit": "unit", "metric": "tool_calls"}
    cost = {
        "summary": "summary_cost_distribution",
        "unit": "unit",
        "measure": "cost_usd",
        "category": "append",
    }
    times = {"summary": "summary_timing_distribution", "unit": "block", "category": "all"}
    for table in (counts, cost, times):
        assert models(**table, of="session") == {"all": 1}
        assert models(**table, of="request") == {"all": 1, "m": 1}
        assert models(**table, of="step") == {"all": 2, "m": 1, "n": 1}
    (request,) = marts.rows(
        cost["summary"], provider="claude", model="m", unit="request", measure="cost_usd", category="all"
    )
    assert request["total"] == 2
