-- METRICS §37: the same by size of the gap; here write_stdin stands apart, and what is
-- neither a command nor write_stdin is one class.
select
    if(
        gap_class in ('execution_like', 'write_stdin'), gap_class, 'other_both_timed'
    ) as category,
    ['<=1s', '1-10s', '10s-1m', '1-10m', '10m-1h', '>1h'][bin + 1] as gap_bucket,
    sum(tool_calls)::bigint as calls,
    sum(total_s) as gap_total_s,
    gap_total_s
    / sum(gap_total_s) over (partition by category) as category_gap_share_pct
from summary_codex_tool_gap_buckets
where
    session_kind = 'all'
    and model = 'all'
    and gap_class <> 'all'
    and tool_name = 'all'
    and measure = 'gap'
group by category, bin
