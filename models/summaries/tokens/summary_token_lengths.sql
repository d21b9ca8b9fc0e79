-- One row per cut and measure: how long the prompts and outputs of steps are, in
-- tokens.
with
    steps as (
        select
            provider,
            session_kind,
            model,
            prefix_tokens,
            append_tokens,
            output_tokens,
            visible_output_tokens,
            -- the tokens of several calls are no size of one prompt
            if(calls > 1, null, prefix_tokens) as prefix_size,
            if(calls > 1, null, append_tokens) as append_size,
            -- a placeholder is no size of an answer
            if(not usage_is_final, null, output_tokens) as output_size,
            if(not usage_is_final, null, visible_output_tokens) as visible_output_size
        from {{ ref("steps") }}
    ),
    described as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            count(*) as steps,
            count(columns('_tokens$')) as "\0",
            {{ distributions("columns('_size$')") }}
        from steps
        group by {{ cuts() }}
    )
select
    provider,
    session_kind,
    model,
    measure,
    steps,
    steps - known as missing_steps,
    if(
        measure in ('prefix_tokens', 'append_tokens'), known - found.count, 0
    ) as multi_call_steps,
    known - found.count - multi_call_steps as placeholder_steps,
    {{ distribution_of("found") }},
    found.sum::bigint as total_tokens
from
    described unpivot (
        (found, known) for measure in (
            (prefix_size, prefix_tokens) as 'prefix_tokens',
            (append_size, append_tokens) as 'append_tokens',
            (output_size, output_tokens) as 'output_tokens',
            (visible_output_size, visible_output_tokens) as 'visible_output_tokens'
        )
    )
-- without any step there is no row of all
where steps > 0
