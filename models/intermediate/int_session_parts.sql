-- One row per session with a span: how its time divides where spans overlap.
-- Apart from sessions, which would pass 120 lines.
with
    -- each part is taken together with those that go before it
    spans as (
        select
            session_id,
            epoch_ms(from_at) as from_ms,
            epoch_ms(to_at) as to_ms,
            part = 'generation' as is_generation,
            part in ('generation', 'tool') as is_tool,
            part in ('generation', 'tool', 'human_tool') as is_human_tool
        from {{ ref("int_spans") }}
    ),
    -- their union: each span adds what reaches past all that begin before it
    reaches as (
        select
            session_id,
            is_generation,
            is_tool,
            is_human_tool,
            to_ms - greatest(
                from_ms, max(to_ms) filter (where is_generation) over earlier
            ) as generation_ms,
            to_ms - greatest(
                from_ms, max(to_ms) filter (where is_tool) over earlier
            ) as tool_ms,
            to_ms - greatest(
                from_ms, max(to_ms) filter (where is_human_tool) over earlier
            ) as human_tool_ms,
            to_ms - greatest(from_ms, max(to_ms) over earlier) as any_ms
        from spans
        window
            earlier as (
                partition by session_id
                order by from_ms
                rows between unbounded preceding and 1 preceding
            )
    ),
    unions as (
        select
            session_id,
            sum(generation_ms) filter (
                where is_generation and generation_ms > 0
            ) as generation_ms,
            sum(tool_ms) filter (where is_tool and tool_ms > 0) as tool_ms,
            sum(human_tool_ms) filter (
                where is_human_tool and human_tool_ms > 0
            ) as human_tool_ms,
            sum(any_ms) filter (where any_ms > 0) as any_ms
        from reaches
        group by session_id
    )
select
    session_id,
    nullif(generation_ms, 0) as generation_part_ms,
    nullif(tool_ms - coalesce(generation_ms, 0), 0) as tool_part_ms,
    nullif(human_tool_ms - coalesce(tool_ms, 0), 0) as human_tool_part_ms,
    nullif(any_ms - coalesce(human_tool_ms, 0), 0) as human_part_ms,
    any_ms as spans_ms
from unions
