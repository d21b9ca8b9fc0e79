-- One row per session, over all files that name it: the word of the file in which it
-- starts earliest.
with recursive
    raw_sessions as (select * from {{ source("raw", "sessions") }}),
    first_files as (
        select *
        from raw_sessions
        qualify rank() over (partition by session_id order by started_at nulls last) = 1
    ),
    -- where a session came from may be told by another file than the one that begins it
    origins as (
        select
            session_id,
            arg_min(
                forked_from_session_id,
                (coalesce(started_at, 'infinity'), forked_from_session_id)
            ) as forked_from_session_id
        from raw_sessions
        where forked_from_session_id is not null
        group by session_id
    ),
    replays as (
        select
            file_session_id as session_id,
            count(distinct settled_message_id) as replayed_steps,
            -- where no single step answers to the last copy, none does
            arg_max(
                struct_pack(step_id := coalesce(replay_of, step_id)),
                (coalesce(first_event_index, -1), coalesce(replay_of, step_id))
            ).step_id as last_step_id
        from {{ ref("stg_step_copies") }}
        where owner_session_id <> file_session_id
        group by all
    ),
    named as (
        select
            session_id,
            min(provider) as provider,
            min(session_kind) as session_kind,
            min(parent_session_id) as parent_session_id,
            min(root_session_id) as root_session_id,
            any_value(origins.forked_from_session_id) as forked_from_session_id,
            -- kept twice, the history is the session's own
            case
                when not {{ var("include_replays") }}
                then
                    coalesce(
                        any_value(last_step_id), min(first_files.forked_from_step_id)
                    )
            end as forked_from_step_id,
            min(agent_type) as agent_type,
            min(user_name) as user_name,
            min(project) as project,
            min(client_version) as client_version,
            min(entrypoint) as entrypoint,
            min(spawn_tool_call_id) as spawn_tool_call_id,
            (
                coalesce(any_value(replayed_steps), 0)
                + coalesce(max(replays_left_out), 0)
            )::bigint as replayed_steps
        from first_files
        left join origins using (session_id)
        left join replays using (session_id)
        group by session_id
    ),
    -- an old log of a subagent names only the session above it
    lines_of_descent as (
        select session_id, root_session_id, 0 as depth
        from named
        union all
        select lines_of_descent.session_id, parent.root_session_id, depth + 1
        from lines_of_descent
        inner join
            named as parent on lines_of_descent.root_session_id = parent.session_id
        where
            lines_of_descent.root_session_id <> lines_of_descent.session_id
            and parent.root_session_id <> parent.session_id
            and depth < 32
    ),
    roots as (
        select session_id, arg_max(root_session_id, depth) as root_session_id
        from lines_of_descent
        group by session_id
    ),
    sessions as (
        select named.* exclude (root_session_id), roots.root_session_id
        from named
        inner join roots using (session_id)
    ),
    calls as (
        select
            provider,
            root_session_id,
            calls.session_id as caller_session_id,
            tool_call_id,
            calls.agent_id,
            calls.agent_type,
            emitted_at
        from {{ ref("stg_tool_calls") }} as calls
        inner join sessions using (session_id)
    ),
    -- the call that started a subagent: the one that it names, in its conversation if a
    -- resumed one holds the call as well, else one that names it
    candidates as (
        select
            sessions.session_id,
            0 as place,
            sessions.root_session_id = calls.root_session_id as is_of_conversation,
            calls.*
        from sessions
        inner join
            calls
            on sessions.provider = calls.provider
            and spawn_tool_call_id = tool_call_id
        union all
        select sessions.session_id, 1 as place, true as is_of_conversation, calls.*
        from sessions
        inner join
            calls
            on sessions.provider = calls.provider
            and sessions.root_session_id = calls.root_session_id
            and regexp_extract(session_id, '[^:/]+$') = calls.agent_id
        where session_kind = 'subagent'
        union all
        -- a model's own count of its calls is all that a sidecar has of its call's id
        select sessions.session_id, 2 as place, true as is_of_conversation, calls.*
        from sessions
        inner join
            calls
            on sessions.provider = calls.provider
            and sessions.root_session_id = calls.root_session_id
            and split_part(spawn_tool_call_id, '/functions.', 2)
            = split_part(tool_call_id, '/functions.', 2)
        where session_kind = 'subagent' and contains(spawn_tool_call_id, '/functions.')
    ),
    spawns as (
        select
            session_id,
            arg_min(
                (tool_call_id, caller_session_id, agent_type, is_of_conversation),
                (
                    place,
                    not is_of_conversation,
                    coalesce(emitted_at, 'infinity'),
                    tool_call_id,
                    caller_session_id
                )
            ) as call
        from candidates
        where session_id <> caller_session_id
        group by session_id
    )
select
    session_id,
    provider,
    session_kind,
    -- a log that names only the conversation does not know of agents in between
    if(
        parent_session_id = root_session_id and call[4], call[2], parent_session_id
    ) as parent_session_id,
    root_session_id,
    forked_from_session_id,
    forked_from_step_id,
    coalesce(agent_type, call[3]) as agent_type,
    user_name,
    project,
    {{ logged_name("client_version") }},
    entrypoint,
    call[1] as spawn_tool_call_id,
    call[2] as spawn_session_id,
    replayed_steps
from sessions
left join spawns using (session_id)
