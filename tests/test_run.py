"""`tracelab run`: what it does again, and what it leaves as it is."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.builders_codex import PARENT, clock, counted, meta, person, says, turn
from tracelab import build as building
from tracelab import charts
from tracelab import run as module
from tracelab.build import build
from tracelab.discover import sample_home
from tracelab.load import load
from tracelab.run import Headline, RunReport, headline_table, headlines, run

HEAVY = {"dbt", "jinja2", "polars", "pyarrow", "altair", "vl_convert", "msgspec"}


@pytest.fixture
def db(warehouse: Path, tmp_path: Path) -> Path:
    """The sample, loaded and built, of one's own."""
    return Path(shutil.copy(warehouse, tmp_path / "tracelab.duckdb"))


@pytest.fixture
def done(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[RunReport, set[str]]]:
    """Run on the sample; return its report, and what it did: build, export, chart. Charts are stand-ins."""

    def run_once(**options: Any) -> tuple[RunReport, set[str]]:
        did = set[str]()

        def noting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
            def noted(*arguments: Any, **keywords: Any) -> Any:
                did.add(name)
                return function(*arguments, **keywords)

            return noted

        def draw(_: Path, out: Path) -> list[Path]:
            (out / "a.svg").write_text("<svg/>")
            return [out / "a.svg"]

        with monkeypatch.context() as patched:
            patched.setattr(module, "build", noting("build", lambda *_, **__: None))
            patched.setattr(module, "export_tables", noting("export", module.export_tables))
            patched.setattr(charts, "draw_charts", noting("chart", draw))
            settings = {"db": db, "out": tmp_path / "out", "timezone": "UTC"} | options
            return run([sample_home()], **settings), did

    return run_once


def test_a_run_without_news_does_nothing_and_imports_nothing_for_it(
    db: Path, tmp_path: Path, done: Callable[..., tuple[RunReport, set[str]]]
) -> None:
    first, did = done()
    assert did == {"export", "chart"}  # the tables were built
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in (tmp_path / "out").iterdir()}
    bytes_before = db.read_bytes()
    command = ["-X", "importtime", "-m", "tracelab", "--db", str(db), "run", str(sample_home())]
    again = subprocess.run(
        [sys.executable, *command, "--out", str(tmp_path / "out"), "--timezone", "UTC"],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = set(re.findall(r"^import time:.*\| +(\w+)", again.stderr, re.MULTILINE))
    assert "duckdb" in imported
    assert not imported & HEAVY
    assert again.stdout.removesuffix("\n") == module.as_text(first, db, tmp_path / "out")
    assert db.read_bytes() == bytes_before
    assert before == {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in before}


def test_the_second_run_reports_what_the_first_one_did(
    done: Callable[..., tuple[RunReport, set[str]]],
) -> None:
    first, _ = done()
    second, did = done()
    assert did == set()
    assert (second.built, second.files, second.headlines) == (None, first.files, first.headlines)


@pytest.mark.parametrize(
    ("replayed", "repeated", "said"),
    [
        (10, 0, "Left out: 10 copied steps in logs of sessions that were resumed or forked."),
        (0, 1, "Left out: 1 copied step in second copies of logs."),
        (
            10,
            2,
            "Left out: 10 copied steps in logs of sessions that were resumed or forked,"
            " 2 copied steps in second copies of logs.",
        ),
        (0, 0, None),
    ],
)
def test_every_copied_step_that_is_left_out_is_told_of(
    replayed: int, repeated: int, said: str | None
) -> None:
    headline = Headline("all", 2, 4, 20, 6, 0.9, 1.0, 0, replayed, repeated)
    assert said == next((line for line in headline_table([headline]).splitlines() if "Left" in line), None)


def test_steps_that_are_counted_and_left_out_are_those_in_the_logs(
    done: Callable[..., tuple[RunReport, set[str]]], db: Path
) -> None:
    report, _ = done()
    with duckdb.connect(str(db), read_only=True) as warehouse:
        logged = dict(warehouse.execute("select provider, count(*) from raw.steps group by all").fetchall())
    found = {headline.provider: headline for headline in report.headlines}
    assert {name: found[name].steps + found[name].replayed_steps for name in logged} == logged
    assert {headline.repeated_steps for headline in report.headlines} == {0}


def test_copies_in_a_fork_without_steps_are_no_second_copies_of_a_log(tmp_path: Path) -> None:
    origin = [meta(thread=PARENT), turn(1, "t1"), person(2), says(5), counted(6, (1000, 0, 50, 0))]
    # left before anything was typed
    fork = [meta(100, forked_from_id=PARENT), *(record | {"timestamp": clock(100)} for record in origin)]
    for name, log in (("origin", origin), ("again", origin), ("fork", fork)):
        (tmp_path / f"{name}.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in log))
    db = tmp_path / "tracelab.duckdb"
    load([tmp_path], db=db)
    build(db, select=["+summary_overview"], timezone="UTC")
    assert [(found.steps, found.replayed_steps, found.repeated_steps) for found in headlines(db)] == [
        (1, 1, 1),
        (1, 1, 1),
    ]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("nothing", [["all", "0", "0", "0", "0", "–", "–"]]),
        (
            "bare",
            [["claude", "16", "16", "164", "0", "93.4%", "–"], ["all", "16", "16", "164", "0", "93.4%", "–"]],
        ),
    ],
)
def test_what_logs_have_none_of_is_none_in_the_headlines(
    poor_warehouse: Callable[[str], Path], name: str, lines: list[list[str]]
) -> None:
    _, _, *rows = headline_table(headlines(poor_warehouse(name))).splitlines()
    assert [row.split() for row in rows][: len(lines)] == lines


