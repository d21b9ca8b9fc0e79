-- METRICS §21: how long prefix and append are. Negative counts enter no warehouse.
select
    provider as group,
    replace(measure, 'append', 'newly_append') as metric,
    steps as rows,
    count,
    missing_steps as missing,
    0 as invalid,
    mean,
    min,
    p50,
    p90,
    p99,
    max,
    count as sample_count,
    'False' as sampled
from summary_token_lengths
where
    session_kind = 'all'
    and model = 'all'
    and measure in ('prefix_tokens', 'append_tokens')
