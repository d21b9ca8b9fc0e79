-- One row per step: one model response, what started it, what it took and cost.
with
    waits as (
        select
            step_id,
            sum(wait_ms) as human_wait_ms,
            list(wait_ms order by message_at, event_order) filter (
                where wait_ms > 0
            ) as human_waits_ms,
            count_if(is_while_running) as while_running_messages
        from {{ ref("int_human_waits") }}
        group by step_id
    ),
    calls as (
        select
            step_id,
            count(*) as tool_calls,
            count_if(is_error) as tool_errors,
            sum(web_searches) as web_searches
        from {{ ref("stg_tool_calls") }}
        group by step_id
    ),
    costs as (select * from {{ ref("int_call_costs") }} where call_index is null),
    extra_costs as (
        select
            step_id,
            sum(cost_usd) as extra_cost_usd,
            bool_and(cost_usd is not null) as is_priced
        from {{ ref("int_call_costs") }}
        where call_index is not null
        group by step_id
    ),
    steps as not materialized(
        select *
        from {{ ref("stg_steps") }}
        left join {{ ref("int_step_events") }} using (step_id)
    ),
    -- what comes before a step: few columns, since they are sorted
    befores as (
        select
            step_id,
            count(opened_at) over so_far
            -- a compaction after the prompt of the next request falls in that
            + if(
                purpose is not null
                and first_value(
                    if(
                        purpose is null, coalesce(opened_at, 'infinity'), null
                    ) ignore nulls
                ) over (so_far rows between 1 following and unbounded following)
                <= first_output_at,
                1,
                0
            ) as request_number,
            -- a compaction's own step is passed over, and has no step before it
            case
                when purpose is null
                then
                    last_value(
                        case
                            when purpose is null
                            then
                                struct_pack(
                                    step_index := step_index,
                                    model := model,
                                    input_tokens := input_tokens,
                                    context_tokens := context_tokens,
                                    output_tokens := output_tokens,
                                    visible_output_tokens
                                    := output_tokens
                                    - least(
                                        coalesce(reasoning_tokens, 0), output_tokens
                                    ),
                                    usage_is_final := usage_is_final,
                                    calls := calls
                                )
                        end
                        ignore nulls
                    ) over (so_far rows between unbounded preceding and 1 preceding)
            end as previous,
            -- unmetered steps have no size
            lag(context_tokens ignore nulls) over ordinary as before_tokens,
            max(context_tokens) over (
                ordinary rows between unbounded preceding and unbounded following
            ) as session_max_tokens,
            greatest(
                lead(context_tokens, 1 ignore nulls) over ordinary,
                lead(context_tokens, 2 ignore nulls) over ordinary,
                lead(context_tokens, 3 ignore nulls) over ordinary
            ) as rebound_tokens
        from steps
        window
            so_far as (partition by session_id order by step_index),
            ordinary as (partition by session_id, purpose is null order by step_index)
    )
select
    step_id,
    message_id,
    session_id,
    root_session_id,
    session_kind,
    step_index,
    case
        when request_number > 0 then session_id || '@' || request_number
    end as request_id,
    steps.provider,
    model,
    project,
    user_name,
    steps.client_version,
    case
        when tool_at is null and message_at is null
        then 'none'
        when message_at > tool_at or tool_at is null
        then 'user'
        else 'tool'
    end as trigger,
    trigger_kind,
    opened_at as message_at,
    ready_at,
    first_output_at,
    last_output_at,
    nullif(
        greatest({{ ms_between("ready_at", "last_output_at") }}, 0), 0
    ) as generation_ms,
    reasoning_end_at,
    nullif(
        greatest({{ ms_between("reasoning_input_at", "reasoning_end_at") }}, 0), 0
    ) as input_to_reasoning_end_ms,
    nullif(
        greatest({{ ms_between("reasoning_end_at", "last_visible_at") }}, 0), 0
    ) as post_reasoning_ms,
    input_tokens,
    context_tokens,
    prefix_tokens,
    append_tokens,
    cache_write_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    output_tokens,
    reasoning_tokens,
    output_tokens
    - least(coalesce(reasoning_tokens, 0), output_tokens) as visible_output_tokens,
    usage_is_final,
    calls,
    purpose,
    stop_reason,
    service_tier,
    speed,
    -- the tokens of several calls are no size of one prompt
    case when calls = 1 then prefix_tokens / nullif(input_tokens, 0) end as hit_ratio,
    session_id || '#' || previous.step_index as previous_step_id,
    previous.model as previous_model,
    previous.input_tokens as previous_input_tokens,
    previous.context_tokens as previous_context_tokens,
    previous.output_tokens as previous_output_tokens,
    previous.visible_output_tokens as previous_visible_output_tokens,
    previous.usage_is_final as previous_usage_is_final,
    previous.calls as previous_calls,
    case
        when calls = 1 and previous.calls = 1
        then context_tokens - previous_context_tokens
    end as context_growth_tokens,
    -- a fall of 64,000 tokens from near the top that is not made good in three steps
    case
        when
            purpose is null
            and coalesce(user_messages, 0) + coalesce(tool_results, 0) > 0
            and before_tokens - context_tokens >= 64000
            and before_tokens >= 0.75 * session_max_tokens
            and rebound_tokens < 0.75 * before_tokens
        then before_tokens
    end as inferred_pre_tokens,
    coalesce(user_messages, 0) as user_messages,
    coalesce(tool_results, 0) as tool_results,
    coalesce(user_message_chars, 0)::bigint as user_message_chars,
    coalesce(tool_result_chars, 0)::bigint as tool_result_chars,
    coalesce(reasoning_events, 0) as reasoning_events,
    coalesce(text_events, 0) as text_events,
    coalesce(usage_reports, 0) as usage_reports,
    first_event_at,
    last_event_at,
    first_event_at
    at time zone 'UTC' at time zone '{{ var("timezone") }}' as local_time,
    usage_report_at,
    case
        when last_visible_at >= reasoning_end_at
        then post_reasoning_ms
        else nullif({{ ms_between("first_visible_at", "last_visible_at") }}, 0)
    end as visible_span_ms,
    last_tool_call_at,
    tool_call_input_at,
    tool_call_input_type,
    reasoning_input_at,
    reasoning_input_type,
    human_wait_ms::bigint as human_wait_ms,
    human_waits_ms,
    coalesce(while_running_messages, 0)::bigint as while_running_messages,
    turn_id,
    coalesce(tool_calls, 0) as tool_calls,
    coalesce(tool_errors, 0)::bigint as tool_errors,
    coalesce(web_searches, 0)::bigint as web_searches,
    append_cost_usd,
    prefix_cost_usd,
    output_cost_usd,
    costs.cost_usd,
    long_context_cost_usd,
    case
        when coalesce(web_searches, 0) = 0 then 0 else web_searches * web_search_usd
    end::decimal(18, 12) as web_cost_usd,
    case when is_priced then extra_cost_usd when is_priced is null then 0 end::decimal(
        18, 12
    ) as extra_cost_usd,
    is_standard_instead
from steps
inner join befores using (step_id)
left join {{ ref("stg_sessions") }} as sessions using (session_id)
left join waits using (step_id)
left join calls using (step_id)
left join costs using (step_id)
left join extra_costs using (step_id)
