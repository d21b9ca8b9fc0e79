-- One row per cut and client version, and all: how much of what happened the logs tell.
with
    steps as (select * from {{ ref("steps") }}),
    usage as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("client_version") }},
            count(*) as steps,
            count(input_tokens) as metered_steps,
            count(*) filter (where usage_is_final is not false) as final_usage_steps
        from steps
        group by {{ cuts(by_model=false) }}, grouping sets ((), (client_version))
    ),
    logged as (
        select
            root_session_id,
            sum(input_tokens) as input_tokens,
            sum(output_tokens) as output_tokens,
            -- a step without a price of its own may have searched for money
            sum(
                list_sum([cost_usd, nullif(web_cost_usd, 0), nullif(extra_cost_usd, 0)])
            ) as cost_usd
        from steps
        group by root_session_id
    ),
    -- the client adds up a conversation, its subagents included
    totals as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("client_version") }},
            count(*) as checked_conversations,
            sum(client_input_tokens) as client_input_tokens,
            sum(client_output_tokens) as client_output_tokens,
            sum(client_cost_usd) as client_cost_usd,
            sum(logged.input_tokens) as logged_input_tokens,
            sum(logged.output_tokens) as logged_output_tokens,
            sum(logged.cost_usd) as logged_cost_usd
        from {{ ref("sessions") }} as sessions
        left join logged on sessions.session_id = logged.root_session_id
        where client_output_tokens is not null
        group by {{ cuts(by_model=false) }}, grouping sets ((), (client_version))
    )
select
    -- a conversation may begin under a version that made no step
    coalesce(usage.provider, totals.provider) as provider,
    coalesce(usage.session_kind, totals.session_kind) as session_kind,
    coalesce(usage.client_version, totals.client_version) as client_version,
    coalesce(steps, 0) as steps,
    coalesce(metered_steps, 0) as metered_steps,
    coalesce(final_usage_steps, 0) as final_usage_steps,
    final_usage_steps / nullif(steps, 0) as final_usage_share,
    coalesce(checked_conversations, 0) as checked_conversations,
    logged_input_tokens::bigint as logged_input_tokens,
    client_input_tokens::bigint as client_input_tokens,
    logged_output_tokens::bigint as logged_output_tokens,
    client_output_tokens::bigint as client_output_tokens,
    logged_cost_usd::double as logged_cost_usd,
    client_cost_usd::double as client_cost_usd,
    logged_cost_usd / nullif(client_cost_usd, 0) as logged_cost_share
from usage
full join
    totals
    on usage.provider = totals.provider
    and usage.session_kind = totals.session_kind
    and usage.client_version is not distinct from totals.client_version
