"""Time `tracelab load` against a plain loop of `json.loads`, then every stage to tables, files and charts.

    python -m benchmarks.run [--steps 300000] [--gigabytes 1.4] [--runs 3]

Both sides are whole processes, start-up included, taken in turn: machines are noisy, so only the ratio of the
medians says something. A refresh is a load after a hundredth of the bytes is new. A build is timed on what
was just loaded, and with its project parsed before, as it is for every warehouse but the first.
A row a stage goes to `benchmarks/results.csv`. Nothing here passes or fails.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.generate import generate
from benchmarks.measure import HERE, Run, append, environment, facts, peak_memory_mib, timed, tracelab
from benchmarks.refresh import Yesterday

RESULTS = HERE / "results.csv"
SQL_SHARE = 0.2  # of all SQL: a model that takes more wants a reason in writing

PLAIN_LOOP = """
import json, os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        if name.endswith(".jsonl"):
            with open(os.path.join(folder, name), "rb") as lines:
                for line in lines:
                    json.loads(line)
"""


class Stage(NamedTuple):
    """A command of tracelab: median wall and CPU seconds, peak memory."""

    wall_s: float
    cpu_s: float
    peak_mib: float

    def __str__(self) -> str:
        return f"{self.wall_s:.2f} s ({self.cpu_s:.2f} s of CPU), {self.peak_mib:.0f} MiB at most"


def main() -> None:
    """Generate the data, time all stages, print the medians, and keep a row a stage."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--steps", type=int, default=300_000)
    arguments.add_argument("--gigabytes", type=float, default=1.4)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--data", type=Path, help="a folder made before by benchmarks/generate.py")
    options = arguments.parse_args()
    runs, steps = options.runs, options.steps
    with tempfile.TemporaryDirectory(prefix="tracelab-bench-") as folder:
        scratch = Path(folder)
        data = options.data or scratch / "data"
        if options.data is None:
            bytes_per_step = round(options.gigabytes * 1e9 / steps)
            generate(data, steps=steps, bytes_per_step=bytes_per_step, seed=options.seed)
            for path in data.rglob("*.jsonl"):
                os.utime(path, (time.time() - 86_400,) * 2)  # nobody writes to them any more
        size = sum(path.stat().st_size for path in data.rglob("*.jsonl"))
        db = scratch / "tracelab.duckdb"
        env = environment(scratch) | {"TRACELAB_DB": str(db)}
        loaded, loop = load_stage(data, db, env, runs)
        loaded_bytes = db.stat().st_size
        unbuilt = shutil.copy(db, scratch / "unbuilt.duckdb")
        built = stage(["build", "--timezone", "UTC"], env, runs, before=lambda: shutil.copy(unbuilt, db))
        sql = watch_build(db, env)
        exported = stage(["export", "--out", str(scratch / "csv")], env, runs)
        charted = stage(["chart", "--format", "svg", "--out", str(scratch / "svg")], env, runs)
        report = scratch / "report.html"
        reported = stage(["report", "--output", str(report)], env, runs)
        report_bytes = report.stat().st_size
        shared = scratch / "shared"
        timed(tracelab("export", "--format", "duckdb", "--out", str(shared)), env)
        built_bytes, compact_bytes = (file.stat().st_size for file in (db, shared / db.name))
        refresh_s, new_bytes = refresh_stage(data, scratch, env, runs)
    print(f"input       {size / 1e9:.2f} GB, {steps:,} steps asked for")
    print(f"plain loop  {loop.wall_s:.2f} s ({size / 1e6 / loop.wall_s:.0f} MB/s)")
    print(f"load        {loaded} ({size / 1e6 / loaded.wall_s:.0f} MB/s)")
    print(f"ratio       {loaded.wall_s / loop.wall_s:.2f}")
    print(f"database    {_per_step(loaded_bytes, steps)}")
    share = refresh_s / loaded.wall_s
    print(f"refresh     {refresh_s:.2f} s for {new_bytes / 1e6:.1f} MB, {share:.3f} of a load")
    print(f"build       {built}")
    print(f"database    {_per_step(built_bytes, steps)}; compact {_per_step(compact_bytes, steps)}")
    print(told(sql))
    print(f"export      {exported}")
    print(f"charts      {charted}")
    print(f"report      {reported}, {report_bytes / 1e6:.2f} MB")
    tables_s = loaded.wall_s + built.wall_s + exported.wall_s
    print(f"from logs to all tables and CSV files  {tables_s:.2f} s")
    print(f"and to all charts as SVG               {tables_s + charted.wall_s:.2f} s")
    whole = {"bytes": size, "steps": steps}
    _keep("load", loaded, loop.wall_s, **whole, database_bytes=loaded_bytes)
    _keep("build", built, **whole, database_bytes=built_bytes)
    _keep("build in SQL", sql["sql_seconds"], sql["seconds"], **whole)
    _keep("export", exported, **whole)
    _keep("charts", charted, **whole)
    _keep("report", reported, **whole)
    _keep("logs to CSV", tables_s, **whole)
    _keep("logs to CSV and SVG", tables_s + charted.wall_s, **whole)
    _keep("refresh", refresh_s, loaded.wall_s, bytes=new_bytes, steps=round(steps * new_bytes / size))


