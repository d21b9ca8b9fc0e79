-- METRICS §18: response time of requests.
select
    provider as group,
    count,
    mean as mean_seconds,
    p25 as p25_seconds,
    p50 as p50_seconds,
    p90 as p90_seconds,
    p99 as p99_seconds,
    max as max_seconds
from summary_request_response_time
where session_kind = 'all' and model = 'all'
