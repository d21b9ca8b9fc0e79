-- One row per cut, trigger and growth bucket, and all: how the prompt grows or shrinks
-- from a step to the next.
with
    pairs as (
        select
            provider,
            session_kind,
            model,
            trigger,
            context_growth_tokens,
            true as is_pair,
            unnest(
                case
                    when context_growth_tokens > 0
                    then ['all', 'positive']
                    when context_growth_tokens = 0
                    then ['all', 'zero']
                    when context_growth_tokens <= -64000
                    then ['all', 'negative', 'major']
                    when context_growth_tokens < -1024
                    then ['all', 'negative', 'ordinary']
                    when context_growth_tokens < 0
                    then ['all', 'negative', 'micro']
                    else ['all']
                end
            ) as growth_bucket
        from {{ ref("steps") }}
        where previous_step_id is not null and trigger <> 'none'
    ),
    -- every cut has every trigger and bucket, also one without pairs
    filled as (
        from pairs
        union all by name
        select
            *,
            unnest(
                ['all', 'positive', 'zero', 'negative', 'micro', 'ordinary', 'major']
            ) as growth_bucket
        from
            (
                select distinct
                    provider, session_kind, model, unnest(['user', 'tool']) as trigger
                from {{ ref("steps") }}
            )
    )
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    {{ pooled("model") }},
    {{ pooled("trigger") }},
    growth_bucket,
    count(is_pair) as steps,
    count(context_growth_tokens)
    / nullif(max(count(context_growth_tokens)) over cut, 0) as step_share,
    if(steps = 0, 0, sum(context_growth_tokens))::bigint as growth_tokens,
    {{ distribution("context_growth_tokens") }}
from filled
group by {{ cuts() }}, grouping sets ((), (trigger)), growth_bucket
window
    cut as (
        partition by
            grouping_id(provider, session_kind, model, trigger),
            provider,
            session_kind,
            model,
            trigger
    )
