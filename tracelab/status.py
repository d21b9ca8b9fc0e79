"""What the warehouse holds, from which files, how fresh it is, and what was set aside and why."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from tracelab import text
from tracelab.errors import TracelabError
from tracelab.warehouse import STALE, has_raw, is_stale, last_build, open_read_only

_READABLE_AT = "%Y-%m-%d %H:%M:%S"


class Files(NamedTuple):
    """The source files of one provider (null: of none) and status."""

    provider: str | None
    status: str
    files: int
    size_bytes: int
    steps: int
    first_at: datetime | None
    last_at: datetime | None


class Issue(NamedTuple):
    """One reason for which input was set aside, with its commonest detail and where that was met first."""

    reason: str
    times: int
    files: int
    path: str | None
    line_no: int | None
    detail: str | None


class Held(NamedTuple):
    """How much the marts hold, copies left out."""

    sessions: int
    subagents: int
    sessions_without_steps: int
    requests: int
    steps: int
    tool_calls: int


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a warehouse. Instants are UTC."""

    database: Path
    size_bytes: int
    files: Sequence[Files]
    issues: Sequence[Issue]
    loaded_at: datetime | None
    """When a load last changed something."""
    newest_at: datetime | None
    """Latest record of any session."""
    built_at: datetime | None
    timezone: str | None
    """Zone of the days in the marts."""
    is_stale: bool
    """Whether the marts do not show what is loaded."""
    held: Held | None
    """None before the first build."""


def status(db: Path) -> Status:
    """Read the state of a warehouse.

    Raises:
        TracelabError: if there is none, or it is in use.
    """
    with open_read_only(db) as warehouse:
        if not has_raw(warehouse, db):
            raise TracelabError(f"{db} holds no sessions yet: run `tracelab load`")
        built = last_build(warehouse)
        loaded_at, newest_at = warehouse.execute(
            "select max(loaded_at), max(last_at) from raw.files"
        ).fetchall()[0]
        return Status(
            database=db.absolute(),
            size_bytes=db.stat().st_size,
            files=[Files(*row) for row in warehouse.execute(_FILES).fetchall()],
            issues=[Issue(*row) for row in warehouse.execute(_ISSUES).fetchall()],
            loaded_at=loaded_at,
            newest_at=newest_at,
            built_at=built and built.built_at,
            timezone=built and built.timezone,
            is_stale=is_stale(warehouse, built),
            held=Held(*warehouse.execute(_HELD).fetchall()[0]) if built else None,
        )


def are_tables_stale(db: Path) -> bool:
    """Say whether the marts do not show what is loaded.

    Raises:
        TracelabError: if there is no warehouse, or it is in use.
    """
    with open_read_only(db) as warehouse:
        return is_stale(warehouse, last_build(warehouse))


_FILES = """
select provider, status, count(*), sum(size_bytes)::bigint, sum(steps)::bigint, min(first_at), max(last_at)
from raw.files group by all order by provider nulls last, status
"""
_ISSUES = """
select reason, count(*), count(distinct file_id), first.path, first.line_no, first.detail
from (
    select *, min_by(place, row(-alike, path, line_no)) over (partition by reason) as first
    from (
        select
            *, {'path': path, 'line_no': line_no, 'detail': detail} as place,
            count(*) over (partition by reason, detail) as alike
        from raw.load_issues left join raw.files using (file_id)
    )
)
group by all order by count(*) desc, reason
"""
_HELD = """
select count(*), count(*) filter (session_kind = 'subagent'), count(*) filter (steps = 0),
    (select count(*) from requests), (select count(*) from steps), (select count(*) from tool_calls)
from sessions
"""


def as_json(state: Status) -> str:
    """Return the state as one JSON object, instants in ISO 8601 UTC."""
    fields = asdict(state) | {
        "files": [row._asdict() for row in state.files],
        "issues": [row._asdict() for row in state.issues],
        "held": state.held and state.held._asdict(),
    }
    return json.dumps(fields, indent=2, default=_json_value)


def _json_value(value: object) -> str:
    return value.isoformat() + "Z" if isinstance(value, datetime) else str(value)


def as_text(state: Status) -> str:
    """Return the state as a page for a person."""
    parts = [f"{state.database}, {text.size(state.size_bytes)}", _files(state), _freshness(state)]
    if gone := sum(row.files for row in state.files if row.status == "gone"):
        parts.append(f"gone    {text.counted(gone, 'file')}, whose rows stay until `tracelab load --prune`")
    if len({row.provider == "published" for row in state.files if row.provider}) == 2:
        parts.append(
            "mixed   a dataset beside logs: made of them, it counts all twice; load it into a --db of its own"
        )
    if state.issues:
        parts.append(_set_aside(state))
    return "\n\n".join(parts)


def _files(state: Status) -> str:
    names = ["provider", "status", "files", "size", "steps", "first record", "last record"]
    rows = [
        [
            row.provider or "none",
            row.status,
            f"{row.files:,}",
            text.size(row.size_bytes),
            f"{row.steps:,}",
            _at(row.first_at),
            _at(row.last_at),
        ]
        for row in state.files
    ]
    return text.table(names, rows, [False, False, True, True, True, False, False])


def _freshness(state: Status) -> str:
    loaded = f"loaded  {_at(state.loaded_at)}, newest record {_at(state.newest_at)}"
    if state.held is None:
        return f"{loaded}\nbuilt   never: run `tracelab build`"
    held = state.held
    built = f"built   {_at(state.built_at)}, days in {state.timezone}"
    holds = (
        f"holds   {text.counted(held.sessions, 'session')}"
        f" ({held.subagents:,} of subagents, {held.sessions_without_steps:,} without a step),"
        f" {text.counted(held.requests, 'request')}, {text.counted(held.steps, 'step')},"
        f" {text.counted(held.tool_calls, 'tool call')}"
    )
    stale = f"\n{STALE[0].upper()}{STALE[1:]}." if state.is_stale else ""
    return f"{loaded}\n{built}\n{holds}{stale}"


def _set_aside(state: Status) -> str:
    blocks = (
        f"  {issue.reason}, {issue.times:,} in {text.counted(issue.files, 'file')}"
        f"{f': {issue.detail}' if issue.detail else ''}\n"
        f"      {_place(issue)}"
        for issue in state.issues
    )
    return "\n".join(["set aside, the commonest of each and where it was first:", *blocks])


def _place(issue: Issue) -> str:
    return text.printable(issue.path or "") + ("" if issue.line_no is None else f":{issue.line_no}")


def _at(instant: datetime | None) -> str:
    return "–" if instant is None else f"{instant:{_READABLE_AT}} UTC"
