-- METRICS §23: how long answers are.
select
    provider as group,
    count,
    min,
    p50,
    p90,
    p95,
    p99,
    max,
    mean,
    count as sample_count,
    'False' as sampled
from summary_output_tokens
where session_kind = 'all' and model = 'all'
