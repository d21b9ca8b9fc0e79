"""`replay`: CSV, a line a step, for the paper's replayer and simulators of its kind.

The replayer keeps a session's context itself: `input_len` is what a step appends to the first `prefix_len`
tokens. It waits for tools alone, each call counted by its wall time, parallel ones too; for a
person, whom some calls ask, it waits nowhere.
"""

from tracelab.warehouse import quoted
from tracelab.workloads.selection import Job


def write(job: Job) -> dict[str, int]:
    """Write the file; times are milliseconds, arrivals those of the sessions' first steps."""
    job.warehouse.execute(f"copy ({_ROWS}) to '{quoted(job.path)}' (format csv, header)")
    return {}


_ROWS = """
select
    session_key as id,
    append_tokens as input_len,
    coalesce(output_tokens, 0) as output_len,
    min(submitted_ms) over (partition by session_key) - min(submitted_ms) over () as arrival_time,
    step_number as round_idx,
    if(is_last, 0, tool_wall_ms) as tool_wait_after_ms,
    prefix_tokens as prefix_len
from workload_steps
order by conversation_number, session_number, step_number
"""
