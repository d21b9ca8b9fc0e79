-- One row per step of one model call with usage: how far its counters are from those of
-- a cache that held the prompt before, and then took in its answer and what came after.
with
    steps as (
        select
            *,
            previous_calls = 1 as has_pair,
            if(has_pair, previous_input_tokens, null) as previous_input,
            -- a placeholder is no output
            has_pair and previous_usage_is_final is not false as has_output,
            if(has_output, previous_output_tokens, null) as previous_output,
            if(
                has_output, previous_visible_output_tokens, null
            ) as previous_visible_output
        from {{ ref("steps") }}
        where calls = 1 and input_tokens is not null
    )
select
    step_id,
    provider,
    session_kind,
    model,
    trigger,
    input_tokens,
    prefix_tokens,
    append_tokens,
    cache_write_tokens,
    append_tokens - cache_write_tokens as plain_tokens,
    user_message_chars as message_chars,
    tool_result_chars as result_chars,
    message_chars + result_chars as input_chars,
    previous_output,
    previous_visible_output,
    previous_output - previous_visible_output as previous_reasoning,
    prefix_tokens - previous_input as prefix_error,
    abs(prefix_error) as prefix_error_size,
    (prefix_error_size / nullif(previous_input, 0))::decimal(
        38, 15
    ) as prefix_error_share,
    prefix_error - previous_output as prefix_error_with_output,
    abs(prefix_error_with_output) as prefix_error_with_output_size,
    append_tokens - previous_output as append_less_output,
    if(append_less_output < 0, 0, append_less_output) as adjusted_append,
    append_tokens - previous_visible_output as append_less_visible_output,
    if(
        append_less_visible_output < 0, 0, append_less_visible_output
    ) as adjusted_visible_append,
    cache_write_tokens - previous_output as cache_write_less_output
from steps
