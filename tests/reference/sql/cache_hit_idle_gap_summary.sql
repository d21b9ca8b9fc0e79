-- METRICS §39 with the published gap: whether steps of a low hit ratio follow long
-- gaps.
with
    bands as (
        select *
        from summary_cache_hit_idle
        where session_kind = 'all' and model = 'all' and gap_measure = 'published'
    )
select
    scope,
    published_trigger as trigger,
    case
        cells.trigger
        when 'all'
        then 'mixed_user_idle_wait_or_tool_duration'
        when 'user'
        then 'user_idle_wait_since_previous_activity'
        else 'tool_duration_result_at_minus_emitted_at'
    end as time_measure,
    every.steps as rounds,
    0.1::double as low_hit_threshold,
    300::double as idle_threshold_seconds,
    coalesce(low.steps, 0) as low_hit_rounds,
    coalesce(low.count, 0) as low_with_gap,
    coalesce(low.idle_steps, 0) as low_gt_idle,
    low.idle_share as low_gt_idle_share,
    every.count as all_with_gap,
    every.idle_share as all_gt_idle_share,
    other.idle_share as nonlow_gt_idle_share,
    low.p50 as low_gap_median_s,
    low.p90 as low_gap_p90_s,
    every.p50 as all_gap_median_s,
    every.p90 as all_gap_p90_s
from cells
inner join
    bands as every
    on replace(scope, 'merged', 'all') = every.provider
    and cells.trigger = every.trigger
    and every.hit_band = 'all'
left join
    bands as low
    on every.provider = low.provider
    and every.trigger = low.trigger
    and low.hit_band = 'low'
left join
    bands as other
    on every.provider = other.provider
    and every.trigger = other.trigger
    and other.hit_band = 'other'
