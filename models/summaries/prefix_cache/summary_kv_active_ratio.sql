-- One row per cut, measure of the gap and timeout: which part of the time that
-- prefixes are held is spent generating, where gaps beyond the timeout hold none.
with
    timeouts as (
        select bin, high as timeout_s
        from {{ ref("bins") }}
        where grid = 'kv_timeout_s' and high is not null
    ),
    gaps as (
        select
            provider,
            session_kind,
            'causal' as gap_measure,
            trigger = 'tool' as is_tool,
            idle_gap_ms as gap_ms
        from {{ ref("idle_gaps") }}
        where trigger <> 'none'
        union all
        -- the paper's: each call by itself, and each wait for a person
        select provider, session_kind, 'published', true, effective_ms
        from {{ ref("tool_calls") }}
        union all
        select provider, session_kind, 'published', false, unnest(human_waits_ms)
        from {{ ref("steps") }}
    ),
    binned as (
        select
            provider,
            session_kind,
            gap_measure,
            bin,
            sum(gap_ms) filter (where is_tool) as tool_ms,
            sum(gap_ms) filter (where not is_tool) as human_ms
        from gaps
        asof join timeouts on gap_ms <= timeout_s * 1000
        where gap_ms > 0
        group by all
    ),
    active as (
        select provider, session_kind, sum(generation_ms) as active_ms
        from {{ ref("steps") }}
        group by all
    ),
    -- each has every timeout; what is active stands with the first
    filled as (
        select * replace (if(bin = 0, active_ms, 0) as active_ms)
        from active
        cross join (select unnest(['causal', 'published']) as gap_measure)
        cross join timeouts
        left join binned using (provider, session_kind, gap_measure, bin)
    ),
    counted as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            gap_measure,
            bin,
            timeout_s,
            coalesce(sum(tool_ms), 0) as tool_ms,
            coalesce(sum(human_ms), 0) as human_ms,
            coalesce(sum(active_ms), 0) as active_ms
        from filled
        group by {{ cuts(by_model=false) }}, gap_measure, bin, timeout_s
    )
select
    provider,
    session_kind,
    gap_measure,
    timeout_s,
    sum(active_ms) over until / 1000 as generation_s,
    sum(tool_ms) over until / 1000 as tool_s,
    sum(human_ms) over until / 1000 as human_s,
    generation_s + tool_s + human_s as held_s,
    nullif(generation_s, 0) / held_s as active_share,
    tool_s / nullif(held_s, 0) as tool_share,
    human_s / nullif(held_s, 0) as human_share
from counted
window until as (partition by provider, session_kind, gap_measure order by bin)
