-- One row per billed call: a step's own tokens (call_index null) or a call behind it.
-- Apart from steps: both are priced by one rule, which seed model_prices tells.
with
    known_names as (
        select provider, model as name
        from {{ ref("model_prices") }}
        union
        select provider, alias
        from {{ ref("model_aliases") }}
    ),
    steps as (
        select
            *,
            {{ undated("provider", "model") }} as model_name,
            if(speed = 'fast', 'fast', coalesce(service_tier, 'standard')) as tier,
            -- without any time it takes the prices that hold now
            coalesce(last_output_at, last_event_at, '9999-12-31')::date as priced_on
        from {{ ref("stg_steps") }}
        left join {{ ref("int_step_events") }} using (step_id)
    ),
    calls as not materialized(
        select
            step_id,
            null as call_index,
            provider,
            model_name,
            tier,
            priced_on,
            context_tokens,
            prefix_tokens,
            append_tokens,
            cache_write_tokens,
            cache_write_1h_tokens,
            -- an output that was not counted costs nothing known
            if(
                input_tokens is null, output_tokens, coalesce(output_tokens, 0)
            ) as output_tokens
        from steps
        union all
        select
            step_id,
            call_index,
            extra_calls.provider,
            {{ undated("extra_calls.provider", "extra_calls.model") }},
            tier,
            priced_on,
            extra_calls.input_tokens,
            extra_calls.prefix_tokens,
            extra_calls.append_tokens,
            extra_calls.cache_write_tokens,
            extra_calls.cache_write_1h_tokens,
            if(
                extra_calls.input_tokens is null,
                extra_calls.output_tokens,
                coalesce(extra_calls.output_tokens, 0)
            )
        from {{ ref("stg_extra_calls") }} as extra_calls
        inner join steps using (step_id)
    ),
    rates as (
        select
            named.*,
            above_input_tokens,
            input_usd_per_mtok,
            coalesce(
                cache_write_5m_usd_per_mtok, input_usd_per_mtok
            ) as write_5m_usd_per_mtok,
            coalesce(
                cache_write_1h_usd_per_mtok, write_5m_usd_per_mtok
            ) as write_1h_usd_per_mtok,
            coalesce(cache_read_usd_per_mtok, input_usd_per_mtok) as read_usd_per_mtok,
            output_usd_per_mtok,
            web_search_usd,
            price_tier = 'standard'
            and tier
            in ('priority', 'fast', 'flex', 'batch', 'scale') as is_standard_instead
        from (select distinct provider, model_name, tier, priced_on from calls) as named
        left join
            {{ ref("model_aliases") }} as aliases
            on named.provider = aliases.provider
            and named.model_name = aliases.alias
        inner join
            {{ ref("model_prices") }} as prices
            on named.provider = prices.provider
            and coalesce(aliases.model, named.model_name) = prices.model
            and prices.price_tier in (named.tier, 'standard')
            and named.priced_on >= prices.valid_from
            and named.priced_on < coalesce(prices.valid_to, 'infinity')
        qualify
            rank() over (
                partition by
                    named.provider, named.model_name, named.tier, named.priced_on
                order by prices.price_tier = 'standard'
            )
            = 1
    ),
    -- beside what each price is above that of a short prompt
    tiers as (
        select
            *,
            lead(above_input_tokens) over by_length as up_to_input_tokens,
            input_usd_per_mtok
            - first_value(input_usd_per_mtok) over by_length as input_surcharge,
            write_5m_usd_per_mtok
            - first_value(write_5m_usd_per_mtok) over by_length as write_5m_surcharge,
            write_1h_usd_per_mtok
            - first_value(write_1h_usd_per_mtok) over by_length as write_1h_surcharge,
            read_usd_per_mtok
            - first_value(read_usd_per_mtok) over by_length as read_surcharge,
            output_usd_per_mtok
            - first_value(output_usd_per_mtok) over by_length as output_surcharge
        from rates
        window
            by_length as (
                partition by provider, model_name, tier, priced_on
                order by above_input_tokens
            )
    ),
    priced as (
        select
            calls.*,
            tiers.* exclude (provider, model_name, tier, priced_on),
            least(coalesce(cache_write_tokens, 0), append_tokens) as writes,
            least(coalesce(cache_write_1h_tokens, 0), writes) as writes_1h
        from calls
        -- not asof: that would sort all calls, for the few tiers there are
        left join
            tiers
            on calls.provider = tiers.provider
            and calls.model_name = tiers.model_name
            and calls.tier = tiers.tier
            and calls.priced_on = tiers.priced_on
            and greatest(calls.context_tokens, 1) > tiers.above_input_tokens
            and (
                greatest(calls.context_tokens, 1) <= tiers.up_to_input_tokens
                or tiers.up_to_input_tokens is null
            )
    ),
    costs as (
        select
            *,
            try_cast(
                {{ usd("append_tokens - writes", "input_usd_per_mtok") }}
                + {{ usd("writes - writes_1h", "write_5m_usd_per_mtok") }}
                + {{ usd("writes_1h", "write_1h_usd_per_mtok") }} as decimal(18, 12)
            ) as append_usd,
            {{ usd("prefix_tokens", "read_usd_per_mtok") }} as prefix_usd,
            {{ usd("output_tokens", "output_usd_per_mtok") }} as output_usd,
            try_cast(
                append_usd + prefix_usd + output_usd as decimal(18, 12)
            ) as cost_usd
        from priced
    )
-- no part of a cost without the whole
select
    step_id,
    call_index,
    if(cost_usd is null, null, append_usd) as append_cost_usd,
    if(cost_usd is null, null, prefix_usd) as prefix_cost_usd,
    if(cost_usd is null, null, output_usd) as output_cost_usd,
    cost_usd,
    case
        when cost_usd is null
        then null
        when above_input_tokens = 0
        then 0
        else
            try_cast(
                {{ usd("append_tokens - writes", "input_surcharge") }}
                + {{ usd("writes - writes_1h", "write_5m_surcharge") }}
                + {{ usd("writes_1h", "write_1h_surcharge") }}
                + {{ usd("prefix_tokens", "read_surcharge") }}
                + {{ usd("output_tokens", "output_surcharge") }} as decimal(18, 12)
            )
    end::decimal(18, 12) as long_context_cost_usd,
    input_usd_per_mtok,
    write_5m_usd_per_mtok,
    write_1h_usd_per_mtok,
    read_usd_per_mtok,
    web_search_usd,
    is_standard_instead
from costs
