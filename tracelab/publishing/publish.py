"""The warehouse as a dataset to share: JSON Lines, Parquet, a DuckDB file, and a README that says what it is.

Each table is selected by the allow-list of `columns`, so what is not listed cannot leave.
"""

import errno
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import duckdb

from tracelab.child import child_environment
from tracelab.errors import TracelabError
from tracelab.files import check_spelled, unwritten
from tracelab.publishing.columns import COLUMNS, README
from tracelab.publishing.keys import publishing_key
from tracelab.publishing.readme import LICENCE_CHARS, readme
from tracelab.publishing.rules import NO_RULES, Rules
from tracelab.publishing.sources import SOURCES, STEPS
from tracelab.publishing.treatments import note_rare_names, prepare, treated
from tracelab.text import counted
from tracelab.warehouse import STALE, is_stale, last_build, open_read_only, quoted

_COUNTS = """
select
    count(distinct coalesce(owner, '')),
    count(distinct session_id),
    count(*),
    (select count(*) from staging.stg_tool_calls semi join published_steps using (step_id)),
    (select count(*) from staging.stg_events semi join published_steps using (session_id))
from published_steps
"""


@dataclass(frozen=True, slots=True)
class Published:
    """What was published."""

    files: list[Path]
    users: int
    sessions: int
    steps: int
    tool_calls: int
    events: int


def publish(
    db: Path,
    out: Path,
    rules: Rules = NO_RULES,
    *,
    licence: str | None = None,
    fresh_key: bool = False,
) -> Published:
    """Write the dataset of a built warehouse to `out`, a folder that must be new or empty.

    Raises:
        TracelabError: if nothing is built, or by another version or of older logs, `out` holds anything or
            cannot be written, users are too few, there is no key, or the README could not tell a licence or
            model again.
    """
    _check_told(licence, rules)
    check_spelled(out)
    out = out.absolute()
    is_there = out.exists()
    _check_empty(out)
    # no other run's, which may be writing; a folder that is there may be a link, or another disk
    partial = (out.resolve() if is_there else out.parent) / f".{out.name}.{token_hex(4)}"
    try:
        with open_read_only(db) as warehouse:
            _check_built(warehouse)
        with publishing_key(db, fresh=fresh_key) as key:
            with open_read_only(db, out=partial) as warehouse:
                prepare(warehouse, key, rules.allowed_models, rules.shift_times)
                warehouse.execute(STEPS)
                counts = _counts(warehouse, rules.min_users)
                partial.mkdir(parents=True)
                note_rare_names(warehouse, rules.min_users)
                for table in COLUMNS:
                    _write_parquet(warehouse, table, partial / f"{table}.parquet", rules)
            _pack(partial)
            (partial / README).write_text(readme(partial, counts, licence, rules), "utf-8")
            if is_there:
                _move(partial, out)
            else:
                partial.replace(out)
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise TracelabError(f"the tables of {db} are of another version: run `tracelab build`") from error
    except (OSError, duckdb.IOException) as error:
        raise unwritten(out, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    users, sessions, steps, tool_calls, events = counts.values()
    return Published(sorted(out.iterdir()), users, sessions, steps, tool_calls, events)


def _check_told(licence: str | None, rules: Rules) -> None:
    """Make sure that what stands in the README can be read from it again."""
    for told in (licence or "", *rules.allowed_models):
        if not told.isprintable() or len(told) > LICENCE_CHARS:
            raise TracelabError(
                f"the README has one line for it, of at most {LICENCE_CHARS} letters that print:"
                f" shorten {told!r}"
            )
    if any("," in model or not model for model in rules.allowed_models):
        raise TracelabError("a model to allow has a name, without a comma: say --allow once for each")


def _check_empty(out: Path, begun: str = "") -> None:
    """Make sure that nothing is in the way but what a run itself has begun."""
    if out.exists() and not (out.is_dir() and all(path.name == begun for path in out.iterdir())):
        raise TracelabError(f"{out} is there already and stays as it is: name a new folder")


def _move(begun: Path, out: Path) -> None:
    """Move files up into the empty folder that they were made in: all of them, or none stays."""
    _check_empty(out, begun.name)
    names = [path.name for path in begun.iterdir()]
    try:
        for name in names:
            (begun / name).replace(out / name)
    except BaseException:
        for name in names:
            (out / name).unlink(missing_ok=True)
        raise


def _check_built(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Make sure that there are tables, and that they show nothing of logs that were dropped."""
    if not warehouse.execute("from duckdb_tables() where table_name = 'stg_tool_calls'").fetchall():
        raise TracelabError("the warehouse has no tables yet: run `tracelab build`")
    built = last_build(warehouse)
    if built and is_stale(warehouse, built):
        raise TracelabError(STALE)
    pruned = "from staging.stg_step_copies anti join raw.files using (file_id) limit 1"
    if warehouse.execute(pruned).fetchall():
        raise TracelabError("the tables show logs that are no longer loaded: run `tracelab build`")


def _counts(warehouse: duckdb.DuckDBPyConnection, min_users: int) -> dict[str, int]:
    [row] = warehouse.execute(_COUNTS).fetchall()
    counts = dict(zip(("users", "sessions", "steps", "tool calls", "events"), row, strict=True))
    if not counts["steps"]:
        raise TracelabError("the warehouse holds no steps: there is nothing to publish")
    if counts["users"] < min_users:
        raise TracelabError(
            f"the sessions are of {counted(counts['users'], 'user')}, fewer than the {min_users} asked for:"
            " nothing was published"
        )
    return counts


def _write_parquet(warehouse: duckdb.DuckDBPyConnection, table: str, path: Path, rules: Rules) -> None:
    columns = COLUMNS[table]
    chosen = ", ".join(
        f'{treated(name, how, rules.round_times_s)} as "{name}"' for name, how in columns.items()
    )
    order = ", ".join(name for name in list(columns)[:2])
    warehouse.execute(
        f"copy (select {chosen} from ({SOURCES[table]}) order by {order}) to '{quoted(path)}'"
        " (format parquet, compression zstd)"
    )


def _pack(folder: Path) -> None:
    """Make the other two forms in a process that sees nothing but the Parquet files."""
    child = subprocess.run(
        [sys.executable, "-P", "-m", "tracelab.publishing.pack", str(folder)],
        env=child_environment(),
        capture_output=True,
        check=False,
    )
    if child.returncode:
        why = child.stderr.decode("utf-8", "replace").strip().splitlines()
        if why and os.strerror(errno.ENOSPC) in why[-1]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise TracelabError(f"could not pack the dataset: {why[-1] if why else 'is memory short?'}")
