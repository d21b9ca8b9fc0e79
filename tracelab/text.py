"""What a terminal, a script or a page is told: tables, sizes, names as plain text, what a load did."""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from tracelab.load import LoadReport

_CELL_COLUMNS = 60
_TURNS = "[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
_CONTROLS = r"[\p{Cc}\u2028\u2029\ufffe\uffff]+"


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


def counted(number: float, noun: str) -> str:
    """Say how many there are of something: "1 step", "1,312 steps"."""
    return f"{number:,.0f} {noun}{'' if number == 1 else 's'}"


def short(text: str, most: int) -> str:
    """Return a text, its end cut off where it has more letters than there is room for."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def printable(text: str) -> str:
    """Escape what a terminal would obey instead of showing."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def plain(frame: "pl.DataFrame") -> "pl.DataFrame":
    """Return a frame whose texts charts and pages may show: each of one line that turns nothing around.

    Marks of direction are left out, whatever else no letter stands for is the replacement character.
    """
    import polars.selectors as cs

    texts = cs.string().str.replace_all(_TURNS, "").str.replace_all(_CONTROLS, "\N{REPLACEMENT CHARACTER}")
    return frame.with_columns(texts)


def load_line(report: "LoadReport") -> str:
    """Say in one line what a load did."""
    counts = {
        "read": report.loaded + report.partial,
        "unchanged": report.unchanged,
        "set aside": report.set_aside,
        "failed": report.failed,
        "gone": report.gone,
        "pruned": report.pruned,
    }
    parts = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "none new"
    issues = (
        f", {report.files_with_issues:,} with issues (see `tracelab status`)"
        if report.files_with_issues
        else ""
    )
    return (
        f"{counted(report.files, 'file')}: {parts}{issues};"
        f" {counted(report.steps, 'step')} and {counted(report.tool_calls, 'tool call')}"
        f" in {size(report.bytes_read)} read in {report.seconds:.1f} s"
    )


def load_json(report: "LoadReport") -> str:
    """Return what a load did as one JSON object."""
    skipped = [{"path": str(place.path), "reason": place.reason} for place in report.skipped]
    return json.dumps(asdict(report) | {"skipped": skipped})


def _line(cells: Iterable[str], widths: Iterable[int], right: Iterable[bool]) -> str:
    padded = (
        " " * (width - _width(cell)) + cell if is_right else cell + " " * (width - _width(cell))
        for cell, width, is_right in zip(cells, widths, right, strict=True)
    )
    return "  ".join(padded).rstrip()


def _cell(value: str | None) -> str:
    if value is None:
        return "NULL"
    return short(printable(value), _CELL_COLUMNS)


def _width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
