"""The chart of all runs of the benchmark."""

import re
from pathlib import Path

from benchmarks import history, run
from tests.test_benchmark_run import HEADER
from tracelab.charts import svg


def results(path: Path, *rows: str) -> Path:
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def points(picture: str) -> list[str]:
    """What each point of a picture says of itself."""
    marks = re.findall(r'aria-label="([^"]*)" role="\S+" aria-roledescription="(\w+)"', picture)
    return [label for label, kind in marks if kind == "point"]


def test_the_history_draws_every_run_with_what_it_told(tmp_path: Path) -> None:
    one, two = '2026-11-25,aaaa,"x86_64, 2 cores",10,4', '2026-11-26,bbbb,"arm64, 8 cores",10,4'
    found = results(
        tmp_path / "results.csv",
        f"{one},load,8,4,2.25,600,,",
        f"{one},load,8,4,1.75,600,,",
        f"{one},build,21.5,,,2000,,",
        f"{two},charts,3.5,,,200,,",
        f"{two},load,8,4,0.625,600,9,100",
        f"{two},build,12.5,,,2000,20,5000",
    )
    picture = svg(history.history(history.runs(found)).to_dict())
    drawn = points(picture)
    assert len(drawn) == 6
    for value in ("2.25", "1.75", "5.375", "0.625", "3.125", "1250"):
        assert sum(f": {value};" in label for label in drawn) == 1, value
    for commit, count in {"aaaa": 3, "bbbb": 3}.items():
        assert sum(f"commit: {commit};" in label for label in drawn) == count
    assert "● x86_64, 2 cores · ■ arm64, 8 cores" in picture


def test_the_history_in_the_docs_shows_all_results() -> None:
    today = svg(history.history(history.runs(run.RESULTS)).to_dict())
    assert points(history.PICTURE.read_text()) == points(today), "run `python -m benchmarks.history`"
