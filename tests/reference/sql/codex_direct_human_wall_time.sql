-- METRICS §37: how long the calls take that may wait for a person.
with
    above as (
        select
            tool_name,
            coalesce(sum(tool_calls) filter (where above_s >= 60), 0) as wall_gt_1m,
            coalesce(sum(tool_calls) filter (where above_s >= 3600), 0) as wall_gt_1h
        from summary_codex_tool_gap_buckets
        where
            session_kind = 'all'
            and model = 'all'
            and tool_name <> 'all'
            and measure = 'wall'
        group by tool_name
    )
select
    tool_name,
    count as calls,
    count as wall_count,
    total_s as wall_total_s,
    mean as mean_wall_s,
    p50 as p50_wall_s,
    p90 as p90_wall_s,
    p99 as p99_wall_s,
    wall_gt_1m,
    wall_gt_1h
from summary_codex_tool_gap
inner join above using (tool_name)
where
    session_kind = 'all'
    and model = 'all'
    and measure = 'wall'
    and gap_class = 'direct_human'
    and tool_name <> 'all'
