-- One row per cut, scheme and class of tools: calls, failures and time of each class.
with
    calls as (
        select
            provider,
            session_kind,
            model,
            tool_category,
            is_error,
            effective_ms,
            true as is_call,
            coalesce(published_class_6, 'other') as published_6,
            coalesce(published_class_7, 'other') as published_7
        from {{ ref("tool_calls") }}
        left join
            (
                select provider, tool_name, published_class_6, published_class_7
                from {{ ref("tool_categories") }}
            ) using (provider, tool_name)
    ),
    -- every cut has every class
    filled as (
        from calls
        union all by name
        select *
        from
            (select distinct provider, session_kind, model from {{ ref("tool_calls") }})
        cross join
            (
                select distinct
                    tool_category,
                    published_class_6 as published_6,
                    published_class_7 as published_7
                from {{ ref("tool_categories") }}
            )
    ),
    classes as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            case
                when grouping(tool_category) = 0
                then 'ours'
                when grouping(published_6) = 0
                then 'published_6'
                else 'published_7'
            end as scheme,
            coalesce(tool_category, published_6, published_7) as tool_class,
            count(is_call) as tool_calls,
            count(is_error) as known_outcomes,
            count(*) filter (where is_error) as tool_errors,
            count(*) filter (
                where is_call and effective_ms is null
            ) as missing_latencies,
            count(*) filter (where effective_ms = 0) as zero_latencies,
            {{ distribution("effective_ms", per=1000) }},
            if(count(is_call) = 0, 0, sum(effective_ms)) as total_ms
        from filled
        group by
            {{ cuts() }}, grouping sets ((tool_category), (published_6), (published_7))
    )
select
    provider,
    session_kind,
    model,
    scheme,
    tool_class,
    tool_calls,
    tool_calls / sum(tool_calls) over cut as call_share,
    known_outcomes,
    tool_errors,
    tool_errors / nullif(known_outcomes, 0) as error_share,
    missing_latencies,
    zero_latencies,
    count,
    mean,
    min,
    p10,
    p25,
    p50,
    p75,
    p90,
    p95,
    p99,
    max,
    total_ms / 1000 as total_s,
    total_ms / nullif(sum(total_ms) over cut, 0) as time_share
from classes
window cut as (partition by provider, session_kind, model, scheme)
