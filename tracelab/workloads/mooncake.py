"""`mooncake`: a line a step, at the time it was submitted, as Mooncake published its traces.

Two variants, since readers of sessions differ. `mooncake` has a timestamp on every line and no session: each
line is a request of its own, for AIPerf (which appends a session's later prompts to its earlier ones) and any
open-loop reader. `mooncake-sessions` has the session, and on later lines the delay after the answer before:
each line holds the whole prompt, as Dynamo and AISimulate read it.
"""

from tracelab.workloads.blocks import BlockIds, block_columns, write_lines
from tracelab.workloads.selection import Job

BLOCK_SIZE = 512


def write(job: Job) -> dict[str, int]:
    """Write a timestamp a line; return the size of a block and the tokens that the ids let a cache reuse."""
    return _write(job, f"to_json({{timestamp: {_TIMESTAMP}, {_LENGTHS}}})")


def write_sessions(job: Job) -> dict[str, int]:
    """Write a session, and a timestamp or a delay, a line; return what `write` does."""
    first = f"to_json({{session_id: session_key, timestamp: {_TIMESTAMP}, {_LENGTHS}}})"
    later = f"to_json({{session_id: session_key, delay: wait_ms, {_LENGTHS}}})"
    return _write(job, f"if(is_first, {first}, {later})")


_TIMESTAMP = "submitted_ms - min(submitted_ms) over ()"
_LENGTHS = "input_length: input_tokens, output_length: coalesce(output_tokens, 0)"


def _write(job: Job, row: str) -> dict[str, int]:
    [(fresh,)] = job.warehouse.execute(_FRESH).fetchall()
    ids = BlockIds(fresh)
    with job.path.open("w") as out:
        write_lines(job.warehouse.execute(_ROWS.replace("$row", row)), ids, out)
    return {"block_size": BLOCK_SIZE, "reused_tokens": ids.kept_blocks * BLOCK_SIZE}


# Ids are the file's, so that sessions can share them. Where a first step read from the cache, it began with
# what others of its client, version and model had sent, their system prompt; a fork with what its origin had.
_BLOCKS = f"""
with
    origins as (
        select distinct session_id as forked_from_session_id, session_key as origin_key from workload_steps
    ),
    placed as (
        select
            * exclude (origin_key, kept_blocks),
            is_first and prefix_tokens > 0 as is_warm,
            if(is_warm, origin_key, null) as from_origin,
            if(is_warm and forked_from_session_id is null, warm_group, null) as from_group,
            if(coalesce(from_origin, from_group) is null, kept_blocks,
                least(prefix_tokens, input_tokens) // {BLOCK_SIZE}) as kept_blocks
        from (select *, {block_columns(BLOCK_SIZE, partial=True)} from workload_steps)
        left join origins using (forked_from_session_id)
    )
"""
_FRESH = f"{_BLOCKS} select sum(blocks - if(is_warm, 0, kept_blocks))::bigint from placed"
_ROWS = f"""{_BLOCKS}
select session_key, from_origin, from_group, kept_blocks, blocks, ($row)::varchar
from placed
order by submitted_ms, conversation_number, session_number, step_number
"""
