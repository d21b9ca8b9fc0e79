{{ config(severity="warn") }}
-- Sums of cost say little where more than 1 % of a client's metered steps have no
-- price.
select provider, count(cost_usd) as priced_steps, count(*) as metered_steps
from {{ ref("steps") }}
where input_tokens is not null
group by provider
having count(cost_usd) < 0.99 * count(*)
