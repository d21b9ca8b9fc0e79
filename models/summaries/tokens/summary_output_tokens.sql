-- One row per cut: how long the output of a step is, in tokens, reasoning included.
with
    steps as (
        select
            *,
            case
                when usage_is_final is not false then output_tokens
            end as final_output_tokens
        from {{ ref("steps") }}
    )
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    {{ pooled("model") }},
    count(*) as steps,
    count(*) filter (where output_tokens is null) as missing_steps,
    count(*) filter (
        where not usage_is_final and output_tokens is not null
    ) as placeholder_steps,
    {{ distribution("final_output_tokens") }},
    count(*) filter (where final_output_tokens = 0) as empty_steps,
    count(*) filter (
        where usage_is_final is not false and reasoning_tokens > 0
    ) as reasoning_steps,
    coalesce(sum(final_output_tokens), 0)::bigint as output_tokens,
    coalesce(
        sum(reasoning_tokens) filter (where usage_is_final is not false), 0
    )::bigint as reasoning_tokens
from steps
group by {{ cuts() }}
