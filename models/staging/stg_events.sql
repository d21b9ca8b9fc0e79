-- One row per event of a step (or of a session, where it led to no step), its copies
-- settled: each at its earliest time, in the order of the log.
with
    raw_events as not materialized(select * from {{ source("raw", "events") }}),
    settled as not materialized(
        select *
        from {{ ref("stg_step_copies") }}
        where step_id is not null and not gives_way
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
    raw_sessions as (select * from {{ source("raw", "sessions") }}),
    own_sessions as ({{ own_sessions() }}),
    -- what a copy may begin with before any step
    shared_prompts as (
        select event_id
        from raw_events
        where event_type = 'user_message'
        group by all
        having min(session_id) <> max(session_id)
    ),
    -- a copy's first own step reads on from what its origin was told last
    copying_files as (
        select file_id
        from {{ ref("stg_step_copies") }}
        where owner_session_id <> file_session_id
        union
        select file_id
        from raw_sessions
        where is_own and forked_from_session_id is not null
        union
        select file_id
        from raw_events
        semi join shared_prompts using (event_id)
    ),
    -- materialized: few they are, and found before anything is joined to them
    told as materialized(
        select *
        from raw_events
        where
            event_type in ('user_message', 'tool_result')
            and event_id
            in (select event_id from raw_events semi join copying_files using (file_id))
            and not {{ var("include_replays") }}
    ),
    told_steps as (select * from settled semi join told using (file_id)),
    tellings as materialized(
        select
            provider,
            event_id,
            block_index,
            file_id,
            event_index,
            step_number,
            coalesce(step_session_id, session_id) as told_session_id,
            -- in a copied part, which may call an input that of the first thread
            step_seq is null and not is_own as is_hearsay,
            event_at
        from told
        inner join raw_sessions using (file_id, session_id)
        left join told_steps using (provider, file_id, session_id, step_seq)
        anti join inputs_refused using (file_id, event_index)
        where
            if(
                step_seq is null,
                is_own or session_id not in (select session_id from own_sessions),
                step_id is not null
            )
    ),
    told_origins as (
        select distinct
            provider,
            event_id,
            block_index,
            origin_session_id as told_session_id,
            true as is_origin
        from tellings
        inner join {{ ref("stg_forks") }} on told_session_id = session_id
    ),
    told_forks as (
        select distinct
            provider, event_id, block_index, told_session_id, true as is_fork
        from tellings
        inner join {{ ref("stg_forks") }} on told_session_id = session_id
        where
            (provider, event_id, block_index, origin_session_id)
            in (select provider, event_id, block_index, told_session_id from tellings)
    ),
    session_ends as ({{ session_ends() }}),
    told_owners as (
        select provider, event_id, block_index, told_session_id as owner_session_id
        from tellings
        left join told_origins using (provider, event_id, block_index, told_session_id)
        left join told_forks using (provider, event_id, block_index, told_session_id)
        left join session_ends on told_session_id = session_id
        qualify
            row_number() over (
                partition by provider, event_id, block_index
                order by is_hearsay, {{ owner_first("event_at", "told_session_id") }}
            )
            = 1
    ),
    inputs_of_others as (
        select file_id, event_index, step_number
        from tellings
        inner join told_owners using (provider, event_id, block_index)
        where told_session_id <> owner_session_id
    ),
    -- one set of both: each join more would look at every event again
    not_taken as (
        select file_id, event_index
        from inputs_refused
        union all
        select file_id, event_index
        from inputs_of_others
    ),
    -- only where files tell of one session may they differ on whose an event is
    shared_sessions as (
        select step_session_id
        from settled
        where not is_plain
        group by all
        having min(file_id) <> max(file_id)
        union
        select session_id
        from raw_sessions
        group by all
        having count(*) > 1
    ),
    shared_steps as (
        select file_id, session_id, step_seq, step_session_id, step_number
        from settled
        semi join shared_sessions using (step_session_id)
    ),
    claims as (
        select
            file_id,
            event_index,
            step_session_id,
            event_id,
            block_index,
            step_number,
            -- no step takes in what its own calls gave: half of it was lost before
            if(
                event_type = 'tool_result'
                and bool_or(event_type = 'tool_call') over (
                    partition by step_number, tool_call_id
                ),
                null,
                step_number
            ) as taker_number
        from raw_events
        inner join shared_steps using (file_id, session_id, step_seq)
        anti join not_taken using (file_id, event_index)
    ),
    -- a copy that lost a step gives what it took to the next one: an event is of the
    -- earliest step that a file names
    misplaced as (
        select file_id, event_index, step_number
        from claims
        qualify
            min(taker_number) over (
                partition by step_session_id, event_id, block_index, file_id
            ) is distinct from min(taker_number) over (
                partition by step_session_id, event_id, block_index
            )
    ),
    -- unnested: DuckDB expects few rows of it, and does not hash every step for them
    disputed as (
        select unnest(list(distinct step_number)) as step_number
        from
            (
                select step_number
                from misplaced
                union all
                select step_number
                from inputs_of_others
                where step_number is not null
            )
    ),
    -- most steps stand in one file, in one run: as they are listed there
    plain_steps as not materialized(
        select * from settled anti join disputed using (step_number) where is_plain
    ),
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
        inner join plain_steps using (file_id, session_id, step_seq)
    ),
    unsettled as (
        select *
        from settled
        where not is_plain
        union all
        select *
        from settled
        semi join disputed using (step_number)
        where is_plain
    ),
    copies as materialized(
        select
            raw_events.* exclude (step_seq, session_id),
            unsettled.step_id,
            unsettled.step_number,
            unsettled.step_session_id as session_id,
            -- who speaks is what the owner's own log says: a copy in an agent's log
            -- calls every prompt an agent's
            if(unsettled.session_id = step_session_id, message_kind, null) as own_kind,
            event_index - first_event_index as listed_at
        from raw_events
        inner join unsettled using (file_id, session_id, step_seq)
    ),
    of_steps as (
        select
            step_number,
            any_value(session_id) as session_id,
            any_value(step_id) as step_id,
            event_id,
            block_index,
            -- a copy that lost events lists the others too early
            max(listed_at) as listed_at,
            min(event_type) as event_type,
            min(started_at) as started_at,
            min(event_at) as event_at,
            coalesce(min(own_kind), min(message_kind)) as message_kind,
            min(tool_call_id) as tool_call_id,
            min(content_chars) as content_chars,
            bool_or(is_error) as is_error
        from copies
        anti join not_taken using (file_id, event_index)
        anti join misplaced using (file_id, event_index)
        group by step_number, event_id, block_index
    ),
    named as (
        select raw_events.*, provider, session_kind, is_own
        from raw_events
        inner join raw_sessions using (file_id, session_id)
    ),
    taken as (
        select distinct provider, event_id, block_index
        from named
        semi join settled using (file_id, session_id, step_seq)
        anti join not_taken using (file_id, event_index)
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
        anti join inputs_of_others using (file_id, event_index)
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
