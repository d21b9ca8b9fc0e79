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
    count(*) filter (where is_error) as tool_errors,
    count(*) filter (where effective_ms is null) as missing_latencies,
    count(*) filter (where effective_ms = 0) as zero_latencies,
    count(*) filter (where latency_source = 'internal') as internal_latencies,
    {{ distribution("effective_ms", per=1000) }},
    sum(effective_ms) / 1000 as total_s,
    count(*) filter (where effective_ms > 3600000) as long_calls,
    coalesce(sum(effective_ms) filter (where effective_ms > 3600000), 0)
    / 1000 as long_total_s,
    count(*) filter (
        where wall_ms > 3600000 and effective_ms <= 3600000
    ) as long_wall_calls
from {{ ref("tool_calls") }}
group by {{ cuts() }}, grouping sets ((), (tool_name))
