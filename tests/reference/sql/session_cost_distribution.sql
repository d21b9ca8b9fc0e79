-- METRICS §14: API-equivalent cost of sessions, requests and steps by class of
-- tokens, where there is a price.
select
    unit,
    case
        category
        when 'all'
        then 'Total'
        when 'append'
        then 'Append tokens'
        when 'prefix'
        then 'Prefix tokens'
        when 'output'
        then 'Output tokens'
    end as metric,
    mean as "Avg",
    p50 as "P50",
    p90 as "P90",
    p99 as "P99",
    case when category <> 'all' then total_share end as "% cost"
from summary_cost_distribution
where (provider, session_kind, model, measure) = ('all', 'all', 'all', 'cost_usd')
