-- METRICS §35: calls and their time by four bins of latency, both providers together.
select
    ['lt_1s', '1_10s', '10s_1m', 'gt_1m'][bin + 1] as bin,
    ['<1s', '1-10s', '10s-1m', '>1m'][tail.bin + 1] as label,
    low_s * 1000 as min_latency_ms,
    high_s * 1000 as max_latency_ms,
    tool_calls as calls,
    call_share,
    total_s * 1000 as total_latency_ms,
    total_s / 3600 as total_latency_hours,
    time_share as latency_share
from summary_tool_long_tail as tail
where
    provider = 'all'
    and session_kind = 'all'
    and model = 'all'
    and tool_category = 'all'
    and call_kind = 'all'
