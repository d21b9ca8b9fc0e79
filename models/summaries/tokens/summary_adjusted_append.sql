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
            append_tokens - subtracted_tokens as signed_adjusted_append_tokens,
            greatest(signed_adjusted_append_tokens, 0) as adjusted_append_tokens,
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
    described as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            count(*) as pairs,
            count(*) filter (where left_out_as = 'missing') as missing_pairs,
            count(*) filter (where left_out_as = 'multi_call') as multi_call_pairs,
            count(*) filter (where left_out_as = 'placeholder') as placeholder_pairs,
            {{ distributions("if(left_out_as is null, columns('_tokens$'), null)") }},
            count(*) filter (
                where left_out_as is null and is_subtracted
            ) as subtracted_pairs,
            count(*) filter (
                where left_out_as is null and signed_adjusted_append_tokens < 0
            ) as clipped_pairs
        from pairs
        group by {{ cuts() }}
    )
select
    provider,
    session_kind,
    model,
    measure,
    pairs,
    missing_pairs,
    multi_call_pairs,
    placeholder_pairs,
    {{ distribution_of("found") }},
    subtracted_pairs,
    clipped_pairs
from described unpivot (found for measure in (columns('_tokens$')))
-- without any pair there is no row of all
where pairs > 0
