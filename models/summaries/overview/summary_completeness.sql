-- One row per cut and client version, and all: how much of what happened the logs tell.
with recursive
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
    sessions as (select * from {{ ref("sessions") }}),
    -- the client's total goes on with a conversation that another log goes on with: it
    -- holds what that log copies
    histories as (
        select
            session_id as conversation_id,
            session_id,
            null::bigint as last_index,
            null::timestamp as until_at,
            [session_id] as path
        from sessions
        where client_output_tokens is not null
        union all
        select
            conversation_id,
            origin.session_id,
            origin.step_index,
            origin.last_event_at,
            list_append(path, origin.session_id)
        from histories
        inner join sessions using (session_id)
        inner join steps as origin on forked_from_step_id = origin.step_id
        where not list_contains(path, origin.session_id)
    ),
    -- what went on whole is told by the one that goes on
    told_elsewhere as (
        select session_id
        from histories
        inner join steps using (session_id)
        where session_id <> conversation_id
        group by conversation_id, session_id
        having max(step_index) = any_value(last_index)
    ),
    logged as (
        select
            conversation_id,
            sum(input_tokens) as input_tokens,
            sum(output_tokens) as output_tokens,
            -- a step without a price of its own may have searched for money
            sum(
                list_sum([cost_usd, nullif(web_cost_usd, 0), nullif(extra_cost_usd, 0)])
            ) as cost_usd
        from histories
        inner join
            steps
            on histories.session_id = root_session_id
            and (
                last_index is null
                or (steps.session_id = root_session_id and step_index <= last_index)
                -- subagents of that time
                or (steps.session_id <> root_session_id and last_event_at <= until_at)
            )
        group by conversation_id
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
        from sessions
        anti join told_elsewhere using (session_id)
        left join logged on sessions.session_id = logged.conversation_id
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
