"""`weka`: a folder with a JSON file a conversation, as AIPerf and kv-cache-tester replay it.

Checked against AIPerf 0.13 (`weka_trace_models.py`), which takes every `*.json` of the folder, refuses keys
it does not know, and ids that occur twice.
"""

from collections.abc import Iterator
from itertools import chain, groupby
from typing import NamedTuple, TextIO

import duckdb

from tracelab.publishing.columns import AGENT_TYPES
from tracelab.workloads.blocks import FETCH_ROWS, BlockIds, block_columns, with_ids
from tracelab.workloads.selection import Job

BLOCK_SIZE = 64


class _Step(NamedTuple):
    conversation: str
    session: str
    kept: int
    blocks: int
    fresh_in_file: int
    trace: str
    subagent: str | None
    """JSON of the entry that the step stands in; null for the conversation's own."""
    row: str


def write(job: Job) -> dict[str, int]:
    """Write the folder; return the size of a block and the tokens that the ids let a cache reuse."""
    job.path.mkdir()
    kept_blocks = 0
    for conversation, steps in groupby(_steps(job.warehouse), key=lambda step: step.conversation):
        with (job.path / f"{conversation}.json").open("w") as out:
            kept_blocks += _write_conversation(steps, out)
    return {"block_size": BLOCK_SIZE, "reused_tokens": kept_blocks * BLOCK_SIZE}


def _steps(warehouse: duckdb.DuckDBPyConnection) -> Iterator[_Step]:
    cursor = warehouse.execute(_ROWS)
    while rows := cursor.fetchmany(FETCH_ROWS):
        yield from map(_Step._make, rows)


def _write_conversation(steps: Iterator[_Step], out: TextIO) -> int:
    """Write a conversation as its steps come, for it may be 100 MB; return how many blocks were kept."""
    first = next(steps)
    ids = BlockIds(first.fresh_in_file)
    out.write(_opened(first.trace))
    comma = ""
    for subagent, inside in groupby(chain([first], steps), key=lambda step: step.subagent):
        if subagent:
            out.write(comma + _opened(subagent))
            comma = ""
        for step in inside:
            out.write(comma + with_ids(step.row, ids.take(step.session, step.kept, step.blocks)))
            comma = ","
        if subagent:
            out.write("]}")
    out.write("]}")
    return ids.kept_blocks


def _opened(entry: str) -> str:
    return f'{entry[:-1]},"requests":['


# A subagent of a subagent stands in the conversation's list too: entries do not nest. Its own time is never
# after its first step's, nor before the conversation's first: readers take both as given, so that those which
# steps that are left out had called move together.
_ROWS = f"""
with
    conversations as (
        select conversation_number,
            min(submitted_ms) as first_ms,
            min(submitted_ms) filter (session_number = 0) as from_ms,
            to_json({{
                id: any_value(session_key) filter (session_number = 0),
                models: list(distinct model order by model),
                block_size: {BLOCK_SIZE},
                hash_id_scope: 'local',
                tool_tokens: 0,
                system_tokens: 0
            }})::varchar as trace
        from workload_steps group by conversation_number
    ),
    subagents as (
        select session_key,
            if(min(submitted_ms) < any_value(from_ms), any_value(from_ms - first_ms), 0) as later_ms,
            greatest(least(min(submitted_ms), any_value(spawned_ms)) + later_ms, any_value(from_ms))
            as entered_ms,
            to_json({{
                t: (entered_ms - any_value(from_ms)) / 1000,
                type: 'subagent',
                agent_id: session_key,
                subagent_type: case
                    when any_value(agent_type) is null then 'unknown'
                    when any_value(agent_type) in {AGENT_TYPES} then any_value(agent_type)
                    else 'custom'
                end,
                status: case
                    when any_value(spawn_failed) then 'failed'
                    when any_value(spawn_ended_ms) is null then 'unknown'
                    else 'completed'
                end,
                duration_ms: greatest(max(completed_ms) + later_ms - entered_ms, 0),
                total_tokens: sum(input_tokens + coalesce(output_tokens, 0))::bigint,
                tool_use_count: sum(tool_calls)::bigint,
                models: list(distinct model order by model),
                tool_tokens: 0,
                system_tokens: 0
            }})::varchar as subagent
        from workload_steps
        inner join conversations using (conversation_number)
        where session_number > 0
        group by session_key
    ),
    placed as (
        select *, coalesce(entered_ms, submitted_ms) as entry_ms, {block_columns(BLOCK_SIZE, partial=False)}
        from workload_steps
        inner join conversations using (conversation_number)
        left join subagents using (session_key)
    )
select
    conversation_key,
    session_key,
    kept_blocks,
    blocks,
    (sum(blocks - kept_blocks) over (partition by conversation_number))::bigint,
    trace,
    subagent,
    to_json({{
        t: (submitted_ms + coalesce(later_ms, 0) - from_ms) / 1000,
        type: 'n',
        model: model,
        "in": input_tokens,
        "out": coalesce(output_tokens, 0),
        input_types: if(user_messages > 0 or tool_results = 0, ['text'], [])
            || if(tool_results > 0, ['tool_result'], []),
        output_types: if(reasoning_events > 0, ['thinking'], []) || if(text_events > 0, ['text'], [])
            || if(tool_calls > 0, ['tool_use'], []),
        stop: case when tool_calls > 0 then 'tool_use' when text_events > 0 then 'end_turn' else '' end,
        api_time: api_ms / 1000,
        think_time: wait_ms / 1000
    }})::varchar
from placed
order by conversation_number, entry_ms, session_number, step_number
"""
