"""The paper's published figures in the shape of `seeds/published_figures.csv`, and how far each compares.

`python -m tests.reference.published` writes the seed from the list beside the reference data.
"""

import csv
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple, TextIO

from tests.reference.corpora import ROOT, SHARED

SPEC = SHARED / "spec/published_figures.csv"
SEED = ROOT / "seeds/published_figures.csv"


class Figure(NamedTuple):
    """A row of the seed."""

    figure_id: str
    table_name: str
    metric: str
    provider: str
    dimension: str
    dimension_value: str
    statistic: str
    value: str
    unit: str
    comparability: str
    note: str
    source: str


class Published(NamedTuple):
    """A row of the list, as published."""

    model: str
    metric: str
    scope: str
    statistic: str
    value: str
    unit: str
    source_file: str


def read(file: TextIO) -> list[Published]:
    """Read the list, less the rounded one of two figures that stand there twice."""
    rows = [Published(**row) for row in csv.DictReader(file)]
    exact = {row[:4]: row for row in sorted(rows, key=lambda row: len(row.value))}
    return [row for row in rows if exact[row[:4]] == row]


def figures(rows: Iterable[Published]) -> Iterator[Figure]:
    """Yield each published figure in the words of this warehouse."""
    for row in rows:
        path = f"{row.model}.{row.metric}"
        statistic = _STATISTICS.get(row.statistic, row.statistic)
        table, metric, dimension, value = _place(path, row.statistic)
        comparability, note = _judged(f"{path} {row.scope} {row.statistic} {row.value}")
        identity = ".".join([path, row.scope, statistic])
        yield Figure(
            identity, table, metric, row.scope, dimension, value, statistic,
            row.value, row.unit, comparability, note, row.source_file,
        )  # fmt: skip


def write(rows: Iterable[Figure], file: TextIO) -> None:
    """Write the seed."""
    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(Figure._fields)
    lines.writerows(rows)


def _place(path: str, statistic: str) -> tuple[str, str, str, str]:
    """The table, metric, dimension and its value that a published name stands for here."""
    for pattern, *place in _places():
        if match := re.fullmatch(pattern, path) or re.fullmatch(pattern, f"{path} {statistic}"):
            table, metric, dimension, value = (match.expand(part) for part in place)
            return table, metric, dimension, value if dimension == "event_type" else _VALUES.get(value, value)
    table, _, metric = path.partition(".")
    return table, metric, "", ""


@cache
def _places() -> list[list[str]]:
    """Pattern of published names → table, metric, dimension, its value; the first that fits holds."""
    return list(csv.reader((ROOT / "tests/reference/published_places.csv").open(encoding="utf-8")))[1:]


def _judged(path: str) -> tuple[str, str]:
    for pattern, comparability, note in _JUDGEMENTS:
        if re.match(pattern, path):
            return comparability, note
    return "same", ""


