"""What was lost, on marts made by hand: what a session waited for, what ran one by one, what failed again."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.test_summaries import Marts, rendered

NOON = datetime(2026, 1, 1, 12)
ALL = {"provider": "all", "session_kind": "all"}
_SIMULATIONS = ("sim_restarts", "sim_tool_holds", "sim_losses")


class Losses(Marts):
    """Marts of which the simulations are made anew each time they are asked for."""

    def made(self, table: str) -> list[dict[str, Any]]:
        for simulation in _SIMULATIONS:
            self.tables.execute(f"create or replace table {simulation} as {rendered(simulation)}")
        if table not in _SIMULATIONS:
            return self.rows(table)
        relation = self.tables.sql(f"from {table}")
        return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]

    def holds(self) -> dict[str, int]:
        return {row["tool_call_id"]: row["held_ms"] for row in self.made("sim_tool_holds")}

    def of(self, loss: str, session_id: str = "s") -> dict[str | None, dict[str, Any]]:
        """Return a session's loss by cause, `all` among them."""
        rows = [
            row for row in self.made("sim_losses") if (row["loss"], row["session_id"]) == (loss, session_id)
        ]
        return {row["cause"]: row for row in rows}


@pytest.fixture
def marts(warehouse: Path) -> Iterator[Losses]:
    made = Losses(warehouse)
    yield made
    made.tables.close()


def at(ms: float | None) -> datetime | None:
    return None if ms is None else NOON + timedelta(milliseconds=ms)


def call(name: str, emitted: float | None, result: float | None, **columns: Any) -> dict[str, Any]:
    return {
        "tool_call_id": name,
        "tool_name": name.split("/")[0],
        "session_id": "s",
        "step_id": "s#0",
        "tool_index": 0,
        "emitted_at": at(emitted),
        "result_at": at(result),
        "is_denied": False,
        "is_human_tool": False,
        **columns,
    }


def step(
    index: int, ready: float | None = None, output: float | None = None, **columns: Any
) -> dict[str, Any]:
    return {
        "step_id": f"s#{index}",
        "session_id": "s",
        "step_index": index,
        "request_id": "s@1",
        "tool_calls": 2,
        "ready_at": at(ready),
        "last_output_at": at(output),
        "generation_ms": None if ready is None or output is None else output - ready,
        "input_tokens": 100,
        "output_tokens": 10,
        "cost_usd": 1,
        **columns,
    }


def test_a_session_waits_for_the_tool_that_ends_last(marts: Losses) -> None:
    marts.add(
        "tool_calls",
        call("long", 0, 100),
        call("within", 20, 60),
        call("first of two", 200, 300),
        call("second of two", 250, 400),
        call("as late, begun before", 500, 600),
        call("as late, begun after", 520, 600),
        call("in a session of its own", 0, 100, session_id="t"),
    )
    assert marts.holds() == {
        "long": 100,
        "first of two": 50,
        "second of two": 150,
        "as late, begun before": 100,
        "in a session of its own": 100,
    }


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_of_tools_that_begin_and_end_together_the_first_in_the_log_holds(
    marts: Losses, names: tuple[str, str]
) -> None:
    marts.add("tool_calls", *(call(name, 0, 9, tool_index=place) for place, name in enumerate(names)))
    assert marts.holds() == {names[0]: 9}


def test_a_tool_holds_nothing_up_while_an_answer_is_made(marts: Losses) -> None:
    marts.add(
        "steps",
        step(0, 50, 120),
        step(1, 180, 190),
        step(2, 250, 310),
        step(3, 255, 260),
        step(4, 300, 350),
        step(5, None, 400),
        step(6, 150, 200, session_id="t"),
    )
    marts.add(
        "tool_calls",
        call("begun while it was made", 100, 200),
        call("across two that overlap", 240, 390),
        call("within one", 270, 280),
        call("after all", 400, 410),
        call("up to the start", 210, 250, session_id="u"),
    )
    assert marts.holds() == {
        "begun while it was made": 100 - 20 - 10,
        "across two that overlap": 150 - 100,
        "after all": 10,
        "up to the start": 40,
    }


