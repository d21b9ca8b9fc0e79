-- METRICS §20: how long prefix, append and output are.
select
    provider,
    replace(measure, '_tokens', '') as measure,
    count as n,
    mean as avg,
    p25,
    p50,
    p90,
    p99
from summary_token_lengths
where
    provider <> 'all'
    and session_kind = 'all'
    and model = 'all'
    and measure in ('prefix_tokens', 'append_tokens', 'output_tokens')
