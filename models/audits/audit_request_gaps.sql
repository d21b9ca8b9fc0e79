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
            max(to_at) over so_far as hole_from_at,
            from_at as hole_to_at,
            {{ ms_between("hole_from_at", "hole_to_at") }} as hole_ms,
            arg_max(part, (to_at, from_at, part)) over so_far as part_before,
            part as part_after
        from covers
        window
            so_far as (
                partition by request_id
                order by from_at, to_at, part
                rows between unbounded preceding and 1 preceding
            )
    )
select
    request_id,
    row_number() over (
        partition by request_id order by hole_ms desc, hole_from_at
    ) as hole_rank,
    hole_from_at,
    hole_to_at,
    hole_ms,
    part_before,
    part_after
from holes
where hole_ms > 0
qualify hole_rank <= 5