def test_calls_without_a_span_and_tools_of_a_person_hold_nothing_up(marts: Losses) -> None:
    marts.add(
        "tool_calls",
        call("open", 0, None),
        call("not emitted", None, 100),
        call("backwards", 100, 50),
        call("at once", 100, 100),
        call("asked", 0, 1000, is_human_tool=True),
        call("meanwhile", 0, 10),
    )
    assert marts.holds() == {"meanwhile": 10}


def test_holds_are_those_that_counting_each_millisecond_finds(marts: Losses) -> None:
    chance = random.Random(1)
    steps = [step(n, start := chance.randrange(300), start + chance.randrange(1, 40)) for n in range(8)]
    calls = [
        call(f"{n}", start := chance.randrange(300), start + chance.randrange(1, 30), session_id="s")
        for n in range(60)
    ]
    marts.add("steps", *steps)
    marts.add("tool_calls", *calls)
    expected: dict[str, int] = {}
    for now in map(at, range(400)):
        if any(one["ready_at"] <= now < one["last_output_at"] for one in steps):
            continue
        running = [one for one in calls if one["emitted_at"] <= now < one["result_at"]]
        if running:
            last = max(one["result_at"] for one in running)
            tied = [one for one in running if one["result_at"] == last]
            held = min(tied, key=lambda one: (one["emitted_at"], one["tool_call_id"]))
            expected[held["tool_call_id"]] = expected.get(held["tool_call_id"], 0) + 1
    assert len(expected) > 10
    assert marts.holds() == expected


def test_time_of_tools_is_told_by_tool(marts: Losses) -> None:
    marts.add(
        "tool_calls",
        call("Bash/1", 0, 100),
        call("Bash/2", 200, 250, step_id="s#1"),
        call("Read", 300, 320),
        call("none/1", 400, 401, tool_name=None),
    )
    lost = marts.of("tool_time")
    assert {cause: (row["occurrences"], row["time_ms"]) for cause, row in lost.items()} == {
        "Bash": (2, 150),
        "Read": (1, 20),
        None: (1, 1),
        "all": (4, 171),
    }
    assert (lost["all"]["steps"], lost["all"]["tokens"], lost["all"]["cost_usd"]) == (None, None, None)
    assert lost["Bash"]["worst_step_id"] == "s#0"


def test_calls_that_ran_one_by_one_would_have_taken_as_long_as_the_longest(marts: Losses) -> None:
    marts.add("steps", step(0), step(1))
    marts.add(
        "tool_calls",
        call("Read/1", 0, 110, internal_ms=100),
        call("Bash/1", 0, 420, internal_ms=300),
        # ends where the next begins
        call("Read/2", 0, 470, internal_ms=50),
        call("Edit/1", 1000, 1100, internal_ms=90, step_id="s#1"),
        call("Edit/2", 1000, 1200, internal_ms=95, step_id="s#1"),
    )
    lost = marts.of("serial_calls")
    assert {cause: (row["occurrences"], row["steps"], row["time_ms"]) for cause, row in lost.items()} == {
        "Bash + Read": (1, 1, 150),
        "Edit": (1, 1, 90),
        "all": (2, 2, 240),
    }
    assert lost["all"]["worst_step_id"] == "s#0"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(
            call("a", 0, 100, internal_ms=100), call("b", 0, 150, internal_ms=100), id="overlapping"
        ),
        pytest.param(
            call("a", 0, 100, internal_ms=100), call("b", 0, 101, internal_ms=900), id="longer than seen"
        ),
        pytest.param(
            call("a", 0, 100, internal_ms=90), call("b", 120, 200, internal_ms=70), id="written later"
        ),
    ],
)
def test_running_together_saves_nothing_where_calls_are(marts: Losses, first: Any, second: Any) -> None:
    marts.add("steps", step(0))
    marts.add("tool_calls", first, second)
    assert marts.of("serial_calls") == {}


