"""The steps of a workload, from the marts: which, in what order, how large, and what each was waited for.

A workload holds whole conversations: a main session and its subagents. Its ids are ordinals, since a log's
own ids say whose log it is; names that this project does not know become `custom`, for a person may have
chosen them.
"""

import difflib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

from tracelab.errors import TracelabError


class Filters(NamedTuple):
    """Which conversations to take: by the session ids they hold, and by when they started (UTC)."""

    sessions: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    """The first instant that is too late."""


class Job(NamedTuple):
    """What a format's writer gets: `workload_steps` is there, and the path is free."""

    warehouse: duckdb.DuckDBPyConnection
    path: Path
    load_id: str
    compress: bool
    text_files: Sequence[Path]


class Counts(NamedTuple):
    """What was taken, to be compared with the marts."""

    conversations: int
    sessions: int
    steps: int
    input_tokens: int
    output_tokens: int
    reusable_tokens: int
    """Of the input, what stood in the session's prompt before and outlived a compaction."""
    multi_call_steps: int
    """Steps of several calls: their tokens are a sum, and the size of no prompt."""
    steps_left_out: int
    """Steps without usage or without any time: no size, or no place."""


def select_steps(warehouse: duckdb.DuckDBPyConnection, filters: Filters) -> Counts:
    """Make the temporary table `workload_steps`: one row a step, with all that a format needs of the marts.

    Times are milliseconds of the Unix epoch. A session's steps follow one another: a step is submitted when
    its last input was there and the step before it was complete. Its wait since then is split into tools that
    ran, a person, and the rest.

    Raises:
        TracelabError: if nothing is built, a session is unknown, or nothing is left to take.
    """
    try:
        _check_known(warehouse, filters.sessions)
        warehouse.execute(_CHOSEN, filters._asdict())
        warehouse.execute(_STEPS)
        [row] = warehouse.execute(_COUNTS).fetchall()
    except duckdb.CatalogException as error:
        raise TracelabError("the warehouse has no tables yet: run `tracelab build`") from error
    counts = Counts(*row)
    if not counts.steps:
        raise TracelabError("no step with usage is left: widen --sessions, --since or --until")
    return counts


def _check_known(warehouse: duckdb.DuckDBPyConnection, sessions: Sequence[str]) -> None:
    known = [session for (session,) in warehouse.execute("select session_id from sessions").fetchall()]
    for session in sessions:
        if session not in known:
            near = difflib.get_close_matches(session, known) or known[:3]
            others = f" and {len(known) - len(near):,} others" if len(known) > len(near) else ""
            raise TracelabError(f"there is no session {session}; there is {', '.join(near)}{others}")


