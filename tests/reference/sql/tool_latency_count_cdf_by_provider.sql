-- METRICS §33, ruling 17: calls below each threshold, at the thresholds that theirs
-- share
-- with ours: those between the least and the greatest latency of all providers.
-- Beyond an
-- hour they have no round ones.
with
    curves as (
        select *, format('{:.9g}', threshold_s * 1000) as threshold_ms
        from summary_tool_latency_cdf
        where session_kind = 'all' and model = 'all'
    )
select
    provider, threshold_ms, cumulative_count, cumulative_share as cumulative_count_share
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
