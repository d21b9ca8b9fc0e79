-- METRICS §25: output over generation time.
select
    provider,
    count as rows,
    context_p50_tokens as median_context_tokens,
    context_p90_tokens as p90_context_tokens,
    context_p99_tokens as p99_context_tokens,
    weighted_mean as token_weighted_average_normalized_decode_tokens_per_second,
    p25 as p25_normalized_decode_tokens_per_second,
    p50 as median_normalized_decode_tokens_per_second,
    p90 as p90_normalized_decode_tokens_per_second,
    p99 as p99_normalized_decode_tokens_per_second,
    above_cap_steps as rows_above_display_cap,
    above_cap_steps / count as share_above_display_cap
from summary_decode_speed
where
    provider <> 'all'
    and session_kind = 'all'
    and model = 'all'
    and measure = 'output_tokens_per_s'
    and context_bin = 'all'
