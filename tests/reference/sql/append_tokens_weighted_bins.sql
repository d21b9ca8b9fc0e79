-- METRICS §21: steps and tokens by size of the append.
select
    case
        bin
        when 0
        then '0'
        when 1
        then '1-10'
        when 2
        then '10-100'
        when 3
        then '100-1k'
        when 4
        then '1k-10k'
        when 5
        then '10k-100k'
        when 6
        then '100k-500k'
        else '>=500k'
    end as label,
    append_low_tokens::bigint as lo_tokens,
    append_high_tokens::bigint as hi_tokens,
    steps as rounds,
    append_tokens as total_append_tokens,
    token_share,
    step_share as round_share
from summary_prefix_append
where provider = 'all' and session_kind = 'all' and model = 'all'
