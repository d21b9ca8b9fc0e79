-- METRICS §26: append less the previous output. Whether it was taken out, and cut at
-- 0, is a 0 or 1 a pair there.
with
    lengths as (
        select *
        from summary_adjusted_append
        where provider <> 'all' and session_kind = 'all' and model = 'all'
    ),
    places as (
        select
            provider,
            count,
            subtracted_pairs,
            clipped_pairs,
            unnest(range(count)) as place
        from lengths
        where measure = 'append_tokens'
    ),
    flags as (
        select
            provider,
            'subtracted_pair' as metric,
            (place >= count - subtracted_pairs)::integer as flag
        from places
        union all
        select
            provider,
            'clipped_after_subtract',
            (place >= count - clipped_pairs)::integer
        from places
    )
select
    provider,
    case
        measure
        when 'append_tokens'
        then 'raw_append'
        when 'subtracted_tokens'
        then 'previous_output'
        else replace(measure, '_tokens', '')
    end as metric,
    count,
    p50 as median,
    p90,
    p95,
    p99,
    min,
    max
from lengths
union all
select
    provider,
    metric,
    count(*),
    quantile_cont(flag, 0.5),
    quantile_cont(flag, 0.9),
    quantile_cont(flag, 0.95),
    quantile_cont(flag, 0.99),
    min(flag),
    max(flag)
from flags
group by provider, metric
