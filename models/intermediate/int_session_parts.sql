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
    bounds as (
        select
            session_id,
            list_sort(list(from_ms) filter (where is_generation)) as generation_starts,
            list_sort(list(to_ms) filter (where is_generation)) as generation_ends,
            list_sort(list(from_ms) filter (where is_tool)) as tool_starts,
            list_sort(list(to_ms) filter (where is_tool)) as tool_ends,
            list_sort(list(from_ms) filter (where is_human_tool)) as human_tool_starts,
            list_sort(list(to_ms) filter (where is_human_tool)) as human_tool_ends,
            list_sort(list(from_ms)) as starts,
            list_sort(list(to_ms)) as ends
        from spans
        group by session_id
    ),
    unions as (
        select
            session_id,
            {{ union_ms("generation_starts", "generation_ends") }} as generation_ms,
            {{ union_ms("tool_starts", "tool_ends") }} as tool_ms,
            {{ union_ms("human_tool_starts", "human_tool_ends") }} as human_tool_ms,
            {{ union_ms("starts", "ends") }} as any_ms
        from bounds
    )
select
    session_id,
    nullif(generation_ms, 0) as generation_part_ms,
    nullif(tool_ms - coalesce(generation_ms, 0), 0) as tool_part_ms,
    nullif(human_tool_ms - coalesce(tool_ms, 0), 0) as human_tool_part_ms,
    nullif(any_ms - coalesce(human_tool_ms, 0), 0) as human_part_ms,
    nullif(any_ms, 0) as spans_ms
from unions
