"""How growth is measured: in which order, of what, and what is said of it. Commands are counted, not run."""

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import growth
from benchmarks.measure import Run


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, str, int]]:
    """Let growth's commands be counted, not run: (meter, command, parts); their cost is square."""
    found: list[tuple[str, str, int]] = []
    parts = 0

    def counted(meter: str, command: list[str], env: dict[str, str]) -> int:
        nonlocal parts
        parts = len(command) - 4 if command[3] == "load" else parts
        assert all(any(Path(path).rglob("*.jsonl")) for path in command[4:] if command[3] == "load")
        limit = env.get("TRACELAB_MEMORY_LIMIT", "")
        found.append((f"{meter} {limit}".strip(), command[3], parts))
        return parts

    def timed(command: list[str], env: dict[str, str]) -> Run:
        seconds = counted("time", command, env) ** 2
        return Run(seconds, seconds)

    def peak_memory_mib(command: list[str], env: dict[str, str]) -> float:
        if env.get("TRACELAB_MEMORY_LIMIT") == "1300MB" and parts == 3:
            raise subprocess.CalledProcessError(1, command)
        return 500.0 * counted("memory", command, env)

    monkeypatch.setattr(growth, "timed", timed)
    monkeypatch.setattr(growth, "peak_memory_mib", peak_memory_mib)
    monkeypatch.setattr(growth, "RESULTS", tmp_path / "growth.csv")
    return found


@pytest.fixture
def grow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[dict[str, str]]]:
    def grow(*more: str) -> list[dict[str, str]]:
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        arguments = ["--times", "1", "3", "--steps", "60", "--gigabytes", "0.0003", "--runs", "2"]
        monkeypatch.setattr(sys, "argv", ["growth", *arguments, "--scratch", str(scratch), *more])
        growth.main()
        assert list(scratch.iterdir()) == [], "what was made is removed"
        with (tmp_path / "growth.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    return grow


def test_growth_measures_sizes_in_turn(
    commands: list[tuple[str, str, int]], grow: Callable[..., list[dict[str, str]]]
) -> None:
    grow()
    each = [("load", 1), ("build", 1), ("load", 3), ("build", 3)]
    assert [(command, parts) for meter, command, parts in commands[:4] if meter == "memory"] == each
    assert [(command, parts) for meter, command, parts in commands[4:12] if meter == "time"] == each * 2


@pytest.mark.usefixtures("commands")
def test_growth_is_what_it_costs_more_by_how_much_more_there_is(
    grow: Callable[..., list[dict[str, str]]],
) -> None:
    rows = [row for row in grow() if row["stage"] in ("load", "build")]
    assert [(row["steps"], row["stage"], row["cpu_seconds"], row["growth"]) for row in rows] == [
        ("60", "load", "1.00", "1.000"),
        ("60", "build", "1.00", "1.000"),
        ("180", "load", "9.00", "3.000"),
        ("180", "build", "9.00", "3.000"),
    ]


@pytest.mark.parametrize(("limit_gb", "steps"), [("4", "180"), ("2", "120"), ("1", "60"), ("0.5", "0")])
def test_the_largest_that_fits_is_the_last_before_a_build_fails_or_takes_more(
    limit_gb: str,
    steps: str,
    commands: list[tuple[str, str, int]],
    grow: Callable[..., list[dict[str, str]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [row["steps"] for row in grow("--limit-gb", limit_gb) if row["stage"] == f"build in {limit_gb} GB"]
    assert rows == [str(60 * times) for times in range(1, int(steps) // 60 + 1)]
    *_, told = capsys.readouterr().out.splitlines()
    assert told.endswith(f", {steps} steps")
    assert ("at least" in told) == (steps == "180")
    limited = f"memory {float(limit_gb) * 650:.0f}MB"
    assert {meter for meter, *_ in commands[12:] if meter != "time"} == {limited}
