-- One row per cut, category or kind of call, and bin of a call's latency: how few calls
-- hold most of the time.
with
    bins as (select bin, low, high from {{ ref("bins") }} where grid = 'long_tail_s'),
    latencies as (
        select
            provider,
            session_kind,
            model,
            tool_category,
            case
                when is_human_tool then 'human' when is_poll then 'poll' else 'work'
            end as call_kind,
            effective_ms,
            count(*) as tool_calls
        from {{ ref("tool_calls") }}
        group by all
    ),
    binned as (
        select
            latencies.* exclude (tool_calls, effective_ms),
            bin,
            low,
            high,
            tool_calls,
            tool_calls * effective_ms as total_ms
        from latencies
        asof join bins on effective_ms / 1000 >= low
        union all
        -- every cut has every bin, also one of no latency
        select *, 0, 0
        from
            (
                select distinct provider, session_kind, model, tool_category, call_kind
                from latencies
            ),
            bins
    ),
    counted as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            {{ pooled("tool_category") }},
            {{ pooled("call_kind") }},
            bin,
            low,
            high,
            sum(tool_calls)::bigint as tool_calls,
            sum(total_ms) as total_ms
        from binned
        group by
            {{ cuts() }},
            grouping sets ((), (tool_category), (call_kind)),
            bin,
            low,
            high
    )
select
    provider,
    session_kind,
    model,
    tool_category,
    call_kind,
    bin,
    low as low_s,
    high as high_s,
    tool_calls,
    tool_calls / nullif(sum(tool_calls) over cut, 0) as call_share,
    total_ms / 1000 as total_s,
    total_ms / nullif(sum(total_ms) over cut, 0) as time_share
from counted
window cut as (partition by provider, session_kind, model, tool_category, call_kind)
