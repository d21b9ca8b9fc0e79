-- METRICS §38: how the hit ratio is spread, over steps that a message or a tool
-- result started.
select
    scope,
    published_trigger as trigger,
    count(step_id) as rounds,
    coalesce(sum(append_tokens), 0) as append_tokens,
    avg(hit_ratio) as mean_hit_ratio,
    quantile_cont(hit_ratio, 0.01) as p01,
    quantile_cont(hit_ratio, 0.05) as p05,
    quantile_cont(hit_ratio, 0.1) as p10,
    quantile_cont(hit_ratio, 0.25) as p25,
    quantile_cont(hit_ratio, 0.5) as median,
    quantile_cont(hit_ratio, 0.75) as p75,
    quantile_cont(hit_ratio, 0.9) as p90,
    quantile_cont(hit_ratio, 0.95) as p95,
    quantile_cont(hit_ratio, 0.99) as p99,
    count(*) filter (where hit_ratio < 0.5) / nullif(rounds, 0) as round_hit_lt_0_5_pct,
    count(*) filter (where hit_ratio >= 0.5 and hit_ratio < 0.9)
    / nullif(rounds, 0) as round_hit_0_5_to_0_9_pct,
    count(*) filter (where hit_ratio >= 0.9)
    / nullif(rounds, 0) as round_hit_gte_0_9_pct,
    count(*) filter (where hit_ratio >= 0.95)
    / nullif(rounds, 0) as round_hit_gte_0_95_pct,
    count(*) filter (where hit_ratio >= 0.98)
    / nullif(rounds, 0) as round_hit_gte_0_98_pct,
    count(*) filter (where hit_ratio >= 0.99)
    / nullif(rounds, 0) as round_hit_gte_0_99_pct,
    coalesce(sum(append_tokens) filter (where hit_ratio < 0.5), 0)
    / sum(append_tokens) as append_hit_lt_0_5_pct,
    coalesce(sum(append_tokens) filter (where hit_ratio >= 0.5 and hit_ratio < 0.9), 0)
    / sum(append_tokens) as append_hit_0_5_to_0_9_pct,
    coalesce(sum(append_tokens) filter (where hit_ratio >= 0.9), 0)
    / sum(append_tokens) as append_hit_gte_0_9_pct
from cells
left join
    cache_reuse
    on scope in ('merged', provider)
    and cells.trigger in ('all', cache_reuse.trigger)
    and cache_reuse.trigger in ('user', 'tool')
    and hit_ratio is not null
group by scope, cells.trigger, published_trigger