_STATISTICS = {"avg": "mean", "share_min": "share", "bound": "value"}
_VALUES = {
    "tool_result": "tool",
    "user_message": "user",
    "null": "none",
    "<1s": "0",
    "1-10s": "1",
    "10s-1m": "10",
    ">=1m": "60",
}
_COPIES = "ruling 1: a copied step counts once, where it first happened"
_CONTEXTS = "ruling 2: a session is one context, also that of a subagent or of a sidechain inside a file"
_CAUSAL = "rulings 4 and 5: a step is started by its latest own input of a person, an agent or a tool"
_OPENERS = "rulings 5 and 7: only a prompt opens a request, not a meta record, a command or a summary"
_WAITS = "rulings 5 and 8: only a prompt ends a wait, and only while no tool call is open"
_LATENCY = "ruling 9: a runner's time of 0 gives way to the wall time, and zeros count"
_PRICES = "ruling 12: both cache-write tiers, prices by date, tier and limit, none of another family"
_CATEGORIES = "ruling 13: MCP tools go by their name's form, here too where scheme is the paper's"
_GAPS = "ruling 10: our rows by the paper's measure of a gap, gap_measure = 'published'"
_INFERRED = "ruling 11: our rows by the paper's rule, source = 'inferred'"
_PLACEHOLDERS = "ruling 18: steps whose output count is a placeholder are left out of all but sums"
_JUDGEMENTS = (
    (
        r"summary_overview\.(longest_session_steps|steps_by_project|steps_by_utc_day|peak_utc_day)",
        "not_this_workload",
        "a session, project or day of the paper's own trace",
    ),
    (r"\S+__pre_release_trace", "other_trace", "of an older trace, before the release"),
    (r"summary_claude_long_tools\.claude_calls_in_sample", "other_trace", "of a sample"),
    (r"ref_replay_examples", "other_trace", "of the example workloads of the paper's replayer"),
    (
        r"\S+\.qa_variant_50k",
        "not_computed",
        "a second detector (drops of 50,000 tokens); ours is compactions",
    ),
    (
        r"\S+__old",
        "not_computed",
        "the older wait, from the previous output to the message that opens a request",
    ),
    (
        r"\S+\.prefix_exceeds_prev",
        "not_computed",
        "a check of the trace's counters in file order; cache_reuse splits each step instead",
    ),
    (
        r"audit_e2e_formula",
        "not_computed",
        "an identity: its error is the time that a request spends on neither generation nor tools",
    ),
    (
        r"\S+\.steps_append_lt_1k",
        "contradicted",
        "a median of 875 tokens rules it out; below 10,000 was meant",
    ),
    (
        r"\S+\.effective_latency__readme_mean_is_per_step_value",
        "contradicted",
        "a mean per step, printed as one per call, which is 18.4 s",
    ),
    (r"\S+\.effective_latency__readme", "contradicted", "prose; the exact figures are 125 and 626 ms"),
    (r"\S+\.cliffs_delta", "contradicted", "2 x 0.752 - 1 is 0.504"),
    (
        r"\S+\.post_teaser",
        "contradicted",
        "the append of all steps less the fresh tokens of some; see redundant_to_new",
    ),
    (r"\S+upper_bound|\S+ \S+ (bound|share_min) ", "bound", "published as a bound, not as a value"),
    (r"\S+\.cluster_", "bound", "an edge of a cluster, read off a drawing; no number of ours"),
    (
        r"\S+\.claude_and_gpt55",
        "bound",
        "an end of a range, of Claude and gpt-5.5 in one; ours are in two rows",
    ),
    (r"\S+\.(low_end|high_end|low|high)\b|\S+bin_median_(low|high)", "bound", "an end of a range"),
    (r"\S+\.short_output_spike", "bound", "where a histogram peaks, read off a drawing; no number of ours"),
    (r"summary_compactions\.sessions ", "differs", _CONTEXTS),
    (r"summary_compactions\.\w+_initiated", "compare_with", f"{_INFERRED}; {_CAUSAL}"),
    (r"summary_compactions", "compare_with", _INFERRED),
    (r"summary_cache_hit_idle", "compare_with", f"{_GAPS}; {_CAUSAL}"),
    (r"summary_eviction_tradeoff", "compare_with", _GAPS),
    (r"\S+cost|\S+priced_steps?", "differs", _PRICES),
    (r"summary_tool_categories\.calls", "differs", _CATEGORIES),
    (r"summary_tool_categories\.long_tail", "differs", _LATENCY),
    (r"summary_tool_categories", "differs", f"{_LATENCY}; {_CATEGORIES}"),
    (r"summary_timing_distribution\.session\S*\.tool", "differs", f"{_LATENCY}; {_CONTEXTS}"),
    (
        r"summary_timing_distribution\.request\S*\.tool|summary_request_decomposition",
        "differs",
        f"{_LATENCY}; {_OPENERS}",
    ),
    (
        r"summary_timing_distribution\.(individual\.human|sessions_without)|summary_human_wait",
        "differs",
        _WAITS,
    ),
    (r"summary_timing_distribution\.session", "differs", _CONTEXTS),
    (r"summary_timing_distribution\.request", "differs", _OPENERS),
    (
        r"summary_timing_distribution\.\w+\.tool|summary_timing_distribution\.step\.\w+ all share",
        "differs",
        _LATENCY,
    ),
    (
        r"summary_tool_latency\S* (codex|all)|summary_tool_time\.(total|time|avg)\S* (codex|all)|\S+ge_60s",
        "differs",
        _LATENCY,
    ),
    (r"summary_kv_active_ratio|\S+avg_tool_call_latency", "differs", _LATENCY),
    (r"\S+_per_request|\S+request|\S+e2e_seconds", "differs", _OPENERS),
    (r"\S+_per_session|summary_overview\.sessions ", "differs", _CONTEXTS),
    (
        r"(?!\S+timing_events)\S+\.(user|tool_result|user_message|null) "
        r"|summary_idle_counterfactual\.(app|counter)",
        "differs",
        _CAUSAL,
    ),
    (r"audit_duplicates\.duplicate_round_id", "differs", _COPIES),
    (
        r"audit_duplicates",
        "differs",
        "ruling 1: a key of the published file, where ours stands once, which a test checks",
    ),
    (
        r"(?!summary_output_attribution)\S+output|\S+decode|\S+ttft|\S+normalized_speed",
        "differs",
        _PLACEHOLDERS,
    ),
)


def main() -> None:
    """Write the seed from the list."""
    with SPEC.open(encoding="utf-8") as source, SEED.open("w", encoding="utf-8") as seed:
        write(figures(read(source)), seed)


if __name__ == "__main__":
    sys.exit(main())
