"""Derive everything else from the raw tables: dbt, in this process, on the project that the package carries.

dbt's targets and logs go to cache folders, never beside the project, and what it prints goes nowhere: what
failed comes back as one error. The project is parsed by itself, of no database and no zone, and found parsed
the next time, whatever is built then: worth seconds. What dbt makes of it lies in a folder of each database.
"""

import gc
import hashlib
import json
import os
import re
import signal
import sys
import tempfile
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from tracelab import __version__
from tracelab.errors import TracelabError
from tracelab.files import advice, cache_folder
from tracelab.progress import Count
from tracelab.project import project_folder
from tracelab.text import counted
from tracelab.warehouse import (
    compact,
    drop_tables,
    has_raw,
    known_zone,
    last_build,
    open_read_only,
    raw_sha256,
    replaced,
)

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

SCHEMAS = ("main", "staging", "intermediate", "simulations", "seeds")
"""Where a build makes tables: what others hold is the user's."""
_PROJECT_SUFFIXES = {".sql", ".yml", ".csv", ".py"}
_THREADS = 3  # of dbt: two nodes in SQL while it prepares the next
_STEPS_OF_TWO_AT_A_TIME = 600_000  # of more, one node at a time gets all the memory
_MAX_FAILURES = 5  # told in full; the rest is counted
_FAILED = ("error", "fail", "runtime error", "partial success")
_UNKNOWN = "\nEither a model was changed, or the logs hold what TraceLab does not know yet: please report it."
_UNBUILT = "\nIt reads tables that are not there: run `tracelab build`, or select them too (`+requests`)"
_SHORT = "\nMemory was short: give DuckDB more, as in TRACELAB_MEMORY_LIMIT=8GB tracelab build"
_SIGNS = {"Out of Memory": _SHORT, "Catalog Error: Table with name": _UNBUILT}
_NOISE = re.compile(
    r"\s*(> |compiled code at|(Runtime|Database) Error( in .*)?$|Compilation Error$"
    r"|Possible solutions:$|\* \w+ing .*SET |See also https:)"
)


