-- One row per cut and measure: how long the prompts and answers of steps are, in
-- tokens.
with
    steps as (
        select
            provider,
            session_kind,
            model,
            -- the tokens of several calls are no size of one prompt
            calls > 1 as is_multi_call,
            usage_is_final,
            unnest(
                [
                    {
                        'measure':'prefix_tokens',
                        'is_prompt':true,
                        'tokens':prefix_tokens
                    },
                    {
                        'measure':'append_tokens',
                        'is_prompt':true,
                        'tokens':append_tokens
                    },
                    {
                        'measure':'output_tokens',
                        'is_prompt':false,
                        'tokens':output_tokens
                    },
                    {
                        'measure':'visible_output_tokens',
                        'is_prompt':false,
                        'tokens':visible_output_tokens
                    }
                ],
                recursive := true
            )
        from {{ ref("steps") }}
    ),
    judged as (
        select
            *,
            case
                when tokens is null
                then 'missing'
                when is_prompt and is_multi_call
                then 'multi_call'
                when not is_prompt and not usage_is_final
                then 'placeholder'
            end as left_out_as
        from steps
    )
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    {{ pooled("model") }},
    measure,
    count(*) as steps,
    count(*) filter (where left_out_as = 'missing') as missing_steps,
    count(*) filter (where left_out_as = 'multi_call') as multi_call_steps,
    count(*) filter (where left_out_as = 'placeholder') as placeholder_steps,
    {{ distribution("if(left_out_as is null, tokens, null)") }},
    sum(tokens) filter (where left_out_as is null)::bigint as total_tokens
from judged
group by {{ cuts() }}, measure
