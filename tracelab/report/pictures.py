"""Every chart for every part of the workload, as specs that the page draws when they come into view.

Words around the plot (title, subtitle, footnote) leave the spec: on the page they are text that wraps.
Processes share what is to be drawn, one a core.
"""

import gc
import json
import multiprocessing
import os
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tracelab.charts.base import Chart, tables_in
from tracelab.report.cuts import WHOLE, Cut, Table

NOT_ON_THE_PAGE = "session_steps"
"""The session explorer draws any session, and more of it."""
_POPULATION = "summary_overview"
"""What a chart's subtitle counts: not what the chart is of."""
_BY_MODEL = re.compile(r"\bmodel (<>|is distinct from) 'all'")
"""In the query of a chart that tells models apart."""

_Drawing = Future[dict[str, "Drawn"]]


class Cuttable(NamedTuple):
    """By what a chart can be cut: all that it draws has to be."""

    by_provider: bool
    by_session_kind: bool

    def nearest(self, cut: Cut) -> Cut:
        """Return the part that the chart can show when a reader asks for `cut`."""
        return Cut(
            cut.provider if self.by_provider else WHOLE.provider,
            cut.session_kind if self.by_session_kind else WHOLE.session_kind,
        )


def tables_of(chart: Chart) -> list[str]:
    """Return the tables that a chart draws, in the order in which it names them."""
    return [name for name in tables_in(*chart.frames.values()) if name != _POPULATION]


def cuttable(chart: Chart, tables: Mapping[str, Table]) -> Cuttable:
    """Say by what a chart can be cut: tables have rows by model of all kinds of session together."""
    read = [tables[name] for name in tables_of(chart) if name in tables]
    by_model = any(_BY_MODEL.search(query) for query in chart.frames.values())
    by_session_kind = all(table.by_session_kind for table in read) and not by_model
    return Cuttable(all(table.by_provider for table in read), by_session_kind)


@contextmanager
def processes() -> Iterator[Executor]:
    """Run what draws on all cores: fresh processes, for one with threads cannot be copied.

    Whatever ends this side ends them: what they still have to draw is not waited for.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    fresh = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(cores, mp_context=fresh, initializer=_begin) as pool:
        # an interrupt is for this side: they inherit that they do not get it
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            for _ in range(cores):
                pool.submit(int)  # a task that finds no process idle starts one
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        try:
            yield pool
        except BaseException:
            for process in set(multiprocessing.active_children()) - others:
                process.kill()
            raise


def _begin() -> None:
    """Import what draws, while the other side does; what a report makes is not worth collecting."""
    from tracelab.charts import charts

    gc.disable()
    os.environ["POLARS_MAX_THREADS"] = "1"  # each process has a core
    charts()


class Drawn(NamedTuple):
    """A chart of one part of the workload, as JSON."""

    picture: str
    tables: str
    """The rows behind it, by column."""


def start(pool: Executor, db: Path, wanted: Mapping[Cut, Sequence[str]]) -> dict[Cut, list[_Drawing]]:
    """Begin to draw the charts that are wanted of each part, half of a part at a time."""
    return {
        cut: [pool.submit(_draw, db, cut, names[half::2]) for half in (0, 1)] for cut, names in wanted.items()
    }


def _draw(db: Path, cut: Cut, names: Sequence[str]) -> dict[str, Drawn]:
    """Draw charts of a part."""
    from tracelab.charts import charts, read_frames
    from tracelab.charts.quick import quick_altair
    from tracelab.report.cuts import in_front, of_part, tables
    from tracelab.report.packing import columns, to_json
    from tracelab.warehouse import open_read_only

    drawn = {}
    chosen = {name: charts()[name] for name in names}
    queries = [query for chart in chosen.values() for query in chart.frames.values()]
    with (
        open_read_only(db, {"threads": "1"}) as warehouse,  # each process has a core
        in_front(warehouse, cut, tables(warehouse, tables_in(*queries))),
        quick_altair(),
    ):
        for name, chart in chosen.items():
            frames = read_frames(chart, warehouse)
            spec = chart.draw(**frames).to_dict(validate=False)
            rows = [columns(of_part(frames[frame], cut)) for frame in shown_frames(chart)]
            drawn[name] = Drawn(to_json(picture(spec)), to_json(rows))
    return drawn


def shown_frames(chart: Chart) -> dict[str, str]:
    """Return the queries whose rows a chart draws: all but the one that it counts its population by."""
    return {
        name: query for name, query in chart.frames.items() if not query.startswith(f"from {_POPULATION} ")
    }


def picture(spec: dict[str, Any]) -> dict[str, Any]:
    """Take a chart's spec apart: its plot without what no mark shows, and the words around it."""
    plot, footnote = spec["vconcat"]
    if "data" in spec:  # of all parts, where they have the same
        plot = {"data": spec["data"]} | plot
    words = {"subtitle": spec["title"]["subtitle"], "notes": footnote["mark"]["text"]}
    if words["subtitle"] == ["Nothing to draw"]:
        return {**words, "size": [960, 60], "nothing": plot["mark"]["text"]}
    return {
        **words,
        "size": spec["usermeta"]["size"],
        "plot": plot | {"datasets": _used(spec["datasets"], json.dumps(plot))},
    }


def _used(datasets: Mapping[str, list[dict[str, Any]]], plot: str) -> dict[str, list[dict[str, Any]]]:
    """Keep the columns that a plot names, with seven digits of what is no whole number."""
    words = set(re.findall(r"\w+", plot))
    return {
        name: [
            {
                column: float(f"{value:.7g}") if type(value) is float else value
                for column, value in row.items()
                if column in words
            }
            for row in rows
        ]
        for name, rows in datasets.items()
        if f'"{name}"' in plot
    }
