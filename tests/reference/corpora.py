"""Where the reference data lies, and how a test that needs it is skipped where it does not."""

import os
import tarfile
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from tests.conftest import Once

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
REAL = SHARED / "real"


class Corpus(NamedTuple):
    """A corpus of sessions: its folder of references, and what we made of it."""

    folder: Path
    warehouse: duckdb.DuckDBPyConnection


def corpora() -> list[Path]:
    """Return the folders with sessions, planted totals and expected tables; `TRACELAB_REFERENCE` adds one."""
    own = os.environ.get("TRACELAB_REFERENCE")
    return [SHARED / "corpus", SHARED / "corpus_large", *([Path(own)] if own else [])]


def home(corpus: Path, scratch: Path) -> Path:
    """Return the home folder with a corpus's sessions, unpacked into `scratch` where it is an archive."""
    packed = corpus / "home.tar.xz"
    if not packed.exists():
        return corpus / "home"
    with tarfile.open(packed) as archive:
        archive.extractall(scratch, filter="data")
    return scratch


def built(corpus: Path, once: Once) -> Path:
    """Return a corpus's warehouse, loaded and built once; read it, do not write to it."""
    from tracelab.build import build
    from tracelab.load import load

    def make(db: Path) -> None:
        assert load([home(corpus, db.with_name("home"))], db=db).failed == 0
        build(db, timezone="UTC")

    return once(f"{corpus.name}/tracelab.duckdb", make)


def skip_unless_there(path: Path) -> None:
    """Skip a test whose reference is not on this machine."""
    if not path.exists():
        pytest.skip(f"no reference data: {path} is not there")
