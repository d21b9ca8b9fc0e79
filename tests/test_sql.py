"""`tracelab sql`: what it answers, and that it cannot hurt."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from tracelab.errors import TracelabError
from tracelab.sql import Format, run_sql, write_sql


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sql") / "tracelab.duckdb"
    with duckdb.connect(str(path)) as warehouse:
        warehouse.execute(
            "create table steps as select i as step, 'model ' || i % 3 as model from range(1000) r(i)"
        )
    return path


def answer(db: Path, query: str, format: Format = "csv") -> bytes:
    out = io.BytesIO()
    run_sql(db, query, out, format=format, time_limit_s=20)
    return out.getvalue()


def test_csv_quotes_what_would_break_a_row(db: Path) -> None:
    text = answer(db, "select 'a,b' as x, 'say \"hi\"' as y, 'two\nlines' as z, null as n").decode()
    assert list(csv.reader(io.StringIO(text))) == [
        ["x", "y", "z", "n"],
        ["a,b", 'say "hi"', "two\nlines", ""],
    ]


def test_json_is_one_array_of_objects(db: Path) -> None:
    rows = json.loads(
        answer(db, "select model, count(*) as steps from steps group by all order by all", "json")
    )
    assert rows == [{"model": f"model {n}", "steps": 334 if n == 0 else 333} for n in range(3)]


def test_json_of_no_rows_is_an_empty_array(db: Path) -> None:
    assert json.loads(answer(db, "from steps where false", "json")) == []


def test_parquet_keeps_every_row_and_type(db: Path) -> None:
    frame = pl.read_parquet(io.BytesIO(answer(db, "from steps order by step", "parquet")))
    assert frame.schema == {"step": pl.Int64, "model": pl.String}
    assert frame["step"].to_list() == list(range(1000))


class Counting(io.RawIOBase):
    """A reader that keeps nothing of what it gets."""

    size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        size = len(memoryview(data))
        self.size += size
        return size


@pytest.mark.parametrize(("format", "row_bytes"), [("csv", 1001), ("json", 1011)])
def test_an_answer_may_be_larger_than_memory(db: Path, format: Format, row_bytes: int) -> None:
    out, rows = Counting(), 1_200_000
    run_sql(db, f"select repeat('x', 1000) as x from range({rows})", out, format=format)
    assert out.size >= rows * row_bytes


def test_numbers_beyond_64_bits_are_written_exactly(db: Path) -> None:
    assert answer(db, "select 170141183460469231731687303715884105727::hugeint as n").split()[1] == (
        b"170141183460469231731687303715884105727"
    )


def test_a_table_shows_null_and_escapes_what_a_terminal_would_obey(db: Path) -> None:
    text = answer(db, "select null as n, 'red \x1b[31m' as t, '' as e", "table").decode()
    _header, _rule, row = text.splitlines()
    assert row.split("  ")[0] == "NULL"
    assert "\x1b" not in text
    assert "red \\x1b[31m" in row


def test_a_table_sets_numbers_to_the_right(db: Path) -> None:
    lines = answer(
        db, "select step * 100 as n from steps where step in (1, 999) order by all", "table"
    ).decode()
    assert lines.splitlines()[2:] == ["  100", "99900"]


def test_a_long_table_is_cut_and_says_so(db: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lines = answer(db, "from steps", "table").decode().splitlines()
    assert len(lines) == 2 + 200
    assert "--format csv gives all" in capfd.readouterr().err


def test_a_plan_can_be_read(db: Path) -> None:
    assert "steps" in answer(db, "explain from steps where step > 3", "table").decode()


def test_the_result_file_is_whole_or_not_there(db: Path, tmp_path: Path) -> None:
    write_sql(db, "from steps", tmp_path / "steps.csv", format="csv")
    assert len((tmp_path / "steps.csv").read_text().splitlines()) == 1001
    with pytest.raises(TracelabError):
        write_sql(db, "select error('no') from steps", tmp_path / "failed.csv", format="csv")
    assert [path.name for path in tmp_path.iterdir()] == ["steps.csv"]


@pytest.mark.parametrize(
    "query",
    [
        "insert into steps values (1, 'x')",
        "update steps set step = 0",
        "delete from steps",
        "drop table steps",
        "create table t as select 1",
        "create temp table t as select 1",
        "alter table steps add column x int",
        "with gone as (delete from steps returning *) from gone",
        "explain analyze delete from steps",
        "copy steps to '{folder}/stolen.csv'",
        "copy (select 1) to '{folder}/stolen.parquet'",
        "export database '{folder}/stolen'",
        "attach '{folder}/other.duckdb'",
        "attach ':memory:' as m",
        "from query('attach ''{folder}/other.duckdb''')",
        "install httpfs",
        "load httpfs",
        "set memory_limit = '100GB'",
        "set enable_external_access = true",
        "reset lock_configuration",
        "pragma memory_limit = '100GB'",
        "begin",
        "checkpoint",
        "call pragma_version()",
        "prepare q as select 1",
        "create secret s (type s3)",
        "use temp",
        "select 1; drop table steps",
        "merge into steps using (select 1 as step) s on true when matched then delete",
        "truncate steps",
        "create view v as from steps",
        "create macro m() as 1",
        "comment on table steps is 'x'",
        "explain analyze insert into steps values (1, 'x')",
        "explain analyze copy steps to '{folder}/stolen.csv'",
        "from query('drop table steps')",
        "from query('select 1; drop table steps')",
        "from query('copy steps to ''{folder}/stolen.csv''')",
        "from json_execute_serialized_sql(json_serialize_sql('drop table steps'))",
        "from force_checkpoint('tracelab')",
        "import database '{folder}'",
        "install httpfs from community",
        "load '{folder}/evil.duckdb_extension'",
        "update extensions",
        "from enable_logging(storage := 'file')",
        "from enable_profiling()",
        "detach tracelab",
        "set variable x = 1",
        "deallocate q",
        "vacuum",
        "",
        "-- nothing",
    ],
)
def test_a_statement_that_does_not_read_is_refused(db: Path, tmp_path: Path, query: str) -> None:
    before = db.read_bytes()
    with pytest.raises(TracelabError) as refusal:
        answer(db, query.replace("{folder}", str(tmp_path)))
    assert "Traceback" not in str(refusal.value)
    assert db.read_bytes() == before
    assert list(tmp_path.iterdir()) == []
    assert list(db.parent.iterdir()) == [db]


@pytest.mark.parametrize(
    "query",
    [
        "from read_text('{file}')",
        "from read_csv('{file}')",
        "from read_blob('{file}')",
        "from '{file}'",
        "from sniff_csv('{file}')",
        "from glob('{folder}/*')",
        "from read_duckdb('{folder}/other.duckdb', table_name = 't')",
        "from query('from read_text(''{file}'')')",
        "from read_text('/dev/stdin')",
        "from read_text('/proc/self/environ')",
        "from read_text('file://{file}')",
        "from read_text('/dev/fd/0')",
        "from read_text('/dev/fd/../environ')",
        "from read_text('/dev/fd/../root{file}')",
        "from read_json('{file}')",
        "from read_json_objects('{file}')",
        "from parquet_metadata('{file}')",
        "from query_table('{file}')",
        "with s as materialized (from read_text('{file}')) select content from s",
        "select (select content from read_text('{file}'))",
        "from which_secret('s3://bucket/x', 's3')",
        "from duckdb_extensions()",
        "from sqlite_scan('{file}', 't')",
        "from read_xlsx('{file}')",
        "from 'http://127.0.0.1/x.csv'",
        "from read_csv('hf://datasets/x/y.csv')",
        "from read_parquet('https://127.0.0.1/x.parquet')",
        "from read_csv('s3://bucket/x.csv')",
        "select getenv('HOME')",
        "from duckdb_secrets()",
        "from job",
        "from answer",
    ],
)
def test_a_query_reaches_no_file_no_network_and_no_process(db: Path, tmp_path: Path, query: str) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("tracelab_secret\n1\n")
    with pytest.raises(TracelabError) as refusal:
        answer(db, query.replace("{file}", str(secret)).replace("{folder}", str(tmp_path)))
    assert "tracelab_secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "query",
    [
        "select length(repeat('x', 2000000000) || repeat('y', 2000000000))",
        "select list(range) from range(1000000000)",
        "select i, repeat('x', 1000) as x from range(10000000) r(i) order by x desc, i desc",
        "select count(*) from (select i from range(500000000) r(i) group by i)",
        "select printf('%2000000000d', 1)",
        "select i, repeat('x', 200000) as x from range(100000) r(i)",
        "with recursive r as (select repeat('x', 1000) as x union all select x || x from r)"
        " select max(length(x)) from r",
        " union all ".join(["select 1"] * 20_000),
    ],
)
def test_a_query_that_wants_too_much_memory_ends_in_one_message(db: Path, query: str) -> None:
    with pytest.raises(TracelabError, match="more memory than it may take"):
        answer(db, query)
    assert list(db.parent.iterdir()) == [db], "nothing is spilled beside the warehouse"


@pytest.mark.parametrize(
    "query",
    [
        "with recursive r as (select 1 as i union all select i + 1 from r) select count(*) from r",
        "select count(*) from range(10000000) a, range(10000000) b where a.range + b.range = 7",
        "select sleep_ms(60000)",
        "select count(*) from steps a, steps b, steps c, steps d where hash(a, b, c, d) = 1",
    ],
)
def test_a_query_that_never_ends_is_stopped(db: Path, query: str) -> None:
    with pytest.raises(TracelabError, match="longer than 1 s"):
        run_sql(db, query, io.BytesIO(), time_limit_s=1)


@pytest.mark.parametrize(
    "query",
    ["select " + "(" * 200_000 + "1" + ")" * 200_000, "select " + "- " * 100_000 + "1", "select '\ud800'"],
    ids=["brackets", "signs", "half a character"],
)
def test_a_query_that_no_parser_likes_ends_in_one_message(db: Path, query: str) -> None:
    with pytest.raises(TracelabError) as refusal:
        answer(db, query)
    assert "Traceback" not in str(refusal.value)


def test_a_mistake_gives_the_engines_own_message_once(db: Path) -> None:
    with pytest.raises(TracelabError) as mistake:
        answer(db, "select modle from steps")
    assert str(mistake.value).count('Referenced column "modle" not found') == 1
    assert "Traceback" not in str(mistake.value)


def test_an_error_while_rows_stream_is_told_without_wrapping(db: Path) -> None:
    with pytest.raises(TracelabError) as mistake:
        answer(db, "select if(step = 900, error('bad row'), step) from steps")
    assert str(mistake.value) == "Invalid Input Error: bad row"


def test_a_pivot_that_must_look_up_its_columns_says_how_to_write_it(db: Path) -> None:
    with pytest.raises(TracelabError, match="list them"):
        answer(db, "pivot steps on model")
    assert answer(db, "pivot steps on model in ('model 1') group by model order by all").count(b"\n") == 4


def test_a_table_that_is_not_built_yet_says_what_to_run(tmp_path: Path) -> None:
    empty = tmp_path / "tracelab.duckdb"
    duckdb.connect(str(empty)).close()
    with pytest.raises(TracelabError, match="tracelab build"):
        answer(empty, "from steps")


def test_a_module_in_the_current_folder_is_not_run(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "duckdb.py").write_text("raise SystemExit('hijacked')")
    (tmp_path / "tracelab.py").write_text("raise SystemExit('hijacked')")
    monkeypatch.chdir(tmp_path)
    assert answer(db, "select 1 as x") == b"x\n1\n"


def test_an_answer_is_not_written_over_the_warehouse(db: Path) -> None:
    before = db.read_bytes()
    with pytest.raises(TracelabError, match="the warehouse itself"):
        write_sql(db, "select 1", db, format="csv")
    assert db.read_bytes() == before


def test_an_answer_is_not_written_over_what_is_no_file(db: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(TracelabError, match="it is no file"):
        write_sql(db, "select 1", pipe, format="csv")
    assert pipe.is_fifo()


def test_a_query_ends_even_if_nobody_waits_for_it(db: Path) -> None:
    endless = "select sum(a.range * b.range) from range(10000000) a, range(10000000) b"
    job = {"db": str(db), "query": endless, "format": "csv", "time_limit_s": -2}
    done = subprocess.run(
        [sys.executable, "-m", "tracelab.sql_child"],
        input=json.dumps(job).encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode in (-signal.SIGXCPU, -signal.SIGKILL)