def test_a_run_is_no_longer_than_from_its_call_to_its_result(marts: Losses) -> None:
    marts.add("steps", step(0))
    marts.add("tool_calls", call("a", 0, 100, internal_ms=500), call("b", 50, 300, internal_ms=100))
    assert marts.of("serial_calls")["a + b"]["time_ms"] == 100


def test_a_call_written_later_could_not_have_begun_before(marts: Losses) -> None:
    marts.add("steps", step(0))
    marts.add("tool_calls", call("a", 0, 100, internal_ms=100), call("b", 80, 160, internal_ms=60))
    # together they would have ended at 140, where the sum less the longest says 100
    assert marts.of("serial_calls")["a + b"]["time_ms"] == 20


@pytest.mark.parametrize(
    ("other", "untimed"),
    [
        pytest.param({"internal_ms": None}, 1, id="without the runner's own time"),
        pytest.param({"internal_ms": 0}, 1, id="whose runner says 0"),
        pytest.param({"internal_ms": 90, "result_at": None}, 1, id="without a result"),
        pytest.param({"internal_ms": 90, "is_denied": True}, 0, id="that was refused"),
        pytest.param({"internal_ms": 90, "is_human_tool": True}, 0, id="that a person answers"),
    ],
)
def test_the_log_cannot_tell_the_time_of_a_call(marts: Losses, other: dict[str, Any], untimed: int) -> None:
    marts.add("steps", step(0))
    marts.add("tool_calls", call("a", 0, 100, internal_ms=90), call("b", 0, 300, **other))
    lost = marts.of("serial_calls")
    assert {
        cause: (row["occurrences"], row["time_ms"], row["untimed_steps"]) for cause, row in lost.items()
    } == ({"all": (0, None, 1)} if untimed else {})


def test_a_step_the_log_cannot_judge_is_none_of_tools_without_a_name(marts: Losses) -> None:
    marts.add("steps", step(0), step(1))
    marts.add(
        "tool_calls",
        *(call(f"{n}/a", 0, 90 * (n + 1), internal_ms=90, tool_name=None) for n in range(2)),
        *(call(f"{n}/b", 0, 100, step_id="s#1") for n in range(2)),
    )
    lost = marts.of("serial_calls")
    assert {cause: (row["occurrences"], row["untimed_steps"]) for cause, row in lost.items()} == {
        None: (1, 0),
        "all": (1, 1),
    }


def failed(tool: str, index: int, **columns: Any) -> dict[str, Any]:
    columns = {"is_error": True, "step_id": f"s#{index}", **columns}
    return call(f"{tool}/{index}", 1000 * index, 1000 * index + 100, **columns)


def test_a_tool_that_fails_again_costs_its_steps_and_their_time(marts: Losses) -> None:
    marts.add("steps", *(step(n, 1000 * n - 400, 1000 * n, cost_usd=n + 1) for n in range(6)))
    marts.add(
        "tool_calls",
        failed("Edit", 0),
        # another tool between does not end the run, nor does a refusal
        failed("Read", 1, is_error=False),
        failed("Edit", 2, is_denied=True),
        failed("Edit", 3),
        failed("Edit", 4, is_error=False),
        failed("Edit", 5),
    )
    lost = marts.of("repeated_failures")
    assert lost.keys() == {"Edit", "all"}
    edit = lost["Edit"]
    assert (edit["occurrences"], edit["steps"], edit["tokens"], edit["cost_usd"]) == (
        1,
        2,
        220,
        Decimal(1 + 4),
    )
    assert edit["time_ms"] == 2 * (400 + 100)
    assert (edit["unpriced_steps"], edit["worst_step_id"]) == (0, "s#3")


