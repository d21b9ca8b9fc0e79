-- One row per span of a session's time: generation, a tool, or waiting for a person.
-- Apart from the marts: requests take their union and sessions their partition.
select
    session_id,
    request_id,
    'generation' as part,
    ready_at as from_at,
    last_output_at as to_at
from {{ ref("steps") }}
where generation_ms > 0
union all
select
    calls.session_id,
    request_id,
    if(is_human_tool, 'human_tool', 'tool') as part,
    emitted_at,
    result_at
from {{ ref("tool_calls") }} as calls
inner join {{ ref("steps") }} using (step_id)
where result_at > emitted_at
union all
select session_id, null as request_id, 'human' as part, waits_from_at, message_at
from {{ ref("int_human_waits") }}
where wait_ms > 0
