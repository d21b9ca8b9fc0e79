"""Warehouses whose raw tables hold what a test says, made without a log."""

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from tracelab import schema
from tracelab.warehouse import open_for_writing

LOADED_AT = datetime(2026, 1, 2, 3, 4, 5)
_FILE = {
    "path": "/logs/a.jsonl",
    "provider": "claude",
    "size_bytes": 1000,
    "mtime_at": LOADED_AT,
    "consumed_bytes": 1000,
    "lines": 10,
    "bad_lines": 0,
    "objects": 10,
    "records_by_type": {},
    "steps": 1,
    "synthetic_rows": 0,
    "rows_without_id": 0,
    "usage_echoes": 0,
    "hosted_calls": 0,
    "loaded_at": LOADED_AT,
    "status": "loaded",
}


def raw_warehouse(path: Path, *, files: list[dict[str, Any]] = [], issues: list[dict[str, Any]] = []) -> Path:  # noqa: B006
    """Make a warehouse with these rows of `raw.files` (missing columns filled in) and `raw.load_issues`."""
    with open_for_writing(path) as warehouse:
        for number, file in enumerate(files):
            _insert(warehouse, "files", {"file_id": f"f{number}", **_FILE, **file})
        for issue in issues:
            _insert(warehouse, "load_issues", {"file_id": "f0", **issue})
    return path


def _insert(warehouse: duckdb.DuckDBPyConnection, table: str, row: dict[str, Any]) -> None:
    names = [column.name for column in schema.columns(schema.TABLES[table])]
    marks = ", ".join("?" for _ in names)
    warehouse.execute(f"insert into raw.{table} values ({marks})", [row.get(name) for name in names])