@pytest.mark.parametrize(
    "second",
    [
        pytest.param([failed("Bash", 1, is_error=False), failed("Bash", 2)], id="after a success"),
        pytest.param([failed("Bash", 1, is_error=None), failed("Bash", 2)], id="after an unknown outcome"),
        pytest.param([failed("Read", 1)], id="of another tool"),
        pytest.param([failed("Bash", 0, tool_call_id="again", tool_index=1)], id="of the same step"),
        pytest.param([failed("Bash", 1, is_denied=True)], id="that is a refusal"),
        pytest.param([failed("Bash", 3)], id="of another request"),
        pytest.param([failed("Bash", 1, session_id="t", step_id="t#1")], id="of another session"),
    ],
)
def test_it_is_no_repetition(marts: Losses, second: list[dict[str, Any]]) -> None:
    steps = [step(n, request_id="s@1" if n < 3 else "s@2") for n in range(4)]
    marts.add("steps", *steps, step(1, step_id="t#1", session_id="t"))
    marts.add("tool_calls", failed("Bash", 0), *second)
    assert marts.of("repeated_failures") == {}


def test_runs_of_failures_are_counted_apart_and_before_the_first_request_too(marts: Losses) -> None:
    marts.add("steps", *(step(n, request_id=None) for n in range(5)))
    outcomes = (True, True, False, True, True)
    marts.add(
        "tool_calls",
        *(failed("none", n, tool_name=None, is_error=is_error) for n, is_error in enumerate(outcomes)),
    )
    lost = marts.of("repeated_failures")[None]
    assert (lost["occurrences"], lost["steps"], lost["cost_usd"]) == (2, 4, Decimal(4))
    assert lost["time_ms"] == 400


def test_a_step_in_which_two_tools_fail_again_is_charged_once(marts: Losses) -> None:
    marts.add("steps", step(0, 0, 50, cost_usd=None), step(1, 900, 1000))
    for index in (0, 1):
        marts.add("tool_calls", failed("Read", index, tool_index=1), failed("Bash", index))
    lost = marts.of("repeated_failures")
    assert {cause: (row["occurrences"], row["steps"], row["tokens"]) for cause, row in lost.items()} == {
        "Bash": (1, 2, 220),
        "Read": (1, 0, None),
        "all": (2, 2, 220),
    }
    assert (lost["all"]["cost_usd"], lost["all"]["unpriced_steps"]) == (Decimal(1), 1)
    # half of the first call ran while its step went on, and of two that end at once one is waited for
    assert lost["all"]["time_ms"] == (50 + 50) + (100 + 100)


def test_the_step_to_look_at_is_the_one_whose_calls_lost_most_together(marts: Losses) -> None:
    marts.add("steps", step(0), step(1), step(2))
    marts.add(
        "tool_calls",
        call("Bash/1", 0, 100),
        call("Read", 200, 260),
        call("Bash/2", 300, 350),
        call("Bash/3", 400, 530, step_id="s#1"),
        call("Read/2", 600, 690, step_id="s#2"),
    )
    lost = marts.of("tool_time")
    # 100 + 60 + 50, 130 and 90; of Bash 100 + 50 and 130, of Read 60 and 90
    assert {cause: row["worst_step_id"] for cause, row in lost.items()} == {
        "all": "s#0",
        "Bash": "s#0",
        "Read": "s#2",
    }


def test_two_tools_that_fail_in_one_step_make_it_the_worst_together(marts: Losses) -> None:
    marts.add("steps", *(step(n, cost_usd=None, input_tokens=0, output_tokens=0) for n in range(3)))
    marts.add(
        "tool_calls",
        failed("Bash", 0, emitted_at=at(0), result_at=at(50)),
        failed("Read", 0, emitted_at=at(50), result_at=at(90), tool_index=1),
        failed("Bash", 1, emitted_at=at(1000), result_at=at(1070)),
        failed("Read", 2, emitted_at=at(2000), result_at=at(2020)),
    )
    lost = marts.of("repeated_failures")
    assert {cause: row["worst_step_id"] for cause, row in lost.items()} == {
        "all": "s#0",
        "Bash": "s#1",
        "Read": "s#0",
    }


