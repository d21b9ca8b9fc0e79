-- One row per request: what one prompt set off, until the next.
with
    steps as not materialized(
        select * from {{ ref("steps") }} where request_id is not null
    ),
    events as not materialized(select * from {{ ref("stg_events") }}),
    waits as (
        select
            step_id,
            message_at,
            max(wait_ms) as wait_ms,
            bool_or(is_while_running) as is_while_running
        from {{ ref("int_human_waits") }}
        group by all
    ),
    openers as (
        select
            request_id,
            session_id,
            session_kind,
            provider,
            model,
            message_at as started_at,
            lag(request_id) over (
                partition by session_id order by step_index
            ) as previous_request_id,
            wait_ms,
            coalesce(is_while_running, false) as is_while_running
        from steps
        left join waits using (step_id, message_at)
        where message_at is not null
    ),
    totals as (
        select
            request_id,
            max(last_output_at) filter (where purpose is null) as ended_at,
            max(last_tool_call_at) as last_tool_call_at,
            max(usage_report_at) filter (where purpose is null) as usage_report_at,
            count(*) as steps,
            count_if(trigger = 'user') as user_steps,
            count_if(trigger = 'tool') as tool_steps,
            sum(tool_calls) as tool_calls,
            sum(tool_errors) as tool_errors,
            sum(generation_ms) as generation_ms,
            sum(input_tokens) as input_tokens,
            sum(prefix_tokens) as prefix_tokens,
            sum(append_tokens) as append_tokens,
            sum(output_tokens) as output_tokens,
            sum(cost_usd) as cost_usd
        from steps
        group by request_id
    ),
    tool_totals as (
        select
            request_id,
            sum(effective_ms) as tool_effective_ms,
            sum(wall_ms) filter (where wall_ms > 0) as tool_wall_ms
        from {{ ref("tool_calls") }}
        inner join steps using (step_id)
        group by request_id
    ),
    spans as (
        select
            request_id,
            part,
            greatest(from_at, started_at) as from_at,
            least(to_at, ended_at) as to_at
        from {{ ref("int_spans") }}
        inner join openers using (request_id)
        inner join totals using (request_id)
    ),
    listed as (
        select
            request_id,
            list_sort(list(epoch_ms(from_at))) as starts,
            list_sort(list(epoch_ms(to_at))) as ends,
            list_sort(
                list(epoch_ms(from_at)) filter (where part = 'generation')
            ) as generation_starts,
            list_sort(
                list(epoch_ms(to_at)) filter (where part = 'generation')
            ) as generation_ends,
            list_sort(
                list(epoch_ms(from_at)) filter (where part <> 'generation')
            ) as tool_starts,
            list_sort(
                list(epoch_ms(to_at)) filter (where part <> 'generation')
            ) as tool_ends,
            sum({{ ms_between("from_at", "to_at") }}) filter (
                where part = 'generation'
            ) as generation_span_ms,
            sum({{ ms_between("from_at", "to_at") }}) filter (
                where part <> 'generation'
            ) as tool_span_ms
        from spans
        where to_at > from_at
        group by request_id
    ),
    covered as (
        select
            request_id,
            generation_span_ms,
            tool_span_ms,
            {{ union_ms("starts", "ends") }} as any_ms,
            coalesce(
                {{ union_ms("generation_starts", "generation_ends") }}, 0
            ) as any_generation_ms,
            coalesce({{ union_ms("tool_starts", "tool_ends") }}, 0) as any_tool_ms
        from listed
    ),
    last_results as (
        select session_id, max(result_at) as last_result_at
        from {{ ref("tool_calls") }}
        group by session_id
    ),
    unanswered_while_running as (
        select session_id, message_at
        from {{ ref("int_human_waits") }}
        inner join last_results using (session_id)
        -- not beside a call that was left open for ever
        where step_id is null and is_while_running and message_at <= last_result_at
    ),
    -- A person who stops a request is heard with the next prompt: before that was
    -- typed, or while the tools of the stopped request still ran. To stop a prompt
    -- before its first answer ends no request.
    starts as (
        select session_id, started_at, request_id
        from openers
        union all
        select session_id, event_at, null
        from events
        anti join
            unanswered_while_running as typed_ahead
            on events.session_id = typed_ahead.session_id
            and event_at = message_at
        where step_id is null and message_kind in ('human', 'agent')
    ),
    interrupted as (
        select
            case
                when message_at is null
                then request_id
                when event_at <= message_at or is_while_running
                then previous_request_id
            end as request_id
        from events
        inner join steps using (step_id)
        left join
            (
                select request_id, previous_request_id, is_while_running from openers
            ) using (request_id)
        where message_kind = 'interrupt'
        union all
        select request_id
        from events
        asof inner join
            starts
            on events.session_id = starts.session_id
            and event_at > starts.started_at
        where message_kind = 'interrupt' and events.step_id is null
    ),
    interrupts as (select distinct request_id from interrupted),
    last_outputs as (
        select request_id, arg_max(event_type, (step_index, event_order)) as event_type
        from events
        inner join steps using (step_id)
        where event_type in ('text', 'tool_call')
        group by request_id
    ),
    session_ends as (
        select
            session_id,
            max(event_at) filter (
                where event_type <> 'usage_report'
            ) as session_ended_at,
            max(event_at) filter (
                where event_type in ('user_message', 'tool_result')
            ) as last_input_at
        from events
        group by session_id
    )
select
    request_id,
    session_id,
    session_kind,
    provider,
    if(session_kind = 'main', 'person', 'agent') as opened_by,
    model,
    started_at,
    ended_at,
    {{ ms_between("started_at", "ended_at") }} as response_ms,
    case
        when interrupts.request_id is not null
        then 'interrupt'
        when last_outputs.event_type is null or last_outputs.event_type = 'text'
        then last_outputs.event_type
        -- a result may bear its call's own instant
        when session_ended_at > last_tool_call_at or last_input_at >= last_tool_call_at
        then 'tool'
        else 'end_of_log'
    end as ended_by,
    steps,
    user_steps::bigint as user_steps,
    tool_steps::bigint as tool_steps,
    tool_calls::bigint as tool_calls,
    tool_errors::bigint as tool_errors,
    coalesce(generation_ms, 0)::bigint as generation_ms,
    coalesce(tool_effective_ms, 0)::bigint as tool_effective_ms,
    coalesce(tool_wall_ms, 0)::bigint as tool_wall_ms,
    coalesce(generation_span_ms, 0)::bigint as generation_span_ms,
    coalesce(tool_span_ms, 0)::bigint as tool_span_ms,
    coalesce(any_ms - any_tool_ms, 0)::bigint as generation_alone_ms,
    coalesce(any_ms - any_generation_ms, 0)::bigint as tool_alone_ms,
    response_ms - coalesce(any_ms, 0)::bigint as other_ms,
    nullif(
        greatest({{ ms_between("ended_at", "usage_report_at") }}, 0), 0
    ) as usage_gap_ms,
    input_tokens::bigint as input_tokens,
    prefix_tokens::bigint as prefix_tokens,
    append_tokens::bigint as append_tokens,
    output_tokens::bigint as output_tokens,
    try_cast(cost_usd as decimal(18, 12)) as cost_usd,
    wait_ms as human_wait_before_ms
from openers
inner join totals using (request_id)
left join tool_totals using (request_id)
left join covered using (request_id)
left join interrupts using (request_id)
left join last_outputs using (request_id)
left join session_ends using (session_id)
