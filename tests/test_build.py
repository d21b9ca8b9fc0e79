"""`tracelab build`: dbt on any database file, quietly, with one message for what fails."""

import importlib.metadata
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest
import yaml
from dbt.cli.main import dbtRunner, dbtRunnerResult

import tracelab.build
from tests.raw_warehouse import raw_warehouse
from tracelab.build import build, last_made, next_made, project_folder
from tracelab.discover import sample_home
from tracelab.errors import TracelabError
from tracelab.load import load
from tracelab.run import run

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all tests here: dbt parses a project anew for each path of a database."""
    return tmp_path_factory.mktemp("build")


@pytest.fixture
def db(place: Path) -> Path:
    """A warehouse with one loaded file, not built."""
    path = place / "tracelab.duckdb"
    path.unlink(missing_ok=True)
    return raw_warehouse(path, files=[{}])


@pytest.fixture
def project(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dbt project of staging and a mart alone, parsed in no time, that a test may break."""
    folder = place / "project"
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("models/staging", "macros"):
        shutil.copytree(ROOT / part, folder / part)
    (folder / "tests/dbt").mkdir(parents=True)
    shutil.copy(ROOT / "models/columns.md", folder / "models")
    shutil.copy(ROOT / "profiles.yml", folder)
    settings = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
    kept = {name: settings["models"]["tracelab"][name] for name in ("staging", "marts")}
    settings = {name: value for name, value in settings.items() if name != "seeds"}
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(settings | {"models": {"tracelab": kept}}))
    add_mart(folder, "{a: bigint, b: varchar}")
    monkeypatch.setattr(tracelab.build, "project_folder", lambda: folder)
    return folder


def add_mart(project: Path, declared: str) -> None:
    """Add a mart of a bigint and a text, with a contract of its own."""
    folder = project / "models/marts"
    folder.mkdir(exist_ok=True)
    (folder / "tiny.sql").write_text("select 1::bigint as a, 'b' as b")
    columns = [{"name": name, "data_type": kind} for name, kind in yaml.safe_load(declared).items()]
    tiny = {"name": "tiny", "config": {"meta": {"grain": ["a"]}}, "columns": columns}
    (folder / "tiny.yml").write_text(yaml.safe_dump({"models": [tiny]}))


@pytest.fixture
def another_reader(db: Path) -> Iterator[int]:
    """Another process that holds the database open for reading; its process id."""
    code = f"import duckdb; c = duckdb.connect({str(db)!r}, read_only=True); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        yield process.pid
        process.kill()


def tables(db: Path) -> set[str]:
    with duckdb.connect(str(db), read_only=True) as warehouse:
        return {f"{schema}.{name}" for schema, name in warehouse.execute(_TABLES).fetchall()}


_TABLES = "select table_schema, table_name from information_schema.tables"


