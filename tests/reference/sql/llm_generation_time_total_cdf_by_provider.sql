-- METRICS §24: the time below each threshold that both grids have.
select
    provider,
    threshold_s as duration_threshold_seconds,
    threshold_s in (
        0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 21600, 86400, 604800
    ) as landmark_boundary,
    cumulative_count,
    cumulative_s as cumulative_seconds,
    cumulative_s / 3600 as cumulative_hours,
    cumulative_share as cumulative_count_share,
    cumulative_time_share
from summary_generation_time_cdf
where
    provider <> 'all'
    and session_kind = 'all'
    and model = 'all'
    -- theirs lie between the least and the greatest of all values
    and threshold_s > (select min(min) from summary_generation_time)
    and threshold_s < (select max(max) from summary_generation_time)
