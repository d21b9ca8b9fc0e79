-- METRICS §30: buckets of like segments.
select
    provider,
    model,
    published_kind as segment_kind,
    total_bin,
    output_bin,
    matched_prefix_segments as prefix_rows,
    matched_append_segments as append_rows,
    pairs as pair_count,
    total_p50_tokens as total_tokens_median,
    output_p50_tokens as output_tokens_median,
    prefix_append_share_p50 as prefix_append_share_median,
    append_append_share_p50 as append_append_share_median,
    1000 * prefix_p50_s as prefix_duration_median_ms,
    1000 * append_p50_s as append_duration_median_ms,
    p50_ratio as median_ratio,
    slower_probability as append_slower_probability,
    cliffs_delta,
    normalized_threshold as best_normalized_threshold,
    normalized_accuracy as best_balanced_accuracy,
    prefix_recall,
    append_recall
from summary_append_vs_prefix_latency
inner join segment_kinds using (provider, segment_kind)
