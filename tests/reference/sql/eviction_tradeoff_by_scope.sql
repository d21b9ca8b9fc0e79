-- METRICS §41 with the published gap: what a cache that drops idle prefixes serves and
-- holds.
with
    swept as (
        select
            *,
            timeout_s in (60, 300, 600, 1800, 3600, 7200, 14400) as is_landmark,
            if(timeout_s < 60, 1, if(timeout_s < 3600, 60, 3600)) as unit,
            timeout_s / unit as shown
        from summary_eviction_tradeoff
        where session_kind = 'all' and gap_measure = 'published'
    ),
    -- theirs holds 4 h twice: as the end of its grid, and as a landmark
    doubled as (
        from swept
        union all
        select * replace (false as is_landmark)
        from swept
        where timeout_s = 14400
    )
select
    scope,
    row_number() over (partition by scope order by timeout_s, is_landmark) as rank,
    timeout_s as cache_eviction_timeout_seconds,
    format(if(shown < 10, '{:.2f}', '{:.1f}'), shown) || case
        unit when 1 then 's' when 60 then 'm' else 'h'
    end as cache_eviction_timeout_label,
    is_landmark as landmark_timeout,
    achievable_hit_ratio as achievable_hit_rate,
    ideal_amplification as prefill_amplification,
    redundant_share as redundant_prefill_ratio,
    fresh_share as fresh_floor,
    optimal_hit_ratio as optimal_hit_rate,
    hit_ratio as real_hit_rate,
    observed_amplification as observed_prefill_amplification,
    effective_eviction_s as effective_eviction_seconds,
    suspended_to_active_ratio as storage_ratio_suspended_over_active,
    active_share as kv_active_ratio
from scopes
inner join doubled on replace(scope, 'merged', 'all') = provider
