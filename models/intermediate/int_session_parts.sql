-- One row per session with a span: how its time divides where spans overlap.
-- Apart from sessions, which would pass 120 lines.
with
    edges as (
        select
            session_id,
            part,
            unnest([from_at, to_at]) as edge_at,
            unnest([1, -1]) as opened
        from {{ ref("int_spans") }}
    ),
    segments as (
        select
            session_id,
            {{ ms_between("edge_at", "lead(edge_at) over so_far") }} as span_ms,
            sum(if(part = 'generation', opened, 0)) over so_far > 0 as is_generating,
            sum(if(part = 'tool', opened, 0)) over so_far > 0 as has_tool,
            sum(if(part = 'human_tool', opened, 0)) over so_far > 0 as has_human_tool,
            sum(if(part = 'human', opened, 0)) over so_far > 0 as has_human
        from edges
        window
            so_far as (
                partition by session_id order by edge_at rows unbounded preceding
            )
    )
select
    session_id,
    sum(span_ms) filter (where is_generating) as generation_part_ms,
    sum(span_ms) filter (where not is_generating and has_tool) as tool_part_ms,
    sum(span_ms) filter (
        where not is_generating and not has_tool and has_human_tool
    ) as human_tool_part_ms,
    sum(span_ms) filter (
        where not is_generating and not has_tool and not has_human_tool and has_human
    ) as human_part_ms,
    sum(span_ms) filter (
        where is_generating or has_tool or has_human_tool or has_human
    ) as spans_ms
from segments
group by session_id
