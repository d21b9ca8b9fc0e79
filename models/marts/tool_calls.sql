-- One row per tool call that a step made: which tool, how long it took, how it ended.
with
    steps as (select step_id, provider, model, session_kind from {{ ref("steps") }}),
    calls as (
        select
            *, nullif(regexp_extract(tool_name, '^mcp__(.+?)__', 1), '') as mcp_server
        from {{ ref("stg_tool_calls") }}
    ),
    subagents as (
        select
            agents.spawn_session_id as session_id,
            agents.spawn_tool_call_id as tool_call_id,
            -- a copy of its log under a resumed conversation has no step of its own, or
            -- those alone that go on there
            arg_min(
                agents.session_id,
                (
                    has_steps is null,
                    callers.root_session_id is distinct from agents.root_session_id,
                    agents.session_id
                )
            ) as subagent_session_id
        from {{ ref("stg_sessions") }} as agents
        left join
            {{ ref("stg_sessions") }} as callers
            on agents.spawn_session_id = callers.session_id
        left join
            (
                select distinct session_id, true as has_steps from {{ ref("steps") }}
            ) as stepped
            on agents.session_id = stepped.session_id
        where agents.spawn_tool_call_id is not null
        group by all
    )
select
    tool_call_id,
    step_id,
    session_id,
    session_kind,
    provider,
    model,
    tool_name,
    coalesce(tool_category, if(mcp_server is null, 'other', 'mcp')) as tool_category,
    mcp_server,
    tool_index,
    emitted_at,
    result_at,
    wall_ms,
    internal_ms,
    case
        when internal_ms > 0
        then internal_ms
        when coalesce(wall_ms, internal_ms) is not null
        then greatest(wall_ms, 0)
    end as effective_ms,
    case
        when internal_ms > 0
        then 'internal'
        when wall_ms is not null
        then 'wall'
        when internal_ms is not null
        then 'internal'
        else 'missing'
    end as latency_source,
    case
        when wall_ms > 0 and internal_ms >= 0 then greatest(wall_ms - internal_ms, 0)
    end as runner_gap_ms,
    is_error,
    exit_code,
    is_denied,
    coalesce(is_human_tool, false) as is_human_tool,
    is_poll,
    subagent_session_id,
    input_chars,
    result_chars
from calls
left join steps using (step_id)
left join {{ ref("tool_categories") }} using (provider, tool_name)
left join subagents using (session_id, tool_call_id)