@pytest.mark.parametrize(
    ("known", "time_ms"),
    [
        pytest.param({}, None, id="without any stamp"),
        pytest.param({"emitted_at": NOON}, None, id="without a result"),
        pytest.param({"emitted_at": NOON, "result_at": NOON}, 0, id="that ended at once"),
    ],
)
def test_the_time_of_failures_is_unknown_where_none_is_logged(
    marts: Losses, known: dict[str, Any], time_ms: int | None
) -> None:
    marts.add("steps", step(0), step(1))
    marts.add(
        "tool_calls",
        failed("Bash", 0, **{"emitted_at": None, "result_at": None, **known}),
        failed("Bash", 1, emitted_at=None, result_at=None),
    )
    lost = marts.of("repeated_failures")
    assert [row["time_ms"] for row in lost.values()] == [time_ms, time_ms]
    assert {row["steps"] for row in lost.values()} == {2}


def miss(index: int, cause: str, tokens: int, cost: float | None, **columns: Any) -> dict[str, Any]:
    named = {"session_id": "s", "miss_cause": cause, "missed_tokens": tokens, "missed_cost_usd": cost}
    return {"step_id": f"s#{index}", **named, **columns}


def test_missed_tokens_are_told_by_cause_and_small_misses_are_none(marts: Losses) -> None:
    marts.add(
        "cache_reuse",
        miss(0, "session_start", 0, 0),
        miss(1, "idle", 5000, 0.5),
        miss(2, "idle", 7000, None),
        miss(3, "none", 900, 0.1),
        miss(4, "compaction", 3000, 0.75),
        {"step_id": "s#5", "session_id": "s"},
    )
    lost = marts.of("cache_miss")
    measures = ("occurrences", "steps", "tokens", "cost_usd", "unpriced_steps", "time_ms", "worst_step_id")
    assert {cause: [row[name] for name in measures] for cause, row in lost.items()} == {
        "idle": [2, 2, 12000, Decimal("0.5"), 1, None, "s#1"],
        "compaction": [1, 1, 3000, Decimal("0.75"), 0, None, "s#4"],
        "all": [3, 3, 15000, Decimal("1.25"), 1, None, "s#4"],
    }


def add_restart(
    marts: Losses,
    *,
    session: dict[str, Any] | None = None,
    first: dict[str, Any] | None = None,
    last: dict[str, Any] | None = None,
    written: dict[str, Any] | None = None,
    compaction: dict[str, Any] | None = None,
) -> None:
    """Add a session, ready 56 s after the last step of the one that it goes on from a copy of."""
    usage = {"calls": 1, "tool_calls": 0}
    marts.add("sessions", {"session_id": "s", "forked_from_step_id": "o#5", **(session or {})})
    origin = {"session_id": "o", **usage}
    marts.add(
        "steps",
        step(0, **{**origin, "step_id": "o#0", **(written or {})}),
        step(5, -9_000, 0, **{**origin, "step_id": "o#5", "context_tokens": 60_000, "output_tokens": 2_600,
             "visible_output_tokens": 1_200, **(last or {})}),
        step(0, 56_000, 60_000, **{**usage, "context_tokens": 64_400, "append_tokens": 59_900,
             "append_cost_usd": Decimal("0.0599"), **(first or {})}),
    )  # fmt: skip
    marts.add("cache_reuse", {**miss(0, "session_start", 0, 0), "read_usd_per_mtok": Decimal("0.1")})
    if compaction:
        marts.add("compactions", compaction)


