-- METRICS §12: one row per step whose prompt is smaller than the one before.
with
    pairs as (
        select
            *,
            lag(input_tokens) over in_session as previous_input_tokens,
            lag(prefix_tokens) over in_session as previous_prefix_tokens,
            lag(append_tokens) over in_session as previous_append_tokens,
            lag(trigger) over in_session as previous_trigger,
            lag(model) over in_session as previous_model,
            lag(step_index) over in_session as previous_step_index,
            lag(first_event_at) over in_session as previous_first_event_at
        from steps
        window in_session as (partition by session_id order by step_index)
    )
select
    provider,
    replace(trigger, 'tool', 'tool_result') as trigger,
    case
        when context_growth_tokens >= -1024
        then 'micro_reduction'
        when context_growth_tokens > -64000
        then 'ordinary_reduction'
        else 'major_reduction'
    end as bucket,
    context_growth_tokens as raw_delta_tokens,
    - context_growth_tokens as reduction_tokens,
    session_id,
    previous_step_index as previous_round_index,
    step_index as current_round_index,
    previous_input_tokens as previous_total_input_tokens,
    input_tokens as current_total_input_tokens,
    previous_prefix_tokens,
    prefix_tokens as current_prefix_tokens,
    prefix_tokens - previous_prefix_tokens as prefix_delta_tokens,
    previous_append_tokens as previous_newly_append_tokens,
    append_tokens as current_newly_append_tokens,
    append_tokens - previous_append_tokens as append_delta_tokens,
    case
        previous_trigger when 'user' then 'user_message' when 'tool' then 'tool_result'
    end as previous_first_event_type,
    case
        trigger when 'user' then 'user_message' when 'tool' then 'tool_result'
    end as current_first_event_type,
    previous_model,
    model as current_model,
    strftime(previous_first_event_at, '%Y-%m-%dT%H:%M:%S.%gZ') as previous_timestamp,
    strftime(first_event_at, '%Y-%m-%dT%H:%M:%S.%gZ') as current_timestamp
from pairs
where context_growth_tokens < 0 and trigger in ('user', 'tool')
