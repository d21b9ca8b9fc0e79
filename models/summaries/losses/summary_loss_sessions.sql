-- One row per cut, loss and rank, to 20: the sessions that lost most by it.
with
    losses as (
        select
            *,
            first_value(cause) over (
                partition by session_id, loss
                order by
                    cause is not distinct from 'all',
                    cost_usd desc nulls last,
                    time_ms desc nulls last,
                    tokens desc,
                    occurrences desc,
                    cause
            ) as main_cause
        from {{ ref("sim_losses") }}
        where occurrences > 0
        qualify cause = 'all'
    ),
    sessions as (
        select
            session_id,
            provider,
            session_kind,
            project,
            started_at,
            cost_usd as session_cost_usd,
            generation_part_ms + tool_part_ms as active_ms
        from {{ ref("sessions") }}
    ),
    ranked as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            loss,
            session_id,
            row_number() over (
                partition by provider, session_kind, loss
                order by
                    any_value(cost_usd) desc nulls last,
                    any_value(time_ms) desc nulls last,
                    any_value(tokens) desc nulls last,
                    any_value(started_at),
                    session_id
            ) as session_rank
        from losses
        inner join sessions using (session_id)
        group by {{ cuts(by_model=false) }}, loss, session_id
        qualify session_rank <= 20
    )
select
    ranked.provider,
    ranked.session_kind,
    loss,
    session_rank,
    session_id,
    project,
    started_at,
    main_cause,
    worst_step_id,
    occurrences,
    losses.steps,
    tokens,
    cost_usd::double as cost_usd,
    (cost_usd / nullif(session_cost_usd, 0))::double as cost_share,
    unpriced_steps,
    time_ms / 1000 as time_s,
    time_ms / nullif(active_ms, 0) as time_share,
    untimed_steps
from ranked
inner join losses using (session_id, loss)
inner join sessions using (session_id)
