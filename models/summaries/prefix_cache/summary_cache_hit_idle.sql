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
            if({{ is_in_part("'causal'") }}, idle_gap_ms, null) as idle_gap_ms,
            if(
                {{ is_in_part("'published'") }}, published_gap_ms, null
            ) as published_gap_ms
        from {{ ref("steps") }} as steps
        left join
            (
                select step_id, idle_gap_ms, published_gap_ms
                from {{ ref("idle_gaps") }}
            ) using (step_id)
        -- the tokens of several calls say nothing of one prompt's hit
        where trigger <> 'none' and hit_ratio is not null and calls = 1
    ),
    described as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            {{ pooled("trigger") }},
            {{ pooled("hit_band") }},
            count(*) as steps,
            count(
                if(columns('_gap_ms$') > {{ var("cache_lifetime_5m_ms") }}, true, null)
            ) as "\0_idle",
            {{ distributions("columns('_gap_ms$')", per=1000) }}
        from steps
        group by
            {{ cuts() }}, grouping sets ((), (trigger)), grouping sets ((), (hit_band))
    )
select
    provider,
    session_kind,
    model,
    trigger,
    gap_measure,
    hit_band,
    steps,
    idle_steps,
    idle_steps / nullif(found.count, 0) as idle_share,
    {{ distribution_of("found") }}
from
    described unpivot (
        (found, idle_steps) for gap_measure in (
            (idle_gap_ms, idle_gap_ms_idle) as 'causal',
            (published_gap_ms, published_gap_ms_idle) as 'published'
        )
    )
-- without any step there is no row of all
where steps > 0 and {{ is_in_part("gap_measure") }}
