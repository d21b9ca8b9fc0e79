"""The command line as a user meets it: what goes where, and with which exit status."""

import errno
import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from tracelab import __version__
from tracelab.cli import app
from tracelab.discover import sample_home
from tracelab.errors import TracelabError
from tracelab.run import run as run_all

COMMANDS = ("load", "build", "export", "chart", "report", "sql", "status", "compare", "publish", "run")
Done = subprocess.CompletedProcess[str]


def tracelab(*arguments: str | Path, cwd: Path, stdin: str = "", **environment: str) -> Done:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "tracelab", *map(str, arguments)]
    env = {**os.environ, **environment}
    return subprocess.run(command, cwd=cwd, env=env, input=stdin, capture_output=True, text=True, check=False)


def a_log(folder: Path, *, broken: bool = False) -> Path:
    """A Claude Code log of one step, with a line that is no JSON if `broken`."""
    usage = {
        "input_tokens": 5,
        "output_tokens": 7,
        "cache_read_input_tokens": 0,
        "cache_creation_input_tokens": 0,
    }
    message = {"id": "msg_1", "role": "assistant", "model": "claude-opus-4-7", "content": [], "usage": usage}
    record = {"type": "assistant", "uuid": "u1", "sessionId": "s1", "timestamp": "2026-01-02T03:04:05.000Z"}
    lines = [json.dumps(record | {"message": message}), *(["{no json"] if broken else [])]
    path = folder / "log.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_says_what_it_does_and_shows_examples(command: str, tmp_path: Path) -> None:
    done = tracelab(command, "--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Usage: tracelab {command} " in done.stdout
    assert f"  tracelab {command}" in done.stdout.partition("Examples:")[2]


def test_help_names_every_command(tmp_path: Path) -> None:
    done = tracelab("--help", cwd=tmp_path)
    assert all(f"\n  {command} " in done.stdout for command in COMMANDS)
    assert "..." not in done.stdout.partition("Commands:")[2]


def test_the_version_is_told(tmp_path: Path) -> None:
    done = tracelab("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"tracelab {__version__}\n", "")


def test_help_of_charts_names_every_chart(tmp_path: Path) -> None:
    from tracelab.charts import charts

    told = tracelab("chart", "--help", cwd=tmp_path).stdout.partition("Charts: ")[2]
    assert re.findall(r"\w+", told) == list(charts())


def heavy_imports(*arguments: str | Path, cwd: Path) -> set[str]:
    """Which of the packages that take long to import a command imports."""
    code = (
        "import sys; from tracelab.cli import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(*(name for name in sys.modules if '.' not in name), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True)
    return set(done.stderr.split()) & HEAVY


HEAVY = {
    "duckdb",
    "polars",
    "altair",
    "pyarrow",
    "dbt",
    "jinja2",
    "vl_convert",
    "msgspec",
    "pydantic",
    "zstandard",
}


@pytest.mark.parametrize("arguments", [["--help"], *([command, "--help"] for command in COMMANDS)])
def test_help_imports_nothing_heavy(arguments: Sequence[str], tmp_path: Path) -> None:
    assert heavy_imports(*arguments, cwd=tmp_path) == set()


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (["load", sample_home()], {"duckdb"}),  # with nothing new
        (["status"], {"duckdb"}),
        (["export", "steps"], {"duckdb"}),
        (["sql", "select 1"], set()),  # its child has DuckDB
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command_imports_what_it_needs(
    warehouse: Path, tmp_path: Path, arguments: Sequence[str | Path], needed: set[str]
) -> None:
    assert heavy_imports("--db", warehouse, *arguments, cwd=tmp_path) == needed


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["load", "--nonsense"],
        ["load", "logs", "--all-users"],
        ["export", "--format", "xlsx"],
        ["export", "--workload", "replay", "--since", "2026-13-40"],
        ["chart", "--format", "html,gif"],
        ["sql"],
        ["sql", "select 1", "--format", "xml"],
        ["sql", "select 1", "--output", "answer.xlsx"],
        ["sql", "select 1", "--output", "answer"],
        ["run", "--select", "x"],
    ],
)
def test_wrong_usage_exits_with_2_and_prints_no_result(arguments: Sequence[str], tmp_path: Path) -> None:
    done = tracelab(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Error" in done.stderr


def test_the_database_named_after_the_command_is_told_where_it_belongs(tmp_path: Path) -> None:
    done = tracelab("status", "--db", "w.duckdb", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--db goes before the command: tracelab --db FILE status" in done.stderr


@pytest.mark.parametrize(
    "arguments", [["build"], ["export"], ["chart"], ["sql", "select 1"], ["status"], ["load"], ["run"]]
)
def test_what_cannot_be_done_exits_with_1_and_one_message(arguments: Sequence[str], tmp_path: Path) -> None:
    done = tracelab(*arguments, cwd=tmp_path, HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("tracelab: ")
    assert "tracelab load" in done.stderr or "tracelab run" in done.stderr, "it says what to do"
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_database_is_the_option_else_the_variable_else_in_this_folder(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    tracelab("load", log, cwd=tmp_path)
    tracelab("load", log, cwd=tmp_path, TRACELAB_DB="variable.duckdb")
    tracelab("--db", "option.duckdb", "load", log, cwd=tmp_path, TRACELAB_DB="not_this.duckdb")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"log.jsonl", "tracelab.duckdb", "variable.duckdb", "option.duckdb"}


def test_a_load_prints_one_line(tmp_path: Path) -> None:
    done = tracelab("load", a_log(tmp_path), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith("1 file: 1 read; 1 step and 0 tool calls in ")


def test_a_load_prints_json_for_scripts(tmp_path: Path) -> None:
    done = tracelab("load", a_log(tmp_path, broken=True), "--json", cwd=tmp_path)
    report = json.loads(done.stdout)
    assert (report["files"], report["steps"], report["issues"]) == (1, 1, {"bad_line": 1})


@pytest.mark.parametrize(
    ("broken", "strict", "status"), [(True, True, 3), (True, False, 0), (False, True, 0)]
)
def test_only_strict_minds_what_was_set_aside(
    broken: bool, strict: bool, status: int, tmp_path: Path
) -> None:
    log = a_log(tmp_path, broken=broken)
    options = ["--strict"] if strict else []
    for _ in range(2):  # the second time the file is unchanged, and still has a bad line
        done = tracelab("load", log, *options, cwd=tmp_path)
        assert done.returncode == status
        assert ("tracelab status" in done.stderr) == (status == 3)


def test_all_users_are_loaded_under_their_names(tmp_path: Path) -> None:
    for user in ("ada", "bob"):
        home = tmp_path / "homes" / user / ".claude" / "projects"
        home.mkdir(parents=True)
        a_log(home)
    done = tracelab("load", "--all-users", "--home-root", tmp_path / "homes", cwd=tmp_path)
    assert done.returncode == 0
    with duckdb.connect(str(tmp_path / "tracelab.duckdb"), read_only=True) as warehouse:
        assert warehouse.execute("select user_name from raw.files order by all").fetchall() == [
            ("ada",),
            ("bob",),
        ]


@pytest.mark.parametrize(("options", "status"), [([], 0), (["--strict"], 3)])
def test_a_home_that_may_not_be_searched_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], status: int
) -> None:
    closed = tmp_path / "homes" / "eve"
    closed.mkdir(parents=True)
    open_home = tmp_path / "homes" / "ada" / ".claude" / "projects"
    open_home.mkdir(parents=True)
    a_log(open_home)
    monkeypatch.setattr(os, "access", lambda path, _: path != closed)  # root may enter any folder
    arguments = ["--db", str(tmp_path / "w.duckdb"), "load", "--all-users", "--home-root", str(closed.parent)]
    done = CliRunner().invoke(app, [*arguments, *options])
    assert f"skipped {closed}: permission denied" in done.stderr
    assert "tracelab status" not in done.stderr  # which knows of files only
    assert done.exit_code == status


def test_a_named_folder_that_may_not_be_read_is_told_and_the_rest_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, opened = tmp_path / "closed", tmp_path / "open"
    for folder in (closed, opened):
        folder.mkdir()
        a_log(folder)
    scandir = os.scandir

    def denied(path: str) -> object:
        if path == str(closed):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "access", lambda path, _: path != closed)  # root may read any folder
    monkeypatch.setattr(os, "scandir", denied)
    done = CliRunner().invoke(app, ["--db", str(tmp_path / "w.duckdb"), "load", str(closed), str(opened)])
    assert done.exit_code == 0
    assert "1 file: 1 read" in done.stdout
    assert f"skipped {closed}: permission denied" in done.stderr


def test_progress_is_drawn_on_a_terminal_only(tmp_path: Path) -> None:
    main, side = pty.openpty()
    command = [sys.executable, "-m", "tracelab", "load", str(a_log(tmp_path))]
    done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=side, check=True)
    os.close(side)
    assert b"\r" in os.read(main, 1000)
    os.close(main)
    assert b"\r" not in done.stdout


def test_sql_reads_a_query_from_standard_input(warehouse: Path, tmp_path: Path) -> None:
    done = tracelab(
        "--db", warehouse, "sql", "-", "--format", "csv", cwd=tmp_path, stdin="select 1 as x -- one"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "x\n1\n", "")


def test_sql_writes_to_a_file_instead(warehouse: Path, tmp_path: Path) -> None:
    done = tracelab(
        "--db", warehouse, "sql", "from steps", "--format", "json", "--output", "a.json", cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads((tmp_path / "a.json").read_text())


def test_a_file_is_written_as_it_ends(warehouse: Path, tmp_path: Path) -> None:
    for name, row in (("a.CSV", "x\n1\n"), ("a.json", '[\n\t{"x":1}\n]\n')):
        tracelab("--db", warehouse, "sql", "select 1 as x", "--output", name, cwd=tmp_path)
        assert (tmp_path / name).read_text() == row


def test_a_mistake_in_sql_exits_with_1(warehouse: Path, tmp_path: Path) -> None:
    done = tracelab("--db", warehouse, "sql", "select nonsense from steps", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("tracelab: Binder Error")


def test_a_reader_that_leaves_early_causes_no_complaint(warehouse: Path, tmp_path: Path) -> None:
    query = "select i, repeat('x', 100) from range(1000000) r(i)"
    command = [sys.executable, "-m", "tracelab", "--db", str(warehouse), "sql", query, "--format", "csv"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_output_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "tracelab", "--version"]
        done = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.stderr == "tracelab: cannot write the output: No space left on device\n"
    assert done.returncode == 1


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_causes_no_complaint(warehouse: Path, tmp_path: Path, closed: str) -> None:
    command = f'"{sys.executable}" -m tracelab --db "{warehouse}" sql "select 1 as one" --format csv {closed}'
    done = subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("" if ">&-" in closed.split() else "one\n1\n", "")
    assert done.returncode == 0


def test_a_folder_that_is_gone_is_told_in_one_line(tmp_path: Path) -> None:
    command = f'mkdir gone && cd gone && rmdir ../gone && exec "{sys.executable}" -P -m tracelab status'
    done = subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr == "tracelab: the folder that you are in is gone: change to another one\n"
    assert done.returncode == 1


def wait_until_a_child_has_open(db: Path, process: subprocess.Popen[bytes]) -> None:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None:
        with suppress(OSError):  # a child that ends, or a file that is closed meanwhile
            for child in children.read_text().split():
                if db in {path.readlink() for path in Path(f"/proc/{child}/fd").iterdir()}:
                    return
    raise AssertionError("the command was over before it opened the warehouse")


@pytest.mark.usefixtures("heard")
def test_an_interrupt_ends_a_command_in_one_line(warehouse: Path, tmp_path: Path) -> None:
    endless = "with recursive r as (select 1 as i union all select i + 1 from r) select count(*) from r"
    command = [sys.executable, "-m", "tracelab", "--db", str(warehouse), "sql", endless]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, start_new_session=True) as process:
        wait_until_a_child_has_open(warehouse, process)
        os.killpg(process.pid, signal.SIGINT)
        assert process.stderr
        [line] = process.stderr.read().decode().splitlines()
    assert line.startswith("tracelab: interrupted")
    assert process.returncode == 130


def test_so_it_does_where_it_ends_a_query_of_the_commands_own(tmp_path: Path) -> None:
    script = (
        "import sys; from tracelab import cli, load\n"
        "def interrupted(*_, **__): raise RuntimeError('Query interrupted')  # as DuckDB puts it\n"
        "load.load, sys.argv = interrupted, ['tracelab', 'load']\n"
        "cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    [line] = done.stderr.splitlines()
    assert line.startswith("tracelab: interrupted")
    assert done.returncode == 130


def test_a_user_without_a_home_loads_what_they_name_and_draws_charts(warehouse: Path, tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "os.environ.pop('HOME'); os.getuid = lambda: 2**31 - 7  # as a container may be told to run\n"
        "from tracelab import cli\n"
        "sys.argv[0] = 'tracelab'\n"
        "cli.main()"
    )

    def homeless(*arguments: str | Path) -> Done:
        command = [sys.executable, "-c", script, *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = homeless("load")
    assert (done.returncode, done.stderr.split(";")[0]) == (1, "tracelab: no session log found")
    assert homeless("load", a_log(tmp_path)).returncode == 0
    assert homeless("--db", warehouse, "chart", "tool_latency").returncode == 0


def test_export_prints_the_files_it_wrote(warehouse: Path, tmp_path: Path) -> None:
    done = tracelab("--db", warehouse, "export", "steps", "requests", "--out", "data", cwd=tmp_path)
    assert done.stdout.splitlines() == ["data/steps.csv", "data/requests.csv"]
    assert all((tmp_path / line).stat().st_size for line in done.stdout.splitlines())


def test_chart_prints_the_files_it_wrote(warehouse: Path, tmp_path: Path) -> None:
    done = tracelab("--db", warehouse, "chart", "tool_latency", "--format", "svg,json", cwd=tmp_path)
    assert done.stdout.splitlines() == ["out/tool_latency.svg", "out/tool_latency.json"]


@pytest.mark.parametrize(
    "command",
    [
        ["export", "sessions"],
        ["chart", "tool_latency", "--format", "json"],
        ["compare"],
        ["sql", "select count(*) from steps"],
    ],
)
def test_whoever_takes_numbers_out_is_told_that_they_are_not_those_of_what_is_loaded(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    db = tmp_path / "w.duckdb"
    db.write_bytes(warehouse.read_bytes())
    fresh = CliRunner().invoke(app, ["--db", str(db), *command])
    with duckdb.connect(str(db)) as connection:
        connection.execute("update raw.files set loaded_at = loaded_at + interval '1 day'")
    stale = CliRunner().invoke(app, ["--db", str(db), *command])
    assert (fresh.stderr, stale.stdout) == ("", fresh.stdout)
    assert stale.stderr == "the tables are older than what is loaded: run `tracelab build`\n"


def test_status_of_the_sample_is_one_json_object(warehouse: Path, tmp_path: Path) -> None:
    state = json.loads(tracelab("--db", warehouse, "status", "--json", cwd=tmp_path).stdout)
    assert {row["provider"] for row in state["files"] if row["status"] == "loaded"} == {"claude", "codex"}


def test_a_run_checks_where_and_for_whom_it_writes_before_it_loads(tmp_path: Path) -> None:
    db, file = tmp_path / "tracelab.duckdb", tmp_path / "file"
    file.touch()
    for timezone, out, what in (("Mars/Olympus", tmp_path, "no time zone"), ("UTC", file, "cannot write to")):
        with pytest.raises(TracelabError, match=what):
            run_all([sample_home()], db=db, out=out, timezone=timezone)
    assert not db.exists()
