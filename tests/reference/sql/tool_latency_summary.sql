-- METRICS §33: latency by tool, both providers together.
with
    by_provider as (
        select tool_name, provider, count(*) as calls
        from tool_calls
        group by tool_name, provider
    ),
    providers as (
        select
            tool_name,
            string_agg(
                provider || ':' || calls, ';' order by calls desc, provider
            ) as providers
        from by_provider
        group by tool_name
    )
select
    tool_name,
    count(*) as calls,
    count(*) filter (where effective_ms > 0) as latency_count,
    count(*) filter (where effective_ms is null) as missing_latency,
    count(*) filter (where effective_ms <= 0) as nonpositive_latency,
    count(*) filter (where is_error) as error_calls,
    avg(effective_ms) filter (where effective_ms > 0) as mean_ms,
    min(effective_ms) filter (where effective_ms > 0) as min_ms,
    quantile_cont(effective_ms, 0.5) filter (where effective_ms > 0) as p50_ms,
    quantile_cont(effective_ms, 0.9) filter (where effective_ms > 0) as p90_ms,
    quantile_cont(effective_ms, 0.99) filter (where effective_ms > 0) as p99_ms,
    max(effective_ms) filter (where effective_ms > 0) as max_ms,
    latency_count as sample_count,
    false as sampled,
    any_value(providers) as providers
from tool_calls
inner join providers using (tool_name)
group by tool_name
