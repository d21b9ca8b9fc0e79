-- METRICS §33: calls and their time by coarse bins of latency, both providers together.
select
    ['<10ms', '10-100ms', '100ms-1s', '1-10s', '10s-1m', '1-10m', '10m-1h', '>=1h'][
        bin + 1
    ] as label,
    (low_s * 1000)::bigint as lo_ms,
    (high_s * 1000)::bigint as hi_ms,
    tool_calls,
    tool_errors as error_calls,
    total_s * 1000 as total_latency_ms,
    total_s as total_latency_s,
    total_s / 3600 as total_latency_hours,
    time_share as latency_share,
    call_share
from summary_tool_latency_bins
where provider = 'all' and session_kind = 'all' and model = 'all'
