-- One row per cut and measure: the shape of prefix, of append without resent output,
-- and of output, in tokens.
with
    steps as (
        select
            provider,
            session_kind,
            model,
            prefix_tokens,
            output_tokens,
            usage_is_final,
            previous_step_id is not null as is_pair,
            -- what a prompt holds again: the published policy, of Codex without
            -- reasoning
            case
                when provider = 'claude'
                then previous_output_tokens
                when previous_model = 'gpt-5.5'
                then previous_visible_output_tokens
                else 0
            end as subtracted_tokens,
            greatest(append_tokens - subtracted_tokens, 0) as adjusted_append_tokens,
            case
                when append_tokens is null or previous_output_tokens is null
                then 'missing'
                when calls > 1 or previous_calls > 1
                then 'multi_call'
                when not previous_usage_is_final
                then 'placeholder'
            end as pair_left_out_as,
            case
                when output_tokens is null
                then 'missing'
                when not usage_is_final
                then 'placeholder'
            end as output_left_out_as
        from {{ ref("steps") }}
    ),
    measured as (
        select
            provider,
            session_kind,
            model,
            unnest(
                [
                    {
                        'measure':'prefix_tokens',
                        'is_in':is_pair,
                        'left_out_as':pair_left_out_as,
                        'tokens':prefix_tokens
                    },
                    {
                        'measure':'visible_adjusted_append_tokens',
                        'is_in':is_pair,
                        'left_out_as':pair_left_out_as,
                        'tokens':adjusted_append_tokens
                    },
                    {
                        'measure':'output_tokens',
                        'is_in':true,
                        'left_out_as':output_left_out_as,
                        'tokens':output_tokens
                    }
                ],
                recursive := true
            )
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
    count(*) filter (where left_out_as is null and tokens > 0) as positive_steps,
    count(*) filter (where left_out_as is null and tokens = 0) as zero_steps,
    {{ distribution("if(left_out_as is null, tokens, null)") }}
from measured
where is_in
group by {{ cuts() }}, measure
