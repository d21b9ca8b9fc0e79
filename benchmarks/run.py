"""Time `tracelab load` against a plain loop of `json.loads`, then a refresh, a build, charts and the report.

    python -m benchmarks.run [--steps 300000] [--gigabytes 1.4] [--runs 3]

Both sides are whole processes, start-up included, taken in turn: machines are noisy, so only the ratio of the
medians says something. A refresh is a load after a hundredth of the bytes is new. A build is timed with its
project parsed before, as every build but the first is.
A row a stage goes to `benchmarks/results.csv`. Nothing here passes or fails.
"""

import argparse
import csv
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.generate import generate
from benchmarks.refresh import Yesterday

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.csv"

PLAIN_LOOP = """
import json, os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        if name.endswith(".jsonl"):
            with open(os.path.join(folder, name), "rb") as lines:
                for line in lines:
                    json.loads(line)
"""


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


def main() -> None:
    """Generate the data, time both stages, print the medians, and keep a row a stage."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--steps", type=int, default=300_000)
    arguments.add_argument("--gigabytes", type=float, default=1.4)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--data", type=Path, help="a folder made before by benchmarks/generate.py")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="tracelab-bench-") as scratch:
        data = options.data or Path(scratch) / "data"
        if options.data is None:
            bytes_per_step = round(options.gigabytes * 1e9 / options.steps)
            generate(data, steps=options.steps, bytes_per_step=bytes_per_step, seed=options.seed)
            for path in data.rglob("*.jsonl"):
                os.utime(path, (time.time() - 86_400,) * 2)  # nobody writes to them any more
        size = sum(path.stat().st_size for path in data.rglob("*.jsonl"))
        db = Path(scratch) / "tracelab.duckdb"
        env = {**os.environ, "TRACELAB_DB": str(db), "HOME": scratch}
        # compiled once, in the run for memory, as an installed package is, whatever this shell says of it
        env["PYTHONPYCACHEPREFIX"] = str(Path(scratch) / "bytecode")
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        load = [sys.executable, "-m", "tracelab", "load", str(data)]
        loads, loops = [], []
        peak_mib = peak_memory_mib(load, env)
        for run in range(options.runs):
            db.unlink()
            loops.append(timed([sys.executable, "-c", PLAIN_LOOP, str(data)], env))
            loads.append(timed(load, env))
            print(f"run {run + 1}: plain loop {loops[-1]}, load {loads[-1]}", file=sys.stderr)
        database_mib = db.stat().st_size / 2**20
        built = build_stage(db, env, options.runs)
        report = Path(scratch) / "report.html"
        charted = stage(["chart", "--format", "svg", "--out", scratch], env, options.runs)
        reported = stage(["report", "--output", str(report)], env, options.runs)
        report_bytes = report.stat().st_size
        shared = Path(scratch) / "shared"
        subprocess.run(
            [sys.executable, "-m", "tracelab", "export", "--format", "duckdb", "--out", str(shared)],
            env=env, stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        built_mib, compact_mib = (file.stat().st_size / 2**20 for file in (db, shared / db.name))
        refreshes, new_bytes = refresh_stage(data, Path(scratch), env, options.runs)
    load_s = statistics.median(run.wall_s for run in loads)
    loop_s = statistics.median(run.wall_s for run in loops)
    print(f"input       {size / 1e9:.2f} GB, {options.steps:,} steps asked for")
    print(f"plain loop  {loop_s:.2f} s ({size / 1e6 / loop_s:.0f} MB/s)")
    print(f"load        {load_s:.2f} s ({size / 1e6 / load_s:.0f} MB/s)")
    print(f"memory      {peak_mib:.0f} MiB at most, all processes together")
    print(f"database    {_per_step(database_mib, options.steps)}")
    print(f"ratio       {load_s / loop_s:.2f}")
    _keep("load", size, options.steps, load_s, peak_mib, loop_s)
    refresh_s = statistics.median(run.wall_s for run in refreshes)
    print(f"refresh     {refresh_s:.2f} s for {new_bytes / 1e6:.1f} MB, {refresh_s / load_s:.3f} of a load")
    _keep("refresh", new_bytes, round(options.steps * new_bytes / size), refresh_s, None, load_s)
    print(f"build       {built.wall_s:.2f} s, {built.peak_mib:.0f} MiB at most")
    print(
        f"database    {_per_step(built_mib, options.steps)}; compact {_per_step(compact_mib, options.steps)}"
    )
    print(built.told)
    _keep("build", size, options.steps, built.wall_s, built.peak_mib)
    print(
        f"charts      {charted.wall_s:.2f} s ({charted.cpu_s:.2f} s of CPU),"
        f" {charted.peak_mib:.0f} MiB at most"
    )
    _keep("charts", size, options.steps, charted.wall_s, charted.peak_mib)
    print(
        f"report      {reported.wall_s:.2f} s ({reported.cpu_s:.2f} s of CPU), {reported.peak_mib:.0f} MiB at"
        f" most, {report_bytes / 1e6:.2f} MB"
    )
    _keep("report", size, options.steps, reported.wall_s, reported.peak_mib)


class Stage(NamedTuple):
    """A command of tracelab: median wall and CPU seconds, peak memory."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def stage(arguments: list[str], env: dict[str, str], runs: int) -> Stage:
    """Run a command that reads a built database some times over: for memory, then for time."""
    command = [sys.executable, "-m", "tracelab", *arguments]
    peak_mib = peak_memory_mib(command, env)
    done = [timed(command, env) for _ in range(runs)]
    return Stage(
        statistics.median(run.wall_s for run in done),
        statistics.median(run.cpu_s for run in done),
        peak_mib,
    )


