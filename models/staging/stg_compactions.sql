-- One row per compaction marker, its copies settled like those of a step.
with
    raw_sessions as (select * from {{ source("raw", "sessions") }}),
    raw_compactions as (select * from {{ source("raw", "compactions") }}),
    -- a log that was cut off before its first step tells of no compaction
    own_sessions as (
        select distinct session_id
        from {{ source("raw", "steps") }}
        where not is_inherited
    ),
    session_ends as (
        select session_id, max(ended_at) as session_ended_at
        from raw_sessions
        group by all
    ),
    -- a summary without its marker is told by the session that owns it
    foreign_summaries as (
        select raw_compactions.compaction_id, raw_compactions.session_id
        from raw_compactions
        inner join {{ ref("stg_events") }} as summaries on compaction_id = event_id
        group by all
        having not bool_or(summaries.session_id = raw_compactions.session_id)
    ),
    -- a summary whose marker was lost is told by the marker, where another log has both
    kept_markers as (
        select
            event_id as compaction_id, min(raw_compactions.compaction_id) as marker_id
        from {{ source("raw", "events") }} as summaries
        inner join
            raw_compactions
            on summaries.file_id = raw_compactions.file_id
            and summaries.session_id = raw_compactions.session_id
            and step_seq is not distinct from before_step_seq
        where
            event_id in (select compaction_id from raw_compactions)
            and (summaries.file_id, event_id)
            not in (select file_id, compaction_id from raw_compactions)
        group by all
    ),
    placed_markers as (
        select
            raw_compactions.*,
            is_own,
            substr(compaction_id, instr(compaction_id, '/') + 1) as place
        from raw_compactions
        inner join raw_sessions using (file_id, session_id)
        where try_cast(split_part(compaction_id, '/', 2) as uuid) is not null
    ),
    -- in a copy of a copy a turn may bear the name of the first thread, not of its own
    misnamed as (
        select distinct copies.file_id, copies.session_id, copies.compaction_id
        from placed_markers as copies
        inner join placed_markers as originals using (place)
        where
            not copies.is_own
            and originals.is_own
            and copies.session_id <> originals.session_id
            and not {{ var("include_replays") }}
    ),
    named as (
        select
            raw_compactions.* replace (
                coalesce(marker_id, compaction_id) as compaction_id
            )
        from raw_compactions
        left join kept_markers using (compaction_id)
        anti join foreign_summaries using (compaction_id, session_id)
        anti join misnamed using (file_id, session_id, compaction_id)
    ),
    -- with include_replays a copied marker is of the session whose file it stands in
    file_sessions as (
        select file_id, session_id, file_session_id, max(step_index) as last_step_index
        from {{ ref("stg_step_copies") }}
        where file_session_id <> session_id and {{ var("include_replays") }}
        group by all
    ),
    copied_markers as (
        select named.*
        from named
        inner join raw_sessions using (file_id, session_id)
        where not is_own and session_id in (select session_id from own_sessions)
    ),
    own_files as (
        select file_id, session_id
        from raw_sessions
        where is_own and session_id in (select session_id from copied_markers)
    ),
    -- how far a session's own log tells what a file copies of it
    told_steps as (
        select distinct own_files.session_id, message_id
        from {{ ref("stg_step_copies") }}
        inner join own_files using (file_id)
    ),
    told_parts as (
        select
            file_id,
            session_id,
            max(step_seq) filter (
                gives_way
                or step_id is null
                or (session_id, message_id)
                in (select session_id, message_id from told_steps)
            ) as last_told_seq,
            max(step_seq) as last_step_seq,
            arg_max(coalesce(step_id, replay_of), step_seq) as last_step_id
        from {{ ref("stg_step_copies") }}
        semi join copied_markers using (file_id, session_id)
        group by all
    ),
    session_last_steps as (
        select
            step_session_id as session_id, arg_max(step_id, step_index) as end_step_id
        from {{ ref("stg_step_copies") }}
        where step_session_id in (select session_id from copied_markers)
        group by all
    ),
    -- with a marker that nothing stands behind; a copy has it under its own name, or
    -- not
    own_ends as (
        select session_id, compaction_id
        from named
        inner join own_files using (file_id, session_id)
        where before_step_seq is null
    ),
    misnamed_ends as (
        select distinct copied.file_id, session_id
        from copied_markers as copied
        inner join own_ends using (session_id)
        where
            (copied.file_id, own_ends.compaction_id)
            not in (select file_id, compaction_id from copied_markers)
    ),
    -- a copied marker counts where the session's own log ends before it
    untold_markers as (
        select file_id, session_id, compaction_id
        from copied_markers
        left join told_parts using (file_id, session_id)
        left join session_last_steps using (session_id)
        anti join misnamed_ends using (file_id, session_id)
        where
            if(
                before_step_seq is null,
                last_step_id = end_step_id
                or coalesce(last_told_seq < last_step_seq, true),
                coalesce(last_told_seq < before_step_seq, true)
            )
    ),
    markers as (
        select
            named.* exclude (session_id),
            case
                when not is_own and file_sessions.file_session_id is not null
                then file_sessions.file_session_id
                else named.session_id
            end as session_id,
            raw_sessions.provider,
            session_kind,
            session_ended_at,
            coalesce(settled.step_id, next_own.step_id) as step_id,
            coalesce(
                settled.step_session_id, next_own.step_session_id
            ) as step_session_id,
            coalesce(settled.step_index, next_own.step_index) as step_index,
            min(compacted_at) over (
                partition by
                    compaction_id, named.session_id, file_sessions.file_session_id
            ) as first_compacted_at
        from named
        inner join raw_sessions using (file_id, session_id)
        inner join session_ends using (session_id)
        left join file_sessions using (file_id, session_id)
        left join
            {{ ref("stg_step_copies") }} as settled
            on named.file_id = settled.file_id
            and named.session_id = settled.session_id
            and named.before_step_seq = settled.step_seq
        -- behind the last copied step comes the next of the file's session
        left join
            {{ ref("stg_step_copies") }} as next_own
            on before_step_seq is null
            and named.file_id = next_own.file_id
            and file_sessions.file_session_id = next_own.step_session_id
            and last_step_index + 1 = next_own.step_index
        where
            is_own
            or file_sessions.file_session_id is not null
            or session_id not in (select session_id from own_sessions)
            or (named.file_id, named.session_id, compaction_id)
            in (select file_id, session_id, compaction_id from untold_markers)
    ),
    -- a session that another of the same marker's sessions names as its origin
    origins as (
        select distinct
            provider,
            compaction_id,
            forked_from_session_id as session_id,
            true as is_origin
        from markers
        inner join raw_sessions using (provider, session_id)
        where forked_from_session_id is not null
    ),
    owned as (
        select *
        from markers
        left join origins using (provider, compaction_id, session_id)
        qualify
            dense_rank() over (
                partition by
                    provider,
                    compaction_id,
                    case when {{ var("include_replays") }} then session_id end
                order by
                    session_kind = 'main' desc,
                    is_origin desc nulls last,
                    first_compacted_at nulls last,
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
