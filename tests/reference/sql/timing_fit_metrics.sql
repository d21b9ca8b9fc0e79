-- METRICS §29: the groups that are fitted; the errors are not comparable.
select
    provider,
    model,
    published_kind as segment_kind,
    concat_ws('::', provider, model, published_kind) as group_key,
    segments as raw_rows,
    segments - trimmed_segments as fit_rows,
    trimmed_segments as removed_rows,
    if(train_segments is null, 'fewer than 100 rows after filtering', null) as skipped,
    if(skipped is null, 1000 * duration_p50_s, null) as duration_p50_ms,
    if(skipped is null, 1000 * duration_p90_s, null) as duration_p90_ms,
    if(skipped is null, 1000 * duration_p99_s, null) as duration_p99_ms
from summary_timing_fit
inner join segment_kinds using (provider, segment_kind)
where fit = 'duration' and session_kind = 'all'
