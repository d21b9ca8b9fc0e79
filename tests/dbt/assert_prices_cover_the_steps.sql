{{
    config(
        severity="warn",
        meta={
            "advice": "of more than 1 % of a client's steps no price is known, so that its costs are too low: see "
            "`select provider, model, count(*) from steps where cost_usd is null group by all`"
        },
    )
}}
-- Sums of cost say little where more than 1 % of a client's metered steps have no
-- price.
select provider, count(cost_usd) as priced_steps, count(*) as metered_steps
from {{ ref("steps") }}
where input_tokens is not null
group by provider
having count(cost_usd) < 0.99 * count(*)
