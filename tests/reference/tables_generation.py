"""The reference tables of the generation summaries: speeds, times, and what they are fitted to."""

import csv
import io
import json
from collections.abc import Iterator
from itertools import pairwise

from tests.reference.corpora import ROOT
from tests.reference.same import hours, milliseconds, printed, ratio, seconds
from tests.reference.table import Table

_CDF_ONLY_THERE = (
    "fine_bin_index|lo_seconds|hi_seconds|count|count_share|total_seconds|total_hours|time_share"
)


def _shared_thresholds(text: str) -> Iterator[dict[str, str]]:
    """The rows of a curve at thresholds of ours, under our number; both ends of theirs go by their data.

    Of their 64 thresholds a decade each fourth is one of ours, and landmarks are.
    """
    bins = csv.DictReader((ROOT / "seeds" / "bins.csv").read_text(encoding="utf-8").splitlines())
    ours = [row["high"] for row in bins if row["grid"] == "duration_s" and row["high"]]
    rows = list(csv.DictReader(io.StringIO(text)))
    shared = 0
    for row, after in pairwise(rows):
        threshold = float(row["duration_threshold_seconds"])
        if row["provider"] == after["provider"]:
            for near in ours:
                if abs(float(near) / threshold - 1) < 1e-12:
                    shared += 1
                    yield row | {"duration_threshold_seconds": str(float(near))}
    assert shared > len(rows) / 5, "the grids have too few thresholds in common"


def _one_run(text: str) -> list[dict[str, object]]:
    """A run's numbers; it leaves out a count of 0, and prints NaN where there is nothing to score."""
    run = json.loads(text, parse_constant=lambda _: None)
    run["load_stats"].setdefault("skipped_small_total", 0)
    return [run]


GENERATION = (
    Table(
        "append_vs_prefix_latency.json",
        (),
        {
            "*_ratio": ratio,
            "*_fraction": ratio,
            "*_probability": ratio,
            "*_delta": ratio,
            "*_accuracy": ratio,
            "*_threshold": ratio,
            "*_recall": ratio,
        },
        exempt=(r"config\..*|input",),
        read=_one_run,
    ),
    Table(
        "append_vs_prefix_matched_buckets.csv",
        ("provider", "model", "segment_kind", "total_bin", "output_bin"),
        {
            "*_tokens_median": ratio,
            "*_share_median": ratio,
            "*_ms": milliseconds,
            "*_ratio": ratio,
            "*_probability": ratio,
            "*_delta": ratio,
            "*_accuracy": ratio,
            "*_threshold": ratio,
            "*_recall": ratio,
        },
        may_be_empty=True,
    ),
    Table(
        "context_decode_speed_summary.csv",
        ("provider",),
        {"*_tokens*": printed, "share_*": printed},
        exempt=("display_cap.*",),
    ),
    Table(
        "context_decode_speed_bins.csv",
        ("provider", "context_bin_midpoint_tokens"),
        {"*_per_second": printed},
    ),
    Table(
        "context_decode_speed_codex_timing_summary.csv",
        ("metric",),
        {"average": printed, "median": printed, "p[0-9][0-9]": printed},
    ),
    Table(
        "context_decode_speed_codex_timing_bins.csv",
        ("metric", "context_bin_midpoint_tokens"),
        {"median": printed, "p[0-9][0-9]": printed},
        may_be_empty=True,
    ),
    Table(
        "llm_generation_time_count_cdf_by_provider.csv",
        ("provider", "duration_threshold_seconds"),
        {"*_share": ratio},
        exempt=(_CDF_ONLY_THERE,),
        read=_shared_thresholds,
    ),
    Table(
        "llm_generation_time_total_cdf_by_provider.csv",
        ("provider", "duration_threshold_seconds"),
        {"*_share": ratio, "*_seconds": seconds, "*_hours": hours},
        exempt=(_CDF_ONLY_THERE,),
        read=_shared_thresholds,
    ),
    Table(
        "timing_fit_metrics.csv",
        ("provider", "model", "segment_kind"),
        {"duration_*_ms": milliseconds},
        exempt=("(log_target_|smooth_target_)?test_.*",),
    ),
    Table(
        "timing_fit_coefficients.csv",
        ("provider", "model", "segment_kind", "target", "feature"),
        exempt=("coefficient|test_.*",),
    ),
    # no two segments are alike enough in these corpora
    *(
        Table(f"timing_{name}.csv", ("provider", "model", "segment_kind"), may_be_empty=True)
        for name in ("feature_ambiguity_top", "irreducible_error_fit_comparison", "local_neighborhood_top")
    ),
)
