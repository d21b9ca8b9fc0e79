"""The reference tables of the prefix cache: hit ratios, idle gaps, timeouts, and what was computed again."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from tests.reference.same import exact, hours, percent, ratio, seconds, six_digits
from tests.reference.table import Table


def _by_rank(text: str) -> Iterable[Mapping[str, object]]:
    """A timeout is known by its place among those of its scope: its digits are the program's own."""
    seen: Counter[str] = Counter()
    for row in csv.DictReader(io.StringIO(text)):
        scope = row.get("scope") or row["provider"]
        seen[scope] += 1
        yield row | {"rank": str(seen[scope])}


def _places(text: str) -> Iterator[Mapping[str, object]]:
    """A row a place in the report: a distribution, a share with its counts, or a number."""

    def walk(found: dict[str, object], path: str) -> Iterator[Mapping[str, object]]:
        for name, inner in found.items():
            place = f"{path}/{name}" if path else name
            if not isinstance(inner, dict):
                yield {"path": place, "found": {"value": inner}}
            elif "total" in inner or "median" in inner:
                yield {"path": place, "found": inner}
            else:
                yield from walk(inner, place)

    settings = ("claude_source_files", "source")
    return (row for row in walk(json.loads(text), "") if not str(row["path"]).endswith(settings))


CACHE = (
    Table("cache_hit_ratio_bins.csv", ("scope", "trigger", "bin"), {"*_share": percent}),
    Table(
        "cache_hit_ratio_round_split.csv", ("scope", "trigger", "hit_ratio_bucket"), {"round_share": percent}
    ),
    Table(
        "cache_hit_ratio_summary.csv",
        ("scope", "trigger"),
        {"*_pct": percent, "mean_hit_ratio": ratio, "median": ratio, "p[0-9][0-9]": ratio},
    ),
    Table("cache_hit_ratio_token_weighted.csv", ("scope", "trigger"), {"*_rate": ratio}),
    Table(
        "cache_hit_idle_gap_summary.csv",
        ("scope", "trigger"),
        {"*_share": percent, "*_median_s": six_digits, "*_p90_s": six_digits, "*threshold*": ratio},
    ),
    Table("redundant_prefill_summary.csv", ("scope", "trigger"), {"fresh_pct_of_append": percent}),
    Table(
        "eviction_tradeoff_by_scope.csv",
        ("scope", "rank"),
        {"*_label": exact, "landmark_*": exact, "*": ratio},
        read=_by_rank,
    ),
    Table(
        "kv_cache_active_ratio_by_provider.csv",
        ("provider", "rank"),
        {"*_label": exact, "landmark_*": exact, "*_hours": hours, "*_timeout_seconds": ratio}
        | {"*_seconds": seconds, "*_ratio": ratio},
        read=_by_rank,
    ),
    Table(
        "human_idle_cache_counterfactual_summary.csv",
        ("scope",),
        {"*_usd": ratio, "*_pct*": ratio, "*_seconds": seconds},
        exempt=("pricing_as_of",),
    ),
    Table("cache_replay_analysis.json", ("path",), {"*": ratio}, read=_places),
)
