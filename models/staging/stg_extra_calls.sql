-- One row per step and model call behind it that its tokens leave out: those of the
-- copy
-- that bears its usage.
select
    step_id,
    step_session_id as session_id,
    call_index,
    call_type,
    provider,
    {{ logged_name("model") }},
    input_tokens,
    prefix_tokens,
    append_tokens,
    cache_write_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    output_tokens,
    reasoning_tokens
from {{ source("raw", "extra_calls") }}
inner join {{ ref("stg_step_copies") }} using (file_id, session_id, step_seq)
where step_id is not null and usage_rank = 1
qualify
    row_number() over (
        partition by step_id, call_index
        order by
            output_tokens desc nulls last,
            input_tokens desc nulls last,
            prefix_tokens desc nulls last,
            call_type,
            model
    )
    = 1
