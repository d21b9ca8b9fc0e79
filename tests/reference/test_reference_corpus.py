"""Corpora with planted totals and tables computed elsewhere: the marts give the same numbers."""

import csv
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.reference.cells import Cell, differences
from tests.reference.corpora import Corpus, corpora, skip_unless_there
from tests.reference.same import last_digit, number
from tests.reference.table import SQL, Table, ours, theirs
from tests.reference.tables import TABLES


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_reference_table_is_reproduced_from_the_marts(corpus: Corpus, table: Table) -> None:
    skip_unless_there(corpus.folder / "expected" / table.file)
    expected = theirs(table, corpus.folder / "expected")
    assert expected or table.may_be_empty, f"{table.file} holds nothing to compare"
    found = differences(table.file, ours(table, corpus.warehouse), expected, table.rules)
    assert not found, _report(found)


def test_reference_truth_equals_the_warehouse(corpus: Corpus) -> None:
    truth = json.loads((corpus.folder / "truth.json").read_text(encoding="utf-8"))
    planted = {
        Cell((provider,), name): str(value)
        for provider, facts in truth["providers"].items()
        for name, value in facts.items()
    }
    rows = _rows(corpus, (SQL / "truth.sql").read_text(encoding="utf-8"))
    counted = {
        Cell((row["provider"],), name): value
        for row in rows
        for name, value in row.items()
        if Cell((row["provider"],), name) in planted
    }
    found = differences("truth.json", counted, planted, {})
    assert not found, _report(found)


def test_reference_truth_holds_for_every_session_and_tool(corpus: Corpus) -> None:
    truth = json.loads((corpus.folder / "truth.json").read_text(encoding="utf-8"))
    sessions = _rows(corpus, "select provider, count(*) as n from sessions where steps > 0 group by provider")
    assert {row["provider"]: row["n"] for row in sessions} == truth["sessions"]
    tools = _rows(corpus, "select provider, tool_name, count(*) as n from tool_calls group by all")
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in tools:
        found[row["provider"]][row["tool_name"]] = row["n"]
    assert found == truth["tools"]


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_reference_comparison_names_the_cell_of_each_altered_column(corpus: Corpus, table: Table) -> None:
    skip_unless_there(corpus.folder / "expected" / table.file)
    expected = theirs(table, corpus.folder / "expected")
    found = ours(table, corpus.warehouse)
    before = set(differences(table.file, found, expected, table.rules))
    for column in {cell.column for cell in expected}:
        cell = max((cell for cell in expected if cell.column == column), key=lambda cell: len(expected[cell]))
        altered = expected | {cell: _altered(expected[cell])}
        reported = set(differences(table.file, found, altered, table.rules)) - before
        assert [line.partition(": ours")[0] for line in reported] == [
            f"{table.file}: row {', '.join(cell.row)}: column {column}"
        ]


@pytest.mark.parametrize("folder", corpora(), ids=lambda folder: folder.name)
@pytest.mark.parametrize(
    "table", [table for table in TABLES.values() if table.file.endswith("csv")], ids=lambda table: table.file
)
def test_reference_reading_keeps_each_column_of_a_file(folder: Path, table: Table, tmp_path: Path) -> None:
    path = folder / "expected" / table.file
    skip_unless_there(path)
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    expected = theirs(table, path.parent)
    for column in rows[0] if expected and rows else ():
        # of curves only what adds up compares, at thresholds of both
        if "_cdf_" in table.file and not column.startswith("cumulative"):
            continue
        if any(re.fullmatch(pattern, column) for pattern in table.exempt):
            continue
        with (tmp_path / table.file).open("w", encoding="utf-8") as file:
            altered = csv.DictWriter(file, rows[0])
            altered.writeheader()
            altered.writerows({**row, column: _altered(row[column])} for row in rows)
        assert theirs(table, tmp_path) != expected, column


@pytest.mark.parametrize("folder", corpora(), ids=lambda folder: folder.name)
def test_reference_tables_are_all_known(folder: Path) -> None:
    skip_unless_there(folder / "expected")
    names = {path.name for path in (folder / "expected").iterdir()}
    assert not names - TABLES.keys(), "reference tables without a comparison"


def _altered(text: str) -> str:
    """A text that shows another number by more than any rule lets pass, or another name."""
    try:
        value = number(text)
    except ValueError:
        return text + "?"
    decimals = len(text.partition(".")[2].rstrip("%"))
    return f"{value + max(2 * last_digit(text), 1e-4 * max(1.0, abs(value))):.{decimals}f}"


def _report(found: list[str]) -> str:
    return "\n".join([f"{len(found)} cells differ", *found[:50]])


def _rows(corpus: Corpus, sql: str) -> list[dict[str, Any]]:
    result = corpus.warehouse.execute(sql)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
