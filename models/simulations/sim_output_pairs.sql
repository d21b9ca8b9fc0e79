-- One row per step that something started at most 240 s after an output of 2,000
-- tokens or
-- more: that output, and what the next prompt appended and gained in its prefix.
select
    step_id,
    provider,
    session_kind,
    previous_model as model,
    trigger,
    previous_output_tokens,
    calls > 1 or previous_calls > 1 as is_multi_call,
    not is_multi_call
    and coalesce(not previous_usage_is_final, false) as is_placeholder,
    is_multi_call or is_placeholder as is_left_out,
    if(is_left_out, null, previous_output_tokens) as output_tokens,
    if(is_left_out, null, append_tokens) as append_tokens,
    if(is_left_out, null, prefix_tokens - previous_input_tokens) as gain_tokens
from {{ ref("steps") }}
inner join (select step_id, listed_gap_ms from {{ ref("idle_gaps") }}) using (step_id)
where
    trigger <> 'none'
    and previous_input_tokens > 0
    and previous_output_tokens >= 2000
    and input_tokens is not null
    and listed_gap_ms between 0 and 240000
