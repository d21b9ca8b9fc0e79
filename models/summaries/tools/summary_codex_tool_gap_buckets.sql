-- One row per cut, class or tool, measure and bucket of it: where the time outside the
-- command lies.
with
    bins as (select bin, low, high from {{ ref("bins") }} where grid = 'runner_gap_s'),
    calls as (
        select
            provider,
            session_kind,
            model,
            coalesce(codex_gap_class, 'other') as gap_class,
            tool_name,
            internal_ms,
            runner_gap_ms,
            unnest(
                [
                    -- a clock set back takes no time off
                    {'measure':'wall', 'ms':if(wall_ms < 0, 0, wall_ms)},
                    {'measure':'gap', 'ms':runner_gap_ms}
                ],
                recursive := true
            )
        from {{ ref("tool_calls") }}
        left join
            (
                select provider, tool_name, codex_gap_class
                from {{ ref("tool_categories") }}
            ) using (provider, tool_name)
        where provider = 'codex'
    ),
    binned as (
        select
            provider,
            session_kind,
            model,
            gap_class,
            tool_name,
            measure,
            bin,
            low,
            high,
            count(*) as tool_calls,
            sum(ms) as total_ms,
            count(runner_gap_ms) as timed_calls,
            sum(internal_ms) filter (where runner_gap_ms is not null) as internal_ms,
            sum(runner_gap_ms) as gap_ms
        from calls
        -- closed above: whole milliseconds, so that one less lies in the bucket below
        asof join bins on greatest(ms - 1, 0) / 1000 >= low
        where ms is not null
        group by all
    ),
    counted as (
        select
            provider,
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            {{ pooled("gap_class") }},
            {{ pooled("tool_name") }},
            measure,
            bin,
            low,
            high,
            sum(tool_calls)::bigint as tool_calls,
            sum(total_ms) as total_ms,
            sum(timed_calls)::bigint as timed_calls,
            coalesce(sum(internal_ms), 0) as internal_ms,
            coalesce(sum(gap_ms), 0) as gap_ms
        from binned
        group by
            provider,
            grouping sets ((), (session_kind), (model)),
            grouping sets ((), (gap_class), (gap_class, tool_name)),
            measure,
            bin,
            low,
            high
    )
select
    provider,
    session_kind,
    model,
    gap_class,
    tool_name,
    measure,
    bin,
    low as above_s,
    high as up_to_s,
    tool_calls,
    tool_calls / sum(tool_calls) over of_tool as call_share,
    total_ms / 1000 as total_s,
    total_ms / nullif(sum(total_ms) over of_tool, 0) as time_share,
    timed_calls,
    internal_ms / 1000 as internal_s,
    gap_ms / 1000 as gap_s,
    internal_ms / nullif(internal_ms + gap_ms, 0) as internal_share,
    gap_ms / nullif(internal_ms + gap_ms, 0) as gap_share
from counted
window
    of_tool as (
        partition by provider, session_kind, model, gap_class, tool_name, measure
    )
