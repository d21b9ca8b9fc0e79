-- METRICS §43b with its own gaps: which part of the time that prefixes are held is
-- spent generating.
with
    swept as (
        select
            *,
            if(timeout_s < 60, 1, if(timeout_s < 3600, 60, 3600)) as unit,
            timeout_s / unit as shown
        from summary_kv_active_ratio
        where provider <> 'all' and session_kind = 'all' and gap_measure = 'published'
    )
select
    provider,
    row_number() over (partition by provider order by timeout_s) as rank,
    timeout_s as cache_eviction_timeout_seconds,
    format(if(shown < 10, '{:.2f}', '{:.1f}'), shown) || case
        unit when 1 then 's' when 60 then 'm' else 'h'
    end as cache_eviction_timeout_label,
    timeout_s in (60, 300, 600, 1800, 3600) as landmark_timeout,
    generation_s as generation_seconds,
    generation_s / 3600 as generation_hours,
    tool_s as tool_cumulative_seconds,
    tool_s / 3600 as tool_cumulative_hours,
    human_s as human_cumulative_seconds,
    human_s / 3600 as human_cumulative_hours,
    held_s as denominator_seconds,
    held_s / 3600 as denominator_hours,
    active_share as kv_cache_active_ratio
from swept
