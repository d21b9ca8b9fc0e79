-- One row per cut, trigger and bin of the growth that has steps: octaves of its size,
-- on either side of 0.
with
    bins as (select * from {{ ref("bins") }} where grid = 'token_octaves'),
    pairs as (
        select
            provider,
            session_kind,
            trigger,
            sign(context_growth_tokens) as direction,
            abs(context_growth_tokens) as change
        from {{ ref("steps") }}
        where
            previous_step_id is not null
            and trigger <> 'none'
            and context_growth_tokens is not null
    ),
    binned as (
        select
            provider,
            session_kind,
            trigger,
            (direction * bin)::bigint as bin,
            if(direction < 0, - high, low) as low_tokens,
            if(direction < 0, - low, high) as high_tokens
        from pairs
        asof join bins on change >= low
    )
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    {{ pooled("trigger") }},
    bin,
    low_tokens,
    high_tokens,
    count(*) as steps,
    count(*) / sum(count(*)) over cut as step_share
from binned
group by
    {{ cuts(by_model=false) }},
    grouping sets ((), (trigger)),
    bin,
    low_tokens,
    high_tokens
window
    cut as (
        partition by
            grouping_id(provider, session_kind, trigger),
            provider,
            session_kind,
            trigger
    )
