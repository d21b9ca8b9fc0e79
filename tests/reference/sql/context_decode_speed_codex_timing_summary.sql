-- METRICS §25: decoding after the reasoning, and the first token before it.
select
    case
        measure
        when 'first_token_s'
        then 'codex_ttft_seconds'
        else 'codex_pure_decode_tokens_per_second'
    end as metric,
    count as rows,
    coalesce(weighted_mean, mean) as average,
    p25,
    p50 as median,
    p90,
    p99
from summary_decode_speed
where
    provider = 'codex'
    and session_kind = 'all'
    and model = 'all'
    and measure <> 'output_tokens_per_s'
    and context_bin = 'all'
