"""All of it at once: load, build, export, chart, and what that found. What is there already is left alone."""

import json
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tracelab import text
from tracelab.build import BuildReport, Made, build, last_made, next_made
from tracelab.export import export_tables
from tracelab.files import check_folder
from tracelab.load import LoadReport, load
from tracelab.progress import Count, Report
from tracelab.warehouse import known_zone, open_read_only

_STAMP = ".tracelab"
_QUERY = "select project, steps, cost_usd::decimal(9, 2) as usd from sessions order by usd desc limit 5"
_HEADLINES = """
with
    numbers as (
        pivot (
            select provider, name, value from summary_overview
            where session_kind = 'all' and model = 'all' and trigger = 'all'
        )
        on name in ('sessions', 'requests', 'steps', 'tool_calls', 'hit_ratio', 'cost_usd', 'unpriced_steps')
        using first(value)
        group by provider
    ),
    logged as (
        select
            coalesce(provider, 'all') as provider,
            count(*) as logged_steps,
            count(distinct (file_session_id, settled_message_id))
                filter (where owner_session_id <> file_session_id) as copied_steps
        from staging.stg_step_copies
        group by rollup (provider)
    ),
    unpublished as (
        select coalesce(provider, 'all') as provider, sum(copies) as unpublished_copies
        from (
            select provider, max(replays_left_out) as copies
            from raw.sessions
            group by provider, session_id
        )
        group by rollup (provider)
    )
select
    provider, coalesce(columns(['sessions', 'requests', 'steps', 'tool_calls']), 0)::bigint, hit_ratio,
    cost_usd,
    coalesce(unpriced_steps, 0)::bigint,
    (coalesce(copied_steps, 0) + coalesce(unpublished_copies, 0))::bigint as replayed_steps,
    (coalesce(logged_steps, 0) - coalesce(steps, 0) - coalesce(copied_steps, 0))::bigint as repeated_steps
from numbers
left join logged using (provider)
left join unpublished using (provider)
order by provider = 'all', provider
"""


@dataclass(frozen=True, slots=True)
class Headline:
    """The headline numbers of one provider, or of all."""

    provider: str
    sessions: int
    requests: int
    steps: int
    tool_calls: int
    hit_ratio: float | None
    """Prefix tokens as a part of all input tokens."""
    cost_usd: float | None
    """API-equivalent cost, a lower bound: what has no price is not in it."""
    unpriced_steps: int
    replayed_steps: int
    """Copies of other sessions' steps: left out of all counts."""
    repeated_steps: int
    """Steps in second copies of logs: left out too."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did and found."""

    loaded: LoadReport
    built: BuildReport | None
    """None where the tables were those of what is loaded already."""
    headlines: list[Headline]
    files: list[Path]
    """What is in the folder: CSV files, then charts."""


def run(
    paths: Sequence[Path | str] = (),
    *,
    db: Path,
    out: Path,
    timezone: str | None = None,
    progress: Report | None = None,
    count: Count | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> RunReport:
    """Load `paths` (else this user's sessions), build every table, write CSV files and charts to `out`.

    Where nothing changed since the last run, tables and files stay.

    `progress` is told how far the load is, `count` how far the build is, `say` what is being done.

    Raises:
        TracelabError: if any of it cannot be done.
    """
    from tracelab.charts import draw_charts

    zone = known_zone(timezone)
    check_folder(out)
    loaded = load(paths, db=db, progress=progress)
    made = next_made(db, zone)
    if last_made(db) == made:
        built = None
        say(f"{text.load_line(loaded)}; the tables show it already")
    else:
        say(f"{text.load_line(loaded)}; building …")
        built = build(db, timezone=zone, progress=count)
        say(f"{built}; writing …")
    files = _written(out, made)
    if not files:
        (out / _STAMP).unlink(missing_ok=True)
        files = [*export_tables(db, out), *draw_charts(db, out)]
        _stamp(out, made, files)
    return RunReport(loaded, built, headlines(db), files)


def _written(out: Path, made: Made) -> list[Path]:
    """Return what a run before wrote of such tables, if all of it is there as it was written."""
    try:
        since_ns = (out / _STAMP).stat().st_mtime_ns
        stamp = json.loads((out / _STAMP).read_bytes())
        files = [out / name for name in stamp["files"]]
        if stamp["made"] == list(made) and all(file.stat().st_mtime_ns <= since_ns for file in files):
            return files
    except (OSError, ValueError, LookupError, TypeError):
        pass  # another folder, or a stamp of something else: write anew
    return []


def _stamp(out: Path, made: Made, files: Sequence[Path]) -> None:
    """Note in a folder what was just written to it."""
    (out / _STAMP).write_text(json.dumps({"made": made, "files": [file.name for file in files]}))


def headlines(db: Path) -> list[Headline]:
    """Read the headline numbers of a built warehouse, a row a provider, all of them last."""
    with open_read_only(db) as warehouse:
        return [Headline(*row) for row in warehouse.execute(_HEADLINES).fetchall()]


def headline_table(found: Sequence[Headline]) -> str:
    """Lay the headline numbers out as a table for a person, with what it leaves out."""
    names = ["", "sessions", "requests", "steps", "tool calls", "hit ratio", "API-equivalent cost"]
    rows = [
        [
            row.provider,
            *(f"{count:,}" for count in (row.sessions, row.requests, row.steps, row.tool_calls)),
            "–" if row.hit_ratio is None else f"{row.hit_ratio:.1%}",
            _dollars(row.cost_usd),
        ]
        for row in found
    ]
    return "\n".join([text.table(names, rows, [False] + [True] * 6), *_left_out(found)])


def _dollars(amount: float | None) -> str:
    if amount is None:
        return "–"
    return "<$0.01" if 0 < amount < 0.005 else f"${amount:,.2f}"


def _left_out(found: Sequence[Headline]) -> Iterator[str]:
    """Give a line for each kind of step that the table does not count, or not all of."""
    pooled = found[-1] if found else None
    if pooled:
        copies = {
            "logs of sessions that were resumed or forked": pooled.replayed_steps,
            "second copies of logs": pooled.repeated_steps,
        }
        parts = [
            f"{text.counted(steps, 'copied step')} in {place}" for place, steps in copies.items() if steps > 0
        ]
        if parts:
            yield f"Left out: {', '.join(parts)}."
    if pooled and pooled.unpriced_steps:
        yield f"Not in the cost: {text.counted(pooled.unpriced_steps, 'step')} without a price."


def _program() -> str:
    """Return what to call: as it was called, where it is in an environment that is not on the path."""
    called = Path(sys.argv[0])
    return str(called) if called.name == "tracelab" and not shutil.which("tracelab") else "tracelab"


def as_text(report: RunReport, db: Path, out: Path) -> str:
    """Return what a run found as a page for a person."""
    return (
        f"{headline_table(report.headlines)}\n\n"
        f"{_count(report.files, '.csv')} CSV files and {_count(report.files, '.html')} charts in {out}/\n"
        f'Ask more:  {_program()} --db {shlex.quote(str(db))} sql "{_QUERY}"'
    )


def _count(files: Sequence[Path], suffix: str) -> int:
    return sum(path.suffix == suffix for path in files)
