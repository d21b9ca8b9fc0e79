"""Fixtures that several tests share: the packaged sample, loaded and built once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session", autouse=True)
def _quiet_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep every test off this user's own sessions, caches and warehouse."""
    home = tmp_path_factory.mktemp("home")
    kept = {name: os.environ.get(name) for name in _NAMES}
    for name in _NAMES:
        os.environ.pop(name, None)
    os.environ.update(HOME=str(home), XDG_CACHE_HOME=str(home / ".cache"), TZ="UTC")
    yield
    for name, value in kept.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


_NAMES = (
    "HOME",
    "TZ",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "CLAUDE_CONFIG_DIR",
    "CODEX_HOME",
    "TRACELAB_DB",
    "TRACELAB_MEMORY_LIMIT",
    "DBT_TARGET_PATH",
    "DBT_LOG_PATH",
)


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged sample as a built warehouse; read it, do not write to it."""
    from tracelab.build import build
    from tracelab.discover import sample_home
    from tracelab.load import load

    db = tmp_path_factory.mktemp("sample") / "tracelab.duckdb"
    load([sample_home()], db=db)
    build(db)
    return db


@pytest.fixture(scope="session")
def large_warehouse(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built warehouse of 300,000 steps; read it, do not write to it."""
    from tests.large_warehouse import large_raw
    from tracelab.build import build

    db = large_raw(warehouse, tmp_path_factory.mktemp("large") / "tracelab.duckdb")
    build(db)
    return db


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """Where a warehouse may be made."""
    return tmp_path / "tracelab.duckdb"
