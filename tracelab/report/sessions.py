"""What the session explorer shows: every session as a row, and the steps of those that matter most.

Steps lie by column, in windows that the page unpacks when they are opened, in as few digits as a picture
needs: what grows from row to row as its growth, instants in seconds, durations in tenths of a second, money
in ten-thousandths of a dollar. session_plot.js reads them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from tracelab.errors import TracelabError
from tracelab.report.packing import columns, packed
from tracelab.text import plain
from tracelab.warehouse import open_read_only

COSTLIEST, LONGEST = 200, 100
"""Sessions whose steps the page carries: those that cost most, and those with most steps."""
WINDOW_STEPS = 2000
"""Steps that the page shows of a session at once."""
MOST_CHARS = 3_400_000
"""Room for steps, packed, in a page of 6 MB."""
TABLES = ("sessions", "steps", "cache_reuse", "tool_calls", "compactions")
"""Tables of which it shows columns."""
LIMITS = {"costliest": COSTLIEST, "longest": LONGEST, "window": WINDOW_STEPS}

_SESSIONS = """
select
    session_id, provider, session_kind, project, model, epoch_ms(started_at) as started_ms,
    wall_ms // 1000 as wall_s, requests, steps, tool_calls, tool_errors, compactions, input_tokens,
    output_tokens, round(hit_ratio, 6) as hit_ratio, peak_context_tokens,
    round(cost_usd, 4)::double as cost_usd
from sessions
order by cost_usd desc nulls last, steps desc, session_id
"""
_CARRIED = f"""
create or replace temp table carried as
select session_id, epoch_ms(started_at) // 1000 as started_s
from sessions
where steps > 0
qualify
    row_number() over (order by cost_usd desc nulls last, steps desc, session_id) <= {COSTLIEST}
    or row_number() over (order by steps desc, session_id) <= {LONGEST}
"""
_STEPS = f"""
with
    shown as (
        select
            *,
            step_index // {WINDOW_STEPS} as part,
            epoch_ms(coalesce(ready_at, first_output_at)) // 1000 - started_s as begun_s,
            (1e6 * sum(cost_usd) over (partition by session_id order by step_index))::bigint as cost_so_far,
            case
                when restart_tokens is not null then 'restart'
                when miss_cause not in ('none', 'session_start') then miss_cause
            end as cause,
            if(cause is not null, coalesce(restart_tokens, missed_tokens), null) as missed
        from steps
        inner join carried using (session_id)
        left join (select step_id, miss_cause, missed_tokens from cache_reuse) using (step_id)
        left join (select step_id, missed_tokens as restart_tokens from simulations.sim_restarts)
            using (step_id)
    )
select
    session_id,
    part,
    begun_s - coalesce(lag(begun_s ignore nulls) over earlier, 0) as begun,
    prefix_tokens - coalesce(lag(input_tokens ignore nulls) over earlier, 0) as prefix,
    append_tokens as append,
    if(usage_is_final is not false, output_tokens, null) as output,
    -- over all windows: a window's first step costs what it costs
    if(cost_usd is null, null, cost_so_far - coalesce(lag(cost_so_far) over session, 0)) as cost,
    generation_ms // 100 as generated,
    human_wait_ms // 1000 as waited,
    regexp_extract(request_id, '\\d+$')::bigint as request,
    trigger,
    cause,
    missed
from shown
window
    earlier as (partition by session_id, part order by step_index),
    session as (partition by session_id order by step_index)
order by session_id, step_index
"""
_CALLS = f"""
with
    shown as (
        select
            *,
            step_index // {WINDOW_STEPS} as part,
            step_index % {WINDOW_STEPS} as step,
            coalesce(wall_ms, effective_ms) as lasted_ms,
            epoch_ms(coalesce(ready_at, first_output_at)) // 1000 - started_s as step_begun_s
        from tool_calls
        inner join (select step_id, step_index, ready_at, first_output_at from steps) using (step_id)
        inner join carried using (session_id)
    )
