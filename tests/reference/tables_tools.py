"""The reference tables of tool calls: how many, how long, of which kind, and the runner's gap."""

import csv
import io
import math
from collections.abc import Callable, Iterable

from tests.reference.same import hours, milliseconds, percent, printed, ratio, seconds
from tests.reference.table import Table

_ROUND_MS = {60_000.0, 600_000.0, 3_600_000.0}
_MASS = {"*_ms": milliseconds, "*_s": seconds, "*_seconds": seconds, "*_hours": hours, "*_share": ratio}
_GAP = {"*_pct": percent, "*_total_s": printed, "*_gap_s": printed, "*_wall_s": printed}


def _curves(*columns: str) -> Callable[[str], Iterable[dict[str, str]]]:
    """Read these columns of a curve at the thresholds that ours has too; their last edge is the maximum."""

    def read(text: str) -> Iterable[dict[str, str]]:
        rows = list(csv.DictReader(io.StringIO(text)))
        last = {row["provider"]: row for row in rows}
        for row in rows:
            threshold = float(row["latency_threshold_ms"])
            place = 16 * math.log10(threshold)
            is_ours = abs(place - round(place)) < 1e-9 or threshold in _ROUND_MS
            if is_ours and row is not last[row["provider"]]:
                kept = {name: row[name] for name in ("provider", *columns)}
                yield kept | {"threshold_ms": f"{threshold:.9g}"}

    return read


def _ring(text: str) -> Iterable[dict[str, str]]:
    """Tools called equally often share the first of their ranks: theirs go by the order of their files."""
    first: dict[tuple[str, str, str], str] = {}
    for row in csv.DictReader(io.StringIO(text)):
        key = row["provider"], row["panel"], row["calls"]
        yield row | {"rank": first.setdefault(key, row["rank"])}


def _long_calls(text: str) -> Iterable[dict[str, object]]:
    """One row: how many there are, and their hours."""
    rows = list(csv.DictReader(io.StringIO(text)))
    total = sum(float(row["effective_latency_hours"]) for row in rows)
    yield {"provider": "claude", "calls": len(rows), "effective_latency_hours": total}


TOOLS = (
    Table(
        "tool_call_count_ring_segments.csv",
        ("provider", "panel", "tool_name"),
        {"share_*": ratio},
        exempt=("display_tool_name",),
        read=_ring,
    ),
    Table("tool_latency_weighted_bins.csv", ("label",), _MASS),
    Table(
        "tool_latency_count_cdf_by_provider.csv",
        ("provider", "threshold_ms"),
        _MASS,
        read=_curves("cumulative_count", "cumulative_count_share"),
    ),
    Table(
        "tool_total_latency_cdf_by_provider.csv",
        ("provider", "threshold_ms"),
        _MASS,
        read=_curves(
            "cumulative_tool_calls",
            "cumulative_latency_ms",
            "cumulative_latency_s",
            "cumulative_latency_hours",
            "cumulative_call_share",
            "cumulative_latency_share",
        ),
    ),
    Table("tool_category_summary.csv", ("category",), _MASS | {"error_rate": ratio}),
    Table("tool_category_dashboard_summary.csv", ("category",), _MASS),
    Table("tool_category_tool_map.csv", ("category", "provider", "tool_name"), _MASS),
    Table("tool_latency_long_tail_imbalance.csv", ("bin",), _MASS, exempt=("color",)),
    Table("claude_gt1h_tool_calls.csv", ("provider",), _MASS, read=_long_calls),
    Table("codex_tool_timing_coverage.csv", ("tool_name",), _GAP),
    Table(
        "codex_wall_internal_gap_by_tool.csv",
        ("tool_name",),
        {"*_pct": percent, "*_gap_s": printed, "*_total_s": printed},
    ),
    Table("codex_wall_internal_gap_by_category.csv", ("category",), _GAP),
    Table(
        "codex_wall_internal_gap_buckets.csv", ("category", "gap_bucket"), {"*_pct": percent, "*_s": printed}
    ),
    Table("codex_direct_human_wall_time.csv", ("tool_name",), _GAP),
)
"""Reference tables of METRICS §32 to §37; those of single tools stand with the others."""
