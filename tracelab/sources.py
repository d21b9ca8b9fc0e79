"""The dbt sources file, written from the raw schema (`make docs`)."""

import json

from tracelab import schema


def sources_yml() -> str:
    """Return `_sources.yml`: every raw table and column with its description."""
    lines = ["# Written from tracelab/schema.py by `make docs`.", "sources:", "  - name: raw", "    tables:"]
    for name, row_type in schema.TABLES.items():
        lines += [
            f"      - name: {name}",
            f"        description: {_quoted(row_type.__doc__)}",
            "        columns:",
        ]
        lines += [
            f"          - {{name: {column.name}, data_type: {_quoted(column.sql_type)}, "
            f"description: {_quoted(column.description)}}}"
            for column in schema.columns(row_type)
        ]
    return "\n".join(lines) + "\n"


def _quoted(text: str | None) -> str:
    return json.dumps(text or "", ensure_ascii=False)


if __name__ == "__main__":
    print(sources_yml(), end="")
