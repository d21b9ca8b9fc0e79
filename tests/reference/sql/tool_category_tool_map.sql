-- METRICS §35: the tools that make up each of the six classes.
select
    coalesce(published_class_6, 'other') as category,
    provider,
    tool_name,
    tool_calls as calls,
    tool_errors as error_calls,
    count - zero_latencies as valid_latency_calls,
    missing_latencies as missing_latency_calls,
    zero_latencies as nonpositive_latency_calls,
    coalesce(total_s, 0) * 1000 as total_latency_ms,
    coalesce(total_s, 0) / 3600 as total_latency_hours,
    coalesce(mean, 0) * 1000 as avg_latency_ms
from summary_tool_latency as latency
left join seeds.tool_categories using (provider, tool_name)
where
    provider <> 'all'
    and session_kind = 'all'
    and model = 'all'
    and latency.tool_category <> 'all'
