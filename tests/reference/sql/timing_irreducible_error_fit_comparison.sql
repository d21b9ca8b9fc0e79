-- METRICS §31: fits beside what no fit can explain.
select
    provider,
    model,
    published_kind as segment_kind,
    floor_covered_share as local_coverage
from summary_timing_fit
inner join segment_kinds using (provider, segment_kind)
where fit = 'duration' and session_kind = 'all' and floor_covered_share is not null
