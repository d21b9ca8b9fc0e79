"""Faults, really done: nothing is lost, one message says what to do, and the next run works."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.test_load import folder_of, query, session, tables
from tests.test_load_cut import LOAD
from tracelab.build import build
from tracelab.discover import Skipped, sample_home
from tracelab.load import load

NOBODY = 65534
KILLS = 20 if "TRACELAB_FUZZ_INPUTS" in os.environ else 2
BUILD_PART = """
import os, signal, sys
from pathlib import Path
from tracelab.build import build
def die(number, total):
    if number > float(sys.argv[2]) * total:
        os.kill(os.getpid(), signal.SIGKILL)
build(Path(sys.argv[1]), timezone="UTC", progress=die)
"""
is_root = hasattr(os, "geteuid") and os.geteuid() == 0


def run(db: Path, *arguments: str | Path) -> tuple[int, str]:
    """Run a command; return its status and what it said."""
    command = [sys.executable, "-m", "tracelab", "--db", str(db), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return folder_of(tmp_path, 8, steps=200)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if not is_root or not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small disk can only be mounted by root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def resize(disk: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(disk)], check=True)


def test_a_load_onto_a_full_disk_leaves_what_was_there_and_works_once_there_is_room(
    small_disk: Path, logs: Path
) -> None:
    db = small_disk / "tracelab.duckdb"
    load([logs / "0.jsonl"], db=db)
    before = tables(db)
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (shutil.disk_usage(small_disk).free - 60_000))
    status, said = run(db, "load", logs)
    assert status == 1
    assert "stays as it was" in said and "No space left on device; free some space and try again" in said
    assert tables(db) == before
    filler.unlink()
    resize(small_disk, "size=50m")
    assert load([logs], db=db).loaded == 7


def test_a_build_on_a_full_disk_says_so_and_works_once_there_is_room(small_disk: Path) -> None:
    db = small_disk / "tracelab.duckdb"
    resize(small_disk, "size=3m")
    load([sample_home()], db=db)
    before = tables(db)
    status, said = run(db, "build")
    assert status == 1
    assert "free some space and try again" in said and "please report" not in said
    assert tables(db) == before
    resize(small_disk, "size=100m")
    build(db)


@pytest.mark.parametrize(
    "command",
    [
        ("export", "--out"),
        ("export", "--format", "duckdb", "--out"),
        ("export", "--workload", "mooncake", "--out"),
        ("publish",),
        ("report", "--output"),
        ("chart", "activity", "tool_time", "--out"),
    ],
    ids=" ".join,
)
def test_what_is_written_onto_a_full_disk_is_told_and_works_once_there_is_room(
    small_disk: Path, poor_warehouse: Callable[[str], Path], command: tuple[str, ...]
) -> None:
    warehouse = poor_warehouse("one_session")
    resize(small_disk, "size=8k")
    out = small_disk / "out"
    status, said = run(warehouse, *command, out)
    assert status == 1
    why = "No space left on device; free some space and try again"
    assert re.fullmatch(rf"tracelab: cannot write to \S+: {why}\n", said)
    assert not [*small_disk.rglob(".*")], "what was begun is gone"
    resize(small_disk, "size=100m")
    shutil.rmtree(out, ignore_errors=True)
    assert run(warehouse, *command, out)[0] == 0


@pytest.mark.parametrize(
    ("command", "name"), [("report --output", "report.html"), ("chart activity --out", "")]
)
def test_a_report_and_a_chart_that_find_the_disk_full_leave_those_that_were_there(
    small_disk: Path, poor_warehouse: Callable[[str], Path], command: str, name: str
) -> None:
    before = small_disk / (name or "activity.html")
    before.write_text("of last week")
    resize(small_disk, "size=8k")
    assert run(poor_warehouse("one_session"), *command.split(), small_disk / name)[0] == 1
    assert before.read_text() == "of last week"


def test_a_database_that_cannot_be_written_can_be_read(small_disk: Path, logs: Path) -> None:
    db = small_disk / "tracelab.duckdb"
    load([logs / "0.jsonl"], db=db)
    resize(small_disk, "ro")
    for command in (["load", logs], ["build"]):
        status, said = run(db, *command)
        assert status == 1
        assert "Read-only file system; name another file with --db" in said
    assert run(small_disk / "new.duckdb", "load", logs)[0] == 1
    assert run(db, "sql", "select count(*) as steps from raw.steps", "--format", "csv") == (0, "steps\n200\n")
    assert run(db, "status")[0] == 0
    resize(small_disk, "rw,size=50m")
    assert load([logs], db=db).loaded == 7


@pytest.mark.skipif(not is_root, reason="only root can load as somebody else")
def test_files_and_folders_that_may_not_be_read_are_told_and_the_rest_is_loaded(tmp_path: Path) -> None:
    load([sample_home()], db=tmp_path / "warm.duckdb")  # who loads next may not import
    with tempfile.TemporaryDirectory() as name:  # since others may not enter tmp_path
        home, db = Path(name), Path(name) / "tracelab.duckdb"
        for folder in ("open", "closed"):
            (home / folder).mkdir()
            for number in range(2):
                (home / folder / f"{folder}{number}.jsonl").write_bytes(session(number + len(folder)))
        (home / "open/open1.jsonl").chmod(0o000)
        (home / "closed").chmod(0o700)
        os.chown(home, NOBODY, -1)
        try:
            os.seteuid(NOBODY)
            report = load([home], db=db)
        finally:
            os.seteuid(0)
        assert report.skipped == (Skipped(home / "closed", "permission denied"),)
        assert query(db, "select right(path, 11), status, error from raw.files order by all") == [
            ("open0.jsonl", "loaded", None),
            ("open1.jsonl", "failed", "cannot be read (EACCES)"),
        ]
        assert load([home], db=db).loaded == 3


def test_files_that_grow_shrink_and_vanish_while_they_are_read_come_right_in_the_end(
    db: Path, logs: Path
) -> None:
    chance, stop = random.Random(7), threading.Event()

    def meddle() -> None:
        while not stop.is_set():
            path = logs / f"{chance.randrange(8)}.jsonl"
            data = session(int(path.stem), steps=chance.randrange(1, 300))
            match chance.randrange(4):
                case 0:
                    path.unlink(missing_ok=True)
                case 1:
                    path.write_bytes(data[: chance.randrange(len(data))])
                case 2:
                    with path.open("ab") as file:
                        file.write(data)
                case _:
                    path.write_bytes(data)
            time.sleep(0.002)

    meddler = threading.Thread(target=meddle)
    meddler.start()
    try:
        for _ in range(8):
            report = load([logs], db=db)
            assert report.issues.keys() <= {"bad_line", "unreadable", "vanished", "not_a_log"}
    finally:
        stop.set()
        meddler.join()
    for number in range(8):
        (logs / f"{number}.jsonl").write_bytes(session(number, steps=number + 1))
    load([logs], db=db)
    fresh = db.with_name("fresh.duckdb")
    load([logs], db=fresh)
    assert tables(db, without=("loaded_at",)) == tables(fresh, without=("loaded_at",))


def test_links_in_a_circle_end(db: Path, logs: Path) -> None:
    (logs / "again").symlink_to(logs)
    (logs / "itself.jsonl").symlink_to(logs / "itself.jsonl")
    (logs / "a").symlink_to(logs / "b")
    (logs / "b").symlink_to(logs / "a")
    (logs / "copy.jsonl").symlink_to(logs / "0.jsonl")
    assert load([logs], db=db).loaded == 8
    assert query(db, "select count(*) from raw.steps") == [(1600,)]


def test_a_reader_during_a_load_is_told_to_wait_and_disturbs_nothing(db: Path, tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(100):
        (many / f"{number}.jsonl").write_bytes(session(number, steps=200))
    load([many / "0.jsonl"], db=db)
    answers = set()
    for _ in range(10):  # a load that finds a reader there does not begin
        loader = subprocess.Popen([sys.executable, "-c", LOAD, str(many), str(db)])
        while loader.poll() is None:
            status, said = run(db, "sql", "select count(*) as steps from raw.steps", "--format", "csv")
            answers.add(said if status == 0 else "wait" * ("wait until it is done" in said))
        if loader.returncode == 0:
            break
    assert loader.returncode == 0
    assert answers <= {"steps\n200\n", "wait", "steps\n20000\n"}
    assert query(db, "select count(*) from raw.steps") == [(20_000,)]


def test_a_build_killed_at_any_point_loses_nothing_and_can_be_done_again(warehouse: Path, db: Path) -> None:
    chance = random.Random(20)
    shutil.copyfile(warehouse, db)
    whole = db.read_bytes()
    for _ in range(KILLS):
        part = str(chance.uniform(0, 0.99))
        done = subprocess.run([sys.executable, "-c", BUILD_PART, str(db), part], check=False)
        assert done.returncode == -signal.SIGKILL
        assert db.read_bytes() == whole
        status, said = run(db, "status")
        assert status == 0, said
    build(db, timezone="UTC")
    numbers = "select * from summary_overview order by all"
    assert query(db, numbers) == query(warehouse, numbers)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut after its headers": lambda whole: whole[:20_000],
    "cut at a tenth": lambda whole: whole[: len(whole) // 10],
    "cut at a half": lambda whole: whole[: len(whole) // 2],
    "file header": lambda whole: b"\xff" * 4_096 + whole[4_096:],
    "first database header": lambda whole: whole[:4_096] + b"\xff" * 4_096 + whole[8_192:],
    "second database header": lambda whole: whole[:8_192] + b"\xff" * 4_096 + whole[12_288:],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_database_that_cannot_be_opened_is_told_and_stays_as_it_is(
    warehouse: Path, db: Path, damage: Callable[[bytes], bytes]
) -> None:
    damaged = damage(warehouse.read_bytes())
    db.write_bytes(damaged)
    commands = (["status"], ["load", sample_home()], ["build"], ["export", "--out", db.parent / "out"])
    for command in commands:
        status, said = run(db, *command)
        assert (status, "move it away and load again" in said) == (1, True), (command, said)
    assert [*db.parent.iterdir()] == [db]
    assert db.read_bytes() == damaged
    db.rename(db.with_name("away.duckdb"))
    assert load([sample_home()], db=db).failed == 0


@pytest.mark.parametrize("damage", [40, 60, 80])
def test_a_block_that_is_damaged_is_told_when_it_is_read(warehouse: Path, db: Path, damage: int) -> None:
    data = bytearray(warehouse.read_bytes())
    start = len(data) * damage // 100
    data[start:] = bytes(byte ^ 0xFF for byte in data[start:])
    db.write_bytes(data)
    for command in (["status"], ["export", "--out", str(db.parent / "out")], ["load", str(sample_home())]):
        status, said = run(db, *command)
        assert status == 0 or "move it away and load again" in said
    assert run(db, "export", "--out", str(db.parent / "out"))[0] == 1
    db.unlink()
    load([sample_home()], db=db)
