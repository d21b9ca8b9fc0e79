-- METRICS §17: waits below a threshold and their sum, at those between the least and
-- the greatest wait of all.
select
    cdf.provider,
    format('{:.9g}', threshold_s) as threshold_seconds,
    cumulative_count,
    cumulative_mass_s as cumulative_seconds,
    cumulative_mass_s / 3600 as cumulative_hours,
    cumulative_share as cumulative_count_share,
    cumulative_mass_share as cumulative_time_share
from summary_human_wait_cdf as cdf
inner join
    summary_human_wait as pooled
    on pooled.provider = 'all'
    and pooled.cap = 'all'
    and threshold_s > pooled.min
    and threshold_s < pooled.max
where
    cdf.provider <> 'all'
    and (cdf.session_kind, cdf.model) = ('all', 'all')
    and (pooled.session_kind, pooled.model) = ('all', 'all')
