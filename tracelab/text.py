"""What a terminal or a script is told: tables, sizes, what a load did, how numbers compare."""

import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracelab.compare import Comparison
    from tracelab.load import LoadReport

_CELL_COLUMNS = 60


def table(names: Sequence[str], rows: Iterable[Sequence[str | None]], right: Sequence[bool]) -> str:
    """Lay rows out in columns, numbers to the right; null reads NULL, and what cannot be shown is escaped."""
    body = [[_cell(value) for value in row] for row in [names, *rows]]
    widths = [max(_width(row[place]) for row in body) for place in range(len(names))]
    body.insert(1, ["─" * width for width in widths])
    return "\n".join(_line(row, widths, right) for row in body)


def size(count: float) -> str:
    """Say a number of bytes in the unit that reads best."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def plural(count: int, noun: str) -> str:
    """Say how many there are of something."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def printable(text: str) -> str:
    """Escape what a terminal would obey instead of showing."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def load_line(report: "LoadReport") -> str:
    """Say in one line what a load did."""
    counts = {
        "read": report.loaded + report.partial,
        "unchanged": report.unchanged,
        "set aside": report.set_aside,
        "failed": report.failed,
        "gone": report.gone,
    }
    parts = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    issues = (
        f", {report.files_with_issues:,} with issues (see `tracelab status`)"
        if report.files_with_issues
        else ""
    )
    return (
        f"{plural(report.files, 'file')}: {parts}{issues};"
        f" {plural(report.steps, 'step')} and {plural(report.tool_calls, 'tool call')}"
        f" in {size(report.bytes_read)} read in {report.seconds:.1f} s"
    )


def load_json(report: "LoadReport") -> str:
    """Return what a load did as one JSON object."""
    skipped = [{"path": str(place.path), "reason": place.reason} for place in report.skipped]
    return json.dumps(asdict(report) | {"skipped": skipped})


def comparison_page(figures: Sequence["Comparison"]) -> str:
    """Lay the comparison out for a person: by table, then what does not compare, then the notes."""
    notes = {note: place for place, note in enumerate(dict.fromkeys(_notes(figures)), start=1)}
    parts = [_HEAD]
    for name, members in groupby(figures, key=lambda figure: figure.table_name):
        if shown := [_figure_line(figure, notes) for figure in members if figure.ours is not None]:
            parts.append(f"{name}\n{table(_COLUMNS, shown, _TO_THE_RIGHT)}")
    parts.append("\n".join(_left_out(figures)))
    parts.append("\n".join(["notes", *(f"  [{place}] {note}" for note, place in notes.items())]))
    return "\n\n".join(parts)


def _line(cells: Iterable[str], widths: Iterable[int], right: Iterable[bool]) -> str:
    padded = (
        " " * (width - _width(cell)) + cell if is_right else cell + " " * (width - _width(cell))
        for cell, width, is_right in zip(cells, widths, right, strict=True)
    )
    return "  ".join(padded).rstrip()


def _cell(value: str | None) -> str:
    if value is None:
        return "NULL"
    text = printable(value)
    return text if len(text) <= _CELL_COLUMNS else text[: _CELL_COLUMNS - 1] + "…"


def _width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


_HEAD = """\
ours beside what the paper published of its release of 357,161 steps
interval: what 95 % of draws lie within, were these conversations drawn again"""
_COLUMNS = (
    *(
        "figure",
        "client",
        "statistic",
        "unit",
        "ours",
        "95 % interval",
        "published",
        "ratio",
        "n",
        "compares",
    ),
)
_TO_THE_RIGHT = (False, False, False, False, True, True, True, True, True, False)


def _notes(figures: Iterable["Comparison"]) -> Iterator[str]:
    for figure in figures:
        if figure.ours is not None:
            yield from filter(
                None, (figure.note, figure.no_interval and f"no interval: {figure.no_interval}")
            )


def _figure_line(figure: "Comparison", notes: Mapping[str, int]) -> list[str]:
    marks = [str(notes[note]) for note in _notes([figure])]
    found = figure.interval
    return [
        " ".join(filter(None, (figure.metric, figure.dimension_value))),
        figure.provider,
        figure.statistic,
        figure.unit,
        _number(figure.ours),
        f"{_number(found.low)} – {_number(found.high)}" if found else "–",
        _number(figure.published),
        "–" if figure.ratio is None else f"{figure.ratio:.3g}",
        "–" if figure.n is None else f"{figure.n:,}",
        " ".join([figure.comparability, *(f"[{mark}]" for mark in marks)]),
    ]


def _left_out(figures: Iterable["Comparison"]) -> Iterator[str]:
    """What stands in no table above, by reason."""
    reasons = defaultdict(list)
    for figure in figures:
        if figure.ours is None:
            reason = "" if figure.comparability in _COMPARED else f"{figure.comparability}: {figure.note}"
            reasons[reason or "nothing of the kind in these sessions"].append(figure.figure_id)
    yield "not compared"
    for reason, names in reasons.items():
        yield f"  {reason}"
        yield from (f"      {name}" for name in names)


_COMPARED = ("same", "differs", "compare_with")


def _number(value: float | None) -> str:
    """Four digits that count; millions in full would not be read."""
    if value is None:
        return "–"
    if abs(value) >= 1e7:
        return f"{value / 1e6:,.1f} M"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
