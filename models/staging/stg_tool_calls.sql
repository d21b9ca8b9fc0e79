-- One row per tool call, its copies settled: the result as the call's own session logs
-- it, if that says when; else the earliest times, a failure if any copy tells of one.
with
    raw_sessions as (select * from {{ source("raw", "sessions") }}),
    -- what a fork says itself of a call that was open when it began: no result of the
    -- call where that was made
    answered_by_forks as (
        select distinct file_id, session_id, tool_call_id, true as is_by_fork
        from {{ source("raw", "tool_calls") }}
        where
            (file_id, session_id) in (
                select file_id, session_id
                from raw_sessions
                where
                    not is_own
                    and session_id in (select session_id from raw_sessions where is_own)
            )
            and (file_id, session_id, tool_call_id) not in (
                select file_id, session_id, tool_call_id
                from {{ source("raw", "events") }}
                where event_type = 'tool_result' and tool_call_id is not null
            )
            and not {{ var("include_replays") }}
    ),
    raw_calls as not materialized(
        select
            raw_calls.* replace (
                if(is_by_fork, null, result_at) as result_at,
                if(is_by_fork, null, wall_ms) as wall_ms,
                if(is_by_fork, null, internal_ms) as internal_ms,
                if(is_by_fork, null, is_error) as is_error,
                if(is_by_fork, null, exit_code) as exit_code,
                if(is_by_fork, null, result_chars) as result_chars
            )
        from {{ source("raw", "tool_calls") }} as raw_calls
        left join answered_by_forks using (file_id, session_id, tool_call_id)
    ),
    copies as not materialized(
        select
            raw_calls.* exclude (session_id),
            settled.step_id,
            settled.step_session_id as session_id,
            provider,
            step_number,
            is_plain,
            raw_calls.session_id = step_session_id as is_owners,
            -- what repeats inside a published dataset counts again
            if(
                is_published and {{ var("include_replays") }}, step_number, null
            ) as repeat_number
        from raw_calls
        inner join
            {{ ref("stg_step_copies") }} as settled using (
                file_id, session_id, step_seq
            )
        where settled.step_id is not null and not gives_way
    ),
    -- most steps and calls stand once: only the others are to be settled; only what
    -- repeats in raw can repeat among copies, and is found there without a join
    repeated_calls as (
        select tool_call_id
        from {{ source("raw", "tool_calls") }}
        group by tool_call_id
        having count(*) > 1
    ),
    contested_calls as (
        select tool_call_id
        from copies
        semi join repeated_calls using (tool_call_id)
        group by tool_call_id
        having count(*) > 1
    ),
    contested_steps as (
        select step_number
        from {{ ref("stg_step_copies") }}
        where not is_plain and step_id is not null and not gives_way
        union
        select step_number
        from copies
        semi join contested_calls using (tool_call_id)
    ),
    plain as (
        select *, wall_ms as logged_wall_ms
        from copies
        anti join contested_steps using (step_number)
    ),
    -- a fork agent answers its copy of an open call by itself: the result is what the
    -- log says in which the call was made, if it says any
    heard as (
        select
            *,
            is_owners
            or not bool_or(is_owners and result_at is not null) over (
                partition by tool_call_id, session_id, repeat_number
            ) as is_heard
        from copies
        semi join contested_steps using (step_number)
    ),
    settled as (
        select
            tool_call_id,
            session_id,
            any_value(provider) as provider,
            min(step_number) as step_number,
            arg_min(step_id, step_number) as step_id,
            -- a copy that lost calls lists the others too early
            max(tool_index) as listed_at,
            min(tool_name) as tool_name,
            min(emitted_at) as emitted_at,
            min(result_at) filter (where is_heard) as result_at,
            min(wall_ms) filter (where is_heard) as logged_wall_ms,
            min(internal_ms) filter (where is_heard) as internal_ms,
            bool_or(is_error) filter (where is_heard) as is_error,
            min(exit_code) filter (where is_heard) as exit_code,
            bool_or(is_denied) filter (where is_heard) as is_denied,
            bool_and(is_poll) as is_poll,
            min(agent_id) as agent_id,
            min(agent_type) as agent_type,
            min(web_searches) as web_searches,
            min(input_chars) as input_chars,
            min(result_chars) filter (where is_heard) as result_chars
        from heard
        group by tool_call_id, session_id, repeat_number
        -- one call is one row even if two steps claim it
        qualify
            row_number() over (
                partition by
                    any_value(provider),
                    tool_call_id,
                    case when {{ var("include_replays") }} then session_id end,
                    repeat_number
                order by min(emitted_at) nulls last, session_id
            )
            = 1
    ),
    ordered as (
        select
            settled.* replace (
                concat_ws(
                    '/',
                    tool_call_id,
                    nullif(
                        row_number() over (
                            partition by session_id, tool_call_id order by step_number
                        ),
                        1
                    )
                ) as tool_call_id
            ),
            row_number() over (
                partition by step_number
                order by listed_at, emitted_at nulls last, tool_call_id
            )
            - 1 as tool_index
        from settled
    ),
    calls as (
        select *
        from plain
        union all by name
        select *
        from ordered
    ),
    -- a session in two files may have the call in one and its result in the other, and
    -- a log cut off between them a copy that tells of both
    logged_results as (
        select
            session_id,
            tool_call_id,
            event_at as result_at,
            null as internal_ms,
            is_error,
            null as exit_code,
            content_chars as result_chars
        from {{ source("raw", "events") }}
        where
            event_type = 'tool_result'
            and tool_call_id in (
                select tool_call_id
                from {{ source("raw", "tool_calls") }}
                where result_at is null
            )
            and (file_id, tool_call_id)
            not in (select file_id, tool_call_id from {{ source("raw", "tool_calls") }})
        union all
        select
            session_id,
            tool_call_id,
            result_at,
            internal_ms,
            is_error,
            exit_code,
            result_chars
        from raw_calls
        inner join
            {{ ref("stg_step_copies") }} as settled using (
                file_id, session_id, step_seq
            )
        where settled.step_id is null or gives_way
    ),
    results_elsewhere as (
        select
            session_id,
            tool_call_id,
            min(result_at) as result_at,
            min(internal_ms) as internal_ms,
            bool_or(is_error) as is_error,
            min(exit_code) as exit_code,
            min(result_chars) as result_chars
        from logged_results
        group by session_id, tool_call_id
    )
select
    calls.tool_call_id,
    step_id,
    calls.session_id,
    tool_index,
    {{ logged_name("tool_name") }},
    emitted_at,
    coalesce(calls.result_at, elsewhere.result_at) as result_at,
    coalesce(
        {{ ms_between("emitted_at", "coalesce(calls.result_at, elsewhere.result_at)") }},
        logged_wall_ms
    ) as wall_ms,
    coalesce(calls.internal_ms, elsewhere.internal_ms) as internal_ms,
    coalesce(calls.is_error, elsewhere.is_error) as is_error,
    coalesce(calls.exit_code, elsewhere.exit_code) as exit_code,
    is_denied,
    is_poll,
    agent_id,
    agent_type,
    web_searches,
    input_chars,
    coalesce(calls.result_chars, elsewhere.result_chars) as result_chars
from calls
left join
    results_elsewhere as elsewhere
    on calls.session_id = elsewhere.session_id
    and calls.tool_call_id = elsewhere.tool_call_id
    and calls.result_at is null
