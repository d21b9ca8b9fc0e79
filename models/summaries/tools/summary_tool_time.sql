-- One row per cut and tool, and all: which tools own the time, and whose time it is.
with
    calls as (select * from {{ ref("tool_calls") }}),
    -- up to when earlier calls run: of the session, and of the same tool in it
    of_sessions as (
        select
            tool_call_id,
            max(result_at) over of_session as session_until,
            max(result_at) over of_tool as tool_until
        from calls
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
    -- and of the same model, which few sessions change
    of_models as (
        select
            tool_call_id,
            true as is_switching,
            max(result_at) over of_model as model_until,
            max(result_at) over of_model_tool as model_tool_until
        from calls
        semi join
            (
                select session_id
                from calls
                group by session_id
                having count(distinct coalesce(model, '')) > 1
            ) using (session_id)
        window
            of_model as (
                partition by session_id, model
                order by emitted_at, result_at, tool_call_id
                rows between unbounded preceding and 1 preceding
            ),
            of_model_tool as (
                partition by session_id, model, tool_name
                order by emitted_at, result_at, tool_call_id
                rows between unbounded preceding and 1 preceding
            )
    ),
    -- what each adds to the time in which at least one of its kind runs
    covered as (
        select
            * exclude (model_until, model_tool_until),
            if(is_switching, model_until, session_until) as model_until,
            if(is_switching, model_tool_until, tool_until) as model_tool_until
        from calls
        inner join of_sessions using (tool_call_id)
        left join of_models using (tool_call_id)
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
            sum(
                greatest(
                    {{ ms_between("greatest(emitted_at, model_until)", "result_at") }},
                    0
                )
            ) filter (where emitted_at <= result_at) as model_union_ms,
            sum(
                greatest(
                    {{
                        ms_between(
                            "greatest(emitted_at, model_tool_until)", "result_at"
                        )
                    }},
                    0
                )
            ) filter (where emitted_at <= result_at) as model_tool_union_ms,
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
            case
                when grouping(model) = 1 and grouping(tool_name) = 1
                then sum(session_union_ms)
                when grouping(model) = 1
                then sum(tool_union_ms)
                when grouping(tool_name) = 1
                then sum(model_union_ms)
                else sum(model_tool_union_ms)
            end as union_ms,
            sum(human_ms) as human_ms,
            sum(poll_ms) as poll_ms,
            sum(subagent_ms) as subagent_ms
        from tools
        group by {{ cuts() }}, grouping sets ((), (tool_name))
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
