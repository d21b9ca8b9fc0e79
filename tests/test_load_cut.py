"""A load that is killed, refused or short of a process leaves the warehouse as it was."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.test_load import folder_of, session, tables
from tracelab.errors import TracelabError
from tracelab.load import load

LOAD = (
    "import sys; from pathlib import Path; from tracelab import load\n"
    "load._ALONE_BYTES = -1  # in processes of their own\n"
    "load.load([sys.argv[1]], db=Path(sys.argv[2]))"
)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return folder_of(tmp_path, 60, steps=100)


def start(logs: Path, db: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", LOAD, str(logs), str(db)], stderr=subprocess.PIPE)


def rows(db: Path) -> dict[str, list[tuple[Any, ...]]]:
    return tables(db, without=("loaded_at", "mtime_at"))


def test_a_load_killed_at_any_point_leaves_all_or_nothing(db: Path, logs: Path) -> None:
    late = [logs / f"{number}.jsonl" for number in range(0, 60, 3)]
    for path in late:
        path.write_bytes(session(int(path.stem), steps=2))
    load([logs], db=db)
    before, old_bytes = rows(db), db.read_bytes()
    for path in late:
        path.write_bytes(session(int(path.stem), steps=200))
    began = time.perf_counter()
    assert start(logs, db).wait() == 0
    whole_s = time.perf_counter() - began
    after = rows(db)
    assert len(after["steps"]) > len(before["steps"])
    wal = db.with_name("tracelab.duckdb.wal")
    chance = random.Random(20)
    for share in (chance.triangular(0.2, 1.05, 0.9) for _ in range(20)):
        db.write_bytes(old_bytes)
        wal.unlink(missing_ok=True)
        process = start(logs, db)
        time.sleep(whole_s * share)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert rows(db) in (before, after), f"killed after {share:.0%} of the time"
    load([logs], db=db)
    assert rows(db) == after
    left = {path.name for path in db.parent.iterdir()}
    assert left <= {"logs", db.name, wal.name}, "nothing but what DuckDB itself keeps"


def test_a_first_load_that_is_killed_can_be_done_again(db: Path, logs: Path) -> None:
    for delay_s in (0.1, 0.15, 0.2, 0.3):
        process = start(logs, db)
        time.sleep(delay_s)
        process.kill()
        process.wait()
    report = load([logs], db=db)
    assert report.files == report.loaded + report.unchanged == 60
    assert len(rows(db)["steps"]) == 6000


def workers_of(process: subprocess.Popen[bytes]) -> list[int]:
    """Wait until a load has started its processes."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None:
        found = children.read_text().split()
        if found and all(b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in found):
            return [int(pid) for pid in found]
    raise AssertionError("the load was over before its processes were seen")


def test_the_reading_processes_end_with_the_loader(db: Path, logs: Path) -> None:
    process = start(logs, db)
    workers = workers_of(process)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < deadline, "a reading process outlives its loader"
        time.sleep(0.05)


def test_a_reading_process_that_dies_stops_the_load_with_one_message(db: Path, logs: Path) -> None:
    load([logs / "0.jsonl"], db=db)
    before = rows(db)
    process = start(logs, db)
    os.kill(workers_of(process)[0], signal.SIGKILL)
    _, said = process.communicate()
    assert process.returncode == 1
    assert b"TracelabError: a reading process ended before its time (status -9); nothing was loaded" in said
    assert rows(db) == before


def test_a_second_writer_is_told_who_holds_the_warehouse(db: Path, logs: Path) -> None:
    load([logs / "0.jsonl"], db=db)
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(db)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    try:
        with pytest.raises(TracelabError) as error:
            load([logs], db=db)
    finally:
        holder.communicate()
    assert f"process {holder.pid}" in str(error.value)
    assert "wait until it is done" in str(error.value)
    assert load([logs], db=db).loaded == 59


def test_two_loads_at_once_do_not_mix(db: Path, logs: Path) -> None:
    load([logs / "0.jsonl"], db=db)
    codes = {process.wait() for process in [start(logs, db), start(logs, db)]}
    assert 0 in codes
    assert len(rows(db)["steps"]) == 6000


def test_an_interrupt_at_the_terminal_is_the_loaders_alone(db: Path, logs: Path) -> None:
    process = start(logs, db)
    groups = {os.getpgid(pid) for pid in workers_of(process)}
    process.kill()
    process.communicate()
    assert os.getpgid(0) not in groups


def test_an_interrupted_load_leaves_the_warehouse_as_it_was(db: Path, logs: Path) -> None:
    load([logs / "0.jsonl"], db=db)
    before = rows(db)
    # a shell's background job ignores the signal, and its children with it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = start(logs, db)
    workers_of(process)
    os.kill(process.pid, signal.SIGINT)
    process.communicate()
    assert process.returncode != 0
    assert rows(db) == before
