-- METRICS §35: the seven presentation classes; one without calls has a row of zeros.
with
    classes as (
        select
            unnest(
                map_entries(
                    map{
                        'shell_command':'Shell / command',
                        'file_edit_patch':'File edit / patch',
                        'file_read_search':'File read / search',
                        'planning_control':'Planning',
                        'agent_task':'Agent / task',
                        'web_lookup':'Web / lookup',
                        'other':'Other'
                    }
                ),
                recursive := true
            )
    ),
    found as (
        select *
        from summary_tool_categories
        where
            provider = 'all'
            and session_kind = 'all'
            and model = 'all'
            and scheme = 'published_7'
    )
select
    key as category,
    value as label,
    coalesce(tool_calls, 0) as calls,
    coalesce(call_share, 0) as call_share,
    coalesce(count - zero_latencies, 0) as valid_latency_calls,
    coalesce(missing_latencies, 0) as missing_latency_calls,
    coalesce(zero_latencies, 0) as nonpositive_latency_calls,
    coalesce(p25, 0) as p25_seconds,
    coalesce(p50, 0) as p50_seconds,
    coalesce(p90, 0) as p90_seconds,
    coalesce(p99, 0) as p99_seconds
from classes
left join found on key = tool_class