_CHOSEN = """
create temp table workload_sessions as
with
    conversations as (
        select session_id, root_session_id,
            coalesce(
                any_value(started_at) filter (session_id = root_session_id) over conversation,
                min(started_at) over conversation
            ) as started_at
        from sessions
        window conversation as (partition by root_session_id)
    )
select session_id
from conversations
where
    ($since is null or started_at >= $since)
    and ($until is null or started_at < $until)
    and (
        len($sessions) = 0
        or root_session_id in (
            select root_session_id from sessions where list_contains($sessions, session_id)
        )
    )
"""
_STEPS = """
create temp table workload_steps as
with
    calls as (
        select step_id, epoch_ms(max(result_at) filter (not is_human_tool)) as tools_until_ms,
            epoch_ms(max(result_at)) as calls_until_ms,
            sum(wall_ms) filter (wall_ms >= 0 and not is_human_tool) as tool_wall_ms
        from tool_calls group by step_id
    ),
    messages as (
        select step_id, epoch_ms(max(event_at)) as message_until_ms
        from staging.stg_events where event_type = 'user_message' group by step_id
    ),
    -- a subagent with the call that started it, where the log names it
    contexts as (
        select sessions.session_id, parent_session_id, forked_from_session_id, agent_type, spawn_step_id,
            emitted_at as spawned_at, result_at as spawn_ended_at, is_error as spawn_failed
        from sessions
        left join tool_calls on spawn_step_id = step_id and spawn_tool_call_id = tool_call_id
    ),
    all_steps as (
        select
            step_id, session_id, root_session_id, step_index, provider, client_version, model,
            -- a model without a price may be named by whoever runs it
            case when model is null then 'unknown' when cost_usd is null then 'custom' else model end
            as model_name,
            user_name, project, steps.input_tokens, steps.prefix_tokens, steps.append_tokens, output_tokens,
            reasoning_tokens, coalesce(reusable_tokens, steps.prefix_tokens, 0) as recorded_tokens,
            calls, user_messages, tool_results, reasoning_events, text_events, tool_calls, human_wait_ms,
            message_until_ms, tools_until_ms, calls_until_ms, tool_wall_ms,
            ready_at is not null and last_output_at is not null as is_timed,
            epoch_ms(coalesce(ready_at, first_output_at, first_event_at)) as ready_ms,
            epoch_ms(last_output_at) as output_ms,
            greatest(ready_ms, output_ms) as until_ms,
            coalesce(steps.input_tokens > 0 and until_ms is not null, false) as is_taken
        from steps
        semi join workload_sessions using (session_id)
        left join (select step_id, reusable_tokens from cache_reuse) as cache_reuse using (step_id)
        left join calls using (step_id)
        left join messages using (step_id)
    ),
    -- from the end of the step before, left out or not, up to a step's own submission; a call is made before
    -- its step ends: it fills that span up to its result
    spans as (
        select
            *,
            count(*) filter (is_taken) over earlier as taken_before,
            max(until_ms) filter (is_taken) over earlier as free_ms,
            max(until_ms) over earlier as idle_from_ms,
            greatest(ready_ms - idle_from_ms, 0) as idle_ms,
            least(greatest(max(tools_until_ms) over earlier - idle_from_ms, 0), idle_ms) as idle_tool_ms,
            least(greatest(max(calls_until_ms) over earlier - idle_from_ms, 0), idle_ms) - idle_tool_ms
            as idle_human_tool_ms,
            least(
                idle_human_tool_ms
                + if(message_until_ms < idle_from_ms, 0,
                    least(coalesce(human_wait_ms, 0), message_until_ms - idle_from_ms)),
                idle_ms - idle_tool_ms
            ) as idle_human_ms
        from all_steps
        window earlier as (
            partition by session_id order by step_index rows between unbounded preceding and 1 preceding
        )
    ),
    -- a step waited for what was waited for at the steps before it that are left out, too
    gathered as (
        select
            * exclude (tool_wall_ms),
            sum(idle_tool_ms) over up_to_it as waited_tool_ms,
            sum(idle_human_ms) over up_to_it as waited_human_ms,
            sum(tool_wall_ms) over (partition by session_id, taken_before + is_taken::int) as tool_wall_ms
        from spans
        window up_to_it as (partition by session_id, taken_before)
    ),
    timed as (
        select
            *,
            taken_before as step_number,
            lead(step_id) over in_order is null as is_last,
            lag(input_tokens) over in_order as before_tokens,
            greatest(ready_ms, free_ms) as submitted_ms,
            greatest(submitted_ms, output_ms) as completed_ms,
            submitted_ms - free_ms as wait_ms
        from gathered
        where is_taken
        window in_order as (partition by session_id order by step_index)
    ),
    starts as (
        select root_session_id, session_id, min(submitted_ms) as started_ms from timed group by all
    ),
    -- where no step of a main session is taken, the first of its subagents stands for it
    numbered as (
        select
            session_id,
            dense_rank() over (order by conversation_started_ms, root_session_id) as conversation_number,
            row_number() over (
                partition by root_session_id order by session_id <> root_session_id, started_ms, session_id
            ) - 1 as session_number,
            printf('%06d', conversation_number) as conversation_key,
            conversation_key || if(session_number = 0, '', printf('-%02d', session_number)) as session_key
        from (
            select *, min(started_ms) over (partition by root_session_id) as conversation_started_ms
            from starts
        )
    )
select
    conversation_number,
    conversation_key,
    session_number,
    session_key,
    step_number,
    session_key || '#' || step_number as step_key,
    session_id,
    root_session_id,
    step_id,
    parent_session_id,
    forked_from_session_id,
    agent_type,
    spawn_step_id,
    epoch_ms(spawned_at) as spawned_ms,
    epoch_ms(spawn_ended_at) as spawn_ended_ms,
    spawn_failed,
    provider,
    concat_ws(' ', provider, client_version, model) as warm_group,
    model_name as model,
    user_name,
    project,
    step_number = 0 as is_first,
    is_last,
    submitted_ms,
    completed_ms,
    if(is_timed, completed_ms - submitted_ms, null) as api_ms,
    wait_ms,
    if(wait_ms is null, null, least(coalesce(waited_tool_ms, 0), wait_ms))::bigint as tool_ms,
    if(wait_ms is null, null, least(coalesce(waited_human_ms, 0), wait_ms - tool_ms))::bigint as human_ms,
    wait_ms - tool_ms - human_ms as other_ms,
    coalesce(tool_wall_ms, 0)::bigint as tool_wall_ms,
    input_tokens,
    prefix_tokens,
    append_tokens,
    output_tokens,
    reasoning_tokens,
    -- what the step before put out was never in a prompt, and has no block
    least(recorded_tokens, coalesce(before_tokens, 0), input_tokens) as reusable_tokens,
    calls,
    user_messages,
    tool_results,
    reasoning_events,
    text_events,
    tool_calls
from timed
inner join numbered using (session_id)
left join contexts using (session_id)
"""
_COUNTS = """
select count(distinct conversation_number), count(distinct session_id), count(*),
    coalesce(sum(input_tokens), 0)::bigint, coalesce(sum(output_tokens), 0)::bigint,
    coalesce(sum(reusable_tokens), 0)::bigint, count(*) filter (calls > 1),
    (select count(*) from steps semi join workload_sessions using (session_id)) - count(*)
from workload_steps
"""
