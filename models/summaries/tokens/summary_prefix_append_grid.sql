-- One row per cut, octave of the prefix and octave of the append that has steps.
with
    bins as (select * from {{ ref("bins") }} where grid = 'token_octaves'),
    steps as (
        select provider, session_kind, prefix_tokens, append_tokens
        from {{ ref("steps") }}
        where
            prefix_tokens is not null
            and append_tokens is not null
            -- the tokens of several calls are no size of one prompt
            and coalesce(calls, 1) <= 1
    ),
    by_prefix as (
        select
            provider,
            session_kind,
            append_tokens,
            bin as prefix_bin,
            low as prefix_low_tokens,
            high as prefix_high_tokens
        from steps
        asof join bins on prefix_tokens >= low
    )
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    prefix_bin,
    prefix_low_tokens,
    prefix_high_tokens,
    bin as append_bin,
    low as append_low_tokens,
    high as append_high_tokens,
    count(*) as steps,
    sum(append_tokens)::bigint as append_tokens
from by_prefix
asof join bins on append_tokens >= low
group by
    {{ cuts(by_model=false) }},
    prefix_bin,
    prefix_low_tokens,
    prefix_high_tokens,
    bin,
    low,
    high
