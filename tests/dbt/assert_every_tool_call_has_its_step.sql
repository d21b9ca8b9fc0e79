-- And its step, request and session count it once: its number, its failures, its time,
-- which is what its stamps say.
with
    calls as (select * from {{ ref("tool_calls") }}),
    by_step as (
        select step_id, count(*) as tool_calls, count_if(is_error) as tool_errors
        from calls
        group by step_id
    )
select 'twice' as place, tool_call_id as key
from calls
where not {{ var("include_replays") }}
group by provider, tool_call_id
having count(*) > 1
union all
select 'stamps', tool_call_id
from calls
where wall_ms <> {{ ms_between("emitted_at", "result_at") }}
union all
select 'step', step_id
from by_step
full join {{ ref("steps") }} as steps using (step_id)
where
    steps.session_id is null
    or coalesce(by_step.tool_calls, 0) <> steps.tool_calls
    or coalesce(by_step.tool_errors, 0) <> steps.tool_errors
union all
select 'session', session_id
from
    (
        select session_id, count(*) as calls, sum(effective_ms) as effective_ms
        from calls
        group by session_id
    )
full join {{ ref("sessions") }} as sessions using (session_id)
where
    coalesce(calls, 0) is distinct from tool_calls
    or coalesce(effective_ms, 0) is distinct from tool_effective_ms
union all
select 'request', request_id
from
    (
        select request_id, count(*) as calls, sum(effective_ms) as effective_ms
        from calls
        inner join {{ ref("steps") }} using (step_id)
        where request_id is not null
        group by request_id
    )
full join {{ ref("requests") }} as requests using (request_id)
where
    coalesce(calls, 0) is distinct from tool_calls
    or coalesce(effective_ms, 0) is distinct from tool_effective_ms
