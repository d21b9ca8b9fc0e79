{{
    config(
        severity="warn",
        meta={
            "advice": "these logs have tool results without their call, or earlier than it, as where a log was cut "
            "or a clock jumped: nothing is to be done, no time of a tool counts them"
        },
    )
}}
-- A log that was cut or whose clock jumped may break this: every result is of a known
-- call, and comes after it.
select 'no such call' as rule, tool_call_id
from {{ ref("stg_events") }}
anti join {{ ref("tool_calls") }} using (tool_call_id)
where event_type = 'tool_result'
union all
select 'result before call', tool_call_id
from {{ ref("tool_calls") }}
where result_at < emitted_at
