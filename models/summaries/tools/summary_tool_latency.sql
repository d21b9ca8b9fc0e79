-- One row per tool, and all: how long its calls take, in seconds.
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    {{ pooled("model") }},
    {{ pooled("tool_category") }},
    {{ pooled("tool_name") }},
    count(*) as tool_calls,
    count(*) filter (where is_error) as tool_errors,
    count(*) filter (where effective_ms is null) as missing_latencies,
    count(*) filter (where effective_ms = 0) as zero_latencies,
    count(*) filter (where latency_source = 'internal') as internal_latencies,
    {{ distribution("effective_ms", per=1000) }},
    sum(effective_ms) / 1000 as total_s
from {{ ref("tool_calls") }}
group by {{ cuts() }}, grouping sets ((), (tool_category, tool_name))
