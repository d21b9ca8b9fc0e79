-- METRICS §44: what a step sends, of sessions without unknown tokens, numbered by
-- content.
with
    waits as (
        select step_id, sum(wall_ms) filter (where wall_ms >= 0) as wait_ms
        from tool_calls
        group by step_id
    ),
    sent as (
        select
            session_id,
            step_index as round_idx,
            greatest(append_tokens, 1) as input_len,
            greatest(output_tokens, 1) as output_len,
            if(
                step_index < max(step_index) over of_session, coalesce(wait_ms, 0), 0
            )::bigint as tool_wait_after_ms,
            prefix_tokens as prefix_len
        from steps
        left join waits using (step_id)
        window of_session as (partition by session_id)
        qualify
            count(input_tokens + output_tokens) over of_session
            = count(*) over of_session
    ),
    ranked as (
        select
            session_id,
            row_number() over (
                order by
                    list(
                        [input_len, output_len, tool_wait_after_ms, prefix_len]
                        order by round_idx
                    )
            ) as id
        from sent
        group by session_id
    )
select id, round_idx, input_len, output_len, tool_wait_after_ms, prefix_len
from sent
inner join ranked using (session_id)
