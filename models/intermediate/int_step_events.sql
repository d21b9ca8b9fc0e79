-- One row per step with events: when it was ready, answered and ended, what it took in.
-- Apart from steps, which it would double: one wide aggregate over the longest table.
with
    events as (
        select
            stg_events.*,
            event_type in ('user_message', 'tool_result') as is_input,
            -- a usage record closes its step
            event_type in ('reasoning', 'text', 'tool_call')
            or (event_type = 'usage_report' and usage_source = 'record') as is_output,
            event_type in ('text', 'tool_call') as is_visible,
            event_type = 'tool_result'
            or coalesce(message_kind = 'notification', false) as is_from_tool,
            coalesce(message_kind in ('human', 'agent'), false) as is_message,
            coalesce(
                message_kind = if(session_kind = 'main', 'human', 'agent'), false
            ) as is_opening
        from {{ ref("stg_events") }} as stg_events
        inner join {{ ref("stg_steps") }} using (session_id, step_id)
        inner join {{ ref("stg_sessions") }} using (session_id)
    ),
    landmarks as (
        select
            step_id,
            min(least(started_at, event_at)) filter (
                where is_output
            ) as first_output_at,
            max(event_at) filter (where is_output) as last_output_at,
            max(event_at) filter (where event_type = 'reasoning') as reasoning_end_at,
            max(event_at) filter (where event_type = 'tool_call') as last_tool_call_at,
            max(event_at) filter (where is_visible) as last_visible_at,
            min(event_at) filter (where is_visible) as first_visible_at
        from events
        group by step_id
    )
select
    step_id,
    any_value(landmarks.first_output_at) as first_output_at,
    any_value(landmarks.last_output_at) as last_output_at,
    any_value(landmarks.reasoning_end_at) as reasoning_end_at,
    any_value(landmarks.last_tool_call_at) as last_tool_call_at,
    any_value(landmarks.first_visible_at) as first_visible_at,
    any_value(landmarks.last_visible_at) as last_visible_at,
    min(least(started_at, event_at)) as first_event_at,
    max(event_at) as last_event_at,
    max(event_at) filter (where event_type = 'usage_report') as usage_report_at,
    -- what it waited for, at or before its first output
    min(event_at) filter (
        where is_opening and event_at <= first_output_at
    ) as opened_at,
    max(event_at) filter (where is_input and event_at <= first_output_at) as ready_at,
    arg_max(
        coalesce(message_kind, event_type), (event_at, is_from_tool, event_order)
    ) filter (where is_input and event_at <= first_output_at) as trigger_kind,
    max(event_at) filter (
        where is_message and event_at <= first_output_at
    ) as message_at,
    max(event_at) filter (
        where is_from_tool and event_at <= first_output_at
    ) as tool_at,
    -- what came before its last reasoning and call: at ties the first in the list
    max(event_at) filter (
        where is_input and event_at <= reasoning_end_at
    ) as reasoning_input_at,
    arg_max(event_type, (event_at, - event_order)) filter (
        where is_input and event_at <= reasoning_end_at
    ) as reasoning_input_type,
    max(event_at) filter (
        where is_input and event_at <= last_tool_call_at
    ) as tool_call_input_at,
    arg_max(event_type, (event_at, - event_order)) filter (
        where is_input and event_at <= last_tool_call_at
    ) as tool_call_input_type,
    count(*) filter (where event_type = 'user_message') as user_messages,
    count(*) filter (where event_type = 'tool_result') as tool_results,
    sum(content_chars) filter (where event_type = 'user_message') as user_message_chars,
    sum(content_chars) filter (where event_type = 'tool_result') as tool_result_chars,
    count(*) filter (where event_type = 'reasoning') as reasoning_events,
    count(*) filter (where event_type = 'text') as text_events,
    count(*) filter (where event_type = 'usage_report') as usage_reports
from events
inner join landmarks using (step_id)
group by step_id
