-- One row per cut and fact: the longest stretches of work, and where to find them.
with
    steps as (
        select
            provider,
            session_kind,
            session_id,
            step_id,
            step_index,
            trigger = 'user' as is_user,
            first_event_at as started_at,
            count_if(is_user) over (partition by session_id order by step_index) as run,
            lag(first_event_at) over (
                partition by session_id order by step_index
            ) as previous_at
        from {{ ref("steps") }}
        where purpose is null and first_event_at is not null
    ),
    -- a break of more than half an hour between two starts ends a stretch
    stretches as (
        select
            *,
            count(*) filter (
                where {{ ms_between("previous_at", "started_at") }} > 1800000
            ) over (partition by session_id order by step_index) as stretch
        from steps
    ),
    facts as (
        select
            'longest_continuous_session_s' as name,
            provider,
            session_kind,
            session_id,
            arg_min(step_id, step_index) as step_id,
            arg_min(started_at, step_index) as started_at,
            arg_max(started_at, step_index) as last_started_at,
            count(*) as steps
        from stretches
        group by provider, session_kind, session_id, stretch
        having count(*) >= 2
        union all
        select
            'longest_unattended_run_s',
            provider,
            session_kind,
            session_id,
            arg_min(step_id, step_index),
            arg_min(started_at, step_index),
            arg_max(started_at, step_index),
            count(*)
        from stretches
        where not is_user
        group by provider, session_kind, session_id, stretch, run
        having count(*) >= 2
    ),
    longest as (
        select
            name,
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            arg_min(
                facts,
                (
                    - {{ ms_between("started_at", "last_started_at") }},
                    started_at,
                    - steps,
                    session_id,
                    step_id
                )
            ) as fact
        from facts
        group by {{ cuts(by_model=false) }}, name
    )
select
    provider,
    session_kind,
    name,
    greatest({{ ms_between("fact.started_at", "fact.last_started_at") }}, 0)
    / 1000 as value,
    fact.session_id as session_id,
    fact.step_id as step_id,
    fact.started_at as started_at,
    fact.steps as steps
from longest
