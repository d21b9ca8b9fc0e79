-- METRICS §12: how the prompt grows from step to step.
with
    growth as (
        select cells.scope, cells.trigger, published_trigger, summary_input_growth.*
        from cells
        left join
            summary_input_growth
            on cells.scope = replace(provider, 'all', 'merged')
            and cells.trigger = summary_input_growth.trigger
            and session_kind = 'all'
            and model = 'all'
    ),
    buckets as (
        select
            scope,
            published_trigger,
            map_from_entries(list((growth_bucket, count))) as steps,
            map_from_entries(list((growth_bucket, growth_tokens))) as tokens,
            map_from_entries(list((growth_bucket, mean))) as means,
            map_from_entries(list((growth_bucket, min))) as least,
            any_value(p10) filter (where growth_bucket = 'all') as p10,
            any_value(p50) filter (where growth_bucket = 'all') as p50,
            any_value(p90) filter (where growth_bucket = 'all') as p90
        from growth
        group by scope, published_trigger
    )
select
    scope,
    published_trigger as trigger,
    coalesce(steps['all'], 0) as rounds,
    coalesce(steps['positive'], 0) as positive,
    positive / nullif(rounds, 0) as positive_pct,
    coalesce(steps['zero'], 0) as zero,
    zero / nullif(rounds, 0) as zero_pct,
    coalesce(steps['negative'], 0) as negative,
    negative / nullif(rounds, 0) as negative_pct,
    coalesce(steps['micro'], 0) as micro_reduction,
    micro_reduction / nullif(rounds, 0) as micro_pct,
    coalesce(steps['ordinary'], 0) as ordinary_reduction,
    ordinary_reduction / nullif(rounds, 0) as ordinary_pct,
    coalesce(steps['major'], 0) as major_reduction,
    major_reduction / nullif(rounds, 0) as major_pct,
    tokens['positive'] as total_context_increase,
    means['all'] as avg_raw_delta,
    p10 as p10_raw_delta,
    p50 as median_raw_delta,
    p90 as p90_raw_delta,
    means['positive'] as avg_positive_growth,
    total_context_increase / nullif(rounds, 0) as avg_clipped_growth,
    - means['negative'] as avg_reduction,
    (- least['negative'])::bigint as max_reduction
from buckets
