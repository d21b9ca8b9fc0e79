"""Two tables as cells, theirs and ours, and what differs between them: by file, row and column."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import NamedTuple

from tests.reference.same import Same, Value, exact

Row = tuple[str, ...]


class Cell(NamedTuple):
    """Where a value stands: the keys of its row, and its column."""

    row: Row
    column: str


def flatten(value: object, path: str = "") -> Iterator[tuple[str, Value]]:
    """Yield the leaves of nested objects with their dotted paths."""
    match value:
        case dict():
            for name, inner in value.items():
                yield from flatten(inner, f"{path}.{name}" if path else str(name))
        case None | str() | int() | float():
            yield path, value
        case datetime():
            yield path, value.isoformat(timespec="microseconds") + "Z"
        case _:
            yield path, float(str(value))  # decimal


def differences(
    file: str, ours: Mapping[Cell, Value], theirs: Mapping[Cell, str], rules: Mapping[str, Same]
) -> list[str]:
    """Say what is not the same, a line a cell; `rules` go by a column's name, the first match, else exact."""
    lines = []
    for cell in sorted(ours.keys() | theirs.keys()):
        if cell not in theirs:
            problem = f"ours {ours[cell]!r}, which is not there"
        elif cell not in ours:
            problem = f"we have none, expected {theirs[cell]!r}"
        elif not _rule(cell.column, rules)(ours[cell], theirs[cell]):
            problem = f"ours {ours[cell]!r}, expected {theirs[cell]!r}"
        else:
            continue
        lines.append(f"{file}: row {', '.join(cell.row)}: column {cell.column}: {problem}")
    return lines


def _rule(column: str, rules: Mapping[str, Same]) -> Same:
    return next((rule for pattern, rule in rules.items() if fnmatchcase(column, pattern)), exact)
