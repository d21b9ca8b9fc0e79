"""Draw what each run of the benchmark told: `python -m benchmarks.history` writes `history.svg`.

The picture of `results.csv` is made as the project's own charts are: a plot a number, a point a run, its
shape that of the machine.
"""

import csv
from collections.abc import Iterator, Mapping
from itertools import cycle
from pathlib import Path

import altair as alt
import polars as pl

from benchmarks.measure import HERE
from benchmarks.run import RESULTS
from tracelab.charts import shapes, svg, theme, words

PICTURE = HERE / "history.svg"
PLOTS = (
    ("load_ratio", "Load, over a json.loads loop", "ratio of seconds", "{:.2f}"),
    ("build_ratio", "Build, over the same", "ratio of seconds", "{:.2f}"),
    ("step_bytes", "Finished database, a step", "bytes", "{:,.0f} bytes"),
)
SHAPES = {"circle": "●", "square": "■", "diamond": "◆", "triangle-up": "▲", "triangle-down": "▼"}
_TEXTS = ("machine", "date", "commit")


def runs(results: Path) -> list[dict[str, str | float | int | None]]:
    """Read the results, a row a run that is drawn; what a run did not tell is null.

    A run's rows have the same date, commit and machine, and each another stage.
    """
    with results.open(newline="") as file:
        found = [dict(_told(run)) for run in _grouped(csv.DictReader(file))]
    return [run for run in found if any(run[name] is not None for name, *_ in PLOTS)]


def history(found: list[dict[str, str | float | int | None]]) -> alt.VConcatChart:
    """Draw runs in their order."""
    numbered = [{**run, "run": number} for number, run in enumerate(found, start=1)]
    schema = {"run": pl.Int64, **dict.fromkeys(_TEXTS, pl.String)}
    frame = pl.DataFrame(
        numbered, schema={**schema, **{name: pl.Float64 for name, *_ in PLOTS}}, orient="row"
    )
    plots = [_plot(frame, *plot) for plot in PLOTS]
    key = " · ".join(
        f"{shape} {name}" for shape, name in zip(cycle(SHAPES.values()), _machines(frame), strict=False)
    )
    return theme.page(
        shapes.beside(plots),
        title="How fast and how compact TraceLab was",
        subtitle=[
            f"{words.counted(frame.height, 'run')} of `make bench`, the oldest at the left: {key}.",
            "Seconds say nothing about other machines, so both are over a plain json.loads loop of the run.",
        ],
        notes=["from benchmarks/results.csv", "medians of whole processes"],
        size=theme.PAIR,
        left=theme.Y_AXIS,
    )


def _machines(frame: pl.DataFrame) -> list[str]:
    """Return the machines, the first that ran first."""
    return frame["machine"].unique(maintain_order=True).to_list()


def _plot(frame: pl.DataFrame, name: str, heading: str, unit: str, form: str) -> theme.Layers:
    told = frame.filter(pl.col(name).is_not_null())
    last = form.format(told[name][-1]) if told.height else "no run told it yet"
    base = alt.Chart(told, width=shapes.width_of(len(PLOTS)), height=190).encode(
        x=alt.X("run:Q")
        .scale(domain=[0.5, frame.height + 0.5], nice=False)
        .axis(**theme.axis(title="run", format="d", tickMinStep=1, tickCount=8, grid=False)),
        y=alt.Y(f"{name}:Q")
        .scale(domain=[0, 1.15 * (theme.greatest(told, name) or 1)], nice=False)
        .axis(**theme.y_axis(unit, tickCount=5, labels=bool(told.height))),
        tooltip=theme.tooltip("run:Q", f"{name}:Q", "commit:N", "date:N", "machine:N"),
    )
    return alt.layer(
        base.mark_line(style="pooled", strokeWidth=1).encode(detail=alt.Detail("machine:N")),
        base.mark_point(style="pooled", filled=True, size=70, opacity=1).encode(
            shape=alt.Shape("machine:N").scale(domain=_machines(frame), range=list(SHAPES)).legend(None)
        ),
        theme.heading(f"{heading}: {last}"),
    )


def _grouped(rows: Iterator[Mapping[str, str]]) -> Iterator[dict[str, Mapping[str, str]]]:
    """Give the rows of each run by stage."""
    run: dict[str, Mapping[str, str]] = {}
    for row in rows:
        first = next(iter(run.values()), row)
        if row["stage"] in run or any(row[name] != first[name] for name in _TEXTS):
            yield run
            run = {}
        run[row["stage"]] = row
    if run:
        yield run


def _told(run: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str | float | int | None]]:
    first = next(iter(run.values()))
    load, build = run.get("load", {}), run.get("build", {})
    for name in _TEXTS:
        yield name, first[name]
    size = build.get("database_bytes")
    yield "load_ratio", float(load["ratio"]) if load else None
    yield "build_ratio", float(build["seconds"]) / float(load["baseline_seconds"]) if load and build else None
    yield "step_bytes", int(size) / int(build["steps"]) if size else None


if __name__ == "__main__":
    PICTURE.write_text(svg(history(runs(RESULTS)).to_dict()))
