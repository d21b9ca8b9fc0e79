-- One row per cut, loss and cause, and all causes: what it cost and how long it took.
with
    sessions as (
        select *, generation_part_ms + tool_part_ms as active_ms
        from {{ ref("sessions") }}
    ),
    totals as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            sum(cost_usd)::double as cost_usd,
            sum(active_ms) as active_ms
        from sessions
        group by {{ cuts(by_model=false) }}
    ),
    losses as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            loss,
            cause,
            count(*) filter (where occurrences > 0) as sessions,
            sum(occurrences)::bigint as occurrences,
            sum(losses.steps)::bigint as steps,
            sum(tokens)::bigint as tokens,
            sum(losses.cost_usd)::double as cost_usd,
            sum(time_ms) as time_ms,
            sum(unpriced_steps)::bigint as unpriced_steps,
            sum(untimed_steps)::bigint as untimed_steps
        from {{ ref("sim_losses") }} as losses
        inner join sessions using (session_id)
        group by {{ cuts(by_model=false) }}, loss, cause
    )
select
    provider,
    session_kind,
    loss,
    cause,
    row_number() over (
        partition by provider, session_kind, loss, cause is not distinct from 'all'
        order by
            losses.cost_usd desc nulls last,
            time_ms desc nulls last,
            tokens desc,
            occurrences desc,
            cause
    ) as cause_rank,
    sessions,
    occurrences,
    steps,
    tokens,
    losses.cost_usd,
    losses.cost_usd / nullif(totals.cost_usd, 0) as cost_share,
    unpriced_steps,
    time_ms / 1000 as time_s,
    time_ms / nullif(active_ms, 0) as time_share,
    untimed_steps
from losses
inner join totals using (provider, session_kind)
