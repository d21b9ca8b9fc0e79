-- One row per cut and measure: what a step appends before and after the previous
-- step's output is taken out, in tokens.
with
    pairs as (
        select
            provider,
            session_kind,
            model,
            -- whose prompts hold the previous output again: the published policy
            provider = 'claude'
            or (
                provider = 'codex' and coalesce(previous_model = 'gpt-5.5', false)
            ) as is_subtracted,
            append_tokens,
            if(is_subtracted, previous_output_tokens, 0) as subtracted_tokens,
            append_tokens - subtracted_tokens as signed_tokens,
            case
                when append_tokens is null or previous_output_tokens is null
                then 'missing'
                when calls > 1 or previous_calls > 1
                then 'multi_call'
                when not previous_usage_is_final
                then 'placeholder'
            end as left_out_as
        from {{ ref("steps") }}
        where previous_step_id is not null
    ),
    measured as (
        select
            provider,
            session_kind,
            model,
            left_out_as,
            left_out_as is null and is_subtracted as is_subtracted,
            left_out_as is null and signed_tokens < 0 as is_clipped,
            unnest(
                [
                    {'measure':'append_tokens', 'tokens':append_tokens},
                    {'measure':'subtracted_tokens', 'tokens':subtracted_tokens},
                    {'measure':'signed_adjusted_append_tokens', 'tokens':signed_tokens},
                    {
                        'measure':'adjusted_append_tokens',
                        'tokens':greatest(signed_tokens, 0)
                    }
                ],
                recursive := true
            )
        from pairs
    )
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    {{ pooled("model") }},
    measure,
    count(*) as pairs,
    count(*) filter (where left_out_as = 'missing') as missing_pairs,
    count(*) filter (where left_out_as = 'multi_call') as multi_call_pairs,
    count(*) filter (where left_out_as = 'placeholder') as placeholder_pairs,
    {{ distribution("if(left_out_as is null, tokens, null)") }},
    count(*) filter (where is_subtracted) as subtracted_pairs,
    count(*) filter (where is_clipped) as clipped_pairs
from measured
group by {{ cuts() }}, measure
