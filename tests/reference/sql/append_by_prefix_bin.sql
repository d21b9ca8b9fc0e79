-- METRICS §22: what is appended to a prefix of some size.
select
    provider,
    case
        when prefix_low_tokens = 0
        then '<1k'
        when prefix_high_tokens is null
        then '>256k'
        else
            format(
                '{}-{}k',
                (prefix_low_tokens / 1024)::bigint,
                (prefix_high_tokens / 1024)::bigint
            )
    end as prefix,
    count as n,
    mean as avg,
    p50,
    p90,
    p99
from summary_append_by_prefix_bin
where provider <> 'all' and session_kind = 'all' and model = 'all'
