-- METRICS §14: API-equivalent cost of sessions, requests and steps by class of
-- tokens, where there is a price.
with
    priced as (
        select
            session_id,
            request_id,
            step_id,
            cost_usd::double as total_usd,
            append_cost_usd::double as append_usd,
            prefix_cost_usd::double as prefix_usd,
            output_cost_usd::double as output_usd
        from steps
        where cost_usd is not null
    ),
    units as (
        select 'session' as unit, session_id as unit_id, columns('_usd$')
        from priced
        union all
        select 'request', request_id, columns('_usd$')
        from priced
        where request_id in (select request_id from requests where response_ms > 0)
        union all
        select 'step', step_id, columns('_usd$')
        from priced
    ),
    sums as (
        select
            unit,
            unit_id,
            sum(total_usd) as "Total",
            sum(append_usd) as "Append tokens",
            sum(prefix_usd) as "Prefix tokens",
            sum(output_usd) as "Output tokens"
        from units
        group by unit, unit_id
    ),
    shares as (
        select 'Append tokens' as metric, sum(append_usd) / sum(total_usd) as share
        from priced
        union all
        select 'Prefix tokens', sum(prefix_usd) / sum(total_usd)
        from priced
        union all
        select 'Output tokens', sum(output_usd) / sum(total_usd)
        from priced
    )
select
    unit,
    metric,
    avg(usd) as "Avg",
    quantile_cont(usd, 0.5) as "P50",
    quantile_cont(usd, 0.9) as "P90",
    quantile_cont(usd, 0.99) as "P99",
    any_value(share) as "% cost"
from
    (
        unpivot sums on "Total",
        "Append tokens",
        "Prefix tokens",
        "Output tokens" into name metric value usd
    )
left join shares using (metric)
group by unit, metric