class Made(NamedTuple):
    """What the tables of a whole build are made of: the same gives the same tables."""

    raw_sha256: str | None
    """Of which readings of which files are loaded."""
    project_sha256: str
    """Of models, seeds and code."""
    timezone: str
    """Zone of days."""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build made."""

    models: int
    tests: int
    timezone: str
    """Zone that days are cut in; instants are UTC in any case."""
    seconds: float
    warnings: Sequence[str] = ()
    """What holds for healthy logs and not for these."""

    def __str__(self) -> str:
        built = (
            f"built {counted(self.models, 'model')} in {self.seconds:.1f} s,"
            f" {counted(self.tests - len(self.warnings), 'test')} passed; days are those of {self.timezone}"
        )
        return "\n".join([built, *(f"warning: {warning}" for warning in self.warnings)])


def build(
    db: Path,
    *,
    select: Sequence[str] = (),
    timezone: str | None = None,
    progress: Count | None = None,
) -> BuildReport:
    """Build seeds and models from what is loaded, and run their data tests.

    `select` takes dbt's node selection (`steps+`); `timezone` is the zone of days, by default this machine's.
    Where only some are built, days stay those of the last whole build. `progress` is told how far it is.

    Raises:
        TracelabError: if nothing is loaded, the database is in use, a model or test fails, or some are to be
            built with days of another zone than the rest.
    """
    since = time.monotonic()
    _check_importable()
    zone, was_built, steps = _checked(db, timezone, is_partial=bool(select))
    words = " ".join(select).split()
    if select and not words:
        raise TracelabError("--select is empty: name models, as in --select requests+, or leave it out")
    chosen = ["--select", *words] if words else []
    threads = _THREADS if steps <= _STEPS_OF_TWO_AT_A_TIME else 1
    with replaced(db) as copy:
        if not select:
            if was_built:
                drop_tables(copy, SCHEMAS, _table_names())
            compact(copy)
        with _no_garbage_collection():
            with _work_folder(project_folder()) as work, _environment(project_folder(), work):
                result = _dbt(["parse"])
            if result.success:
                with _work_folder(db) as work, _environment(copy, work):
                    result = _dbt(
                        [
                            "build",
                            *chosen,
                            "--threads",
                            str(threads),
                            "--exclude-resource-type",
                            "unit_test",
                            "--vars",
                            json.dumps({"timezone": zone}),
                        ],
                        cast("Manifest", result.result),
                        progress,
                    )
        if was_built:  # its tables are better than some new ones
            _raise_failures(result, f"could not build {db}, which stays as it was")
    _raise_failures(result, f"could not build all of {db}; what depends on these is as it was before")
    nodes = getattr(result.result, "results", [])
    kinds = Counter(str(node.node.resource_type) for node in nodes)
    warnings = [
        f"{node.node.name}: {_fault(node)}; {node.node.config.meta['advice']}"
        for node in nodes
        if node.status == "warn"
    ]
    return BuildReport(kinds["model"], kinds["test"], zone, time.monotonic() - since, warnings)


def last_made(db: Path) -> Made | None:
    """Return what the tables are made of; None if they are not all of one build.

    Raises:
        TracelabError: if there is no warehouse, or it is in use.
    """
    with open_read_only(db) as warehouse:
        found = last_build(warehouse)
    if found is None or found.project_sha256 is None:
        return None
    return Made(found.raw_sha256, found.project_sha256, found.timezone)


def next_made(db: Path, timezone: str) -> Made:
    """Return what a build with days of a known zone would make the tables of."""
    with open_read_only(db) as warehouse:
        return Made(raw_sha256(warehouse), _project_sha256(), timezone)


def _project_sha256() -> str:
    """Digest everything that decides what a build and its pictures are, given what is loaded."""
    project, package = project_folder(), Path(__file__).parent
    folders = (project / "models", project / "macros", project / "seeds", project / "tests" / "dbt", package)
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in _PROJECT_SUFFIXES]
    digest = hashlib.sha256(__version__.encode())
    for path in [project / "dbt_project.yml", project / "profiles.yml", *sorted(files)]:
        digest.update(f"\n{path.name} ".encode() + path.read_bytes())
    return digest.hexdigest()


def _checked(db: Path, timezone: str | None, *, is_partial: bool) -> tuple[str, bool, int]:
    """Make sure that there is something to build from.

    Returns: the zone of days, whether it was built whole before, and how many steps there are.
    """
    with open_read_only(db) as warehouse:
        counts = "select count(*), count(provider), sum(steps) from raw.files"
        found = warehouse.execute(counts).fetchall() if has_raw(warehouse, db) else []
        files, logs, steps = found[0] if found else (0, 0, 0)
        if not files:
            raise TracelabError(f"{db} holds no sessions yet: run `tracelab load` first")
        if not logs:
            raise TracelabError(
                f"{db} holds no sessions: {counted(files, 'file')} loaded, none of them a session log;"
                " `tracelab status` says why"
            )
        built = last_build(warehouse)
        kept = built.timezone if built and is_partial else None
        zone = known_zone(kept if timezone is None else timezone)
        if kept and zone != kept:
            raise TracelabError(
                f"the days of {db} are those of {kept}: build all of it, without --select,"
                f" for those of {zone}"
            )
        return zone, built is not None, int(steps)


def _table_names() -> set[str]:
    """Names of all tables and views that a build makes."""
    folders = (project_folder() / "models", project_folder() / "seeds")
    made = (
        path.stem
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in (".sql", ".py", ".csv")
    )
    return {"last_build", *made}


@contextmanager
def _work_folder(of: Path) -> Iterator[Path]:
    """The cache folder of a database or of the project; a passing one where no cache can be kept."""
    key = hashlib.sha256(f"{project_folder()}\n{of.resolve()}".encode()).hexdigest()[:16]
    folder = cache_folder() / "dbt" / key
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        with tempfile.TemporaryDirectory(prefix="tracelab-") as passing:
            yield Path(passing)
    else:
        yield folder


@contextmanager
def _environment(db: Path, work: Path) -> Iterator[None]:
    """What dbt reads from the environment, for the time of a build."""
    settings = {
        "TRACELAB_DB": str(db.absolute()),
        "TRACELAB_PROJECT_SHA256": _project_sha256(),
        "DBT_PROJECT_DIR": str(project_folder()),
        "DBT_PROFILES_DIR": str(project_folder()),
        "DBT_TARGET_PATH": str(work / "target"),
        "DBT_LOG_PATH": str(work / "logs"),
        "DBT_PACKAGES_INSTALL_PATH": str(work / "packages"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    before = dict(os.environ)
    for name in before:
        if name.startswith("DBT_"):  # the user's own dbt settings are about other projects
            del os.environ[name]
    os.environ.update(settings)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Spare dbt the search for garbage, half a second: it makes many objects and keeps them until it ends.

    Nor are they searched afterwards, before the next build of this process.
    """
    was_on = gc.isenabled()
    if gc.get_freeze_count():
        gc.unfreeze()
        gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def _check_importable() -> None:
    """Refuse the mashumaro that dbt-core 1.11 asks for where the Python cannot import it: from 3.14 on."""
    if sys.version_info < (3, 14):
        return
    from importlib.metadata import version

    installed = version("mashumaro")
    if tuple(map(int, installed.split(".")[:2])) < (3, 17):
        raise TracelabError(
            f"dbt asks for a mashumaro before 3.15, which Python 3.14 cannot import ({installed} is here): "
            f"`{sys.executable} -m pip install mashumaro==3.17`, then run this again (pip will say that "
            "dbt-core asks for an older one: it works)"
        )


