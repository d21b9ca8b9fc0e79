-- One row per compaction marker, its copies settled like those of a step.
with
    raw_sessions as (select * from {{ source("raw", "sessions") }}),
    own_sessions as (select distinct session_id from raw_sessions where is_own),
    origins as (select distinct forked_from_session_id as session_id from raw_sessions),
    session_ends as (
        select session_id, max(ended_at) as session_ended_at
        from raw_sessions
        group by all
    ),
    markers as (
        select
            raw_compactions.*,
            raw_sessions.provider,
            session_kind,
            session_ended_at,
            step_id,
            step_session_id,
            step_index
        from {{ source("raw", "compactions") }} as raw_compactions
        inner join raw_sessions using (file_id, session_id)
        inner join session_ends using (session_id)
        left join
            {{ ref("stg_step_copies") }} as settled
            on raw_compactions.file_id = settled.file_id
            and raw_compactions.session_id = settled.session_id
            and raw_compactions.before_step_seq = settled.step_seq
        where is_own or session_id not in (select session_id from own_sessions)
    ),
    owned as (
        select *
        from markers
        qualify
            dense_rank() over (
                partition by
                    provider,
                    compaction_id,
                    case when {{ var("include_replays") }} then session_id end
                order by
                    session_kind = 'main' desc,
                    session_id in (select session_id from origins) desc,
                    session_ended_at nulls last,
                    session_id
            )
            = 1
    )
select
    compaction_id,
    session_id,
    min(provider) as provider,
    arg_min(step_id, step_index) filter (where step_session_id = session_id) as step_id,
    min(compacted_at) as compacted_at,
    min(compaction_trigger) as compaction_trigger,
    min(pre_tokens) as pre_tokens,
    min(post_tokens) as post_tokens
from owned
group by compaction_id, session_id
