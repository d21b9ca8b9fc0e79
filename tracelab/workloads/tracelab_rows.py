"""`tracelab`: JSON Lines of the published step rows, which AIPerf reads as `--custom-dataset-type tracelab`.

Checked against AIPerf 0.13 (`_tracelab_convert.py`), which makes block ids of its own from the prefix tokens,
and finds subagents by user, project and the time of the call that started them.
"""

from tracelab.warehouse import quoted
from tracelab.workloads.selection import Job


def write(job: Job) -> dict[str, int]:
    """Write the file, as gzip where its name says so."""
    options = f"format json, compression {'gzip' if job.compress else 'none'}"
    job.warehouse.execute(f"copy ({_ROWS}) to '{quoted(job.path)}' ({options})")
    return {}


_ISO = "'%Y-%m-%dT%H:%M:%S.%gZ'"
# Numbers stand in for a user's and a project's name; a tool that no seed knows may be named after either.
_ROWS = f"""
with
    known_tools as (select distinct provider, tool_name as known_name from seeds.tool_categories),
    events as (
        select step_id,
            list(
                {{event_type: event_type, timestamp: strftime(event_at, {_ISO})}} order by event_order
            ) as timing_events,
            first(event_type order by event_order) filter (event_type in ('user_message', 'tool_result'))
            as first_input_event_type
        from staging.stg_events
        semi join workload_steps using (step_id)
        group by step_id
    ),
    calls as (
        select step_id,
            list({{
                tool_name: case
                    when known_name is not null then known_name
                    when tool_name is null then 'unknown'
                    when mcp_server is not null then 'mcp'
                    else 'custom'
                end,
                emitted_at: strftime(emitted_at, {_ISO}),
                result_at: strftime(result_at, {_ISO}),
                tool_wall_latency_ms: wall_ms
            }} order by tool_index) as tools
        from (select * from tool_calls semi join workload_steps using (step_id)) as tool_calls
        left join known_tools on known_tools.provider = tool_calls.provider and known_name = tool_name
        group by step_id
    ),
    users as (
        select user_name, 'user_' || row_number() over (order by min(session_key)) as user_key
        from workload_steps group by user_name
    ),
    projects as (
        select user_name, project, 'project_' || row_number() over (order by min(session_key)) as project_key
        from workload_steps group by user_name, project
    )
select
    steps.provider || ':' || session_key as session_id,
    step_number as round_index,
    input_tokens as input_tokens_total,
    prefix_tokens,
    append_tokens as newly_append_tokens,
    coalesce(output_tokens, 0) as output_tokens,
    reasoning_tokens as reasoning_output_tokens,
    model,
    steps.provider,
    user_key as "user",
    project_key as project,
    first_input_event_type,
    coalesce(timing_events, []) as timing_events,
    coalesce(tools, []) as tools
from workload_steps as steps
inner join users on users.user_name is not distinct from steps.user_name
inner join projects
    on projects.user_name is not distinct from steps.user_name
    and projects.project is not distinct from steps.project
left join events using (step_id)
left join calls using (step_id)
order by conversation_number, session_number, step_number
"""
