-- METRICS §31: segments of the same tokens.
select
    provider,
    model,
    published_kind as segment_kind,
    prefix_min_tokens as cached_tokens,
    append_min_tokens as append_tokens,
    output_min_tokens as segment_output_tokens,
    segments as rows
from summary_timing_ambiguity
inner join segment_kinds using (provider, segment_kind)
where likeness = 'exact' and bins <> 'all'