def test_a_build_makes_every_mart_gives_the_database_back_and_leaves_nothing_else(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    before = [sorted(folder.iterdir()) for folder in (ROOT, db.parent)]
    environment = dict(os.environ)
    begun: list[tuple[int, int]] = []
    report = build(db, timezone="UTC", progress=lambda number, total: begun.append((number, total)))
    assert tuple(capfd.readouterr()) == ("", "")
    assert list(tmp_path.iterdir()) == []
    assert [sorted(folder.iterdir()) for folder in (ROOT, db.parent)] == before
    assert dict(os.environ) == environment
    assert report.models > 0
    assert report.tests > 0
    *numbers, last = begun
    assert last[0] == 0 and last[1] >= report.models + report.tests
    assert sorted(numbers) == [(number, last[1]) for number in range(1, last[1] + 1)]
    marts = {"steps", "tool_calls", "idle_gaps", "cache_reuse", "requests", "sessions", "compactions"}
    assert {f"main.{name}" for name in marts} <= tables(db)
    other_process = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('create table mine (x int)')"
    subprocess.run([sys.executable, "-c", other_process, str(db)], check=True)


@pytest.mark.parametrize(
    "name",
    ["my data.v2.duckdb", "main.duckdb", "steps.db", ".hidden", "c#/tracelab.duckdb", "it's/ü%20.duckdb"],
)
def test_the_database_may_have_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    db = raw_warehouse(tmp_path / name, files=[{}])
    build(db, select=["stg_files"])
    assert "staging.stg_files" in tables(db)


@pytest.mark.usefixtures("project")
def test_a_build_without_a_cache_folder_works(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    build(db, select=["stg_files"])
    assert "staging.stg_files" in tables(db)


def test_days_are_those_of_this_machine_unless_a_zone_is_given(db: Path) -> None:
    code = "import sys; from pathlib import Path; from tracelab.build import build; "
    code += "print(build(Path(sys.argv[1]), select=['stg_files']).timezone)"
    env = {**os.environ, "TZ": "America/New_York"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(db)], env=env, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "America/New_York"


def test_settings_of_the_users_own_dbt_projects_do_not_matter(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBT_TARGET", "production")
    monkeypatch.setenv("DBT_PROFILES_DIR", str(tmp_path))
    monkeypatch.setenv("DBT_EXCLUDE", "stg_files")
    build(db, select=["stg_files"])
    assert "staging.stg_files" in tables(db)
    assert os.environ["DBT_TARGET"] == "production"


def test_an_unknown_zone_is_refused_before_anything_is_built(db: Path) -> None:
    with pytest.raises(TracelabError, match="no time zone Mars/Olympus"):
        build(db, timezone="Mars/Olympus")
    assert not any(name.startswith("staging.") for name in tables(db))


def test_a_part_has_the_days_of_the_whole(poor_warehouse: Callable[[str], Path], db: Path) -> None:
    shutil.copy(poor_warehouse("one_session"), db)
    with duckdb.connect(str(db)) as warehouse:
        warehouse.execute("update staging.last_build set timezone = 'Pacific/Auckland'")
    before = db.read_bytes()
    with pytest.raises(
        TracelabError, match=r"those of Pacific/Auckland: .* without --select, .* of Asia/Tokyo"
    ):
        build(db, select=["stg_files"], timezone="Asia/Tokyo")
    assert db.read_bytes() == before
    assert build(db, select=["stg_files"]).timezone == "Pacific/Auckland"


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("error", [None, RuntimeError("Connection already closed!")], ids=["none", "failure"])
def test_an_interrupt_is_not_lost_whatever_dbt_makes_of_it(
    db: Path, monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    invoke = dbtRunner.invoke

    def interrupted(runner: dbtRunner, arguments: list[str]) -> dbtRunnerResult:
        result = invoke(runner, arguments)
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
        return dbtRunnerResult(False, error) if error else result

    monkeypatch.setattr(dbtRunner, "invoke", interrupted)
    before = db.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        build(db, select=["stg_files"])
    assert db.read_bytes() == before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_part_can_be_built_alone(db: Path) -> None:
    assert build(db, select=["stg_files", "stg_load_issues"]).models == 2
    assert {name for name in tables(db) if not name.startswith(("raw.", "loader."))} == {
        "staging.stg_files",
        "staging.stg_load_issues",
    }


def test_an_unknown_model_is_one_message(db: Path) -> None:
    with pytest.raises(TracelabError, match="'no_such_model' does not match"):
        build(db, select=["no_such_model"])


def test_an_empty_selection_is_none(db: Path) -> None:
    with pytest.raises(TracelabError, match="--select is empty"):
        build(db, select=[" "])


def test_without_a_load_it_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(TracelabError, match="tracelab load"):
        build(tmp_path / "missing.duckdb")
    duckdb.connect(str(tmp_path / "empty.duckdb")).close()
    with pytest.raises(TracelabError, match="tracelab load"):
        build(tmp_path / "empty.duckdb")
    with pytest.raises(TracelabError, match="tracelab load"):
        build(raw_warehouse(tmp_path / "loaded_nothing.duckdb"))


def test_of_files_that_are_no_logs_nothing_is_made(tmp_path: Path) -> None:
    db = tmp_path / "tracelab.duckdb"
    (tmp_path / "notes.jsonl").write_text('{"note": "milk"}\n')
    with pytest.raises(TracelabError, match="1 file loaded, none of them a session log; `tracelab status`"):
        run([tmp_path / "notes.jsonl"], db=db, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_model_that_fails_is_named_with_its_error(db: Path, project: Path) -> None:
    model = project / "models/staging/stg_files.sql"
    model.write_text(model.read_text().replace("size_bytes", "size_in_bytes", 1))
    with pytest.raises(TracelabError) as failure:
        build(db, select=["stg_files"])
    assert "model stg_files: Binder Error" in str(failure.value)
    assert "size_in_bytes" in str(failure.value)
    assert str(project) not in str(failure.value)


@pytest.mark.parametrize(
    ("declared", "is_kept"),
    [
        ("{a: bigint, b: varchar}", True),
        ("{b: VARCHAR, a: int8}", True),
        ("{a: integer, b: varchar}", False),
        ("{a: bigint}", False),
        ("{a: bigint, c: varchar}", False),
        ("{a: bigint, b: varchar, c: varchar}", False),
    ],
)
def test_a_mart_has_the_columns_of_its_contract_or_is_not_built(
    db: Path, project: Path, declared: str, is_kept: bool
) -> None:
    add_mart(project, declared)
    if is_kept:
        build(db, select=["tiny"])
        assert "main.tiny" in tables(db)
    else:
        with pytest.raises(TracelabError, match=r"model tiny: (.|\n)*contract"):
            build(db, select=["tiny"])
        assert "main.tiny" not in tables(db)


def test_memory_that_is_short_is_said_with_what_to_do(
    db: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "models/staging/large.sql").write_text(
        "{{ config(materialized='table') }} select list(i) as a from range(20000000) as numbers(i)"
    )
    monkeypatch.setenv("TRACELAB_MEMORY_LIMIT", "50MB")
    with pytest.raises(TracelabError, match="model large: Out of Memory") as failure:
        build(db, select=["large"])
    assert "give DuckDB more, as in TRACELAB_MEMORY_LIMIT=8GB" in str(failure.value)
    assert len(str(failure.value).splitlines()) == 3


def test_a_rule_that_is_broken_is_named_with_its_rows(db: Path, project: Path) -> None:
    (project / "tests/dbt/assert_no_file.sql").write_text("select * from {{ ref('stg_files') }}")
    with pytest.raises(TracelabError, match="test assert_no_file: 1 row against this rule"):
        build(db, select=["stg_files"])


def test_a_warning_of_dbt_is_an_error(db: Path, project: Path) -> None:
    (project / "models/staging/nothing.yml").write_text("models: [{name: nothing}]")
    with pytest.raises(TracelabError, match="nothing"):
        build(db)


def test_a_database_that_another_program_reads_is_said_to_be_in_use(db: Path, another_reader: int) -> None:
    with pytest.raises(TracelabError, match=rf"in use by .*{another_reader}"):
        build(db)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_database_that_this_process_holds_open_is_said_to_be_open(db: Path, read_only: bool) -> None:
    with duckdb.connect(str(db), read_only=read_only), pytest.raises(TracelabError, match="already open"):
        build(db)


def test_in_a_checkout_the_project_is_its_root() -> None:
    assert project_folder() == ROOT


@pytest.mark.usefixtures("project")
def test_a_whole_build_that_passed_is_on_record(db: Path) -> None:
    build(db, select=["stg_files"])
    assert "staging.last_build" not in tables(db)
    build(db, timezone="Asia/Tokyo")
    with duckdb.connect(str(db), read_only=True) as warehouse:
        rows = warehouse.execute(
            "select timezone, built_at > loaded_at from staging.last_build, raw.files"
        ).fetchall()
    assert rows == [("Asia/Tokyo", True)]
    assert last_made(db) == next_made(db, "Asia/Tokyo") != next_made(db, "UTC")
    build(db, select=["stg_files"])
    assert last_made(db) is None  # tables of two builds


def test_loads_and_builds_leave_no_free_blocks_and_what_is_the_users(
    warehouse: Path, db: Path, tmp_path: Path
) -> None:
    shutil.copyfile(warehouse, db)
    db.chmod(0o600)
    with duckdb.connect(str(db)) as connection:
        connection.execute("create table mine as select 1 as x")
        connection.execute("create schema my; create table my.steps as select 2 as x")
        connection.execute("create view my.counted as select count(*) as n from main.steps")
        connection.execute("comment on table my.steps is 'of mine'")
    before, size = tables(db), blocks(db)[0]
    log = tmp_path / "log.jsonl"
    lines = (
        max(sample_home().rglob("*.jsonl"), key=lambda path: path.stat().st_size)
        .read_bytes()
        .splitlines(True)
    )
    log.write_bytes(b"".join(lines[: len(lines) // 2]))
    load([log], db=db)
    for most in (len(lines), len(lines) // 3):  # grown, then written anew
        log.write_bytes(b"".join(lines[:most]))
        load([log], db=db)
        build(db, timezone="UTC")
        assert blocks(db)[1] == 0, "free"
    assert blocks(db)[0] <= size + 2, "as large as after the first, but for what was loaded"
    assert tables(db) == before
    assert stat.S_IMODE(db.stat().st_mode) == 0o600
    assert [path.name for path in db.parent.iterdir() if "building" in path.name] == []
    with duckdb.connect(str(db), read_only=True) as connection:
        assert connection.execute("select n > 0 from my.counted").fetchall() == [(True,)]
        comments = "select comment from duckdb_tables() where schema_name = 'my'"
        assert connection.execute(comments).fetchall() == [("of mine",)]


@pytest.mark.usefixtures("project")
def test_a_trigger_of_the_users_outlives_a_build(warehouse: Path, db: Path) -> None:
    shutil.copyfile(warehouse, db)
    with duckdb.connect(str(db)) as connection:
        connection.execute("create table mine as select i from range(400000) as numbers (i)")
        connection.execute("create table noted as select i from mine where false")
        connection.execute("checkpoint")
        connection.execute("create table last as select 1 as i")
        connection.execute(
            "create trigger note after insert on last referencing new table as added"
            " for each statement insert into noted select i from added"
        )
        connection.execute("drop table mine")
    build(db, timezone="UTC")
    with duckdb.connect(str(db)) as connection:
        connection.execute("insert into last values (7)")
        assert connection.execute("from noted").fetchall() == [(7,)]


def blocks(db: Path) -> tuple[int, int]:
    """All blocks of a database, and the free ones."""
    with duckdb.connect(str(db), read_only=True) as warehouse:
        [found] = warehouse.execute("select total_blocks, free_blocks from pragma_database_size()").fetchall()
    return found


def test_a_build_that_fails_leaves_the_whole_one_before(warehouse: Path, db: Path, project: Path) -> None:
    shutil.copyfile(warehouse, db)
    was, made = db.read_bytes(), last_made(db)
    (project / "models/marts/tiny.sql").write_text("select a, 'b' as b from {{ ref('stg_files') }}")
    with pytest.raises(TracelabError, match=r"stays as it was:\n  model tiny: Binder Error"):
        build(db, timezone="UTC")
    assert db.read_bytes() == was
    assert last_made(db) == made
    assert [path.name for path in db.parent.iterdir() if "building" in path.name] == []


def test_what_a_build_that_was_cut_off_left_is_cleared_away(db: Path) -> None:
    names = {path.name for path in db.parent.iterdir()}
    left = [db.parent / f".{db.name}.building{end}" for end in ("", ".wal", ".tmp/spilled")]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"of a build that was killed")
    build(db, select=["stg_files"])
    assert "staging.stg_files" in tables(db)
    assert {path.name for path in db.parent.iterdir()} == names


def test_a_link_to_a_warehouse_stays_a_link(db: Path, tmp_path: Path) -> None:
    link = tmp_path / "linked.duckdb"
    link.symlink_to(db)
    build(link, select=["stg_files"])
    assert link.is_symlink()
    assert "staging.stg_files" in tables(db)


def test_a_part_that_stands_on_what_is_not_built_says_what_to_do(db: Path) -> None:
    with pytest.raises(TracelabError, match=r"(?s)steps does not exist.*run `tracelab build`, or select"):
        build(db, select=["requests"])


@pytest.mark.usefixtures("project")
def test_the_project_is_parsed_once_for_all_warehouses_and_zones(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    other = tmp_path / "other.duckdb"
    shutil.copy(db, other)
    made = set()
    for path, zone in ((db, "UTC"), (other, "UTC"), (db, "Asia/Tokyo")):
        build(path, select=["stg_files"], timezone=zone)
        [parsed] = (tmp_path / "cache").rglob("partial_parse.msgpack")
        made.add(parsed.stat().st_mtime_ns)
    assert len(made) == 1


@pytest.mark.usefixtures("project")
def test_a_warehouse_has_one_folder_for_builds_whatever_path_leads_to_it(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "linked.duckdb").symlink_to(db)
    for path in (db, tmp_path / "linked.duckdb", db.parent / ".." / db.parent.name / db.name):
        build(path, select=["stg_files"])
    assert len([*(tmp_path / "cache").rglob("stg_files.sql")]) == 2, "compiled, and as it was run"


def test_python_3_14_is_told_which_mashumaro_it_can_import(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    monkeypatch.setattr(importlib.metadata, "version", {"mashumaro": "3.9.1"}.__getitem__)
    with pytest.raises(TracelabError, match=r"pip install mashumaro==3\.17"):
        build(db)
