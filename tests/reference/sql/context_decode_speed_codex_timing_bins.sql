-- METRICS §25: decoding and the first token by context, bins of 250 steps or more.
select
    case
        measure
        when 'first_token_s'
        then 'codex_ttft_seconds'
        else 'codex_pure_decode_tokens_per_second'
    end as metric,
    round(context_low_tokens * sqrt(2))::bigint as context_bin_midpoint_tokens,
    count as rows,
    p25,
    p50 as median,
    p90
from summary_decode_speed
where
    provider = 'codex'
    and session_kind = 'all'
    and model = 'all'
    and measure <> 'output_tokens_per_s'
    and context_bin <> 'all'
    and count >= 250
