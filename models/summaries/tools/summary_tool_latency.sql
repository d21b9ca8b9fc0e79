-- One row per tool, and all: how long its calls take, in seconds.
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    {{ pooled("model") }},
    case
        when grouping(tool_name) = 1
        then 'all'
        -- a tool that one client knows and the other does not has a category all the
        -- same
        else coalesce(max(nullif(tool_category, 'other')), 'other')
    end as tool_category,
    {{ pooled("tool_name") }},
    count(*) as tool_calls,
    count(if(is_error, true, null)) as tool_errors,
    count(if(effective_ms is null, true, null)) as missing_latencies,
    count(if(effective_ms = 0, true, null)) as zero_latencies,
    count(if(latency_source = 'internal', true, null)) as internal_latencies,
    {{ distribution("effective_ms", per=1000) }},
    sum(effective_ms) / 1000 as total_s,
    count(if(effective_ms > 3600000, true, null)) as long_calls,
    coalesce(sum(if(effective_ms > 3600000, effective_ms, null)), 0)
    / 1000 as long_total_s,
    count(
        if(wall_ms > 3600000 and effective_ms <= 3600000, true, null)
    ) as long_wall_calls
from {{ ref("tool_calls") }}
group by {{ cuts() }}, grouping sets ((), (tool_name))
