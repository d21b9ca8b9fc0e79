-- One row per event of a step (or of a session, where it led to no step), its copies
-- settled: each at its earliest time, in the order of the log.
with
    raw_events as not materialized(select * from {{ source("raw", "events") }}),
    -- most steps stand in one file, in one run: as they are listed there
    plain as (
        select
            step_session_id as session_id,
            step_id,
            event_index - first_event_index as event_order,
            event_id,
            block_index,
            event_type,
            started_at,
            event_at,
            message_kind,
            tool_call_id,
            content_chars,
            is_error
        from raw_events
        inner join
            {{ ref("stg_step_copies") }} as settled using (
                file_id, session_id, step_seq
            )
        where is_plain and step_id is not null and not gives_way
    ),
    -- a compaction's response takes no inputs: a log cut off before its marker says so
    -- of none, and the whole log gives them to the step after it
    refused as (
        select file_id, session_id, step_seq
        from {{ ref("stg_step_copies") }}
        where
            step_id
            in (select step_id from {{ ref("stg_steps") }} where purpose = 'compaction')
    ),
    inputs_refused as (
        select file_id, event_index
        from raw_events
        inner join refused using (file_id, session_id, step_seq)
        where event_type in ('user_message', 'tool_result')
    ),
    copies as (
        select
            raw_events.* exclude (step_seq, session_id),
            settled.step_id,
            settled.step_number,
            settled.step_session_id as session_id,
            -- who speaks is what the owner's own log says: a copy in an agent's log
            -- calls every prompt an agent's
            if(settled.session_id = step_session_id, message_kind, null) as own_kind,
            event_index - first_event_index as listed_at
        from raw_events
        inner join
            {{ ref("stg_step_copies") }} as settled using (
                file_id, session_id, step_seq
            )
        anti join inputs_refused using (file_id, event_index)
        where settled.step_id is not null and not gives_way and not is_plain
    ),
    of_steps as (
        select
            step_number,
            any_value(session_id) as session_id,
            any_value(step_id) as step_id,
            event_id,
            block_index,
            min(listed_at) as listed_at,
            min(event_type) as event_type,
            min(started_at) as started_at,
            min(event_at) as event_at,
            coalesce(min(own_kind), min(message_kind)) as message_kind,
            min(tool_call_id) as tool_call_id,
            min(content_chars) as content_chars,
            bool_or(is_error) as is_error
        from copies
        group by step_number, event_id, block_index
    ),
    raw_sessions as (select * from {{ source("raw", "sessions") }}),
    own_sessions as (select distinct session_id from raw_sessions where is_own),
    named as (
        select raw_events.*, provider, session_kind, is_own
        from raw_events
        inner join raw_sessions using (file_id, session_id)
    ),
    taken as (
        select distinct provider, event_id, block_index
        from named
        anti join inputs_refused using (file_id, event_index)
        where
            step_seq is not null
            and event_id in (select event_id from raw_events where step_seq is null)
    ),
    -- an input that no step took: once, in its first session; gone where a longer
    -- copy of the log has the step
    loose as (
        select *
        from named
        anti join taken using (provider, event_id, block_index)
        where
            step_seq is null
            and (is_own or session_id not in (select session_id from own_sessions))
    ),
    of_no_step as (
        select
            null::bigint as step_number,
            arg_min(session_id, (session_kind, session_id)) as session_id,
            null::varchar as step_id,
            event_id,
            block_index,
            min(event_index) as listed_at,
            min(event_type) as event_type,
            min(started_at) as started_at,
            min(event_at) as event_at,
            arg_min(
                message_kind, (session_kind, session_id, message_kind)
            ) as message_kind,
            min(tool_call_id) as tool_call_id,
            min(content_chars) as content_chars,
            bool_or(is_error) as is_error
        from loose
        group by provider, event_id, block_index
    ),
    others as (
        select *
        from of_steps
        union all by name
        select *
        from of_no_step
    ),
    ordered as (
        select
            *,
            row_number() over (
                partition by
                    step_number, case when step_number is null then session_id end
                order by listed_at, event_at nulls last, event_id, block_index
            )
            - 1 as event_order
        from others
    ),
    events as (
        select *
        from plain
        union all by name
        select * exclude (step_number, listed_at)
        from ordered
    )
select
    session_id,
    step_id,
    event_order,
    -- nothing asks for the others, a third of the table
    case when event_type = 'user_message' then event_id end as event_id,
    block_index,
    event_type,
    started_at,
    event_at,
    message_kind,
    tool_call_id,
    content_chars,
    is_error
from events
