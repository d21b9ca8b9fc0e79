-- One row per cut, measure and bin that has steps: how many of them, and how many of
-- the tokens, are of that length.
with
    bins as (select * from {{ ref("bins") }} where grid = 'tokens'),
    steps as (
        select
            provider,
            session_kind,
            coalesce(calls > 1, false) as is_multi_call,
            previous_step_id is null
            or is_multi_call
            or coalesce(previous_calls > 1, false)
            or coalesce(not previous_usage_is_final, false) as is_no_pair,
            -- whose prompts hold the previous output again: the published policy
            provider = 'claude'
            or (
                provider = 'codex' and coalesce(previous_model = 'gpt-5.5', false)
            ) as is_subtracted,
            append_tokens
            - if(is_subtracted, previous_output_tokens, 0) as adjusted_tokens,
            unnest(
                [
                    {
                        'measure':'prefix_tokens',
                        'length':if(is_multi_call, null, prefix_tokens)
                    },
                    {
                        'measure':'append_tokens',
                        'length':if(is_multi_call, null, append_tokens)
                    },
                    {
                        'measure':'output_tokens',
                        'length':if(not usage_is_final, null, output_tokens)
                    },
                    {
                        'measure':'pair_append_tokens',
                        'length':if(
                            is_no_pair or adjusted_tokens is null, null, append_tokens
                        )
                    },
                    {
                        'measure':'adjusted_append_tokens',
                        'length':if(
                            is_no_pair or adjusted_tokens is null,
                            null,
                            greatest(adjusted_tokens, 0)
                        )
                    }
                ],
                recursive := true
            )
        from {{ ref("steps") }}
    ),
    lengths as (
        select provider, session_kind, measure, length, count(*) as steps
        from steps
        where length is not null
        group by provider, session_kind, measure, length
    ),
    binned as (
        select
            provider,
            session_kind,
            measure,
            bin,
            low,
            high,
            sum(steps) as steps,
            sum(steps * length) as tokens
        from lengths
        asof join bins on length >= low
        group by provider, session_kind, measure, bin, low, high
    ),
    counted as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            measure,
            bin,
            low as low_tokens,
            high as high_tokens,
            sum(steps)::bigint as steps,
            sum(tokens)::bigint as tokens
        from binned
        group by {{ cuts(by_model=false) }}, measure, bin, low, high
    )
select
    provider,
    session_kind,
    measure,
    bin,
    low_tokens,
    high_tokens,
    steps,
    steps / sum(steps) over cut as step_share,
    sum(steps) over below / sum(steps) over cut as cumulative_share,
    tokens,
    tokens / nullif(sum(tokens) over cut, 0) as token_share,
    sum(tokens) over below / nullif(sum(tokens) over cut, 0) as cumulative_token_share
from counted
window
    cut as (partition by provider, session_kind, measure),
    below as (partition by provider, session_kind, measure order by bin)
