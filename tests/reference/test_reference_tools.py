"""Curves of tool latency: how many thresholds of ours theirs has too."""

import pytest

from tests.reference.corpora import Corpus, skip_unless_there
from tests.reference.table import theirs
from tests.reference.tables import TABLES


@pytest.mark.parametrize(
    "name", ["tool_latency_count_cdf_by_provider.csv", "tool_total_latency_cdf_by_provider.csv"]
)
def test_reference_curves_have_all_our_thresholds_between_least_and_greatest(
    corpus: Corpus, name: str
) -> None:
    skip_unless_there(corpus.folder / "expected" / name)
    shared = {cell.row for cell in theirs(TABLES[name], corpus.folder / "expected")}
    bins = corpus.warehouse.execute(
        "select count(*) from seeds.bins, (select min(effective_ms) as least, max(effective_ms) as greatest"
        " from tool_calls) where grid = 'duration_s' and low * 1000 > least and low * 1000 < greatest"
    ).fetchall()
    assert len(shared) == 2 * bins[0][0] > 100
