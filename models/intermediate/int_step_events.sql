-- One row per step with events: when it was ready, answered and ended, what it took in.
-- Apart from steps, which it would double: one wide aggregate over the longest table.
with
    events as not materialized(
        select
            *,
            least(started_at, event_at) as from_at,
            event_type in ('reasoning', 'text', 'tool_call') as is_output,
            event_type in ('text', 'tool_call') as is_visible
        from {{ ref("stg_events") }}
        where step_id is not null
    ),
    totals as (
        select
            step_id,
            min(from_at) filter (where is_output) as first_output_at,
            max(event_at) filter (where is_output) as last_output_at,
            min(from_at) filter (
                where event_type = 'usage_report'
            ) as first_usage_report_at,
            max(event_at) filter (where event_type = 'usage_report') as usage_report_at,
            max(event_at) filter (where event_type = 'reasoning') as reasoning_end_at,
            max(event_at) filter (where event_type = 'tool_call') as last_tool_call_at,
            min(event_at) filter (where is_visible) as first_visible_at,
            max(event_at) filter (where is_visible) as last_visible_at,
            min(from_at) as first_event_at,
            max(event_at) as last_event_at,
            min(event_at) as first_logged_at,
            arg_min(event_type, event_order) as first_listed_type,
            arg_min(event_at, event_order) filter (
                where event_at is not null
            ) as first_listed_at,
            min(event_at) filter (where event_order = 0) as first_listed_own_at,
            min(event_order) filter (
                where event_type <> 'tool_result'
            ) as results_listed_first,
            count(*) filter (where event_type = 'reasoning') as reasoning_events,
            count(*) filter (where event_type = 'text') as text_events,
            count(*) filter (where event_type = 'usage_report') as usage_reports
        from events
        group by step_id
    ),
    landmarks as (
        select
            totals.* replace (
                -- a usage record closes its step
                if(
                    usage_source = 'record',
                    least(first_output_at, first_usage_report_at),
                    first_output_at
                ) as first_output_at,
                if(
                    usage_source = 'record',
                    greatest(last_output_at, usage_report_at),
                    last_output_at
                ) as last_output_at
            ),
            session_kind
        from totals
        inner join {{ ref("stg_steps") }} using (step_id)
        inner join {{ ref("stg_sessions") }} using (session_id)
    ),
    inputs as (
        select
            events.*,
            first_output_at,
            reasoning_end_at,
            last_tool_call_at,
            events.event_at <= first_output_at as is_before_output,
            event_type = 'tool_result'
            or coalesce(message_kind = 'notification', false) as is_from_tool,
            coalesce(message_kind in ('human', 'agent'), false) as is_message,
            coalesce(
                message_kind = if(session_kind = 'main', 'human', 'agent'), false
            ) as is_opening
        from events
        inner join landmarks using (step_id)
        where event_type in ('user_message', 'tool_result')
    ),
    input_totals as (
        select
            step_id,
            -- what it waited for, at or before its first output
            min(event_at) filter (where is_opening and is_before_output) as opened_at,
            max(event_at) filter (where is_before_output) as ready_at,
            arg_max(
                coalesce(message_kind, event_type),
                (event_at, is_from_tool, event_order)
            ) filter (where is_before_output) as trigger_kind,
            max(event_at) filter (where is_message and is_before_output) as message_at,
            max(event_at) filter (where is_from_tool and is_before_output) as tool_at,
            -- what came before its last reasoning and call: at ties the first in the
            -- list
            max(event_at) filter (
                where event_at <= reasoning_end_at
            ) as reasoning_input_at,
            arg_max(event_type, (event_at, - event_order)) filter (
                where event_at <= reasoning_end_at
            ) as reasoning_input_type,
            max(event_at) filter (
                where event_at <= last_tool_call_at
            ) as tool_call_input_at,
            arg_max(event_type, (event_at, - event_order)) filter (
                where event_at <= last_tool_call_at
            ) as tool_call_input_type,
            count(*) filter (where event_type = 'user_message') as user_messages,
            count(*) filter (where event_type = 'tool_result') as tool_results,
            sum(content_chars) filter (
                where event_type = 'user_message'
            ) as user_message_chars,
            sum(content_chars) filter (
                where event_type = 'tool_result'
            ) as tool_result_chars
        from inputs
        group by step_id
    )
select
    step_id,
    first_output_at,
    last_output_at,
    reasoning_end_at,
    last_tool_call_at,
    first_visible_at,
    last_visible_at,
    first_event_at,
    last_event_at,
    usage_report_at,
    opened_at,
    ready_at,
    trigger_kind,
    message_at,
    tool_at,
    reasoning_input_at,
    reasoning_input_type,
    tool_call_input_at,
    tool_call_input_type,
    coalesce(user_messages, 0) as user_messages,
    coalesce(tool_results, 0) as tool_results,
    user_message_chars,
    tool_result_chars,
    reasoning_events,
    text_events,
    usage_reports,
    first_logged_at,
    first_listed_type,
    first_listed_at,
    first_listed_own_at,
    results_listed_first
from landmarks
left join input_totals using (step_id)
