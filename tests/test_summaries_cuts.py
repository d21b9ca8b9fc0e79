"""Cuts of summaries: what models and kinds of session have adds up to what their client has."""

from pathlib import Path

import duckdb
import pytest

from tests.test_summaries import Marts, marts

__all__ = ["marts"]

_COUNTS = {
    "summary_overview": (
        "value",
        "name in ('steps', 'output_tokens', 'requests', 'tool_calls', 'human_waits')",
    ),
    "summary_paper_headlines": ("value", "name in ('timed_requests', 'append_tokens', 'growth_tokens')"),
}
"""A column of each table that adds up, and the rows in which it does."""

_DIMENSIONS = {"provider", "trigger", "unit", "metric", "measure", "block", "category", "name", "population"}


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
    assert marts.number("timed_requests", provider=provider, model=None) is None
    assert {row["model"] for row in marts.rows("summary_overview", section="scope")} == {"all"}
