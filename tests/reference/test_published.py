"""The seed of published figures is the list beside the reference data; all that we compute have ours."""

import csv
from collections import Counter

import pytest

from tests.reference.corpora import Corpus, skip_unless_there
from tests.reference.published import SEED, SPEC, Figure, figures, read


@pytest.fixture(scope="module")
def seed() -> list[Figure]:
    skip_unless_there(SPEC)
    with SPEC.open(encoding="utf-8") as file:
        return list(figures(read(file)))


def test_the_seed_is_the_list_in_our_words(seed: list[Figure]) -> None:
    lines = SEED.read_text(encoding="utf-8").splitlines()
    assert [tuple(row) for row in csv.reader(lines)][1:] == [tuple(figure) for figure in seed], (
        "run `python -m tests.reference.published`"
    )


def test_no_figure_is_lost_but_two_that_stand_there_twice(seed: list[Figure]) -> None:
    with SPEC.open(encoding="utf-8") as file:
        rounded = sum(1 for _ in file) - 1 - len(seed)
    assert rounded == 2
    assert len({figure.figure_id for figure in seed}) == len(seed)
    exact = {figure.figure_id: figure.value for figure in seed}
    assert exact["summary_cost_distribution.cost_per_step.total.all.p50"] == "0.074"
    assert exact["summary_timing_distribution.individual.tool.all.p50"] == "0.285"


def test_what_does_not_compare_as_it_stands_says_why(seed: list[Figure]) -> None:
    assert {
        figure.figure_id for figure in seed if bool(figure.note) == (figure.comparability == "same")
    } == set()
    assert Counter(figure.comparability for figure in seed)["differs"] > 300


@pytest.mark.parametrize(
    ("figure_id", "comparability"),
    [
        ("summary_overview.steps.all.count", "same"),
        ("summary_overview.sessions.all.count", "differs"),
        ("summary_overview.steps_by_project.project_6783b1ee.claude.count", "not_this_workload"),
        ("summary_overview.peak_utc_day.2026-05-15.claude.count", "not_this_workload"),
        ("summary_tool_latency.effective_latency.codex.p50", "differs"),
        ("summary_tool_latency.effective_latency.claude.p50", "same"),
        ("summary_tool_latency.effective_latency__readme.claude.p50", "contradicted"),
        ("summary_append_vs_prefix_latency.cliffs_delta.all.pair_weighted", "contradicted"),
        ("summary_prefix_append.cluster_append_low.all.value", "bound"),
        ("summary_compactions.compactions.codex.count", "compare_with"),
        ("summary_compactions.qa_variant_50k.compactions.codex.count", "not_computed"),
        ("summary_cache_replay.prefix_error__pre_release_trace.codex.p50", "other_trace"),
        ("summary_eviction_tradeoff.achievable_hit_rate.tau_60s.all.share", "compare_with"),
        ("summary_cost_distribution.total_cost.all.sum", "differs"),
        ("summary_human_wait.wait_seconds__old_output_to_request_definition.all.p50", "not_computed"),
    ],
)
def test_a_figure_compares_as_the_rulings_say(seed: list[Figure], figure_id: str, comparability: str) -> None:
    assert {figure.figure_id: figure.comparability for figure in seed}[figure_id] == comparability


def test_every_metric_that_compares_has_a_number_of_ours(corpus: Corpus) -> None:
    """But for users (paths given by hand have none), a tool that nobody calls, and a fit of too few steps."""
    rows = corpus.warehouse.execute(
        "select table_name, metric from compare_published"
        " where comparability in ('same', 'differs', 'compare_with') group by all having count(ours) = 0"
    ).fetchall()
    buckets = corpus.warehouse.execute("select max(buckets) from summary_append_vs_prefix_latency").fetchall()
    missing = {row for row in rows if row[0] != "summary_append_vs_prefix_latency" or buckets[0][0]}
    assert missing == {("summary_overview", "users")}


def test_what_does_not_compare_has_none(corpus: Corpus) -> None:
    rows = corpus.warehouse.execute(
        "select figure_id from compare_published where ours is not null"
        " and comparability in ('not_this_workload', 'other_trace', 'not_computed')"
    ).fetchall()
    assert rows == []
