"""Logs that are odd, and valid: every table is built of them, its rules hold, names and times are as told."""

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import duckdb
import pytest

from tests import builders_codex as codex
from tests import published_rows
from tests.builders_claude import SESSION, Json, assistant, msg, result, text, toolu, usage, use, user
from tracelab.build import build
from tracelab.load import load
from tracelab.status import as_text, status
from tracelab.warehouse import open_read_only

NAMES = ("all", "other", "")
FINE_SESSION = "33333333-3333-4333-8333-333333333333"


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse of odd logs, built: the rules of all its tables hold."""
    folder = tmp_path_factory.mktemp("odd")
    day = f"rollout-2026-09-20T10-00-00-{codex.THREAD}.jsonl"
    logs = {
        f".claude/projects/-home-ada-loom/{SESSION}.jsonl": _oddly_named(),
        f".claude/projects/-home-ada-loom/{FINE_SESSION}.jsonl": _finely_stamped(),
        f".codex/sessions/2026/09/20/{day}": _oddly_named_by_codex(),
    }
    for path, log in logs.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("".join(json.dumps(record) + "\n" for record in log))
    db = folder / "tracelab.duckdb"
    assert load([folder], db=db).failed == 0
    build(db, timezone="UTC")
    with open_read_only(db) as warehouse:
        yield warehouse


@pytest.fixture(scope="module")
def unanswered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse of a message that no step answers."""
    folder = tmp_path_factory.mktemp("unanswered")
    log = folder / f".claude/projects/-home-ada-loom/{SESSION}.jsonl"
    log.parent.mkdir(parents=True)
    log.write_text(json.dumps(user(1, 0, "go")) + "\n")
    db = folder / "tracelab.duckdb"
    load([folder], db=db)
    build(db, timezone="UTC")
    with open_read_only(db) as warehouse:
        yield warehouse


def _oddly_named() -> Iterator[Json]:
    """Tools of every name fail twice in a row, asked for by models of every name."""
    yield user(1, 0, "go")
    for n, (model, tool) in enumerate(product((*NAMES, "claude-opus-4-8"), (*NAMES, None, "Bash")), start=1):
        calls = [use(toolu(2 * n), "Bash"), use(toolu(2 * n + 1), "Bash")]
        for block in calls:
            block["name"] = tool
        tokens = usage(3, 1000, 1003 * (n - 1), 50)
        yield assistant(10 * n, 6 * n, msg(n), *calls, usage=tokens, stop="tool_use", model=model)
        for place, block in enumerate(calls, start=1):
            yield user(10 * n + place, 6 * n + place, [result(block["id"], error=True)])
    yield assistant(900, 200, msg(900), text("done"), usage=usage(), stop="end_turn")


def _oddly_named_by_codex() -> Iterator[Json]:
    yield from (codex.meta(), codex.started(1, "t1"))
    total, n = (0, 0, 0, 0), 0
    for model in (*NAMES, "gpt-5.5"):
        yield from (codex.turn(20 * n + 1, "t1", model), codex.person(20 * n + 1.5))
        for tool in (*NAMES, "exec_command"):
            n, last = n + 1, (1000 * (n + 1), 1000 * n, 40, 10)
            total = tuple(map(sum, zip(total, last, strict=True)))
            yield codex.asks(20 * n, codex.call(n), tool)
            yield codex.counted(20 * n + 1, total, last)
            yield codex.gets(20 * n + 3, codex.call(n), "Exit code: 1\nWall time: 1.5 seconds\nOutput:\n")
    yield codex.says(20 * n + 5)


def _finely_stamped() -> Iterator[Json]:
    """A session whose stamps are finer than a millisecond, of a version called as pooled rows are."""
    of = {"sessionId": FINE_SESSION, "version": "all"}
    answer = {"usage": usage(3, 1000, 0, 50), **of}
    yield user(1001, 0, "go", **of)
    call = assistant(1002, 1, msg(1002), use(toolu(1002)), stop="tool_use", **answer)
    yield call | {"timestamp": "2026-09-20T10:00:01.000400Z"}
    yield user(1003, 2, [result(toolu(1002))], **of) | {"timestamp": "2026-09-20T10:00:02.000500Z"}
    last = assistant(1004, 2, msg(1004), text("done"), stop="end_turn", **answer)
    yield last | {"timestamp": "2026-09-20T10:00:02.000600Z"}


