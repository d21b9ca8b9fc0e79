-- METRICS §34: summed time by tool, both providers together.
select
    tool_name,
    count(*) as tool_calls,
    count(*) filter (where effective_ms > 0) as valid_latency_calls,
    count(*) filter (where effective_ms is null) as missing_latency_calls,
    count(*) filter (where is_error) as error_calls,
    sum(effective_ms) filter (where effective_ms > 0) as total_latency_ms,
    total_latency_ms / 1000 as total_latency_s,
    total_latency_ms / 3600000 as total_latency_hours,
    total_latency_ms / sum(total_latency_ms) over () as latency_share,
    avg(effective_ms) filter (where effective_ms > 0) as avg_latency_ms
from tool_calls
group by tool_name
qualify valid_latency_calls > 0
