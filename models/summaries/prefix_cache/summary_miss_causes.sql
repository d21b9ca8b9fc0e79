-- One row per cut and cause, and all: the tokens that the cache no longer held, and
-- what they cost.
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    {{ pooled("model") }},
    {{ pooled("trigger") }},
    {{ pooled("miss_cause") }},
    count(*) filter (where miss_cause is not null) as steps,
    sum(input_tokens) filter (where miss_cause is not null)::bigint as input_tokens,
    sum(append_tokens) filter (where miss_cause is not null)::bigint as append_tokens,
    sum(fresh_tokens)::bigint as fresh_tokens,
    sum(resent_output_tokens)::bigint as resent_output_tokens,
    sum(missed_tokens)::bigint as missed_tokens,
    sum(missed_tokens) / nullif(
        sum(append_tokens) filter (where miss_cause is not null), 0
    ) as missed_share,
    sum(missed_cost_usd)::double as missed_cost_usd,
    count(*) filter (
        where missed_tokens > 0 and missed_cost_usd is null
    ) as unpriced_steps,
    coalesce(sum(missed_tokens) filter (where missed_cost_usd is null), 0)::bigint
    as unpriced_missed_tokens,
    count(*) filter (where miss_cause is null) as unsplit_steps
from {{ ref("cache_reuse") }}
group by {{ cuts() }}, grouping sets ((), (trigger)), grouping sets ((), (miss_cause))
having miss_cause is not null or grouping(miss_cause) = 1
