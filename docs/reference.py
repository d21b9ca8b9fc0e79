"""Write docs/tables.md, figures.md and published.md: `python docs/reference.py MANIFEST` (see `make docs`).

Tables come from dbt's manifest, that is, from the models' yml files; figures from the charts' own docstrings;
what may be published from the allow-list.
"""

import csv
import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tracelab.charts import charts
from tracelab.charts.base import tables_in
from tracelab.publishing.readme import schema

DOCS = Path(__file__).resolve().parent
Node = Mapping[str, Any]

_LAYERS = {
    "marts": "One table a grain: what `select * from steps` finds.",
    "summaries": "One table a question, made of the marts.",
    "compare": "Ours beside what the paper published.",
    "audits": "Views that count and list what the numbers leave out.",
    "simulations": "What SQL cannot replay, in schema `simulations`.",
    "seeds": "Constants that the models read, in schema `seeds`; edit the file and build.",
}
_SPREAD = ("count", "mean", "min", "p10", "p25", "p50", "p75", "p90", "p95", "p99", "max")
_SPREAD_ROW = (
    "| `count`, `mean`, `min`, `p10`, `p25`, `p50`, `p75`, `p90`, `p95`, `p99`, `max` | bigint, then double "
    "| How many values, their mean, and exact percentiles. |"
)


def tables_md(manifest: Mapping[str, Any]) -> str:
    """Return the page of all public tables: what a row is, its key, its columns."""
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")]
    keys = _keys(manifest)
    lines = [
        "# Tables",
        "",
        "Written from the models by `make docs`. Instants are UTC; `null` marks a column that may be null:",
        "what is unknown or does not apply, and a duration told where above 0. Inside the warehouse the same",
        "texts are in `duckdb_columns()`.",
    ]
    for layer, meaning in _LAYERS.items():
        of_layer = [node for node in nodes if _layer(node) == layer]
        lines += ["", f"## {layer.capitalize()}", "", meaning] if of_layer else []
        for node in sorted(of_layer, key=lambda node: (node["fqn"][2:-1], node["name"])):
            lines += _table(node, keys.get(node["unique_id"], []))
    return "\n".join(lines) + "\n"


def figures_md() -> str:
    """Return the page of all charts: what each asks, how it is read, which tables it draws."""
    lines = [
        "# Figures",
        "",
        "Written from the charts by `make docs`. `tracelab chart NAME` draws one; it computes nothing, so",
        "that each number in it is a cell of a table.",
        "",
        "Where a chart needs bins, they mostly are tables of their own: `…_bins`, `…_grid`. Five have none:",
        "`append_mass` draws the bins of the append in `summary_prefix_append`; `adjusted_append` those of",
        "`summary_token_bins`, which hold an append with and without the previous output; `decode_speed`",
        "and `first_token_time` the octaves of the context in `summary_decode_speed`, a measure each; and",
        "`append_vs_prefix_latency` the matched buckets of `summary_append_vs_prefix_latency`.",
    ]
    for name, chart in sorted(charts().items()):
        read = sorted(tables_in(*chart.frames.values()))
        text = inspect.cleandoc(getattr(chart.draw, "func", chart.draw).__doc__ or "")
        lines += ["", f"## {name}", "", f"**{chart.title}.** {text}", ""]
        lines += ["Draws " + ", ".join(f"[{table}](tables.md#{table})" for table in read) + "."]
    return "\n".join(lines) + "\n"


def published_md() -> str:
    """Return the page of what a published dataset holds."""
    lines = [
        "# Published datasets",
        "",
        "Written from `tracelab/publishing/columns.py` by `make docs`. What `tracelab publish` writes; a",
        "column that is not here cannot leave.",
        "",
    ]
    return "\n".join([*lines, *schema()]) + "\n"


def _layer(node: Node) -> str:
    return "seeds" if node["resource_type"] == "seed" else str(node["fqn"][1])


def _table(node: Node, key: Sequence[str]) -> Iterator[str]:
    columns = node["columns"].values()
    yield from ("", f"### {node['name']}", "", _line(node["description"]), "")
    if key:
        yield from ("Key: " + ", ".join(f"`{column}`" for column in key) + ".", "")
    yield from ("| column | type | |", "|---|---|---|")
    names = list(node["columns"])
    types = node["config"].get("column_types") or {}
    spread = set(_SPREAD) if set(_SPREAD) <= set(names) else set()
    long = [column for column in columns if "\n" in column["description"].strip()]
    for column in columns:
        if column["name"] == "count" and spread:
            yield _SPREAD_ROW
        if column["name"] in spread:
            continue
        kind = column["data_type"] or types.get(column["name"], "")
        if not _is_never_null(node, column):
            kind += ", null"
        text = "See below." if column in long else _line(column["description"]).replace("|", "\\|")
        yield f"| `{column['name']}` | {kind} | {text} |"
    for column in long:
        yield from ("", f"`{column['name']}`: {column['description'].strip()}")


def _is_never_null(node: Node, column: Node) -> bool:
    """Say so of a key, of what a contract holds, and of a seed's column that is full."""
    if node["resource_type"] == "seed":
        with (DOCS.parent / node["original_file_path"]).open(encoding="utf-8", newline="") as lines:
            return all(row[column["name"]] for row in csv.DictReader(lines))
    is_held = any(constraint["type"] == "not_null" for constraint in column["constraints"])
    return is_held or column["name"] in node["config"].get("meta", {}).get("grain", ())


def _keys(manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """The columns that name a row, by table."""
    return {
        name: [re.sub(r"coalesce\((\w+),.*", r"\1", column) for column in node["config"]["meta"]["grain"]]
        for name, node in manifest["nodes"].items()
        if "grain" in node["config"].get("meta", {})
    }


def _line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    (DOCS / "tables.md").write_text(tables_md(json.loads(Path(sys.argv[1]).read_text())))
    (DOCS / "figures.md").write_text(figures_md())
    (DOCS / "published.md").write_text(published_md())
