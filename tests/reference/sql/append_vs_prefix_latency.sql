-- METRICS §30: all segments up to a tool call, and the buckets together.
select
    all_segments as "load_stats.input_rows",
    small_segments as "load_stats.skipped_small_total",
    all_segments - segments as "load_stats.skipped_split_or_non_tool_call_segment",
    segments - small_segments as "load_stats.usable_rows",
    trimmed_segments as "trim_stats.trimmed_rows",
    segments - small_segments - trimmed_segments as "trim_stats.rows_after_trim",
    append_heavy_segments as "summary.class_counts.append_heavy",
    prefix_heavy_segments as "summary.class_counts.prefix_heavy",
    "trim_stats.rows_after_trim"
    - append_heavy_segments
    - prefix_heavy_segments as "summary.class_counts.middle_rows",
    buckets as "summary.matched_buckets",
    matched_append_segments as "summary.matched_append_rows",
    matched_prefix_segments as "summary.matched_prefix_rows",
    pairs as "summary.matched_pair_count",
    slower_buckets as "summary.buckets_where_append_median_slower",
    slower_buckets
    / nullif(buckets, 0) as "summary.bucket_append_median_slower_fraction",
    p50_ratio as "summary.median_bucket_median_duration_ratio",
    slower_probability as "summary.pair_weighted_append_slower_probability",
    cliffs_delta as "summary.pair_weighted_cliffs_delta",
    bucket_accuracy as "summary.row_weighted_bucket_threshold_balanced_accuracy",
    normalized_slower_probability
    as "summary.global_normalized_append_slower_probability",
    normalized_accuracy as "summary.global_normalized_best_balanced_accuracy",
    normalized_threshold as "summary.global_normalized_best_threshold",
    prefix_recall as "summary.global_normalized_prefix_recall",
    append_recall as "summary.global_normalized_append_recall",
    case
        verdict
        when 'rejected'
        then 'rejects append-slower separation'
        when 'inconclusive'
        then 'inconclusive: no matched buckets with both classes'
        else verdict
    end as "summary.verdict"
from summary_append_vs_prefix_latency
cross join
    (
        select sum(segments) as all_segments
        from summary_timing_fit
        where (session_kind, fit) = ('all', 'median')
    )
where (provider, session_kind) = ('all', 'all')