select
    session_id,
    part,
    step - coalesce(lag(step) over earlier, 0) as step,
    epoch_ms(emitted_at) // 1000 - started_s - coalesce(step_begun_s, 0) as begun,
    if(lasted_ms is null, null, greatest(lasted_ms, 0)) // 100 as lasted,
    concat(tool_category, ' ', tool_name) as name,
    is_error::int as failed
from shown
window earlier as (partition by session_id, part order by step_index, tool_index)
order by session_id, step_index, tool_index
"""
_COMPACTIONS = f"""
select
    session_id, step_index // {WINDOW_STEPS} as part, step_index % {WINDOW_STEPS} as step,
    pre_tokens as before, post_tokens as after
from compactions
inner join (select step_id, step_index from steps) using (step_id)
inner join carried using (session_id)
order by session_id, step_index
"""
_OF_FEW_TEXTS = ("trigger", "cause", "name")
"""Columns in which each text lies once, and its place in every row."""


@dataclass(frozen=True, slots=True)
class Explorer:
    """What the page holds of sessions."""

    sessions: str
    """All of them, packed by column, costliest first."""
    listed: int
    windows: Mapping[int, list[str]]
    """Steps of a session, packed, a text a window; by the session's row."""
    left_out: int
    """Sessions with steps that the page does not carry."""
    without_room: int
    """Those of them that are among the costliest or the longest."""


def explore(db: Path) -> Explorer:
    """Read what the session explorer shows.

    Raises:
        TracelabError: if the tables that it reads are not built.
    """
    with open_read_only(db) as warehouse:
        try:
            sessions = plain(warehouse.sql(_SESSIONS).pl())
            windows = _windows(warehouse)
        except duckdb.CatalogException as error:
            reason = "the session explorer reads tables that are not built: run `tracelab build`"
            raise TracelabError(reason) from error
    rows = {session_id: row for row, session_id in enumerate(sessions["session_id"])}
    carried: dict[int, list[str]] = {}
    room = MOST_CHARS
    for session_id in sorted(windows, key=rows.__getitem__):
        texts = [packed(window) for window in windows[session_id]]
        room -= sum(map(len, texts))
        if room < 0:
            break
        carried[rows[session_id]] = texts
    left_out = sessions.filter(pl.col("steps") > 0).height - len(carried)
    without_room = len(windows) - len(carried)
    return Explorer(packed(columns(sessions)), len(sessions), carried, left_out, without_room)


def _windows(warehouse: duckdb.DuckDBPyConnection) -> dict[str, list[dict[str, Any]]]:
    """Each carried session's windows, in order."""
    warehouse.execute(_CARRIED)
    calls, compactions = dict(_parts(warehouse, _CALLS)), dict(_parts(warehouse, _COMPACTIONS))
    found: dict[str, list[dict[str, Any]]] = {}
    for key, steps in _parts(warehouse, _STEPS):
        windows = found.setdefault(key[0], [])
        spent = 0
        if windows:
            before = windows[-1]
            spent = before["spent"] + sum(cost or 0 for cost in before["steps"]["cost"])
        window = {"spent": spent, "steps": steps, "calls": calls.get(key)}
        windows.append(window | {"compactions": compactions.get(key)})
    return found


def _parts(
    warehouse: duckdb.DuckDBPyConnection, query: str
) -> Iterator[tuple[tuple[str, int], dict[str, Any]]]:
    rows = plain(warehouse.sql(query).pl())
    for part in rows.partition_by("session_id", "part", maintain_order=True):
        shown = columns(part.drop("session_id", "part"))
        shown |= {name: _coded(shown[name]) for name in _OF_FEW_TEXTS if name in shown}
        yield (part.item(0, "session_id"), part.item(0, "part")), shown


def _coded(values: list[Any]) -> Any:
    places = {text: place for place, text in enumerate(dict.fromkeys(values))}
    return {"texts": list(places), "places": [places[text] for text in values]}
