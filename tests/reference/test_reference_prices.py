"""Steps of the reference logs cost what the genai-prices package says."""

from collections.abc import Iterator

import duckdb
import pytest

from tests.reference.corpora import REAL, Corpus, skip_unless_there
from tests.repricing import built_steps, calls_behind, mispriced, same

NOT_KNOWN_TO_THE_PACKAGE = {("claude", "glm-4.7"), ("codex", None)}
"""Another vendor's model behind a gateway, and logs that name no model. (No step is of codex-auto-review.)"""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    from tracelab.build import build
    from tracelab.load import load
    from tracelab.warehouse import open_read_only

    skip_unless_there(REAL)
    db = tmp_path_factory.mktemp("priced") / "tracelab.duckdb"
    assert load([REAL], db=db).failed == 0
    build(db, select=["+path:models/marts"], timezone="UTC")
    with open_read_only(db) as warehouse:
        yield warehouse


def test_reference_steps_cost_what_the_package_says(corpus: Corpus) -> None:
    steps = built_steps(corpus.warehouse)
    assert {each.step.model for each in steps if each.cost.total is None} == set()
    assert mispriced(steps) == []


def test_reference_steps_of_real_logs_cost_what_the_package_says(real: duckdb.DuckDBPyConnection) -> None:
    steps = built_steps(real)
    priced = {each.step[:2] for each in steps if each.cost.total is not None}
    unpriced = {each.step[:2] for each in steps} - priced
    assert unpriced == NOT_KNOWN_TO_THE_PACKAGE
    assert len(priced) >= 10
    assert mispriced(steps) == []
    extra = calls_behind(real)
    assert any(theirs for _, theirs in extra)
    assert [costs for costs in extra if not same(*costs)] == []
