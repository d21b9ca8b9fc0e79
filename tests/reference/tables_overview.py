"""The reference tables of the whole: headlines, requests, and what else no theme has to itself."""

import json
import re

from tests.reference.same import (
    hours,
    milliseconds,
    percent,
    printed,
    ratio,
    seconds,
)
from tests.reference.table import Rows as _Rows
from tests.reference.table import Table
from tests.reference.table import lines as _lines


def _ranked(text: str) -> _Rows:
    """Tools called equally often share the first of their ranks: theirs go by the order of their files."""
    first: dict[tuple[str, str], str] = {}
    for row in _lines(text):
        yield row | {"rank": first.setdefault((row["provider"], row["calls"]), row["rank"])}


def _scopes(text: str) -> _Rows:
    return [{"cut": scope, **facts} for scope, facts in json.loads(text).items()]


def _macros(text: str) -> _Rows:
    """A row a macro: the number it prints, and up to three numbers that it is based on."""
    for macro, value, basis in re.findall(r"^ +(\w+) +(\S+)\\xspace +(.+)$", text, re.MULTILINE):
        numbers = re.findall(r"(?<![\w.,>-])\d[\d,]*(?:\.\d+)?", basis.partition("(floored")[0])
        yield {"macro": macro, "value": re.sub(r"[^\d.]", "", value)} | {
            f"basis_{place}": numbers[place - 1] if place <= len(numbers) else None for place in (1, 2, 3)
        }


_COMPACTIONS = (
    *("sessions", "major_reductions", "compactions", "share_of_major", "compacting_sessions"),
    *("compacting_share", "all_mean", "all_p25", "all_p50", "all_p90", "all_p99"),
    *("some_mean", "some_p50", "some_p90", "some_p99", "user", "user_share", "tool", "tool_share"),
)


def _compactions(text: str) -> _Rows:
    """A row a scope; each line's numbers in their order."""
    for scope, block in re.findall(r"^\[(\w+)\](.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL):
        bare = re.sub(r"\(>=64k\)|>=1 (?:only|compaction)|\bp\d\d", "", block)
        yield {"scope": scope} | dict(zip(_COMPACTIONS, re.findall(r"\d[\d,]*(?:\.\d+)?", bare), strict=True))


def _costs(text: str) -> _Rows:
    """A row a unit and class of tokens."""
    for unit, block in re.findall(r"^\*\*Per (\w+)\*\*(.*?)(?=^\*\*|\Z)", text, re.MULTILINE | re.DOTALL):
        header, _, *rows = [re.findall(r"[^|]+", line) for line in block.split("\n") if "|" in line]
        names, *lines = ([cell.strip() for cell in row] for row in (header, *rows))
        for metric, *values in lines:
            yield {"unit": unit, "metric": metric} | dict(zip(names[1:], values, strict=True))


OVERVIEW = (
    Table(
        "summary.json",
        ("cut",),
        {
            "*_seconds": seconds,
            "*_rate": ratio,
            "*_rate_when_*": ratio,
            "*_share": ratio,
            "*average_*": ratio,
            "*median_*": ratio,
            "*p10_*": ratio,
            "*p90_*": ratio,
            "*_per_*": ratio,
        },
        exempt=(
            r".*definition",
            r".*\.total_input_growth_reduction_buckets\..*",
            r".*\.distinct_users",
            r".*\.tool_calls_using_legacy_latency_fallback",
        ),
        read=_scopes,
    ),
    Table("headline.json", ("label",), {"*": printed}, read=json.loads),
    Table("paper_macros.txt", ("macro",), {"*": printed}, read=_macros),
    Table("user_turn_response_time_summary.csv", ("group",), {"*_seconds": seconds}),
    Table("human_input_wait_summary.csv", ("group",), {"*_seconds": seconds}),
    Table("tool_latency_summary.csv", ("tool_name",), {"*_ms": milliseconds}),
    Table(
        "tool_total_time_by_kind.csv",
        ("tool_name",),
        {"*_ms": milliseconds, "*_s": seconds, "*_hours": hours, "*_share": ratio},
    ),
    Table(
        "tool_call_counts_by_provider.csv",
        ("provider", "tool_name"),
        {"error_rate": ratio},
        exempt=("display_tool_name|panel_cap|second_largest_call|.*_plot_width|.*_is_clipped",),
        read=_ranked,
    ),
    Table(
        "total_input_growth_summary.csv",
        ("scope", "trigger"),
        {"*_pct": percent, "avg_*": ratio, "median_*": ratio, "p[19]0_*": ratio},
    ),
    Table(
        "session_compaction_counts.txt",
        ("scope",),
        {"*share*": percent, "*": printed},
        read=_compactions,
    ),
    Table(
        "session_cost_distribution.md",
        ("unit", "metric"),
        {"% cost": percent, "*": printed},
        read=_costs,
    ),
)
