-- METRICS §12: how the prompt grows from step to step.
with
    pairs as (
        select provider, trigger, context_growth_tokens as delta
        from steps
        where previous_step_id is not null and trigger in ('user', 'tool')
    )
select
    scope,
    published_trigger as trigger,
    count(delta) as rounds,
    count(*) filter (where delta > 0) as positive,
    positive / nullif(rounds, 0) as positive_pct,
    count(*) filter (where delta = 0) as zero,
    zero / nullif(rounds, 0) as zero_pct,
    count(*) filter (where delta < 0) as negative,
    negative / nullif(rounds, 0) as negative_pct,
    count(*) filter (where delta between -1024 and -1) as micro_reduction,
    micro_reduction / nullif(rounds, 0) as micro_pct,
    count(*) filter (where delta between -63999 and -1025) as ordinary_reduction,
    ordinary_reduction / nullif(rounds, 0) as ordinary_pct,
    count(*) filter (where delta <= -64000) as major_reduction,
    major_reduction / nullif(rounds, 0) as major_pct,
    sum(greatest(delta, 0)) as total_context_increase,
    avg(delta) as avg_raw_delta,
    quantile_cont(delta, 0.1) as p10_raw_delta,
    quantile_cont(delta, 0.5) as median_raw_delta,
    quantile_cont(delta, 0.9) as p90_raw_delta,
    avg(delta) filter (where delta > 0) as avg_positive_growth,
    avg(greatest(delta, 0)) as avg_clipped_growth,
    avg(- delta) filter (where delta < 0) as avg_reduction,
    max(- delta) filter (where delta < 0) as max_reduction
from cells
left join
    pairs on scope in ('merged', provider) and cells.trigger in ('all', pairs.trigger)
group by scope, cells.trigger, published_trigger
