-- One row per request and hole: the five longest stretches of its response that neither
-- generation nor a tool covers.
with
    requests as (select * from {{ ref("requests") }} where response_ms > 0),
    spans as (
        select
            request_id,
            part,
            greatest(from_at, started_at) as from_at,
            least(to_at, ended_at) as to_at
        from {{ ref("int_spans") }}
        inner join requests using (request_id)
    ),
    covers as (
        select *
        from spans
        where to_at > from_at
        union all
        select request_id, 'start', started_at, started_at
        from requests
        union all
        select request_id, 'end', ended_at, ended_at
        from requests
    ),
    holes as (
        select
            request_id,
            max(to_at) over (
                partition by request_id
                order by from_at, to_at, part
                rows between unbounded preceding and 1 preceding
            ) as hole_from_at,
            from_at as hole_to_at,
            {{ ms_between("hole_from_at", "hole_to_at") }} as hole_ms,
            part as part_after
        from covers
    ),
    longest as (
        select
            *,
            row_number() over (
                partition by request_id order by hole_ms desc, hole_from_at
            ) as hole_rank
        from holes
        where hole_ms > 0
        qualify hole_rank <= 5
    )
select
    request_id,
    hole_rank,
    hole_from_at,
    hole_to_at,
    hole_ms,
    -- found for these alone: of all spans it costs as much as the rest
    arg_max(part, (from_at, part)) as part_before,
    part_after
from longest
inner join covers using (request_id)
where to_at = hole_from_at
group by all
