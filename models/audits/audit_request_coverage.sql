-- One row per cut and outcome: whether steps with a user's message open a request, and
-- else why not.
with
    steps as (select * from {{ ref("steps") }} where user_messages > 0),
    prompts as (
        select step_id, bool_or(event_at is not null) as has_time
        from {{ ref("stg_events") }}
        inner join steps using (step_id)
        where message_kind = if(session_kind = 'main', 'human', 'agent')
        group by step_id
    ),
    outcomes as (
        select
            provider,
            session_kind,
            model,
            case
                when message_at is not null
                then 'opens'
                when prompts.step_id is null
                then 'no_prompt'
                when not has_time
                then 'no_time'
                when first_output_at is null
                then 'no_output'
                else 'after_output'
            end as outcome
        from steps
        left join prompts using (step_id)
    )
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    {{ pooled("model") }},
    {{ pooled("outcome") }},
    count(*) as steps
from outcomes
group by {{ cuts() }}, grouping sets ((), (outcome))
