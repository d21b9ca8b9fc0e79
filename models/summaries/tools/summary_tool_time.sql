-- One row per cut and tool, and all: which tools own the time, and whose time it is.
with
    calls as (select * from {{ ref("tool_calls") }}),
    tools as (
        select
            provider,
            session_kind,
            model,
            tool_category,
            tool_name,
            count(*) as tool_calls,
            count(effective_ms) as timed_calls,
            sum(effective_ms) as total_ms,
            sum(effective_ms) filter (where is_human_tool) as human_ms,
            sum(effective_ms) filter (where is_poll) as poll_ms,
            sum(effective_ms) filter (
                where subagent_session_id is not null
            ) as subagent_ms
        from calls
        group by all
    ),
    bounds as (
        select
            provider,
            session_kind,
            {{ pooled("model") }},
            {{ pooled("tool_name") }},
            grouping(model) as is_of_all_models,
            list_sort(list(epoch_ms(emitted_at))) as starts,
            list_sort(list(epoch_ms(result_at))) as ends
        from calls
        where result_at >= emitted_at
        group by
            session_id,
            provider,
            session_kind,
            grouping sets ((), (model)),
            grouping sets ((), (tool_name))
    ),
    -- the time in which at least one of a session's calls of a kind runs
    unions as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            tool_name,
            sum({{ union_ms("starts", "ends") }}) as union_ms
        from bounds
        group by {{ cuts() }}, is_of_all_models, tool_name
        having grouping(model) = is_of_all_models
    ),
    counted as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            case
                when grouping(tool_name) = 1
                then 'all'
                -- as in summary_tool_latency
                else coalesce(max(nullif(tool_category, 'other')), 'other')
            end as tool_category,
            {{ pooled("tool_name") }},
            grouping(tool_name) as is_total,
            -- without any call there is a row of all
            coalesce(sum(tool_calls), 0)::bigint as tool_calls,
            coalesce(sum(timed_calls), 0)::bigint as count,
            sum(total_ms) as total_ms,
            sum(human_ms) as human_ms,
            sum(poll_ms) as poll_ms,
            sum(subagent_ms) as subagent_ms
        from tools
        group by {{ cuts() }}, grouping sets ((), (tool_name))
    )
select
    counted.provider,
    counted.session_kind,
    counted.model,
    tool_category,
    counted.tool_name,
    rank() over by_time as time_rank,
    tool_calls,
    count,
    total_ms / nullif(count, 0) / 1000 as mean,
    total_ms / 1000 as total_s,
    total_ms / nullif(sum(total_ms) over of_level, 0) as time_share,
    union_ms / 1000 as union_s,
    coalesce(human_ms, 0) / 1000 as human_s,
    coalesce(poll_ms, 0) / 1000 as poll_s,
    coalesce(subagent_ms, 0) / 1000 as subagent_s
from counted
left join
    unions
    on counted.provider = unions.provider
    and counted.session_kind = unions.session_kind
    and counted.model is not distinct from unions.model
    and counted.tool_name is not distinct from unions.tool_name
window
    of_level as (
        partition by counted.provider, counted.session_kind, counted.model, is_total
    ),
    by_time as (
        partition by counted.provider, counted.session_kind, counted.model, is_total
        order by total_ms desc nulls last
    )