@pytest.mark.parametrize(
    ("table", "name", "usual"),
    [
        ("tool_calls", "tool_name", {"Bash", "exec_command"}),
        ("steps", "model", {"claude-opus-4-8", "gpt-5.5"}),
    ],
)
def test_a_name_that_pooled_rows_bear_is_told_apart_and_an_empty_one_is_none(
    odd: duckdb.DuckDBPyConnection, table: str, name: str, usual: set[str]
) -> None:
    names = {found for (found,) in odd.execute(f"select distinct {name} from {table}").fetchall()}
    assert names == {'"all"', '"other"', None} | usual


def test_a_version_that_pooled_rows_bear_is_told_apart(odd: duckdb.DuckDBPyConnection) -> None:
    found = "select sum(steps) from summary_completeness where provider = 'claude' and session_kind = 'all'"
    steps = {
        version: odd.execute(f"{found} and client_version = ?", [version]).fetchall()
        for version in ('"all"', "all")
    }
    [(all_steps,)] = odd.execute("select count(*) from steps where provider = 'claude'").fetchall()
    assert steps == {'"all"': [(2,)], "all": [(all_steps,)]}
    of_session = f"select client_version from sessions where session_id = 'claude:{FINE_SESSION}'"
    assert odd.execute(of_session).fetchall() == [('"all"',)]


@pytest.mark.parametrize("logs", ["odd", "unanswered"])
def test_what_has_no_value_is_null_and_no_number_is_infinite(
    logs: str, request: pytest.FixtureRequest
) -> None:
    warehouse: duckdb.DuckDBPyConnection = request.getfixturevalue(logs)
    numbers = warehouse.execute(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'main' and data_type = 'DOUBLE'"
    ).fetchall()
    assert len(numbers) > 100
    wrong = [
        f"{table}.{name}"
        for table, name in numbers
        if warehouse.execute(f'select 1 from "{table}" where not isfinite("{name}") limit 1').fetchall()
    ]
    assert wrong == []


def test_pooled_rows_hold_those_of_every_name(odd: duckdb.DuckDBPyConnection) -> None:
    pooled, quoted, all_calls = odd.execute(
        """
        select
            max(tool_calls) filter (tool_name = 'all'),
            max(tool_calls) filter (tool_name = '"all"'),
            (select count(*) from tool_calls)
        from summary_tool_time
        where provider = 'all' and session_kind = 'all' and model = 'all'
        """
    ).fetchall()[0]
    assert pooled == all_calls
    assert quoted == 8 + 4


@pytest.mark.parametrize(
    "stamp",
    [
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ],
)
def test_a_time_that_no_calendar_has_everywhere_is_noted_and_left_out(stamp: str, tmp_path: Path) -> None:
    lost = {"timestamp": stamp}
    claude = [
        user(1, 0, "go"),
        assistant(2, 1, msg(1), text("done"), usage=usage(3, 0, 0, 50)) | lost,
    ]
    response = codex.recorded(1, codex.resp(1), (1000, 0, 50, 20))
    other = [codex.meta(), codex.says(1) | lost, response | lost, codex.person(2)]
    dataset = published_rows.session("a", 2)
    for name, log in {"claude": claude, "codex": other}.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in log))
    dataset[1]["timing_events"][0]["timestamp"] = stamp
    (tmp_path / "rounds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in dataset))
    db = tmp_path / "tracelab.duckdb"
    assert load([tmp_path], db=db).issues == {"wrong_type": 4}
    assert "2026" in as_text(status(db))
    with open_read_only(db) as warehouse:
        [found] = warehouse.execute(
            "select min(event_at) >= '2026-01-01', max(event_at) < '2027-01-01',"
            " (select sum(output_tokens) from raw.steps) from raw.events"
        ).fetchall()
    assert found == (True, True, 50 + 50 + dataset[0]["output_tokens"])


def test_a_call_lasts_from_the_millisecond_it_was_written_in_to_that_of_its_result(
    odd: duckdb.DuckDBPyConnection,
) -> None:
    """From 1.0004 to 2.0005 seconds: 1,000.1 ms, and from 1,000 to 2,001, as every other span is taken."""
    [(wall_ms,)] = odd.execute(
        "select wall_ms from tool_calls where session_id = ?", [f"claude:{FINE_SESSION}"]
    ).fetchall()
    assert wall_ms == 2001 - 1000