def refresh_stage(data: Path, scratch: Path, env: dict[str, str], runs: int) -> tuple[list[Run], int]:
    """Load a home as it was the day before, then some times what has come; return its runs and new bytes."""
    home, before, db = scratch / "home", scratch / "before.duckdb", Path(env["TRACELAB_DB"])
    yesterday = Yesterday(data, home)
    yesterday.begin()
    load = [sys.executable, "-m", "tracelab", "load", str(home)]
    timed(load, env | {"TRACELAB_DB": str(before)})
    refreshes = []
    for _ in range(runs):
        shutil.copy(before, db)
        yesterday.begin()
        timed(load, env)  # since the copies are new files
        yesterday.end()
        refreshes.append(timed(load, env))
    return refreshes, yesterday.new_bytes


class Build(NamedTuple):
    """The build stage: median wall seconds, peak memory, and where the time went."""

    wall_s: float
    peak_mib: float
    told: str


def build_stage(db: Path, env: dict[str, str], runs: int) -> Build:
    """Build a loaded database some times over: for memory (and to parse), for wall time, and by node."""
    build = [sys.executable, "-m", "tracelab", "build", "--timezone", "UTC"]
    peak_mib = peak_memory_mib(build, env)
    walls = [timed(build, env).wall_s for _ in range(runs)]
    watched = [sys.executable, "-m", "benchmarks.time_build", str(db)]
    done = subprocess.run(watched, env=env, cwd=HERE.parent, stdout=subprocess.PIPE, check=True)
    return Build(statistics.median(walls), peak_mib, _told(json.loads(done.stdout)))


def _per_step(mib: float, steps: int) -> str:
    return f"{mib:.0f} MiB, {mib * 2**20 / steps:.0f} bytes a step"


def _told(report: dict[str, Any]) -> str:
    """How a build's time divides, and its ten slowest models."""
    nodes: dict[str, float] = report["node_seconds"]
    sql_s, dbt_s = report["sql_seconds"], report["seconds"] - report["sql_seconds"]
    tests_s = sum(nodes[node] for node in nodes if node.startswith("test "))
    models = [node for node in nodes if node.startswith("model ")]
    slowest = sorted(models, key=lambda node: -nodes[node])[:10]
    return "\n".join(
        [
            f"its SQL     {sql_s:.2f} s, of it tests {tests_s:.2f} s",
            f"dbt         {dbt_s:.2f} s for {report['models']} models and {report['tests']} tests",
            "slowest models, seconds of SQL:",
            *(f"  {nodes[node]:8.2f}  {node.removeprefix('model ')}" for node in slowest),
        ]
    )


def _keep(
    stage: str, size: int, steps: int, seconds: float, peak_mib: float | None, baseline_s: float | None = None
) -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False
    ).stdout.strip()
    row = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": commit,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "bytes": size,
        "steps": steps,
        "stage": stage,
        "seconds": f"{seconds:.2f}",
        "baseline_seconds": f"{baseline_s:.2f}" if baseline_s else "",
        "ratio": f"{seconds / baseline_s:.3f}" if baseline_s else "",
        "peak_mib": f"{peak_mib:.0f}" if peak_mib else "",
    }
    is_new = not RESULTS.exists()
    with RESULTS.open("a", newline="") as file:
        writer = csv.DictWriter(file, row)
        if is_new:
            writer.writeheader()
        writer.writerow(row)


if __name__ == "__main__":
    main()
