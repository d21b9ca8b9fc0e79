"""Fixtures that several tests share: the packaged sample, loaded and built once."""

import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of this run of tests, which its workers share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def once(run_folder: Path) -> Once:
    """Make a file once a run: the first worker to ask for it makes it, another waits. Nobody writes to it."""

    def made(name: str, make: Callable[[Path], object]) -> Path:
        path = run_folder / name
        path.parent.mkdir(exist_ok=True)
        is_made = path.with_name(f"{path.name}.made")
        with path.with_name(f"{path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not is_made.exists():
                make(path)
                is_made.touch()
        return path

    return made


@pytest.fixture(scope="session", autouse=True)
def _quiet_home(run_folder: Path) -> Iterator[None]:
    """Keep every test off this user's own sessions, caches and warehouse."""
    home = run_folder / "home"
    home.mkdir(exist_ok=True)
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
    "PYTHONDONTWRITEBYTECODE",  # commands under test are many: each would compile all that it imports
)


@pytest.fixture(scope="session")
def warehouse(once: Once) -> Path:
    """The packaged sample as a built warehouse; read it, do not write to it."""
    from tracelab.build import build
    from tracelab.discover import sample_home
    from tracelab.load import load

    def make(db: Path) -> None:
        load([sample_home()], db=db)
        build(db)

    return once("sample/tracelab.duckdb", make)


@pytest.fixture(scope="session")
def poor_warehouse(once: Once) -> Callable[[str], Path]:
    """Built warehouses that lack something; read them, do not write to them.

    "nothing": of one file, which held no session; "one_session"; "bare": of one client, no tools, no prices.
    """
    import duckdb

    from tests.raw_warehouse import raw_warehouse
    from tracelab.build import build
    from tracelab.discover import sample_home
    from tracelab.load import load

    def make(db: Path) -> None:
        match db.parent.name:
            case "nothing":
                raw_warehouse(db, files=[{}])
            case "one_session":
                load([sample_home() / ".codex" / "archived_sessions"], db=db)
            case "bare":
                load([sample_home() / ".claude"], db=db)
                with duckdb.connect(str(db)) as raw:
                    raw.execute("delete from raw.tool_calls")
                    raw.execute("delete from raw.events where event_type in ('tool_call', 'tool_result')")
                    raw.execute("update raw.steps set model = 'unheard of'")
        build(db)

    return lambda name: once(f"{name}/tracelab.duckdb", make)


@pytest.fixture(scope="session")
def large_warehouse(warehouse: Path, once: Once) -> Path:
    """A built warehouse of 68,000 steps; read it, do not write to it."""
    from tests.large_warehouse import large_raw
    from tracelab.build import build

    return once("large/tracelab.duckdb", lambda db: build(large_raw(warehouse, db)))


@pytest.fixture
def heard() -> Iterator[None]:
    """Hear interrupts: what is started in the background ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """Where a warehouse may be made."""
    return tmp_path / "tracelab.duckdb"
