-- One row per session with a span: how its time divides where spans overlap.
-- Apart from sessions, which would pass 120 lines.
with
    -- the last two bits of a time say of which part it is: so all are sorted once, not
    -- anew for each part
    spans as (
        select
            session_id,
            list_position(['generation', 'tool', 'human_tool', 'human'], part)
            - 1 as place,
            4 * epoch_ms(from_at) + place as from_key,
            4 * epoch_ms(to_at) + place as to_key
        from {{ ref("int_spans") }}
    ),
    sorted as (
        select
            session_id,
            list_sort(list(from_key)) as from_keys,
            list_sort(list(to_key)) as to_keys
        from spans
        group by session_id
    ),
    -- each part is taken together with those that go before it
    bounds as (
        select
            session_id,
            [key >> 2 for key in from_keys if key & 3 = 0] as generation_starts,
            [key >> 2 for key in to_keys if key & 3 = 0] as generation_ends,
            [key >> 2 for key in from_keys if key & 3 <= 1] as tool_starts,
            [key >> 2 for key in to_keys if key & 3 <= 1] as tool_ends,
            [key >> 2 for key in from_keys if key & 3 <= 2] as human_tool_starts,
            [key >> 2 for key in to_keys if key & 3 <= 2] as human_tool_ends,
            [key >> 2 for key in from_keys] as starts,
            [key >> 2 for key in to_keys] as ends
        from sorted
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
