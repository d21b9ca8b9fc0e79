"""`agentic-mooncake`: Dynamo's agentic Mooncake, version 2: a line a step, with what it waits for.

Written from its reader's types (`AgenticMooncakeRow` of Dynamo's and AISimulate's load generator), and
replayed by Dynamo 1.6.1, which sends no step before its `not_before_ms`.
"""

import json

from tracelab.workloads.blocks import BlockIds, block_columns, write_lines
from tracelab.workloads.selection import Job

BLOCK_SIZE = 512


def write(job: Job) -> dict[str, int]:
    """Write the file; return the size of a block and the tokens that the ids let a cache reuse."""
    header = {
        "schema": "dynamo.agentic_mooncake",
        "version": 2,
        "block_size": BLOCK_SIZE,
        "hash_id_scope": "local",
        "source": {"format": "tracelab", "digest": job.load_id},
    }
    [(fresh,)] = job.warehouse.execute(_FRESH).fetchall()
    ids = BlockIds(fresh)
    with job.path.open("w") as out:
        out.write(json.dumps(header) + "\n")
        write_lines(job.warehouse.execute(_ROWS), ids, out)
    return {"block_size": BLOCK_SIZE, "reused_tokens": ids.kept_blocks * BLOCK_SIZE}


_BLOCKS = f"with placed as (select *, {block_columns(BLOCK_SIZE, partial=True)} from workload_steps)"
_FRESH = f"{_BLOCKS} select sum(blocks - kept_blocks)::bigint from placed"
# A subagent's first step follows the step that called it, or else the latest before it of its parent, or of
# the main session, if one is taken: from that step's submission where its answer was still being made. A call
# that returned after its subagent had ended waited for it: the caller's next step joins.
_ROWS = f"""{_BLOCKS},
    begun as (select * from placed where is_first and session_number > 0),
    finished as (select session_id, max(completed_ms) as finished_ms from placed group by session_id),
    lasts as (select session_id, step_key as last_key from placed where is_last),
    -- one of all steps of the conversation: ranked, they would all be kept
    spawners as (
        select
            begun.step_key,
            any_value(begun.submitted_ms) as begun_ms,
            unnest(
                arg_min(
                    {{
                        caller_id: callers.session_id,
                        step_number: callers.step_number,
                        caller_key: callers.step_key,
                        submitted_ms: callers.submitted_ms,
                        completed_ms: callers.completed_ms
                    }},
                    (
                        callers.step_id is distinct from begun.spawn_step_id,
                        callers.session_id is distinct from begun.parent_session_id,
                        -callers.step_number
                    )
                )
            )
        from begun
        inner join placed as callers
            on begun.conversation_number = callers.conversation_number
            and (
                callers.step_id = begun.spawn_step_id
                or callers.session_id in (begun.parent_session_id, begun.root_session_id)
            )
            and callers.submitted_ms <= begun.submitted_ms
            and callers.session_id <> begun.session_id
        group by begun.step_key
    ),
    joins as (
        select
            arg_min(joining.step_key, joining.step_number) as step_key,
            last_key,
            arg_min(joining.submitted_ms, joining.step_number) - finished.finished_ms as delay_ms
        from begun
        inner join finished on finished.session_id = begun.session_id
        inner join lasts on lasts.session_id = begun.session_id
        left join spawners using (step_key)
        left join finished as parents on parents.session_id = begun.parent_session_id
        left join placed as spawning on spawning.step_id = begun.spawn_step_id
        inner join placed as joining
            on joining.session_id = coalesce(parents.session_id, caller_id)
            and joining.step_number > coalesce(
                spawning.step_number, if(caller_id = joining.session_id, spawners.step_number, -1)
            )
            and joining.submitted_ms >= finished.finished_ms
        where begun.spawn_ended_ms >= finished.finished_ms
        group by begun.session_id, last_key, finished.finished_ms
    ),
    edges as (
        select step_key, session_key || '#' || (step_number - 1) as request_id, 'completion' as trigger,
            wait_ms as delay_ms, 'sequence' as relation, 0 as place
        from placed where not is_first
        union all
        select step_key, caller_key, if(begun_ms < completed_ms, 'dispatch', 'completion'),
            greatest(begun_ms - if(begun_ms < completed_ms, submitted_ms, completed_ms), 0), 'spawn', 1
        from spawners
        union all
        select step_key, last_key, 'completion', delay_ms, 'join', 2 from joins
    ),
    dependencies as (
        select step_key,
            list(
                {{request_id: request_id, trigger: trigger, delay_ms: delay_ms, relation: relation}}
                order by place, request_id
            ) as dependencies
        from edges group by step_key
    )
select
    session_key,
    null,
    null,
    kept_blocks,
    blocks,
    to_json({{
        request_id: step_key,
        play_id: conversation_key,
        source_play_ordinal: conversation_number - 1,
        session_id: session_key,
        model: model,
        input_length: input_tokens,
        output_length: coalesce(output_tokens, 0),
        not_before_ms: submitted_ms - min(submitted_ms) over (),
        recorded_api_time_ms: api_ms,
        dependencies: coalesce(dependencies, [])
    }})::varchar
from placed
left join dependencies using (step_key)
order by submitted_ms, conversation_number, session_number, step_number
"""
