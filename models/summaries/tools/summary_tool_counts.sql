-- One row per cut and tool, per group of tools, and all: how often each is called, and
-- how often it fails.
with
    named as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            case
                when starts_with(tool_name, 'mcp_')
                then 'mcp'
                -- a tool of its own, told apart from the groups that are called so
                when tool_name in ('mcp', 'rare')
                then '"' || tool_name || '"'
                else tool_name
            end as tool_group,
            -- as in summary_tool_latency
            coalesce(max(nullif(tool_category, 'other')), 'other') as tool_category,
            mcp_server,
            tool_name,
            count(*) as tool_calls,
            count(*) filter (where is_poll) as poll_calls,
            count(is_error) as known_outcomes,
            count(*) filter (where is_error) as tool_errors,
            count(*) filter (where is_denied) as denied_calls,
            count(*) filter (where is_error and not is_denied) as failed_calls
        from {{ ref("tool_calls") }}
        group by {{ cuts() }}, mcp_server, tool_name
    ),
    folded as (
        select
            * replace (
                if(
                    tool_group is not null and sum(tool_calls) over of_group < 20,
                    'rare',
                    tool_group
                ) as tool_group
            )
        from named
        window of_group as (partition by provider, session_kind, model, tool_group)
    ),
    counted as (
        select
            provider,
            session_kind,
            model,
            {{ pooled("tool_group") }},
            {{ pooled("tool_category") }},
            {{ pooled("mcp_server") }},
            {{ pooled("tool_name") }},
            grouping(tool_group, tool_name) as level,
            sum(tool_calls)::bigint as tool_calls,
            sum(poll_calls)::bigint as poll_calls,
            sum(known_outcomes)::bigint as known_outcomes,
            sum(tool_errors)::bigint as tool_errors,
            sum(denied_calls)::bigint as denied_calls,
            sum(failed_calls)::bigint as failed_calls
        from folded
        group by
            provider,
            session_kind,
            model,
            grouping sets (
                (), (tool_group), (tool_group, tool_category, mcp_server, tool_name)
            )
    )
select
    provider,
    session_kind,
    model,
    tool_group,
    tool_category,
    mcp_server,
    tool_name,
    rank() over by_calls as calls_rank,
    tool_calls,
    tool_calls / sum(tool_calls) over of_level as call_share,
    sum(tool_calls) over by_calls
    / sum(tool_calls) over of_level as cumulative_call_share,
    poll_calls,
    known_outcomes,
    tool_errors,
    denied_calls,
    failed_calls,
    tool_errors / nullif(known_outcomes, 0) as error_share
from counted
window
    of_level as (partition by provider, session_kind, model, level),
    by_calls as (
        partition by provider, session_kind, model, level order by tool_calls desc
    )
