-- METRICS §33, ruling 17: time of the calls below each threshold; which thresholds, see
-- tool_latency_count_cdf_by_provider.sql.
with
    curves as (
        select *, format('{:.9g}', threshold_s * 1000) as threshold_ms
        from summary_tool_latency_cdf
        where session_kind = 'all' and model = 'all'
    )
select
    provider,
    threshold_ms,
    cumulative_count as cumulative_tool_calls,
    cumulative_s * 1000 as cumulative_latency_ms,
    cumulative_s as cumulative_latency_s,
    cumulative_s / 3600 as cumulative_latency_hours,
    cumulative_share as cumulative_call_share,
    cumulative_time_share as cumulative_latency_share
from curves
where
    provider <> 'all'
    and bin in (
        select bin
        from curves
        where
            provider = 'all'
            and cumulative_count between 1 and count - 1
            and threshold_s not in (21600, 86400, 604800)
    )
