-- One row per Claude tool call of more than an hour: what else went on meanwhile.
with
    steps as (
        select step_id, step_index, user_name, last_output_at from {{ ref("steps") }}
    ),
    long_calls as (
        select *
        from {{ ref("tool_calls") }}
        inner join (select step_id, step_index, user_name from steps) using (step_id)
        where provider = 'claude' and greatest(effective_ms, wall_ms) > 3600000
    ),
    -- a person's agents, of any session and client, show that the machine was awake
    meanwhile as (
        select session_id, tool_call_id, count(*) as steps_meanwhile
        from long_calls
        inner join
            steps as others
            on others.last_output_at > emitted_at
            and others.last_output_at < result_at
            and others.step_id <> long_calls.step_id
            and others.user_name is not distinct from long_calls.user_name
        group by session_id, tool_call_id
    )
select
    provider,
    session_id,
    session_kind,
    step_id,
    step_index,
    model,
    tool_index,
    tool_call_id,
    tool_name,
    tool_category,
    emitted_at,
    result_at,
    latency_source,
    effective_ms / 1000 as effective_s,
    wall_ms / 1000 as wall_s,
    internal_ms / 1000 as internal_s,
    case
        when emitted_at < result_at then coalesce(steps_meanwhile, 0)
    end as steps_meanwhile,
    case
        when effective_ms <= 3600000
        then 'runner'
        when is_human_tool or is_denied
        then 'human'
        when steps_meanwhile > 0
        then 'awake'
        when emitted_at < result_at
        then 'suspended'
    end as explanation,
    is_error,
    is_denied,
    subagent_session_id,
    input_chars,
    result_chars
from long_calls
left join meanwhile using (session_id, tool_call_id)
