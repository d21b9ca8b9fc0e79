"""Time how a load and a build grow with their input, and how much of it builds in little memory.

    python -m benchmarks.growth [--times 1 3 10] [--steps 300000] [--gigabytes 1.4] [--runs 3] [--limit-gb 2]

The input is equal parts, so many as the greatest of `--times`, each of its own seed, on disk and removed at
the end; a size is the first so many of them. Every size is loaded and built once for memory, then in turn for
CPU seconds: growth is what they are over those of the smallest size, by how many times the input is greater.

Last, one part is built by a DuckDB that keeps to its share of `--limit-gb`, then one more is loaded, and so
on, until a build fails or all its memory is more than the limit. Memory is that of the processes, without the
files that the system caches, which it takes back first; a build above the limit is noticed, not stopped.
A row a size and stage goes to `benchmarks/growth.csv`. Nothing here passes or fails.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from benchmarks.generate import generate
from benchmarks.measure import HERE, append, environment, facts, peak_memory_mib, timed, tracelab

RESULTS = HERE / "growth.csv"
BUILD = tracelab("build", "--timezone", "UTC")
DUCKDB_SHARE = 0.65  # of a build's memory: the rest is that of Python, dbt and frames

_Found = TypeVar("_Found")
_Key = tuple[int, str]  # size in parts, stage


def main() -> None:
    """Make the parts, measure each size, then the limit; print what came out and keep it."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--times", type=int, nargs="+", default=[1, 3, 10], help="sizes, in parts")
    arguments.add_argument("--steps", type=int, default=300_000, help="of a part")
    arguments.add_argument("--gigabytes", type=float, default=1.4, help="of a part")
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--limit-gb", type=float, default=2.0)
    arguments.add_argument("--scratch", type=Path, help="a folder with room for all of it")
    options = arguments.parse_args()
    sizes = sorted(options.times)
    with tempfile.TemporaryDirectory(prefix="tracelab-growth-", dir=options.scratch) as folder:
        scratch = Path(folder)
        parts = make_parts(scratch, sizes[-1], options.steps, options.gigabytes)
        env = environment(scratch) | {"TRACELAB_DB": str(scratch / "tracelab.duckdb")}
        peaks, seconds = measure(parts, sizes, env, options.runs)
        for (size, stage), peak_mib in peaks.items():
            cpu_s = seconds[size, stage]
            growth = cpu_s / seconds[sizes[0], stage] * sizes[0] / size
            told = f"{cpu_s:9.2f} s of CPU, {peak_mib:5.0f} MiB at most, growth {growth:.3f}"
            print(f"{size:3}x  {stage:5} {told}")
            _keep(parts[:size], options.steps, stage, peak_mib, cpu_s, growth)
        fitting = 0
        for fitting, peak_mib in enumerate(within(parts, options.limit_gb, env), start=1):
            print(f"{fitting:3}x  builds in {options.limit_gb:g} GB, {peak_mib:5.0f} MiB at most")
            _keep(parts[:fitting], options.steps, f"build in {options.limit_gb:g} GB", peak_mib)
        steps, size_gb = options.steps * fitting, size_of(parts[:fitting]) / 1e9
        bound = "at least " if fitting == len(parts) else ""
        print(f"the largest that builds in {options.limit_gb:g} GB: {bound}{size_gb:.2f} GB, {steps:,} steps")


def make_parts(scratch: Path, count: int, steps: int, gigabytes: float) -> list[Path]:
    """Write homes of as many steps each, whose sessions differ."""
    parts = [scratch / f"part{seed}" for seed in range(1, count + 1)]
    for seed, part in enumerate(parts, start=1):
        generate(part, steps=steps, bytes_per_step=round(gigabytes * 1e9 / steps), seed=seed)
        for path in part.rglob("*.jsonl"):
            os.utime(path, (time.time() - 86_400,) * 2)  # nobody writes to them any more
    return parts


def size_of(parts: Sequence[Path]) -> int:
    """Return the bytes of logs in parts."""
    return sum(path.stat().st_size for part in parts for path in part.rglob("*.jsonl"))


def measure(
    parts: Sequence[Path], sizes: Sequence[int], env: dict[str, str], runs: int
) -> tuple[dict[_Key, float], dict[_Key, float]]:
    """Load and build each size; return peak MiB and median CPU seconds, each by size and stage."""

    def each(
        meter: Callable[[list[str], dict[str, str]], _Found],
    ) -> Iterator[tuple[_Key, _Found]]:
        for size in sizes:
            Path(env["TRACELAB_DB"]).unlink(missing_ok=True)
            for stage, command in (("load", tracelab("load", *map(str, parts[:size]))), ("build", BUILD)):
                found = meter(command, env)
                print(f"{size}x {stage}: {found}", file=sys.stderr)
                yield (size, stage), found

    peaks = dict(each(peak_memory_mib))
    seconds: dict[_Key, list[float]] = defaultdict(list)
    for _ in range(runs):
        for key, run in each(timed):
            seconds[key].append(run.cpu_s)
    return peaks, {key: statistics.median(found) for key, found in seconds.items()}


def within(parts: Sequence[Path], limit_gb: float, env: dict[str, str]) -> Iterator[float]:
    """Build one part, two and so on as long as the memory suffices; give each build's peak MiB."""
    Path(env["TRACELAB_DB"]).unlink(missing_ok=True)
    limited = env | {"TRACELAB_MEMORY_LIMIT": f"{DUCKDB_SHARE * limit_gb * 1000:.0f}MB"}
    for count in range(1, len(parts) + 1):
        timed(tracelab("load", *map(str, parts[:count])), env)
        try:
            peak_mib = peak_memory_mib(BUILD, limited)
        except subprocess.CalledProcessError:
            return
        if peak_mib * 2**20 > limit_gb * 1e9:
            return
        yield peak_mib


def _keep(
    parts: Sequence[Path],
    steps: int,
    stage: str,
    peak_mib: float,
    cpu_s: float | None = None,
    growth: float | None = None,
) -> None:
    row = {
        **facts(),
        "bytes": size_of(parts),
        "steps": steps * len(parts),
        "stage": stage,
        "cpu_seconds": "" if cpu_s is None else f"{cpu_s:.2f}",
        "growth": "" if growth is None else f"{growth:.3f}",
        "peak_mib": f"{peak_mib:.0f}",
    }
    append(RESULTS, row)


if __name__ == "__main__":
    main()
