-- One row per session, over all files that name it: the word of the file in which it
-- starts earliest.
with
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
        select session_id, count(distinct message_id) as replayed_steps
        from {{ ref("stg_step_copies") }}
        where owner_session_id <> session_id
        group by all
    )
select
    session_id,
    min(provider) as provider,
    min(session_kind) as session_kind,
    min(parent_session_id) as parent_session_id,
    min(root_session_id) as root_session_id,
    any_value(origins.forked_from_session_id) as forked_from_session_id,
    min(agent_type) as agent_type,
    min(user_name) as user_name,
    min(project) as project,
    min(client_version) as client_version,
    min(entrypoint) as entrypoint,
    coalesce(any_value(replayed_steps), 0)::bigint as replayed_steps
from first_files
left join origins using (session_id)
left join replays using (session_id)
group by session_id
