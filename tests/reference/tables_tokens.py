"""The reference tables of people and tokens: waits for a person, and how long prompts and answers are."""

import csv
import io
import math
import re
from collections.abc import Callable, Iterable

from tests.reference.same import Value, hours, printed, ratio, seconds, six_digits
from tests.reference.table import Table

_Rows = Iterable[dict[str, str | None]]

_ROUND_S = {60.0, 600.0, 3600.0, 21600.0, 86400.0, 604800.0}
_LENGTHS = {"mean": ratio, "min": ratio, "max": ratio, "p[0-9][0-9]": ratio}
_SIX_DIGITS = {
    "*_pct": six_digits,
    "median*": six_digits,
    "p[0-9][0-9]*": six_digits,
    "corr_*": six_digits,
    "min": six_digits,
    "max": six_digits,
}


def _curves(*columns: str) -> Callable[[str], _Rows]:
    """Read these columns at the thresholds that ours has too; their first and last edges are data."""

    def read(text: str) -> _Rows:
        rows = list(csv.DictReader(io.StringIO(text)))
        edges = {float(row["hi_seconds"]) for row in rows}
        ours = {edge for edge in edges if _is_on_our_grid(edge)} - {max(edges)}
        assert len(ours) >= 16 * math.log10(max(edges) / min(edges)) - 1, "too few thresholds are shared"
        for row in rows:
            threshold = float(row["duration_threshold_seconds"])
            if threshold in ours:
                yield {name: row[name] for name in ("provider", *columns)} | {
                    "threshold_seconds": f"{threshold:.9g}"
                }

    return read


def _is_on_our_grid(seconds: float) -> bool:
    place = 16 * math.log10(seconds)
    return abs(place - round(place)) < 1e-9 or seconds in _ROUND_S


def _blocks(text: str) -> Iterable[tuple[str, str]]:
    return re.findall(r"^\[(\w+)\](.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)


def _lengths(text: str) -> _Rows:
    """A row a client and measure; each number behind its name."""
    for provider, block in _blocks(text):
        for measure, numbers in re.findall(r"^ +(\w+) tokens +(.+)$", block, re.MULTILINE):
            values = re.findall(r"(\w+)[= ] *([\d,]+)", numbers)
            yield {"provider": provider.lower(), "measure": measure.lower()} | dict(values)


def _prefix_bins(text: str) -> _Rows:
    """A row a client and bin of the prefix; `--` is nothing."""
    for provider, block in _blocks(text):
        header, *lines = (line.split() for line in block.strip("\n").split("\n") if line.strip())
        for line in lines:
            values = (None if value == "--" else value for value in line)
            yield {"provider": provider} | dict(zip(header, values, strict=True))


def _thousands(ours: Value, theirs: str) -> bool:
    """Rounded numbers, from 1,000 on in thousands (27.4K): ours rounds to what is printed."""
    if not re.fullmatch(r"[\d,]+|[\d.]+K|", theirs):
        return False
    in_thousands = theirs.endswith("K") and ours is not None
    return printed(float(ours) / 1000 if in_thousands else ours, theirs.rstrip("K"))  # type: ignore[arg-type]


TOKENS = (
    Table(
        "human_input_wait_count_cdf_by_provider.csv",
        ("provider", "threshold_seconds"),
        {"*_share": ratio},
        read=_curves("cumulative_count", "cumulative_count_share"),
    ),
    Table(
        "human_input_wait_total_cdf_by_provider.csv",
        ("provider", "threshold_seconds"),
        {"*_share": ratio, "*_seconds": seconds, "*_hours": hours},
        read=_curves(
            "cumulative_count",
            "cumulative_seconds",
            "cumulative_hours",
            "cumulative_count_share",
            "cumulative_time_share",
        ),
    ),
    Table("token_length_distribution.txt", ("provider", "measure"), {"*": printed}, read=_lengths),
    Table("token_length_summary.csv", ("group", "metric"), _LENGTHS),
    Table("append_by_prefix_bin.txt", ("provider", "prefix"), {"*": _thousands}, read=_prefix_bins),
    Table("append_tokens_weighted_bins.csv", ("label",), {"*_share": ratio, "total_append_tokens": ratio}),
    Table("output_tokens_summary.csv", ("group",), _LENGTHS),
    Table("prefix_vs_adjusted_append_summary.csv", ("provider", "metric"), _SIX_DIGITS),
    Table("token_spindle_summary.csv", ("metric",), _SIX_DIGITS),
    *(
        Table(f"output_append_assignment_summary_min{least}.csv", ("scenario",), _SIX_DIGITS)
        for least in (2000, 4000)
    ),
)
