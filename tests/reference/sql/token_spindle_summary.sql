-- METRICS §27: the shape of prefix, adjusted append and output.
select
    replace(measure, 'visible_', '') as metric,
    count,
    positive_steps as positive_count,
    zero_steps as zero_count,
    p25,
    p50 as median,
    p90,
    p95,
    p99,
    min,
    max
from summary_token_spindles
where provider = 'all' and session_kind = 'all' and model = 'all'
