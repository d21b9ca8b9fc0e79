"""Warehouses of the reference corpora, each loaded and built once."""

from collections.abc import Iterator

import pytest

from tests.reference.corpora import Corpus, corpora, home, skip_unless_there
from tests.reference.table import prepare


@pytest.fixture(scope="session", params=corpora(), ids=lambda folder: folder.name)
def corpus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    """A reference corpus, loaded and built, open for reading."""
    from tracelab.build import build
    from tracelab.load import load
    from tracelab.warehouse import open_read_only

    folder = request.param
    skip_unless_there(folder)
    scratch = tmp_path_factory.mktemp(folder.name)
    db = scratch / "tracelab.duckdb"
    assert load([home(folder, scratch / "home")], db=db).failed == 0
    build(db, timezone="UTC")
    with open_read_only(db) as warehouse:
        prepare(warehouse)
        yield Corpus(folder, warehouse)
