-- One row per tool call that held its session up: for how long nothing else went on.
with
    -- of the tools that run at an instant, the session waits for the one that ends last
    runs as (
        select
            session_id,
            step_id,
            tool_call_id,
            tool_name,
            is_error and not is_denied as is_failed,
            epoch_ms(emitted_at) as from_ms,
            -- up to where one begins that ends later
            least(
                epoch_ms(result_at),
                min(epoch_ms(emitted_at)) over (
                    partition by session_id
                    order by result_at desc, emitted_at, step_id, tool_index
                    rows between unbounded preceding and 1 preceding
                )
            ) as to_ms
        from {{ ref("tool_calls") }}
        where result_at > emitted_at and not is_human_tool
    ),
    -- spans of answers being made, each less what those before it reach into
    reaches as (
        select
            session_id,
            greatest(
                epoch_ms(ready_at),
                max(epoch_ms(last_output_at)) over (
                    partition by session_id
                    order by ready_at, last_output_at
                    rows between unbounded preceding and 1 preceding
                )
            ) as from_ms,
            epoch_ms(last_output_at) as to_ms
        from {{ ref("steps") }}
        where generation_ms > 0
    ),
    generations as (
        select
            session_id,
            from_ms,
            to_ms,
            sum(to_ms - from_ms) over (partition by session_id order by from_ms)
            - to_ms
            + from_ms as earlier_ms
        from reaches
        where to_ms > from_ms
    ),
    -- generation up to an instant: all that ended before, and what of the last one is
    -- over
    bounded as (
        select
            runs.*,
            coalesce(
                before.earlier_ms + least(runs.from_ms, before.to_ms) - before.from_ms,
                0
            ) as generation_before_ms,
            coalesce(
                within.earlier_ms + least(runs.to_ms, within.to_ms) - within.from_ms, 0
            ) as generation_until_ms
        from runs
        asof left join
            generations as before
            on runs.session_id = before.session_id
            and runs.from_ms >= before.from_ms
        asof left join
            generations as within
            on runs.session_id = within.session_id
            and runs.to_ms >= within.from_ms
        where runs.to_ms > runs.from_ms
    )
select
    session_id,
    step_id,
    tool_call_id,
    tool_name,
    to_ms - from_ms - (generation_until_ms - generation_before_ms)::bigint as held_ms
from bounded
where held_ms > 0
