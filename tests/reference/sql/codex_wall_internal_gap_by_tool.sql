-- METRICS §37: what lies outside the command, by tool.
with
    gaps as (
        select *
        from summary_codex_tool_gap
        where session_kind = 'all' and model = 'all' and tool_name <> 'all'
    ),
    timed as (
        select
            tool_name,
            max(timed_total_s) filter (where measure = 'wall') as wall_total_s,
            max(timed_total_s) filter (where measure = 'internal') as internal_total_s
        from gaps
        group by tool_name
    ),
    above as (
        select
            tool_name,
            coalesce(sum(tool_calls) filter (where above_s >= 1), 0) as gap_gt_1s,
            coalesce(sum(tool_calls) filter (where above_s >= 10), 0) as gap_gt_10s,
            coalesce(sum(tool_calls) filter (where above_s >= 60), 0) as gap_gt_1m,
            coalesce(sum(tool_calls) filter (where above_s >= 600), 0) as gap_gt_10m,
            coalesce(sum(tool_calls) filter (where above_s >= 3600), 0) as gap_gt_1h
        from summary_codex_tool_gap_buckets
        where
            session_kind = 'all'
            and model = 'all'
            and tool_name <> 'all'
            and measure = 'gap'
        group by tool_name
    )
select
    tool_name,
    timed_calls as calls,
    wall_total_s,
    internal_total_s,
    total_s as gap_total_s,
    timed_wall_share as gap_share_of_wall_pct,
    mean as mean_gap_s,
    p50 as p50_gap_s,
    p90 as p90_gap_s,
    p99 as p99_gap_s,
    above.* exclude (tool_name)
from gaps
inner join timed using (tool_name)
inner join above using (tool_name)
where measure = 'gap'