def _dbt(
    arguments: Sequence[str], manifest: "Manifest | None" = None, progress: Count | None = None
) -> "dbtRunnerResult":
    """Run dbt quietly, and give the database back: dbt keeps it open and locked otherwise."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    quiet = [
        "--quiet",
        "--no-use-colors",
        "--log-level",
        "none",
        "--log-level-file",
        "none",
        "--no-write-json",
        "--warn-error-options",
        json.dumps({"error": "all", "warn": ["LogTestResult"]}),  # a data test says itself how grave it is
    ]
    begun = total = 0

    def note(event: Any) -> None:
        nonlocal begun, total
        if progress and event.info.name == "LogStartLine":  # of several threads, in any order
            begun, total = begun + 1, event.data.total
            progress(begun, total)

    result = None
    with _no_interrupt_lost():
        try:
            result = dbtRunner(manifest, callbacks=[note]).invoke([*quiet, *arguments])
        finally:
            if progress and total:
                progress(0, total)
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
            if not (result and result.success):
                gc.collect()  # from Python 3.12 on, the traces of what failed hold connections
    return result


@contextmanager
def _no_interrupt_lost() -> Iterator[None]:
    """Raise KeyboardInterrupt in the end if one came: dbt makes a failure of it, or goes on as if not."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield  # none comes here
        return
    came = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            raise KeyboardInterrupt


def _raise_failures(result: "dbtRunnerResult", failed: str) -> None:
    if result.success:
        return
    if result.exception is not None:
        message = _message(result.exception)
        raise TracelabError(f"{failed}: {message}{advice(message)}") from result.exception
    nodes = getattr(result.result, "results", [])
    told = [
        f"  {node.node.resource_type} {node.node.name}: {_fault(node)}"
        for node in nodes
        if node.status in _FAILED
    ]
    if len(told) > _MAX_FAILURES:
        told[_MAX_FAILURES:] = [f"  and {len(told) - _MAX_FAILURES} more"]
    what_to_do = advice(str(told)) or next(
        (text for sign, text in _SIGNS.items() if sign in str(told)), _UNKNOWN
    )
    raise TracelabError("\n".join([f"{failed}:", *told]) + what_to_do)


def _fault(node: Any) -> str:
    if node.status in ("fail", "warn"):
        return f"{counted(node.failures, 'row')} against this rule"
    return _message(node.message)


def _message(error: Any) -> str:
    """dbt's message without its heading, macro stack, and path of the compiled SQL."""
    kept = [line for line in str(error).splitlines() if line.strip() and not _NOISE.match(line)]
    return textwrap.indent(textwrap.dedent("\n".join(kept)), "    ").strip() or "unknown"