def test_a_restart_missed_what_the_copied_history_held(marts: Losses) -> None:
    add_restart(marts)
    # of 59,900 tokens appended 64,400 - 60,000 - 2,600 are new, and 1,200 the last output
    missed = 59_900 - 1_800 - 1_200
    (restart,) = marts.made("sim_restarts")
    assert restart == {
        "session_id": "s",
        "step_id": "s#0",
        "origin_step_id": "o#5",
        "idle_gap_ms": 56_000,
        "cache_lifetime_ms": 300_000,
        "missed_tokens": missed,
        "missed_cost_usd": missed * (Decimal("1") - Decimal("0.1")) / 1_000_000,
    }
    lost = marts.of("cache_miss")
    assert {cause: (row["occurrences"], row["steps"], row["tokens"]) for cause, row in lost.items()} == {
        "restart": (1, 1, missed),
        "all": (1, 1, missed),
    }
    assert lost["restart"]["cost_usd"] == restart["missed_cost_usd"]
    assert lost["restart"]["worst_step_id"] == "s#0"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"session": {"forked_from_step_id": None}}, id="no copied history"),
        pytest.param({"session": {"session_kind": "subagent"}}, id="a subagent"),
        pytest.param({"first": {"step_index": 1}}, id="not the first step"),
        pytest.param({"first": {"purpose": "compaction"}}, id="a compaction's own step"),
        pytest.param({"first": {"model": "another"}}, id="another model"),
        pytest.param({"first": {"calls": 2}}, id="several calls"),
        pytest.param({"last": {"calls": 2}}, id="several calls before"),
        pytest.param({"last": {"context_tokens": None}}, id="no usage before"),
        pytest.param({"last": {"output_tokens": None}}, id="no output known before"),
        pytest.param({"first": {"ready_at": at(300_001)}}, id="past the lifetime"),
        pytest.param({"first": {"ready_at": at(-1)}}, id="copied at its end"),
        pytest.param({"first": {"ready_at": None}}, id="no time"),
        pytest.param({"last": {"context_tokens": 128_400}}, id="a prompt that fell by 64,000"),
        pytest.param(
            {
                "last": {"context_tokens": 40_000},
                "first": {"context_tokens": 44_400, "append_tokens": 4_024},
            },
            id="1,024 tokens missed",
        ),
        pytest.param({"first": {"append_tokens": 4_200}}, id="2% of the prompt missed"),
        pytest.param({"compaction": {"session_id": "s", "step_id": "s#0"}}, id="compacted"),
        pytest.param({"compaction": {"session_id": "o", "compacted_at": at(30_000)}}, id="compacted before"),
    ],
)
def test_no_restart_is_seen_where_something_else_may_have_cost_the_cache(
    marts: Losses, change: dict[str, Any]
) -> None:
    add_restart(marts, **change)
    assert marts.made("sim_restarts") == []


@pytest.mark.parametrize(
    ("change", "lifetime_ms"),
    [
        ({}, 300_000),
        (
            {
                "written": {"cache_write_tokens": 9, "cache_write_1h_tokens": 9},
                "last": {"cache_write_tokens": 0, "cache_write_1h_tokens": 0},
            },
            3_600_000,
        ),
        (
            {
                "written": {"cache_write_tokens": 9, "cache_write_1h_tokens": 9},
                "last": {"cache_write_tokens": 9, "cache_write_1h_tokens": 4, "cache_write_5m_tokens": 5},
            },
            300_000,
        ),
        ({"compaction": {"session_id": "o", "compacted_at": at(-30_000)}}, 300_000),
    ],
    ids=["nothing written", "an hour", "last for 5 minutes", "compacted long before"],
)
def test_a_restart_comes_within_the_lifetime_of_what_the_origin_last_wrote(
    marts: Losses, change: dict[str, Any], lifetime_ms: int
) -> None:
    add_restart(marts, **change, first={"ready_at": at(lifetime_ms)})
    assert [row["cache_lifetime_ms"] for row in marts.made("sim_restarts")] == [lifetime_ms]


@pytest.mark.parametrize(("purpose", "restarts"), [(None, 1), ("compaction", 0)])
def test_what_the_origin_compacted_after_it_went_on_is_not_in_the_copied_history(
    marts: Losses, purpose: str | None, restarts: int
) -> None:
    add_restart(marts, compaction={"session_id": "o", "compacted_at": at(30_000)})
    after = {"session_id": "o", "step_id": "o#6", "first_output_at": at(20_000), "purpose": purpose}
    marts.add("steps", step(6, **after))
    assert len(marts.made("sim_restarts")) == restarts


