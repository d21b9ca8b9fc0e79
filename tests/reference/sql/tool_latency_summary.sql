-- METRICS §33: latency by tool, both providers together.
with
    tools as (
        select *
        from summary_tool_latency
        where session_kind = 'all' and model = 'all' and tool_category <> 'all'
    ),
    providers as (
        select
            tool_name,
            string_agg(
                provider || ':' || tool_calls, ';' order by tool_calls desc, provider
            ) as providers
        from tools
        where provider <> 'all'
        group by tool_name
    )
select
    tool_name,
    tool_calls as calls,
    count - zero_latencies as latency_count,
    missing_latencies as missing_latency,
    zero_latencies as nonpositive_latency,
    tool_errors as error_calls,
    mean * 1000 as mean_ms,
    min * 1000 as min_ms,
    p50 * 1000 as p50_ms,
    p90 * 1000 as p90_ms,
    p99 * 1000 as p99_ms,
    max * 1000 as max_ms,
    latency_count as sample_count,
    false as sampled,
    providers
from tools
inner join providers using (tool_name)
where provider = 'all'
