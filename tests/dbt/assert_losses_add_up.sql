-- Missed tokens and their cost are those of summary_miss_causes, cause by cause; what a
-- restart missed is in none of these; waits for tools are what the sessions' times
-- leave
-- to tools; causes add up to all, and clients and kinds of session to theirs; no
-- session
-- loses more money than it cost, nor waits for its tools longer than they ran.
with
    losses as (select * from {{ ref("summary_losses") }}),
    by_session as (
        select losses.*, sessions.cost_usd as session_cost_usd, tool_part_ms
        from {{ ref("sim_losses") }} as losses
        full join {{ ref("sessions") }} as sessions using (session_id)
        where cause = 'all' or losses.session_id is null
    )
select 'missed tokens by cause' as rule, provider, session_kind, miss_cause as place
from
    (
        select provider, session_kind, miss_cause, missed_tokens, missed_cost_usd
        from {{ ref("summary_miss_causes") }}
        where
            model = 'all'
            and trigger = 'all'
            and miss_cause not in ('all', 'none')
            and missed_tokens > 0
    ) as causes
full join
    (
        select provider, session_kind, cause as miss_cause, tokens, cost_usd
        from losses
        where loss = 'cache_miss' and cause not in ('all', 'restart')
    ) as misses using (provider, session_kind, miss_cause)
where
    missed_tokens is distinct from tokens
    or (missed_cost_usd is null) <> (cost_usd is null)
    or abs(missed_cost_usd - cost_usd) > 1e-6
union all
select 'a restart is no other miss', null, null, step_id
from {{ ref("sim_restarts") }}
inner join {{ ref("cache_reuse") }} as reuse using (step_id)
where miss_cause is distinct from 'session_start'
union all
select 'causes add up to all', provider, session_kind, loss
from losses
group by provider, session_kind, loss
having
    2 * sum(occurrences) filter (where cause = 'all') <> sum(occurrences)
    or 2 * sum(tokens) filter (where cause = 'all') <> sum(tokens)
    or 2 * sum(steps) filter (where cause = 'all') <> sum(steps)
    or abs(2 * sum(cost_usd) filter (where cause = 'all') - sum(cost_usd)) > 1e-6
    or 2 * sum(round(1000 * time_s)) filter (where cause = 'all')
    <> sum(round(1000 * time_s))
union all
select 'cuts add up to all', 'all', 'all', loss
from losses
where cause = 'all'
group by loss
having
    4 * sum(occurrences) filter (where provider = 'all' and session_kind = 'all')
    <> sum(occurrences)
    or 4 * sum(sessions) filter (where provider = 'all' and session_kind = 'all')
    <> sum(sessions)
union all
select 'no more money than it cost', null, null, session_id
from by_session
where cost_usd > session_cost_usd or (cost_usd is not null and session_cost_usd is null)
union all
select 'waits for tools are the time left to them', null, null, session_id
from by_session
group by session_id, tool_part_ms
having coalesce(sum(time_ms) filter (where loss = 'tool_time'), 0) <> tool_part_ms
