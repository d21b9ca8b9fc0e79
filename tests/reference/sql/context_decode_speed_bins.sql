-- METRICS §25: output over generation time by context, bins of 250 steps or more.
select
    provider,
    round(context_low_tokens * sqrt(2))::bigint as context_bin_midpoint_tokens,
    count as rows,
    p25 as p25_normalized_decode_tokens_per_second,
    p50 as median_normalized_decode_tokens_per_second,
    p90 as p90_normalized_decode_tokens_per_second
from summary_decode_speed
where
    provider <> 'all'
    and session_kind = 'all'
    and model = 'all'
    and measure = 'output_tokens_per_s'
    and context_bin <> 'all'
    and count >= 250
