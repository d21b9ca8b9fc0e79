-- METRICS §34: summed time by tool, both providers together.
select
    tool_name,
    time.tool_calls,
    time.count - zero_latencies as valid_latency_calls,
    missing_latencies as missing_latency_calls,
    tool_errors as error_calls,
    time.total_s * 1000 as total_latency_ms,
    time.total_s as total_latency_s,
    time.total_s / 3600 as total_latency_hours,
    time_share as latency_share,
    time.mean * 1000 as avg_latency_ms
from summary_tool_time as time
inner join
    summary_tool_latency as latency using (
        provider, session_kind, model, tool_category, tool_name
    )
where
    provider = 'all'
    and session_kind = 'all'
    and model = 'all'
    and tool_category <> 'all'
    and valid_latency_calls > 0
