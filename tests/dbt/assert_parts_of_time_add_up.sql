-- A session's parts are its wall time, each no more than its plain sum; a request
-- ends after it starts, its other time is no more than it lasts, and the rest no more
-- than its plain sums.
select session_id as key
from {{ ref("sessions") }}
where
    generation_part_ms
    + tool_part_ms
    + human_tool_part_ms
    + human_part_ms
    + other_part_ms
    is distinct from wall_ms
    or least(
        generation_part_ms,
        tool_part_ms,
        human_tool_part_ms,
        human_part_ms,
        other_part_ms
    )
    < 0
    or generation_part_ms > generation_ms
    or human_part_ms > human_wait_ms
union all
select request_id
from {{ ref("requests") }}
where
    ended_at < started_at
    or other_ms < 0
    or other_ms > response_ms
    or response_ms - other_ms > coalesce(generation_ms, 0) + coalesce(tool_wall_ms, 0)
