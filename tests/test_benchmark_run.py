"""What the benchmark says of a build, and what it keeps. Nothing here is timed."""

import csv
from pathlib import Path

import pytest

from benchmarks import run
from benchmarks.measure import append

HEADER = (
    "date,commit,machine,bytes,steps,stage,seconds,baseline_seconds,ratio,peak_mib,cpu_seconds,database_bytes"
)


def test_a_build_s_time_is_told_as_sql_and_dbt_and_its_models_as_shares_of_the_sql() -> None:
    nodes = {f"model m{number}": float(number) for number in range(1, 13)} | {
        "test grain": 2.0,
        "other": 20.0,
    }
    lines = run.told(
        {"node_seconds": nodes, "seconds": 80.0, "sql_seconds": 60.0, "models": 12, "tests": 1}
    ).splitlines()
    assert lines[0].split() == ["in", "SQL", "60.00", "s,", "75%", "of", "a", "build", "of", "80.00", "s"]
    assert lines[1].split() == ["dbt", "itself", "20.00", "s", "for", "12", "models", "and", "1", "tests"]
    assert [line.split()[:4] for line in lines[3:]] == [
        [f"{number:.2f}", "s", f"{number:.1f}%", f"m{number}"] for number in range(12, 2, -1)
    ]
    assert "more than" not in "".join(lines)


def test_a_model_of_more_than_a_fifth_of_the_sql_is_marked() -> None:
    nodes = {"model great": 21.0, "model good": 20.0, "other": 59.0}
    great, good = run.told(
        {"node_seconds": nodes, "seconds": 80.0, "sql_seconds": 60.0, "models": 2, "tests": 0}
    ).splitlines()[3:]
    assert great.endswith("great  more than 20%")
    assert good.endswith("good")


def test_a_row_of_other_columns_is_not_added(tmp_path: Path) -> None:
    file = tmp_path / "kept.csv"
    append(file, {"stage": "load", "seconds": 1})
    append(file, {"stage": "build", "seconds": 2})
    with pytest.raises(ValueError, match="columns"):
        append(file, {"stage": "build", "cpu_seconds": 3})
    assert list(csv.reader(file.open())) == [["stage", "seconds"], ["load", "1"], ["build", "2"]]


def test_every_row_of_the_results_has_their_columns() -> None:
    with run.RESULTS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert ",".join(rows[0]) == HEADER
    assert all(None not in row and None not in row.values() for row in rows)