def test_a_cost_of_less_than_a_cent_is_not_nothing() -> None:
    headline = Headline("all", 1, 1, 1, 0, None, 0.0004, 0, 0, 0)
    assert headline_table([headline]).split()[-1] == "<$0.01"


def lose(out: Path) -> None:
    (out / "summary_overview.csv").unlink()


def change(out: Path) -> None:
    (out / "a.svg").write_text("<svg />")
    os.utime(out / "a.svg", ns=(0, (out / ".tracelab").stat().st_mtime_ns + 1))


def damage(out: Path) -> None:
    (out / ".tracelab").write_text("[")


@pytest.mark.parametrize("harm", [lose, change, damage])
def test_files_that_are_not_as_they_were_written_are_written_anew(
    tmp_path: Path, done: Callable[..., tuple[RunReport, set[str]]], harm: Callable[[Path], None]
) -> None:
    done()
    harm(tmp_path / "out")
    assert done()[1] == {"export", "chart"}
    assert done()[1] == set()


def test_another_folder_is_filled_without_a_build(
    tmp_path: Path, done: Callable[..., tuple[RunReport, set[str]]]
) -> None:
    done()
    assert done(out=tmp_path / "other")[1] == {"export", "chart"}


@pytest.mark.parametrize("changed", ["the zone", "the project", "what is loaded"])
def test_what_tables_are_made_of_decides_whether_they_are_made_again(
    db: Path,
    done: Callable[..., tuple[RunReport, set[str]]],
    monkeypatch: pytest.MonkeyPatch,
    changed: str,
) -> None:
    done()
    if changed == "the project":
        monkeypatch.setattr(building, "__version__", "0")
    if changed == "what is loaded":
        from tracelab.warehouse import open_for_writing

        with open_for_writing(db) as warehouse:
            warehouse.execute("update raw.files set status = 'gone' where provider = 'codex'")
    _, did = done(timezone="Asia/Tokyo" if changed == "the zone" else "UTC")
    assert did == {"build", "export", "chart"}


@pytest.mark.parametrize(
    ("called", "on_path", "shown"),
    [
        (".venv/bin/tracelab", None, ".venv/bin/tracelab"),
        ("/usr/bin/tracelab", "/usr/bin/tracelab", "tracelab"),
        ("/lib/tracelab/__main__.py", None, "tracelab"),
    ],
)
def test_what_to_ask_next_can_be_pasted(
    called: str, on_path: str | None, shown: str, done: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    report, _ = done()
    monkeypatch.setattr(sys, "argv", [called, "run"])
    monkeypatch.setattr(shutil, "which", lambda _: on_path)
    last = module.as_text(report, Path("my logs.duckdb"), Path("out")).splitlines()[-1]
    assert last.startswith(f"Ask more:  {shown} --db 'my logs.duckdb' sql ")
