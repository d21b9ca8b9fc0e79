-- METRICS §35: the six coarse classes; one without calls has a row of zeros.
with
    classes as (
        select
            unnest(
                map_entries(
                    map{
                        'execute_command':'Execute command',
                        'file_write_edit':'File write/edit',
                        'file_read_search_inspect':'File read/search',
                        'agent_task':'Agent/task',
                        'web_remote_lookup':'Web/remote/lookup',
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
            and scheme = 'published_6'
    )
select
    key as category,
    value as label,
    tool_calls as calls,
    call_share as call_share,
    tool_errors as error_calls,
    coalesce(tool_errors / nullif(tool_calls, 0), 0) as error_rate,
    count - zero_latencies as valid_latency_calls,
    missing_latencies as missing_latency_calls,
    zero_latencies as nonpositive_latency_calls,
    total_s * 1000 as total_latency_ms,
    total_s / 3600 as total_latency_hours,
    coalesce(time_share, 0) as latency_share,
    coalesce(mean, 0) * 1000 as avg_latency_ms,
    coalesce(mean, 0) as avg_latency_seconds
from classes
inner join found on key = tool_class
