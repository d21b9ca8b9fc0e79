-- METRICS §17: waits for a person.
select
    replace(scope, 'merged', 'all') as group,
    count(*) as count,
    avg(human_wait_ms) / 1000 as mean_seconds,
    quantile_cont(human_wait_ms, 0.5) / 1000 as p50_seconds,
    quantile_cont(human_wait_ms, 0.9) / 1000 as p90_seconds,
    quantile_cont(human_wait_ms, 0.95) / 1000 as p95_seconds,
    quantile_cont(human_wait_ms, 0.99) / 1000 as p99_seconds,
    max(human_wait_ms) / 1000 as max_seconds
from scopes
inner join steps on scope in ('merged', provider)
where human_wait_ms > 0
group by scope
