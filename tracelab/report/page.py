"""The page put together: what each part of the workload says, the data behind it, templates around both.

What is read is made plain, text goes through the template's escaping and data is packed: no name in a log can
become markup or script, or turn the text around it.
"""

import base64
import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import jinja2
import polars as pl

from tracelab import __version__
from tracelab.charts import charts
from tracelab.charts.base import Chart, tables_in
from tracelab.charts.theme import config
from tracelab.charts.vega import vega_script
from tracelab.errors import TracelabError
from tracelab.project import project_folder
from tracelab.report import pictures, sessions
from tracelab.report.cuts import (
    PROVIDERS,
    SESSION_KINDS,
    WHOLE,
    Cut,
    Table,
    cuts,
    in_front,
    of_part,
    tables,
)
from tracelab.report.definitions import definitions
from tracelab.report.findings import Row, findings
from tracelab.report.headlines import Headline, headlines, loaded, period, projects, steps
from tracelab.report.losses import Loss, losses
from tracelab.report.packing import columns, packed, packed_text, to_json
from tracelab.status import status
from tracelab.text import plain

_HERE = resources.files("tracelab.report")
_SCRIPTS = ("unpack.js", "tables.js", "charts.js", "session_plot.js", "sessions.js", "page.js")


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart's place on the page; its plot and its rows are in the page's data."""

    chart: Chart
    tables: Sequence[str]
    queries: Mapping[str, str]
    ways: pictures.Cuttable


@dataclass(frozen=True, slots=True)
class Section:
    """A theme of the page."""

    name: str
    title: str
    figures: Sequence[Figure]
    tables: Mapping[str, str]
    """Tables that it shows as they are, with their titles."""


class Said(NamedTuple):
    """What the page says of a part of the workload."""

    steps: int
    period: tuple[str, str] | None
    """None also where no step has a time."""
    projects: int
    headlines: Sequence[Headline]
    findings: Mapping[str, Sequence[str]]
    """By section."""
    losses: Sequence[Loss]
    tables: Mapping[str, str]
    """Rows of the tables shown as they are, as JSON."""


def page(db: Path, warehouse: duckdb.DuckDBPyConnection, pool: Executor) -> str:
    """Return the report of an open warehouse as one HTML text, drawn by the processes of a pool.

    Raises:
        TracelabError: if the warehouse is not built.
    """
    built = tables(warehouse)
    if "summary_overview" not in built:
        raise TracelabError("the warehouse has no tables yet: run `tracelab build`")
    exploring, bundling = pool.submit(sessions.explore, db), pool.submit(_quiet_vega)
    same = cuts(warehouse)
    layout = sections(built)
    figures = {figure.chart.name: figure for section in layout for figure in section.figures}
    shows = {name: {cut: same[figure.ways.nearest(cut)] for cut in same} for name, figure in figures.items()}
    wanted = {cut: [name for name in figures if cut in shows[name].values()] for cut in same.values()}
    drawing = pictures.start(pool, db, wanted)
    said = {cut: _said(warehouse, built, cut, layout) for cut in wanted}
    read = [name for figure in figures.values() for name in figure.tables]
    read += [name for section in layout for name in section.tables]
    read += [*sessions.TABLES, "summary_overview", "compare_published"]
    defined = definitions(warehouse, project_folder(), read)
    drawn = {
        cut: {name: chart for half in halves for name, chart in half.result().items()}
        for cut, halves in drawing.items()
    }
    explorer, vega = exploring.result(), bundling.result()
    pool.shutdown(wait=False)  # the processes end while the page is put together
    data = {
        "vega": packed_text(vega),
        "themes": packed({"light": config("light"), "dark": config("dark")}),
        "models": packed({name: definition.sql for name, definition in defined.items()}),
    }
    for name, parts in shows.items():
        data[f"chart-{name}"] = _by_cut({cut: drawn[part][name].picture for cut, part in parts.items()})
        data[f"rows-{name}"] = _by_cut({cut: drawn[part][name].tables for cut, part in parts.items()})
    for name in [name for section in layout for name in section.tables]:
        data[f"rows-{name}"] = _by_cut({cut: said[part].tables[name] for cut, part in same.items()})
    data["sessions"] = explorer.sessions
    for row, windows in explorer.windows.items():
        data |= {f"steps-{row}-{part}": text for part, text in enumerate(windows)}
    return _render(
        layout=layout,
        loaded=loaded(status(db)),
        said={" ".join(str(cut) for cut in same if same[cut] == part): words for part, words in said.items()},
        without_subagents={str(cut): PROVIDERS[cut.provider] for cut, part in same.items() if cut != part},
        providers=[(name, PROVIDERS[name]) for name in dict.fromkeys(cut.provider for cut in same)],
        session_kinds=[
            (name, SESSION_KINDS[name]) for name in dict.fromkeys(cut.session_kind for cut in same)
        ],
        pictures={name: json.loads(chart.picture) for name, chart in drawn[WHOLE].items()},
        definitions=defined,
        explorer=explorer,
        data=data,
        vega=vega,
    )


def sections(built: Mapping[str, Table]) -> list[Section]:
    """Return the sections that pages.toml names, those of tables that are not built left out."""
    found = []
    for page_section in tomllib.loads((_HERE / "pages.toml").read_text("utf-8"))["section"]:
        titles = page_section.get("tables", {})
        figures = [_figure(charts()[name], built) for name in page_section.get("charts", [])]
        there = {name: title for name, title in titles.items() if name in built}
        if there or not titles:
            found.append(Section(page_section["name"], page_section["title"], figures, there))
    return found


def _figure(chart: Chart, built: Mapping[str, Table]) -> Figure:
    queries = pictures.shown_frames(chart)
    return Figure(chart, pictures.tables_of(chart), queries, pictures.cuttable(chart, built))


def _said(
    warehouse: duckdb.DuckDBPyConnection, built: Mapping[str, Table], cut: Cut, layout: Iterable[Section]
) -> Said:
    def frame(query: str) -> pl.DataFrame:
        with in_front(warehouse, cut, {name: built[name] for name in tables_in(query)}):
            return plain(warehouse.sql(query).pl())

    def read(query: str) -> list[Row]:
        return list(frame(query).to_dicts())

    def rows_of(table: str) -> str:
        rows = frame(f"from {table} where provider = 'all' and session_kind = 'all' order by all")
        return to_json([columns(of_part(rows, cut))])

    return Said(
        steps(read),
        period(read),
        projects(read),
        headlines(read, cut),
        {section.name: findings(section.name, read) for section in layout},
        list(losses(read)) if any(section.name == "losses" for section in layout) else [],
        {table: rows_of(table) for section in layout for table in section.tables},
    )


def _by_cut(texts: Mapping[Cut, str]) -> str:
    """Pack the JSON of each part that a reader can choose, each text once."""
    places = {text: place for place, text in enumerate(dict.fromkeys(texts.values()))}
    index = to_json({str(cut): places[text] for cut, text in texts.items()})
    return packed_text(f'{{"cuts":{index},"values":[{",".join(places)}]}}')


def _quiet_vega() -> str:
    """The script that draws charts. Its warnings are for who makes them: a reader's console has none."""
    return f"{{const console = {{...window.console, warn() {{}}}};\n{vega_script()}\n}}"


def _render(*, vega: str, **values: Any) -> str:
    style = (_HERE / "templates" / "report.css").read_text("utf-8")
    script = "\n".join((_HERE / "templates" / name).read_text("utf-8") for name in _SCRIPTS)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tracelab.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(
        version=__version__,
        style=style,
        script=script,
        policy=_policy(script, vega),
        limits=sessions.LIMITS,
        explored=sessions.TABLES,
        **values,
    )


def _policy(*scripts: str) -> str:
    """Return the policy that lets these scripts run and nothing be fetched or sent."""
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )
