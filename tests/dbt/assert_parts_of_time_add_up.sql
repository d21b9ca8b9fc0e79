-- A session's wall time is what its stamps say, and what its parts add up to, each no
-- more than its plain sum; sessions and requests sum up their steps' time and cost; a
-- request ends after it starts, its other time is no more than it lasts, and the rest
-- no more
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
    or wall_ms is distinct from {{ ms_between("started_at", "ended_at") }}
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
    or response_ms is distinct from {{ ms_between("started_at", "ended_at") }}
    or other_ms < 0
    or other_ms > response_ms
    or response_ms - other_ms > coalesce(generation_ms, 0) + coalesce(tool_wall_ms, 0)
    or least(generation_alone_ms, tool_alone_ms) < 0
    or generation_alone_ms > generation_span_ms
    or tool_alone_ms > tool_span_ms
    or generation_alone_ms + tool_alone_ms + other_ms > response_ms
union all
select session_id
from {{ ref("sessions") }} as sessions
left join
    (
        select
            session_id,
            sum(generation_ms) as generation_ms,
            try_cast(sum(cost_usd) as decimal(18, 12)) as cost_usd
        from {{ ref("steps") }}
        group by session_id
    ) as sums using (session_id)
left join
    (
        select session_id, count(*) as requests
        from {{ ref("requests") }}
        group by session_id
    ) as counts using (session_id)
where
    coalesce(sums.generation_ms, 0) <> sessions.generation_ms
    or sums.cost_usd is distinct from sessions.cost_usd
    or coalesce(counts.requests, 0) <> sessions.requests
union all
select request_id
from {{ ref("requests") }} as requests
left join
    (
        select
            request_id,
            sum(generation_ms) as generation_ms,
            try_cast(sum(cost_usd) as decimal(18, 12)) as cost_usd
        from {{ ref("steps") }}
        group by request_id
    ) as sums using (request_id)
where
    coalesce(sums.generation_ms, 0) <> requests.generation_ms
    or sums.cost_usd is distinct from requests.cost_usd
