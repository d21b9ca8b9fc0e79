-- One row per cut and tool, and all: which tools own the time, and whose time it is.
with
    covered as (
        select
            *,
            -- up to when earlier calls run: of the session, and of the same tool in it
            max(result_at) over of_session as session_until,
            max(result_at) over of_tool as tool_until
        from {{ ref("tool_calls") }}
        window
            of_session as (
                partition by session_id
                order by emitted_at, result_at, tool_call_id
                rows between unbounded preceding and 1 preceding
            ),
            of_tool as (
                partition by session_id, tool_name
                order by emitted_at, result_at, tool_call_id
                rows between unbounded preceding and 1 preceding
            )
    ),
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
            sum(
                greatest(
                    {{ ms_between("greatest(emitted_at, session_until)", "result_at") }},
                    0
                )
            ) filter (where emitted_at <= result_at) as session_union_ms,
            sum(
                greatest(
                    {{ ms_between("greatest(emitted_at, tool_until)", "result_at") }}, 0
                )
            ) filter (where emitted_at <= result_at) as tool_union_ms,
            sum(effective_ms) filter (where is_human_tool) as human_ms,
            sum(effective_ms) filter (where is_poll) as poll_ms,
            sum(effective_ms) filter (
                where subagent_session_id is not null
            ) as subagent_ms
        from covered
        group by all
    ),
    counted as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            {{ pooled("tool_category") }},
            {{ pooled("tool_name") }},
            grouping(tool_name) as is_total,
            -- without any call there is a row of all
            coalesce(sum(tool_calls), 0)::bigint as tool_calls,
            coalesce(sum(timed_calls), 0)::bigint as count,
            sum(total_ms) as total_ms,
            if(
                grouping(tool_name) = 1, sum(session_union_ms), sum(tool_union_ms)
            ) as union_ms,
            sum(human_ms) as human_ms,
            sum(poll_ms) as poll_ms,
            sum(subagent_ms) as subagent_ms
        from tools
        group by {{ cuts() }}, grouping sets ((), (tool_category, tool_name))
    )
select
    provider,
    session_kind,
    model,
    tool_category,
    tool_name,
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
window
    of_level as (partition by provider, session_kind, model, is_total),
    by_time as (
        partition by provider, session_kind, model, is_total
        order by total_ms desc nulls last
    )
