-- One row per cut by model: what each model did and cost, and its share of that of all
-- clients.
with
    counted as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            count(*) as steps,
            sum(input_tokens)::bigint as input_tokens,
            sum(prefix_tokens)::bigint as prefix_tokens,
            sum(append_tokens)::bigint as append_tokens,
            sum(cache_write_tokens)::bigint as cache_write_tokens,
            sum(output_tokens)::bigint as output_tokens,
            sum(reasoning_tokens)::bigint as reasoning_tokens,
            sum(append_cost_usd)::double as append_cost_usd,
            sum(prefix_cost_usd)::double as prefix_cost_usd,
            sum(output_cost_usd)::double as output_cost_usd,
            sum(cost_usd)::double as cost_usd,
            count(cost_usd) as priced_steps,
            count(*) filter (
                where cost_usd is null and input_tokens is not null
            ) as unpriced_steps,
            coalesce(
                sum(input_tokens + coalesce(output_tokens, 0)) filter (
                    where cost_usd is null
                ),
                0
            )::bigint as unpriced_tokens
        from {{ ref("steps") }}
        group by {{ cuts() }}
    )
select
    provider,
    session_kind,
    model,
    steps,
    input_tokens,
    prefix_tokens,
    append_tokens,
    cache_write_tokens,
    output_tokens,
    reasoning_tokens,
    append_cost_usd,
    prefix_cost_usd,
    output_cost_usd,
    cost_usd,
    priced_steps,
    unpriced_steps,
    unpriced_tokens,
    steps / nullif(max(steps) over whole, 0) as step_share,
    (input_tokens + coalesce(output_tokens, 0)) / nullif(
        max(input_tokens + coalesce(output_tokens, 0)) over whole, 0
    ) as token_share,
    cost_usd / nullif(max(cost_usd) over whole, 0) as cost_share
from counted
window whole as (partition by session_kind)
