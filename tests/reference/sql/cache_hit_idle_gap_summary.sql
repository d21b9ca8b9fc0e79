-- METRICS §39 with the published gap: whether steps of a low hit ratio follow long
-- gaps.
with
    gaps as (
        select
            cache_reuse.provider,
            cache_reuse.trigger,
            cache_reuse.hit_ratio,
            published_gap_ms / 1000 as gap_s,
            cache_reuse.hit_ratio < 0.1 as is_low,
            gap_s > 300 as is_idle
        from cache_reuse
        left join idle_gaps using (step_id)
        where
            cache_reuse.trigger in ('user', 'tool')
            and cache_reuse.hit_ratio is not null
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
    count(hit_ratio) as rounds,
    0.1::double as low_hit_threshold,
    300::double as idle_threshold_seconds,
    count(*) filter (where is_low) as low_hit_rounds,
    count(gap_s) filter (where is_low) as low_with_gap,
    count(*) filter (where is_low and is_idle) as low_gt_idle,
    low_gt_idle / nullif(low_with_gap, 0) as low_gt_idle_share,
    count(gap_s) as all_with_gap,
    count(*) filter (where is_idle) / nullif(all_with_gap, 0) as all_gt_idle_share,
    count(*) filter (where is_idle and not is_low)
    / nullif(count(gap_s) filter (where not is_low), 0) as nonlow_gt_idle_share,
    quantile_cont(gap_s, 0.5) filter (where is_low) as low_gap_median_s,
    quantile_cont(gap_s, 0.9) filter (where is_low) as low_gap_p90_s,
    quantile_cont(gap_s, 0.5) as all_gap_median_s,
    quantile_cont(gap_s, 0.9) as all_gap_p90_s
from cells
left join
    gaps on scope in ('merged', provider) and cells.trigger in ('all', gaps.trigger)
group by scope, cells.trigger, published_trigger
