-- METRICS §31: segments of nearly the same tokens.
select
    provider,
    model,
    published_kind as segment_kind,
    bins,
    segments as rows
from summary_timing_ambiguity
inner join segment_kinds using (provider, segment_kind)
where likeness = 'near' and bins <> 'all'
