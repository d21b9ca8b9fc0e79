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
    tool_calls as calls,
    call_share as call_share,
    count - zero_latencies as valid_latency_calls,
    missing_latencies as missing_latency_calls,
    zero_latencies as nonpositive_latency_calls,
    coalesce(p25, 0) as p25_seconds,
    coalesce(p50, 0) as p50_seconds,
    coalesce(p90, 0) as p90_seconds,
    coalesce(p99, 0) as p99_seconds
from classes
inner join found on key = tool_class