def test_a_restart_without_a_price_is_counted_apart(marts: Losses) -> None:
    add_restart(marts, first={"append_cost_usd": None})
    lost = marts.of("cache_miss")["restart"]
    assert (lost["tokens"], lost["cost_usd"], lost["unpriced_steps"]) == (56_900, None, 1)


def test_a_prompt_priced_for_its_length_costs_the_difference(marts: Losses) -> None:
    marts.add(
        "steps",
        step(0, model="x", input_tokens=300_000, long_context_cost_usd=0.5),
        step(1, model="y", input_tokens=400_000, long_context_cost_usd=0.25),
        step(2, model="x", input_tokens=100_000, long_context_cost_usd=0),
        step(3, model="unpriced", input_tokens=900_000, cost_usd=None),
    )
    lost = marts.of("long_context")
    assert {cause: (row["occurrences"], row["tokens"], row["cost_usd"]) for cause, row in lost.items()} == {
        "x": (1, 300_000, Decimal("0.5")),
        "y": (1, 400_000, Decimal("0.25")),
        "all": (2, 700_000, Decimal("0.75")),
    }


def session(name: str, **columns: Any) -> dict[str, Any]:
    spent = {"cost_usd": 10, "generation_part_ms": 3000, "tool_part_ms": 1000}
    return {"session_id": name, "project": f"project of {name}", "started_at": NOON, **spent, **columns}


def test_losses_are_a_share_of_what_the_cut_spent_and_ranked_by_cost_then_time(marts: Losses) -> None:
    marts.add(
        "sessions",
        session("s"),
        session("t", provider="codex", session_kind="subagent", cost_usd=None),
        session("nothing lost", provider="codex", cost_usd=30),
    )
    marts.add(
        "cache_reuse",
        miss(0, "idle", 5000, 1),
        miss(1, "residual", 9000, 2),
        miss(2, "compaction", 9000, None, session_id="t"),
    )
    marts.add("tool_calls", call("Bash", 0, 500), call("exec", 0, 700, session_id="t"))
    rows = marts.made("summary_losses")
    named = {(r["provider"], r["session_kind"], r["loss"], r["cause"]): r for r in rows}
    ranks = {
        cause: named["all", "all", "cache_miss", cause]["cause_rank"]
        for cause in ("idle", "residual", "compaction")
    }
    assert ranks == {"residual": 1, "idle": 2, "compaction": 3}
    whole = named["all", "all", "cache_miss", "all"]
    assert (whole["sessions"], whole["occurrences"], whole["tokens"], whole["unpriced_steps"]) == (
        2,
        3,
        23000,
        1,
    )
    assert (whole["cost_usd"], whole["cost_share"], whole["time_s"], whole["time_share"]) == (
        3.0,
        3 / 40,
        None,
        None,
    )
    assert named["claude", "main", "cache_miss", "all"]["cost_share"] == 3 / 10
    codex = named["codex", "subagent", "cache_miss", "all"]
    assert (codex["cost_usd"], codex["cost_share"], codex["tokens"]) == (None, None, 9000)
    tool = named["all", "all", "tool_time", "exec"]
    assert (tool["cause_rank"], tool["time_s"], tool["time_share"]) == (1, 0.7, 700 / 12000)
    assert ("codex", "main", "cache_miss", "all") not in named


def test_of_causes_that_lost_the_same_the_one_that_came_more_often_is_first(marts: Losses) -> None:
    marts.add("sessions", session("s"))
    marts.add("cache_reuse", miss(0, "idle", 5000, 1), miss(1, "residual", 2000, 0.5))
    marts.add("cache_reuse", miss(2, "residual", 3000, 0.5))
    rows = marts.made("summary_losses")
    ranks = {row["cause"]: row["cause_rank"] for row in rows if row["provider"] == "all" != row["cause"]}
    assert ranks == {"residual": 1, "idle": 2}
    assert {row["main_cause"] for row in marts.rows("summary_loss_sessions")} == {"residual"}


