-- METRICS §37: which Codex calls have which time.
select
    tool_name,
    max(tool_calls) as calls,
    max(count) filter (where measure = 'wall') as wall_count,
    max(count) filter (where measure = 'internal') as internal_count,
    wall_count - max(wall_only_calls) as both_count,
    max(wall_only_calls) as wall_only_count,
    max(total_s) filter (where measure = 'wall') as wall_total_s,
    max(total_s) filter (where measure = 'internal') as internal_total_s
from summary_codex_tool_gap
where session_kind = 'all' and model = 'all' and tool_name <> 'all'
group by tool_name
