-- One row per cut and hit band: how long the context lay idle before the step, in
-- seconds.
with
    steps as (
        select
            provider,
            session_kind,
            model,
            trigger,
            if(hit_ratio < 0.1, 'low', 'other') as hit_band,
            unnest(
                [
                    {'gap_measure':'causal', 'gap_ms':idle_gap_ms},
                    {'gap_measure':'published', 'gap_ms':published_gap_ms}
                ],
                recursive := true
            )
        from {{ ref("steps") }} as steps
        left join
            (
                select step_id, idle_gap_ms, published_gap_ms
                from {{ ref("idle_gaps") }}
            ) using (step_id)
        -- the tokens of several calls say nothing of one prompt's hit
        where trigger <> 'none' and hit_ratio is not null and calls = 1
    )
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    {{ pooled("model") }},
    {{ pooled("trigger") }},
    gap_measure,
    {{ pooled("hit_band") }},
    count(*) as steps,
    count(*) filter (where gap_ms > {{ var("cache_lifetime_5m_ms") }}) as idle_steps,
    idle_steps / nullif(count(gap_ms), 0) as idle_share,
    {{ distribution("gap_ms", per=1000) }}
from steps
group by
    {{ cuts() }},
    grouping sets ((), (trigger)),
    grouping sets ((), (hit_band)),
    gap_measure
