-- METRICS §18: response time of requests.
select
    replace(scope, 'merged', 'all') as group,
    count(*) as count,
    avg(response_ms) / 1000 as mean_seconds,
    quantile_cont(response_ms, 0.25) / 1000 as p25_seconds,
    quantile_cont(response_ms, 0.5) / 1000 as p50_seconds,
    quantile_cont(response_ms, 0.9) / 1000 as p90_seconds,
    quantile_cont(response_ms, 0.99) / 1000 as p99_seconds,
    max(response_ms) / 1000 as max_seconds
from scopes
inner join requests on scope in ('merged', provider)
where response_ms > 0
group by scope