def load_stage(data: Path, db: Path, env: dict[str, str], runs: int) -> tuple[Stage, Run]:
    """Load for memory, then in turn loop plainly and load for time; return both sides' medians."""
    load = tracelab("load", str(data))
    loads, loops = [], []
    peak_mib = peak_memory_mib(load, env)
    for run in range(runs):
        db.unlink()
        loops.append(timed([sys.executable, "-c", PLAIN_LOOP, str(data)], env))
        loads.append(timed(load, env))
        print(f"run {run + 1}: plain loop {loops[-1]}, load {loads[-1]}", file=sys.stderr)
    return Stage(*_median(loads), peak_mib), _median(loops)


def stage(
    arguments: Sequence[str],
    env: dict[str, str],
    runs: int,
    before: Callable[[], object] = lambda: None,
) -> Stage:
    """Run a command for memory (and to be warm), then some times over for time, each time after `before`."""
    command = tracelab(*arguments)
    peak_mib = peak_memory_mib(command, env)
    took = []
    for _ in range(runs):
        before()
        took.append(timed(command, env))
    return Stage(*_median(took), peak_mib)


def refresh_stage(data: Path, scratch: Path, env: dict[str, str], runs: int) -> tuple[float, int]:
    """Load a home as it was the day before, then some times what has come; return wall seconds, new bytes."""
    home, before, db = scratch / "home", scratch / "before.duckdb", Path(env["TRACELAB_DB"])
    yesterday = Yesterday(data, home)
    yesterday.begin()
    load = tracelab("load", str(home))
    timed(load, env | {"TRACELAB_DB": str(before)})
    refreshes = []
    for _ in range(runs):
        shutil.copy(before, db)
        yesterday.begin()
        timed(load, env)  # since the copies are new files
        yesterday.end()
        refreshes.append(timed(load, env))
    return _median(refreshes).wall_s, yesterday.new_bytes


def watch_build(db: Path, env: dict[str, str]) -> dict[str, Any]:
    """Build once more, with a stop watch on every statement; see `time_build` for what it tells."""
    watched = [sys.executable, "-m", "benchmarks.time_build", str(db)]
    done = subprocess.run(watched, env=env, cwd=HERE.parent, stdout=subprocess.PIPE, check=True)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def told(report: dict[str, Any]) -> str:
    """Say how a build's time divides, and which ten models have the greatest shares of the SQL."""
    nodes: dict[str, float] = report["node_seconds"]
    whole_s, sql_s, all_s = report["seconds"], report["sql_seconds"], sum(nodes.values())
    tests_s = sum(nodes[node] for node in nodes if node.startswith("test "))
    models = [node for node in nodes if node.startswith("model ")]
    slowest = sorted(models, key=lambda node: -nodes[node])[:10]
    lines = [
        f"in SQL      {sql_s:.2f} s, {sql_s / whole_s:.0%} of a build of {whole_s:.2f} s",
        f"dbt itself  {whole_s - sql_s:.2f} s for {report['models']} models and {report['tests']} tests",
        f"statements  {all_s:.2f} s, two at a time, of it tests {tests_s:.2f} s; the slowest models:",
    ]
    for node in slowest:
        share = nodes[node] / all_s
        over = f"  more than {SQL_SHARE:.0%}" if share > SQL_SHARE else ""
        lines.append(f"  {nodes[node]:8.2f} s {share:6.1%}  {node.removeprefix('model ')}{over}")
    return "\n".join(lines)


def _median(runs: Sequence[Run]) -> Run:
    return Run(*(statistics.median(seconds) for seconds in zip(*runs, strict=True)))


def _per_step(size: int, steps: int) -> str:
    return f"{size / 2**20:.0f} MiB, {size / steps:.0f} bytes a step"


def _keep(
    name: str,
    took: Stage | float,
    baseline_s: float | None = None,
    *,
    bytes: int,
    steps: int,
    database_bytes: int | None = None,
) -> None:
    """Add a row to the results; a baseline is what the stage's seconds are put into relation to."""
    seconds = took.wall_s if isinstance(took, Stage) else took
    row = {
        **facts(),
        "bytes": bytes,
        "steps": steps,
        "stage": name,
        "seconds": f"{seconds:.2f}",
        "baseline_seconds": f"{baseline_s:.2f}" if baseline_s else "",
        "ratio": f"{seconds / baseline_s:.3f}" if baseline_s else "",
        "peak_mib": f"{took.peak_mib:.0f}" if isinstance(took, Stage) else "",
        "cpu_seconds": f"{took.cpu_s:.2f}" if isinstance(took, Stage) else "",
        "database_bytes": database_bytes or "",
    }
    append(RESULTS, row)


if __name__ == "__main__":
    main()
