"""Write docs/gallery.md and its pictures: `python docs/gallery.py WAREHOUSE` (see `make docs`)."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tracelab.charts import charts, draw_charts
from tracelab.charts.base import tables_in

DOCS = Path(__file__).resolve().parent


def gallery_md() -> str:
    """Return the page of all charts: each with its question, its picture and the tables that it draws."""
    lines = [
        "# Gallery",
        "",
        "Every chart, drawn from the packaged sample by `make docs`; what the sample has none of says so.",
        "[figures.md](figures.md) tells how each is read, [tables.md](tables.md) what its tables hold.",
    ]
    for name, chart in charts().items():
        tables = sorted(tables_in(*(query for frame, query in chart.frames.items() if frame != "overview")))
        lines += [
            "",
            f"## {chart.title}",
            "",
            chart.question,
            "",
            f"![{chart.title}](gallery/{name}.svg)",
            "",
        ]
        links = ", ".join(f"[{table}](tables.md#{table})" for table in tables)
        lines += [f"[`tracelab chart {name}`](figures.md#{name}) from {links}"]
    return "\n".join(lines) + "\n"


def pictures(db: Path) -> Iterator[tuple[str, str]]:
    """Draw each chart; a picture in a page is one image to all its readers, so its marks need no names."""
    with TemporaryDirectory() as folder:
        for path in draw_charts(db, Path(folder), formats=("svg",)):
            yield path.name, re.sub(r' (?:role|aria-\w+)="[^"]*"', "", path.read_text())


if __name__ == "__main__":
    (DOCS / "gallery").mkdir(exist_ok=True)
    for old in (DOCS / "gallery").glob("*.svg"):
        old.unlink()
    for name, svg in pictures(Path(sys.argv[1])):
        (DOCS / "gallery" / name).write_text(svg)
    (DOCS / "gallery.md").write_text(gallery_md())
