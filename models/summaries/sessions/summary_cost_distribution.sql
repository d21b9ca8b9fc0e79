-- One row per cut, unit, measure and category: what a session, a request and a step
-- cost, and how many tokens that is. Sessions are not cut by model.
with
    steps as (
        select
            provider,
            session_kind,
            model,
            session_id,
            request_id,
            case when cost_usd is not null then append_tokens end as append_tokens,
            case when cost_usd is not null then prefix_tokens end as prefix_tokens,
            case when cost_usd is not null then output_tokens end as output_tokens,
            -- whole numbers of 1e-12 USD are exact, and of the tokens' type; decimals
            -- would divide by 128 bits for it, and doubles lose none below 2,000 USD
            (append_cost_usd * 1e12)::bigint as append_cost,
            (prefix_cost_usd * 1e12)::bigint as prefix_cost,
            (output_cost_usd * 1e12)::bigint as output_cost,
            (cost_usd is null and input_tokens is not null)::int as unpriced_steps,
            if(
                cost_usd is null, input_tokens + coalesce(output_tokens, 0), null
            ) as unpriced_tokens,
            (
                cost_usd is not null
                and output_tokens is not null
                and coalesce(not usage_is_final, false)
            )::int as placeholder_steps
        from {{ ref("steps") }}
    ),
    units as (
        select 'session' as unit, session_id as unit_id, * replace (null as model)
        from steps
        union all
        select 'request', request_id, steps.* replace (requests.model as model)
        from steps
        inner join
            (
                select request_id, model
                from {{ ref("requests") }}
                where response_ms > 0
            ) as requests using (request_id)
    ),
    totals as (
        select
            unit,
            provider,
            session_kind,
            model,
            sum(append_tokens)::bigint as append_tokens,
            sum(prefix_tokens)::bigint as prefix_tokens,
            sum(output_tokens)::bigint as output_tokens,
            -- null where absurd
            try_cast(sum(append_cost) as bigint) as append_cost,
            try_cast(sum(prefix_cost) as bigint) as prefix_cost,
            try_cast(sum(output_cost) as bigint) as output_cost,
            sum(unpriced_steps)::int as unpriced_steps,
            sum(unpriced_tokens)::bigint as unpriced_tokens,
            sum(placeholder_steps)::int as placeholder_steps
        from units
        group by unit, unit_id, provider, session_kind, model
        union all by name
        select 'step' as unit, * exclude (session_id, request_id)
        from steps
    ),
    amounts as (
        select
            *,
            append_cost + prefix_cost + output_cost as all_cost,
            -- an output that was not counted adds nothing
            append_tokens + prefix_tokens + coalesce(output_tokens, 0) as all_tokens
        from totals
    ),
    described as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            unit,
            count(*) as units,
            {{
                distributions(
                    "columns('^(all|append|prefix|output)_cost')", per="1e12"
                )
            }},
            {{ distributions("columns('^(all|append|prefix|output)_tokens')") }},
            count_if(unpriced_steps > 0)::bigint as unpriced_units,
            coalesce(sum(unpriced_tokens), 0)::bigint as unpriced_tokens,
            sum(placeholder_steps)::bigint as placeholder_steps
        from amounts
        group by {{ cuts() }}, unit
        having unit <> 'session' or grouping(model) = 1
    )
select
    provider,
    session_kind,
    model,
    unit,
    if(amount like '%_cost', 'cost_usd', 'tokens') as measure,
    split_part(amount, '_', 1) as category,
    units,
    found.total as total,
    found.sum / nullif(
        max(found.sum) over (partition by provider, session_kind, model, unit, measure),
        0
    ) as total_share,
    {{ distribution_of("found") }},
    unpriced_units,
    unpriced_tokens,
    placeholder_steps
from
    described
    unpivot (found for amount in (columns('^(all|append|prefix|output)_(cost|tokens)')))
