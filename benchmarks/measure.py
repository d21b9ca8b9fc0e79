"""What a command costs: wall and CPU seconds of it with all its children, and their memory."""

import csv
import datetime
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent


class Run(NamedTuple):
    """One timed process with all its children: wall and CPU seconds."""

    wall_s: float
    cpu_s: float


def timed(command: list[str], env: dict[str, str]) -> Run:
    """Run a command to its end and measure it.

    Raises:
        subprocess.CalledProcessError: if it fails.
    """
    before = os.times()
    start = time.perf_counter()
    subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=True)
    wall = time.perf_counter() - start
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Run(wall, cpu)


def peak_memory_mib(command: list[str], env: dict[str, str]) -> float:
    """Run a command to its end and watch the summed PSS of its processes, in a run apart: looking costs time.

    Raises:
        subprocess.CalledProcessError: if it fails.
    """
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    peak = _PeakMemory(process.pid)
    peak.start()
    code = process.wait()
    peak.stop()
    if code:
        raise subprocess.CalledProcessError(code, command)
    return peak.mib


class _PeakMemory(threading.Thread):
    """Samples the summed PSS of a process and its descendants, ten times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.mib = 0.0
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(0.1):
            self.mib = max(self.mib, sum(_pss_kib(pid) for pid in _tree(self.pid)) / 1024)

    def stop(self) -> None:
        self._done.set()
        self.join()


def _tree(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(each for child in children for each in _tree(int(child)))]


def _pss_kib(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)


def tracelab(*arguments: str) -> list[str]:
    """Return a command of this checkout, as a user would give it."""
    return [sys.executable, "-m", "tracelab", *arguments]


def environment(scratch: Path) -> dict[str, str]:
    """Return the environment of all commands: a home and bytecode below `scratch`, nothing of this user's.

    Code is compiled once, in the first run, as an installed package is, whatever this shell says of it.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    passing = {"HOME": str(scratch), "PYTHONPYCACHEPREFIX": str(scratch / "bytecode")}
    return kept | passing | {"XDG_CACHE_HOME": str(scratch / "cache"), "PYTHONPATH": str(HERE.parent)}


def facts() -> dict[str, str]:
    """Return what every row of results tells first: when, of which commit and on which machine."""
    git = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(git, cwd=HERE, capture_output=True, text=True, check=False)
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": done.stdout.strip(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }


def append(path: Path, row: Mapping[str, object]) -> None:
    """Add a row to a CSV file of results, which has its columns already or is made.

    Raises:
        ValueError: if the file has other columns.
    """
    is_new = not path.exists()
    with path.open("a+", newline="") as file:
        file.seek(0)
        if not is_new and (columns := next(csv.reader(file))) != list(row):
            raise ValueError(f"{path} has the columns {columns}, a row {list(row)}")
        writer = csv.DictWriter(file, row, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(row)
