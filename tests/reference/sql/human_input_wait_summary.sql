-- METRICS §17: waits for a person.
select
    provider as group,
    count,
    mean as mean_seconds,
    p50 as p50_seconds,
    p90 as p90_seconds,
    p95 as p95_seconds,
    p99 as p99_seconds,
    max as max_seconds
from summary_human_wait
where session_kind = 'all' and model = 'all' and cap = 'all'
