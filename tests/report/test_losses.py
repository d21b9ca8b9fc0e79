"""What costs me, told of tables that are made by hand."""

from pathlib import Path
from typing import Any

import duckdb

from tests.report.test_findings import Tables, tables  # noqa: F401
from tracelab.report.losses import losses

CUT = {"provider": "all", "session_kind": "all"}
NOTHING: dict[str, Any] = {
    "sessions": 0, "occurrences": 0, "steps": 0, "tokens": None, "cost_usd": None, "time_s": None,
    "time_share": None, "untimed_steps": 0, "cause_rank": 1,
    "unpriced_steps": 0,
}  # fmt: skip


def loss(name: str, cause: str | None = "all", **numbers: Any) -> dict[str, Any]:
    types = {"tokens": int, "cost_usd": float, "time_s": float, "time_share": float}
    row = {**CUT, "loss": name, "cause": cause, **NOTHING, **numbers}
    return {
        key: types[key](value) if key in types and value is not None else value for key, value in row.items()
    }


def a_session(tables: Tables) -> None:  # noqa: F811
    """Let one session be the worst of some loss."""
    worst = {"session_rank": 1, "session_id": "a", "worst_step_id": "a#0", "project": ""}
    tables("summary_loss_sessions", {**loss("x"), **worst})


def test_a_loss_says_what_it_took_by_what_and_where_to_look(tables: Tables) -> None:  # noqa: F811
    tables(
        "summary_losses",
        loss("cache_miss", sessions=8, occurrences=11, steps=11, tokens=668_396, cost_usd=4.297),
        loss("cache_miss", "idle", occurrences=6, tokens=469_152, cost_usd=2.891),
        loss("cache_miss", "model_change", occurrences=1, tokens=99_240, cost_usd=0.566, cause_rank=2),
        loss("tool_time", sessions=1, occurrences=204, time_s=4105.3, time_share=0.72),
        loss("serial_calls", time_s=None),
    )
    tables(
        "summary_loss_sessions",
        {**loss("cache_miss", cost_usd=1.08, tokens=190_000), "session_rank": 1, "session_id": "claude:a",
         "worst_step_id": "claude:a#13", "project": None},
    )  # fmt: skip
    miss, tool_time = losses(tables.read)
    assert (
        miss.sentence
        == "11 steps read 668k tokens anew, counting misses of more than 1,024 tokens and 2% of the context;"
        " that cost $4.30 beyond a cached read, in 8 sessions."
    )
    assert miss.note == (
        "Restarts: no session that goes on from a copied history shows one. A log records no other restart;"
        " every other miss here has a cause of its own."
    )
    assert tool_time.note == ""
    assert miss.causes == [
        ("idle: longer than the cache lives", "6", "$2.89 · 469k tokens"),
        ("model change", "1", "$0.57 · 99k tokens"),
    ]
    assert (miss.all_causes, miss.all_sessions) == (2, 8)
    assert miss.sessions == [("claude:a", 13, "", "$1.08 · 190k tokens")]
    assert tool_time.sentence == (
        "Sessions did nothing but wait for tools for 1.1 h, 72% of their working time, in 1 session."
    )


def test_restarts_are_told_as_far_as_a_log_knows_them(tables: Tables) -> None:  # noqa: F811
    tables(
        "summary_losses",
        loss("cache_miss", sessions=3, occurrences=5, steps=5, tokens=137_000, cost_usd=0.83),
        loss("cache_miss", "residual", occurrences=3, tokens=80_000, cost_usd=0.7),
        loss("cache_miss", "restart", sessions=2, occurrences=2, tokens=57_000, cost_usd=0.13, cause_rank=2),
    )
    a_session(tables)
    [miss] = losses(tables.read)
    assert miss.note == (
        "Restarts: 2 sessions that went on from a copied history lost $0.13 · 57k tokens. A log records no"
        " other restart; of the 3 residual misses ($0.70 · 80k tokens) any may be one."
    )
    assert miss.causes[1] == ("restart: resumed in a new session", "2", "$0.13 · 57k tokens")


def test_calls_of_which_no_log_can_tell_are_counted_beside_those_that_ran_one_by_one(
    tables: Tables,  # noqa: F811
) -> None:
    serial = loss("serial_calls", sessions=28, occurrences=33, steps=33, time_s=30.0, untimed_steps=17_701)
    tables("summary_losses", serial)
    a_session(tables)
    [seen] = losses(tables.read)
    assert seen.sentence == (
        "In 33 steps calls ran one by one; at once they would have saved 30 s, in 28 sessions."
    )
    assert seen.note == (
        "17,701 further steps made several calls whose own time is not logged: whether they ran one by one is"
        " not known."
    )
    tables.engine.execute(
        "update summary_losses set sessions = 0, occurrences = 0, steps = 0, time_s = null, untimed_steps = 1"
    )
    [unseen] = losses(tables.read)
    assert unseen.sentence == "No step is known to have run its calls one by one."
    assert unseen.note.startswith("1 step made several calls")


def test_one_miss_without_a_known_cause_may_be_a_restart(tables: Tables) -> None:  # noqa: F811
    tables(
        "summary_losses",
        loss("cache_miss", sessions=1, occurrences=1, steps=1, tokens=80_000, cost_usd=0.7),
        loss("cache_miss", "residual", occurrences=1, tokens=80_000, cost_usd=0.7),
    )
    a_session(tables)
    [miss] = losses(tables.read)
    assert miss.note.endswith("; the residual miss ($0.70 · 80k tokens) may be one.")


def test_the_sample_has_a_loss_of_every_kind(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as built:
        found = list(losses(Tables(built).read))
    assert [loss.title for loss in found] == [
        "Prompts read anew",
        "Contexts past a long-context price",
        "The same tool failing again",
        "Waiting for tools",
        "Calls that ran one by one",
    ]
    assert all(loss.causes and loss.sessions for loss in found)


def test_a_loss_without_a_price_says_that_it_is_not_known(tables: Tables) -> None:  # noqa: F811
    tables("summary_losses", loss("repeated_failures", sessions=1, occurrences=1, time_s=30))
    a_session(tables)
    [failures] = losses(tables.read)
    assert failures.sentence == (
        "1 time a tool failed again and again: that took an unknown amount and 30 s, in 1 session."
    )


def test_of_many_causes_the_worst_are_shown_and_the_rest_is_counted(tables: Tables) -> None:  # noqa: F811
    tools = ["residual", "idle", *(f"tool {number}" for number in range(10))]
    tables(
        "summary_losses",
        loss("tool_time", sessions=30, occurrences=120, time_s=60.0),
        *(loss("tool_time", tool, time_s=5.0, cause_rank=rank) for rank, tool in enumerate(tools)),
    )
    a_session(tables)
    [waits] = losses(tables.read)
    assert [cause for cause, _, _ in waits.causes] == tools[:5]
    assert (waits.all_causes, waits.all_sessions) == (12, 30)


def test_without_a_loss_nothing_is_told(tables: Tables) -> None:  # noqa: F811
    tables("summary_losses", loss("cache_miss"), loss("tool_time"))
    assert list(losses(tables.read)) == []
