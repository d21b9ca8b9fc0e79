-- One row per message of a person in a main session: how long the session had waited.
-- Apart from the marts: steps, requests and sessions need it, and none has its grain.
with
    -- a number, since all below is sorted by session
    sessions as (
        select session_id, row_number() over () as session_number
        from {{ ref("stg_sessions") }}
        where session_kind = 'main'
    ),
    messages as (
        select session_number, session_id, step_id, event_order, event_at as message_at
        from {{ ref("stg_events") }}
        inner join sessions using (session_id)
        where message_kind = 'human' and event_at is not null
    ),
    -- no command, and nothing that the client adds, ends a wait or begins one
    instants as (
        select session_number, event_at as instant_at
        from {{ ref("stg_events") }}
        inner join sessions using (session_id)
        where
            event_at is not null
            and coalesce(message_kind, '')
            not in ('meta', 'command', 'command_output', 'environment')
        union all
        select session_number, result_at as instant_at
        from {{ ref("stg_tool_calls") }}
        inner join sessions using (session_id)
        where result_at is not null
    ),
    calls as not materialized(
        select session_number, step_id, emitted_at, result_at
        from {{ ref("stg_tool_calls") }}
        inner join sessions using (session_id)
        where emitted_at is not null
    ),
    -- a call without result is open until the session goes on without it: in few
    -- sessions there is one, and only their steps are put in order
    left_open as (select distinct session_number from calls where result_at is null),
    answers as (
        select
            step_id,
            lead(first_output_at ignore nulls) over (
                partition by session_number order by step_index
            ) as next_output_at
        from {{ ref("stg_steps") }}
        inner join sessions using (session_id)
        semi join left_open using (session_number)
        left join {{ ref("int_step_events") }} using (step_id)
        where purpose is null
    ),
    open_calls as (
        select
            session_number,
            emitted_at,
            max(coalesce(result_at, next_output_at, 'infinity')) over (
                partition by session_number order by emitted_at
            ) as open_until_at
        from calls
        left join answers using (step_id)
    )
select
    session_id,
    step_id,
    event_order,
    message_at,
    coalesce(open_until_at >= message_at, false) as is_while_running,
    case when not is_while_running then instant_at end as waits_from_at,
    -- messages of one instant end one wait
    case
        when
            row_number() over (
                partition by messages.session_number, message_at
                order by step_id, event_order
            )
            = 1
        then {{ ms_between("waits_from_at", "message_at") }}
    end as wait_ms
from messages
asof left join
    instants
    on messages.session_number = instants.session_number
    and message_at > instants.instant_at
asof left join
    open_calls
    on messages.session_number = open_calls.session_number
    and message_at > open_calls.emitted_at