def test_a_step_the_log_cannot_judge_is_counted_with_all_causes_only(marts: Losses) -> None:
    marts.add("sessions", session("s"))
    marts.add("steps", step(0))
    marts.add("tool_calls", call("a", 0, 100), call("b", 0, 300))
    (row,) = (
        r
        for r in marts.made("summary_losses")
        if r["loss"] == "serial_calls" and r["provider"] == "all" == r["session_kind"]
    )
    assert (row["cause"], row["sessions"], row["occurrences"], row["untimed_steps"]) == ("all", 0, 0, 1)
    assert marts.rows("summary_loss_sessions", loss="serial_calls") == []


def test_the_twenty_sessions_that_lost_most_are_named_with_where_to_look(marts: Losses) -> None:
    names = [f"s{number:02}" for number in range(22)]
    marts.add("sessions", *(session(name) for name in names))
    marts.add(
        "cache_reuse",
        *(miss(0, "idle", 5000, 1, session_id=name, step_id=f"{name}#0") for name in names[:20]),
        miss(7, "residual", 9000, 3, session_id="s20", step_id="s20#7"),
        miss(8, "idle", 9000, 2, session_id="s20", step_id="s20#8"),
        miss(9, "idle", 99999, None, session_id="s21", step_id="s21#9"),
    )
    marts.made("sim_losses")
    rows = {row["session_rank"]: row for row in marts.rows("summary_loss_sessions", **ALL, loss="cache_miss")}
    assert [rows[rank]["session_id"] for rank in sorted(rows)] == ["s20", *names[:19]]
    assert len(rows) == 20
    top = rows[1]
    assert (top["project"], top["started_at"], top["main_cause"]) == ("project of s20", NOON, "residual")
    assert (top["worst_step_id"], top["occurrences"], top["cost_usd"], top["cost_share"]) == (
        "s20#7",
        2,
        5.0,
        0.5,
    )
    assert (top["time_s"], top["time_share"]) == (None, None)


def test_sessions_are_ranked_in_each_cut_by_time_where_nothing_is_priced(marts: Losses) -> None:
    marts.add(
        "sessions", session("s"), session("t", provider="codex", session_kind="subagent", cost_usd=None)
    )
    marts.add("tool_calls", call("Bash", 0, 500), call("exec", 0, 700, session_id="t"))
    marts.made("sim_losses")
    ranks = {
        (row["provider"], row["session_kind"], row["session_id"]): (row["session_rank"], row["time_share"])
        for row in marts.rows("summary_loss_sessions")
    }
    assert ranks == {
        ("all", "all", "t"): (1, 700 / 4000),
        ("all", "all", "s"): (2, 500 / 4000),
        ("all", "main", "s"): (1, 500 / 4000),
        ("all", "subagent", "t"): (1, 700 / 4000),
        ("claude", "all", "s"): (1, 500 / 4000),
        ("codex", "all", "t"): (1, 700 / 4000),
        ("claude", "main", "s"): (1, 500 / 4000),
        ("codex", "subagent", "t"): (1, 700 / 4000),
    }


def test_without_a_session_nothing_is_lost(marts: Losses) -> None:
    assert marts.made("summary_losses") == []
    assert marts.made("summary_loss_sessions") == []


def test_each_loss_of_the_sample_is_told_from_its_steps(warehouse: Path) -> None:
    """The dearest step of each loss is a step of its session."""
    with duckdb.connect(str(warehouse), read_only=True) as tables:
        lost, places = tables.execute(
            """
            select count(*), count(steps.step_id) filter (where steps.session_id = lost.session_id)
            from summary_loss_sessions as lost
            left join steps on worst_step_id = step_id
            """
        ).fetchall()[0]
    assert lost == places > 0
