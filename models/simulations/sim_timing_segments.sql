-- One row per segment of a step: from an input to a tool call, to the end of reasoning,
-- and from there to the call. What timing fits and their floors are made of.
with
    steps as (
        select
            *,
            -- the tokens of several calls, and those of a response cut short, explain
            -- no
            -- time
            input_tokens is not null
            and output_tokens is not null
            and calls = 1
            and usage_is_final is not false as is_usable,
            if(reasoning_tokens is not null, reasoning_end_at, null) as metered_end_at
        from {{ ref("steps") }}
    ),
    segments as (
        select
            step_id,
            session_id,
            provider,
            session_kind,
            model,
            is_usable,
            prefix_tokens,
            append_tokens,
            unnest(
                [
                    {
                        'segment_kind':if(
                            tool_call_input_type = 'user_message', 'user', 'tool'
                        )
                        || '_to_tool_call',
                        'duration_ms':
                        {{
                            ms_between(
                                "tool_call_input_at",
                                "last_tool_call_at",
                            )
                        }},
                        'output_tokens':output_tokens
                    },
                    {
                        'segment_kind':if(
                            reasoning_input_type = 'user_message', 'user', 'tool'
                        )
                        || '_to_reasoning_end',
                        'duration_ms':
                        {{ ms_between("reasoning_input_at", "metered_end_at") }},
                        'output_tokens':reasoning_tokens
                    },
                    {
                        'segment_kind':'reasoning_end_to_tool_call',
                        'duration_ms':
                        {{ ms_between("metered_end_at", "last_tool_call_at") }},
                        'output_tokens':visible_output_tokens
                    }
                ],
                recursive := true
            )
        from steps
    ),
    -- read twice: made once
    timed as materialized(select * from segments where duration_ms > 0),
    groups as (
        select
            provider,
            model,
            segment_kind,
            row_number() over (order by provider, model, segment_kind) as group_id,
            quantile_cont(duration_ms, 0.99) filter (where is_usable) as longest_ms
        from timed
        group by provider, model, segment_kind
    )
select
    step_id,
    group_id,
    timed.provider,
    session_kind,
    timed.model,
    timed.segment_kind,
    duration_ms,
    prefix_tokens,
    append_tokens,
    output_tokens,
    is_usable,
    duration_ms > longest_ms as is_trimmed,
    coalesce(epoch_ms(started_at) % 5 = 0, false) as is_test
from timed
inner join
    groups
    on timed.provider = groups.provider
    and timed.model is not distinct from groups.model
    and timed.segment_kind = groups.segment_kind
left join (select session_id, started_at from {{ ref("sessions") }}) using (session_id)
