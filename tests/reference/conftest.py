"""Warehouses of the reference corpora, each loaded and built once."""

from collections.abc import Iterator

import pytest

from tests.conftest import Once
from tests.reference.corpora import Corpus, built, corpora, skip_unless_there
from tests.reference.table import prepare


@pytest.fixture(scope="session", params=corpora(), ids=lambda folder: folder.name)
def corpus(request: pytest.FixtureRequest, once: Once) -> Iterator[Corpus]:
    """A reference corpus, loaded and built, open for reading."""
    from tracelab.warehouse import open_read_only

    folder = request.param
    skip_unless_there(folder)
    with open_read_only(built(folder, once)) as warehouse:
        prepare(warehouse)
        yield Corpus(folder, warehouse)
