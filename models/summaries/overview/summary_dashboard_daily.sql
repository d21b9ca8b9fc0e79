-- One row per cut and local day: what was done on it.
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    local_time::date as day,
    '{{ var("timezone") }}' as timezone,
    count(*) as steps,
    sum(input_tokens)::bigint as input_tokens,
    sum(output_tokens)::bigint as output_tokens,
    sum(cost_usd)::double as cost_usd,
    count(*) filter (
        where cost_usd is null and input_tokens is not null
    ) as unpriced_steps
from {{ ref("steps") }}
group by {{ cuts(by_model=false) }}, day
