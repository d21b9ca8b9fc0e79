-- METRICS §38: how the hit ratio is spread, over steps that a message or a tool
-- result started.
with
    bands as (
        select
            provider,
            trigger,
            sum(append_tokens) as append_tokens,
            sum(step_share) filter (where high <= 0.5) as steps_below_50,
            sum(step_share) filter (where low >= 0.9) as steps_from_90,
            sum(step_share) filter (where low >= 0.95) as steps_from_95,
            sum(step_share) filter (where low >= 0.98) as steps_from_98,
            sum(step_share) filter (where low >= 0.99) as steps_from_99,
            sum(append_share) filter (where high <= 0.5) as append_below_50,
            sum(append_share) filter (where low >= 0.9) as append_from_90
        from summary_cache_hit_ratio_bins
        where binning = 'coarse' and session_kind = 'all' and model = 'all'
        group by provider, trigger
    )
select
    scope,
    published_trigger as trigger,
    count as rounds,
    bands.append_tokens,
    mean as mean_hit_ratio,
    p01,
    p05,
    p10,
    p25,
    p50 as median,
    p75,
    p90,
    p95,
    p99,
    steps_below_50 as round_hit_lt_0_5_pct,
    1 - steps_below_50 - steps_from_90 as round_hit_0_5_to_0_9_pct,
    steps_from_90 as round_hit_gte_0_9_pct,
    steps_from_95 as round_hit_gte_0_95_pct,
    steps_from_98 as round_hit_gte_0_98_pct,
    steps_from_99 as round_hit_gte_0_99_pct,
    append_below_50 as append_hit_lt_0_5_pct,
    1 - append_below_50 - append_from_90 as append_hit_0_5_to_0_9_pct,
    append_from_90 as append_hit_gte_0_9_pct
from cells
inner join
    summary_cache_hit_ratio as hits
    on replace(scope, 'merged', 'all') = hits.provider
    and session_kind = 'all'
    and model = 'all'
    and cells.trigger = hits.trigger
inner join bands on hits.provider = bands.provider and hits.trigger = bands.trigger
