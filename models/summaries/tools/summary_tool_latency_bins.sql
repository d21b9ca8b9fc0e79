-- One row per cut and bin of a call's latency: the calls in it, and how much of the
-- time they hold.
with
    bins as (
        select bin, low, high from {{ ref("bins") }} where grid = 'tool_latency_s'
    ),
    latencies as (
        select
            provider,
            session_kind,
            model,
            effective_ms,
            count(*) as tool_calls,
            count(*) filter (where is_error) as tool_errors
        from {{ ref("tool_calls") }}
        group by all
    ),
    binned as (
        select
            provider,
            session_kind,
            model,
            bin,
            low,
            high,
            tool_calls,
            tool_errors,
            tool_calls * effective_ms as total_ms
        from latencies
        asof join bins on effective_ms / 1000 >= low
        union all
        -- every cut has every bin, also one of no latency
        select provider, session_kind, model, bin, low, high, 0, 0, 0
        from (select distinct provider, session_kind, model from latencies), bins
    ),
    counted as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            bin,
            low,
            high,
            sum(tool_calls)::bigint as tool_calls,
            sum(tool_errors)::bigint as tool_errors,
            sum(total_ms) as total_ms
        from binned
        group by {{ cuts() }}, bin, low, high
    )
select
    provider,
    session_kind,
    model,
    bin,
    low as low_s,
    high as high_s,
    tool_calls,
    tool_errors,
    tool_calls / nullif(sum(tool_calls) over cut, 0) as call_share,
    total_ms / 1000 as total_s,
    total_ms / nullif(sum(total_ms) over cut, 0) as time_share
from counted
window cut as (partition by provider, session_kind, model)
