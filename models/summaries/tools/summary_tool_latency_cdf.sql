-- One row per cut and threshold: the tool calls that take less, and how much of the
-- time they hold.
with
    bins as (select bin, low, high from {{ ref("bins") }} where grid = 'duration_s'),
    latencies as (
        select provider, session_kind, model, effective_ms, count(*) as tool_calls
        from {{ ref("tool_calls") }}
        where effective_ms is not null
        group by all
    ),
    binned as (
        select
            provider,
            session_kind,
            model,
            bin,
            high,
            tool_calls,
            tool_calls * effective_ms as total_ms
        from latencies
        asof join bins on effective_ms / 1000 >= low
        union all
        -- every cut has every threshold
        select provider, session_kind, model, bin, high, 0, 0
        from (select distinct provider, session_kind, model from latencies), bins
    ),
    counted as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            bin,
            high,
            sum(tool_calls) as tool_calls,
            sum(total_ms) as total_ms
        from binned
        group by {{ cuts() }}, bin, high
    )
select
    provider,
    session_kind,
    model,
    bin,
    high as threshold_s,
    (sum(tool_calls) over cut)::bigint as count,
    (sum(tool_calls) over below)::bigint as cumulative_count,
    cumulative_count / count as cumulative_share,
    sum(total_ms) over below / 1000 as cumulative_s,
    sum(total_ms) over below
    / nullif(sum(total_ms) over cut, 0) as cumulative_time_share
from counted
window
    cut as (partition by provider, session_kind, model),
    below as (partition by provider, session_kind, model order by bin)
