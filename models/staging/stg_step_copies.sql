-- One row per source file, session and step as logged: which settled step it is a
-- copy of, if any.
with
    raw_sessions as (select * from {{ source("raw", "sessions") }}),
    logged_steps as not materialized(select * from {{ source("raw", "steps") }}),
    -- what a step put out, in sessions that hold a step without usage
    outputs as (
        select
            file_id,
            session_id,
            message_id,
            is_inherited,
            usage_source = 'none' as is_unmetered,
            coalesce(tool_call_id, event_id || '/' || block_index) as output_id,
            tool_call_id is not null as is_call
        from {{ source("raw", "events") }}
        inner join logged_steps using (file_id, session_id, step_seq)
        where
            event_type in ('reasoning', 'text', 'tool_call')
            and session_id
            in (select session_id from logged_steps where usage_source = 'none')
        union all
        select
            file_id,
            session_id,
            message_id,
            is_inherited,
            usage_source = 'none',
            tool_call_id,
            true
        from {{ source("raw", "tool_calls") }}
        inner join logged_steps using (file_id, session_id, step_seq)
        where
            session_id
            in (select session_id from logged_steps where usage_source = 'none')
    ),
    output_owners as (
        select
            *,
            bool_or(is_call) over (partition by session_id, message_id) as has_call,
            bool_and(is_inherited) over (
                partition by session_id, message_id
            ) as is_copied
        from outputs
    ),
    -- a log cut off within a response tells of it under another key: the fuller tale
    -- stays
    told_elsewhere as (
        select
            cut.session_id,
            cut.message_id,
            coalesce(
                min(whole.message_id) filter (where not whole.is_copied),
                min(whole.message_id)
            ) as whole_message_id,
            bool_and(whole.is_copied)
            and not any_value(cut.is_copied) as is_by_copies_alone,
            bool_or(cut.file_id <> whole.file_id) as is_in_another_file
        from output_owners as cut
        inner join output_owners as whole using (session_id, output_id)
        where
            cut.is_unmetered
            and cut.message_id <> whole.message_id
            and (not whole.is_unmetered or (whole.has_call and not cut.has_call))
        group by all
    ),
    renamed as (
        -- each row of a published dataset counts then, however often it repeats there
        select
            file_id,
            session_id,
            step_seq,
            concat_ws(
                '/',
                message_id,
                session_id,
                row_number() over (
                    partition by file_id, session_id, message_id order by step_seq
                )
            ) as message_id,
            false as is_cut
        from logged_steps
        inner join raw_sessions using (file_id, session_id)
        where is_published and {{ var("include_replays") }}
        union all
        -- where only copies tell it whole, the log's own row has the times and inputs
        select file_id, session_id, step_seq, whole_message_id, true
        from logged_steps
        inner join told_elsewhere using (session_id, message_id)
        where
            is_by_copies_alone
            and usage_source = 'none'
            and not {{ var("include_replays") }}
    ),
    raw_steps as not materialized(
        select
            steps.* replace (
                coalesce(renamed.message_id, steps.message_id) as message_id
            ),
            coalesce(is_cut, false) as is_cut
        from logged_steps as steps
        left join renamed using (file_id, session_id, step_seq)
    ),
    -- a number for two long texts, by which every event is looked up
    logs as materialized(
        select
            file_id,
            session_id,
            is_own,
            is_published,
            row_number() over () as log_number
        from (select distinct file_id, session_id from raw_steps)
        left join raw_sessions using (file_id, session_id)
    ),
    first_times as (
        select
            log_number,
            step_seq,
            -- its outputs' own: a copy that lost a step has its inputs in the next one
            coalesce(
                min(event_at) filter (
                    where event_type not in ('user_message', 'tool_result')
                ),
                min(event_at)
            ) as first_event_at,
            min(event_index) as first_event_index,
            max(event_index) - min(event_index) + 1 = count(*) as is_one_run
        from {{ source("raw", "events") }}
        inner join logs using (file_id, session_id)
        where step_seq is not null
        group by log_number, step_seq
    ),
    session_ends as ({{ session_ends() }}),
    -- most messages stand once: only the others need an owner, and a rank
    copied as (
        select
            provider,
            message_id,
            -- a log's own copy, which goes on to the usage; of Claude each row has that
            bool_or(not is_inherited and usage_source not in ('none', 'response'))
            or bool_and(usage_source = 'none') as is_told_whole
        from raw_steps
        group by all
        having count(*) > 1
    ),
    -- what a copied usage row, or a copied record, gives way to
    records as (
        select distinct provider, message_id
        from raw_steps
        where usage_source = 'record'
    ),
    echoes as (
        select
            provider,
            echo_id as key,
            coalesce(
                min(message_id) filter (where not is_inherited), min(message_id)
            ) as message_id,
            bool_and(is_inherited) as is_copied
        from raw_steps
        where echo_id is not null
        group by all
    ),
    own_keys as (
        select provider, message_id as key, message_id
        from raw_steps
        where
            not is_inherited
            and not is_cut
            and (provider, message_id) not in (select provider, key from echoes)
        union all
        select provider, key, message_id
        from echoes
    ),
    keyed_rows as (
        select
            file_id,
            session_id,
            provider,
            message_id,
            is_inherited,
            try_cast(
                if(
                    usage_source = 'none', turn_id, split_part(message_id, '/', 2)
                ) as uuid
            ) as turn_id,
            if(
                usage_source = 'none',
                substr(message_id, instr(message_id, '/') + 1),
                split_part(message_id, '/', 3)
            ) as counts
        from raw_steps
        where usage_source in ('token_count', 'none')
    ),
    -- in a copy of a copy a turn may bear the name of the first thread, not of its own.
    -- Before turns had ids: that of a log that the copy names.
    misnamed as (
        select copies.provider, copies.message_id as key, originals.message_id
        from keyed_rows as copies
        inner join keyed_rows as originals using (provider, counts)
        where
            copies.is_inherited
            and not originals.is_inherited
            and if(
                copies.turn_id is null,
                originals.turn_id is null
                and (copies.file_id, originals.session_id)
                in (select file_id, session_id from raw_sessions),
                copies.turn_id = originals.turn_id
            )
            and (copies.provider, copies.message_id)
            not in (select provider, key from own_keys)
    ),
    -- of a record whose usage row its log was cut off before
    cut_echoes as (
        select copies.provider, copies.message_id as key, records.message_id
        from raw_steps as copies
        inner join
            raw_steps as records using (provider, turn_id, input_tokens, output_tokens)
        where
            copies.is_inherited
            and copies.usage_source = 'token_count'
            and not records.is_inherited
            and records.usage_source = 'record'
            and records.echo_id is null
            and (copies.provider, copies.message_id)
            not in (select provider, key from own_keys)
    ),
    answers as (
        select provider, key, min(message_id) as message_id
        from
            (
                select *
                from own_keys
                union all
                select *
                from misnamed
                union all
                select *
                from cut_echoes
            )
        where
            (provider, key) in (
                select provider, message_id
                from raw_steps
                where is_inherited or usage_source = 'token_count'
            )
        group by all
    ),
    own_sessions as (select distinct session_id from raw_steps where not is_inherited),
    own_turns as (
        select provider, turn_id, min(session_id) as turn_session_id
        from raw_steps
        where turn_id is not null and not is_inherited
        group by all
    ),
    -- the turn in which a session's own log ends: there it may be cut off
    last_turns as (
        select session_id as turn_session_id, arg_max(turn_id, steps) as turn_id
        from
            (
                select
                    session_id, arg_max(turn_id, step_seq) as turn_id, count(*) as steps
                from raw_steps
                where not is_inherited and turn_id is not null
                group by file_id, session_id
            )
        group by all
    ),
    own_counts as (
        select distinct provider, split_part(key, '/', 3) as counts from own_keys
    ),
    lost_origins as (
        select file_id, min(session_id) as lost_session_id
        from raw_sessions
        where session_id not in (select session_id from raw_sessions where is_own)
        group by all
    ),
    unanswered as (
        select
            file_id,
            session_id,
            step_seq,
            provider,
            message_id,
            usage_source,
            turn_id,
            -- it goes on in its turn, and nothing behind it is told by the session's
            -- own log
            lag(turn_id, 1, turn_id) over file_order = turn_id
            and step_seq > coalesce(
                max(step_seq) filter (
                    (provider, message_id) in (select provider, key from answers)
                ) over (partition by file_id, session_id),
                -1
            ) as is_beyond
        from raw_steps
        where is_inherited and session_id in (select session_id from own_sessions)
        window file_order as (partition by file_id, session_id order by step_seq)
        qualify (provider, message_id) not in (select provider, key from answers)
    ),
    -- what no log tells of as its own: of a log between the first and this copy of it
    -- that is not loaded, or of one that is cut off before it
    strays as (
        select
            unanswered.file_id,
            unanswered.session_id,
            unanswered.step_seq,
            coalesce(
                turn_session_id, lost_session_id, unanswered.session_id
            ) as stray_session_id
        from unanswered
        left join lost_origins using (file_id)
        left join own_turns using (provider, turn_id)
        where
            usage_source in ('token_count', 'none')
            -- alike counts, or a turn that is known, are of a row that lost its place
            and if(
                usage_source = 'token_count',
                (provider, split_part(message_id, '/', 3))
                not in (select provider, counts from own_counts),
                turn_id is not null
            )
            and (
                turn_session_id is null
                or (provider, message_id)
                in (select provider, message_id from raw_steps where is_cut)
                or (
                    is_beyond
                    and (turn_session_id, turn_id)
                    in (select turn_session_id, turn_id from last_turns)
                )
            )
            and not {{ var("include_replays") }}
    ),
    conversations as (
        select
            file_id,
            session_id,
            is_own,
            if(
                starts_with(session_id, root_session_id || '/'),
                root_session_id,
                session_id
            ) as conversation
        from raw_sessions
    ),
    -- what a file copies is of its own conversation, an agent's of the agent there
    file_conversations as (
        select file_id, min(conversation) as file_conversation
        from conversations
        where is_own
        group by all
        having count(distinct conversation) = 1
    ),
    judged as (
        select
            raw_steps.file_id,
            raw_steps.session_id,
            raw_steps.step_seq,
            raw_steps.line_no,
            raw_steps.provider,
            raw_steps.message_id,
            raw_steps.is_inherited,
            struct_pack(
                output := coalesce(output_tokens, -1),
                input := coalesce(input_tokens, -1),
                is_stopped := stop_reason is not null,
                reasoning := coalesce(reasoning_tokens, -1),
                written_1h := coalesce(cache_write_1h_tokens, -1),
                written_5m := coalesce(cache_write_5m_tokens, -1)
            ) as usage,
            first_times.first_event_at,
            first_times.first_event_index,
            copied.message_id is null as is_alone,
            copied.message_id is null
            and is_one_run
            and purpose is distinct from 'compaction' as is_plain,
            coalesce(is_published, false) as is_published,
            case
                when is_published
                then
                    coalesce(is_in_another_file, false)
                    and not {{ var("include_replays") }}
                when whole_message_id is not null
                then true
                -- a usage row that a record of its response answers to, wherever it is
                when usage_source = 'token_count' and not is_inherited
                then
                    (raw_steps.provider, raw_steps.message_id)
                    in (select provider, key from echoes where not is_copied)
                when usage_source = 'record_copy'
                then
                    (raw_steps.provider, raw_steps.message_id)
                    in (select provider, message_id from records)
                when
                    is_inherited
                    and usage_source in ('token_count', 'none')
                    and not {{ var("include_replays") }}
                then
                    answers.message_id is not null
                    or (
                        stray_session_id is null
                        and raw_steps.session_id
                        in (select session_id from own_sessions)
                    )
                else false
            end as is_let_go,
            coalesce(whole_message_id, answers.message_id) as answer_message_id,
            coalesce(stray_session_id, raw_steps.session_id) as home_session_id,
            case
                when is_inherited and file_conversation is not null
                then
                    file_conversation
                    || substr(raw_steps.session_id, length(conversation) + 1)
                else raw_steps.session_id
            end as file_session_id,
            -- whose step a copy is: with include_replays that of the session whose
            -- file it stands in
            if(
                {{ var("include_replays") }}, file_session_id, home_session_id
            ) as copy_session_id,
            -- stands in a copied part of a session that has a log of its own
            is_inherited
            and not coalesce(logs.is_own, false)
            and not {{ var("include_replays") }}
            and stray_session_id is null
            and raw_steps.session_id
            in (select session_id from own_sessions) as is_hearsay,
            is_told_whole
        from raw_steps
        inner join logs using (file_id, session_id)
        left join first_times using (log_number, step_seq)
        left join
            copied
            on raw_steps.provider = copied.provider
            and raw_steps.message_id = copied.message_id
        left join file_conversations using (file_id)
        left join conversations using (file_id, session_id)
        left join strays using (file_id, session_id, step_seq)
        left join
            answers
            on raw_steps.provider = answers.provider
            and raw_steps.message_id = answers.key
            and (is_inherited or usage_source = 'token_count')
        left join
            told_elsewhere
            on raw_steps.session_id = told_elsewhere.session_id
            and raw_steps.message_id = told_elsewhere.message_id
            and usage_source = 'none'
            and not is_cut
    ),
    candidates as (
        select
            provider,
            message_id,
            home_session_id as session_id,
            min(first_event_at) as first_event_at
        from judged
        where not is_let_go and not is_alone
        group by all
    ),
    known_times as (
        select provider, message_id, min(first_event_at) as known_at
        from
            (
                select provider, message_id, first_event_at
                from candidates
                union all
                select provider, message_id, first_event_at
                from judged
                where
                    is_alone
                    and not is_let_go
                    and (provider, message_id)
                    in (select provider, answer_message_id from judged where is_let_go)
            )
        group by all
    ),
    -- of the sessions that tell of a step, those that others of them go back to, and
    -- those that go back to others
    origins as (
        select distinct
            provider, message_id, origin_session_id as session_id, true as is_origin
        from candidates
        inner join {{ ref("stg_forks") }} using (session_id)
    ),
    forks as (
        select distinct provider, message_id, session_id, true as is_fork
        from candidates
        inner join {{ ref("stg_forks") }} using (session_id)
        where
            (provider, message_id, origin_session_id)
            in (select provider, message_id, session_id from candidates)
    ),
    owners as (
        select provider, message_id, session_id as owner_session_id
        from candidates
        left join session_ends using (session_id)
        left join origins using (provider, message_id, session_id)
        left join forks using (provider, message_id, session_id)
        qualify
            row_number() over (
                partition by provider, message_id
                order by {{ owner_first("first_event_at", "session_id") }}
            )
            = 1
    ),
    answer_owners as (
        select *
        from
            (
                select *
                from owners
                union all
                select provider, message_id, home_session_id
                from judged
                where is_alone and not is_let_go
            )
        where
            (provider, message_id)
            in (select provider, answer_message_id from judged where is_let_go)
    ),
    owned as not materialized(
        select
            judged.*,
            if(
                is_let_go, answer_owners.message_id, judged.message_id
            ) as settled_message_id,
            case
                when is_let_go
                then answer_owners.owner_session_id
                when is_alone
                then judged.home_session_id
                else owners.owner_session_id
            end as settled_session_id,
            case
                when is_let_go
                then null
                when {{ var("include_replays") }}
                then copy_session_id
                else settled_session_id
            end as step_session_id,
            is_let_go
            or judged.home_session_id is distinct from step_session_id as is_replay
        from judged
        left join
            owners
            on judged.provider = owners.provider
            and judged.message_id = owners.message_id
            and not is_let_go
        left join
            answer_owners
            on judged.provider = answer_owners.provider
            and judged.answer_message_id = answer_owners.message_id
            and is_let_go
    ),
    ranks as (
        select
            file_id,
            session_id,
            step_seq,
            rank() over (
                partition by
                    provider,
                    message_id,
                    is_let_go,
                    if({{ var("include_replays") }}, step_session_id, null)
                order by usage desc
            ) as usage_rank
        from owned
        where not is_alone
    ),
    -- what is let go keeps its place: another file tells of the same step there
    listed as (
        select
            owned.*,
            not is_let_go and copy_session_id = step_session_id as is_placed,
            row_number() over file_order as file_place,
            max(
                case
                    when is_placed
                    then coalesce(first_event_at, known_at)
                    when is_let_go and is_inherited
                    then known_at
                end
            ) over (file_order rows unbounded preceding) as latest_at
        from owned
        left join
            known_times
            on owned.provider = known_times.provider
            and known_times.message_id
            = if(is_let_go, answer_message_id, owned.message_id)
        window
            file_order as (
                partition by
                    file_id,
                    if({{ var("include_replays") }}, copy_session_id, owned.session_id)
                order by line_no, step_seq
            )
    ),
    -- a session's steps in order: the running maximum of first times in each file,
    -- the least over its files. A copy that was stamped anew has the time of its
    -- original.
    placed as (
        select *, coalesce(latest_at, '-infinity'::timestamp) as place_at
        from listed
        where is_placed
    ),
    step_places as (
        select
            step_session_id,
            message_id,
            row_number() over (
                order by step_session_id, min(place_at), min(file_place), message_id
            ) as step_number
        from placed
        group by step_session_id, message_id
    ),
    session_starts as (
        select step_session_id, min(step_number) as first_step_number
        from step_places
        group by step_session_id
    ),
    numbered as (
        select *, step_number - first_step_number as step_index
        from step_places
        inner join session_starts using (step_session_id)
    ),
    -- unnested: DuckDB expects few rows of it, and does not hash every step for them
    replayed as (
        select unnest(list(distinct answer), recursive := true)
        from
            (
                select
                    {
                        'step_session_id':settled_session_id,
                        'message_id':settled_message_id
                    } as answer
                from owned
                where is_replay
            )
    ),
    answers_numbered as (
        select * from numbered semi join replayed using (step_session_id, message_id)
    )
select
    owned.file_id,
    owned.session_id,
    owned.step_seq,
    owned.provider,
    owned.message_id,
    step_session_id || '#' || settled.step_index as step_id,
    step_session_id,
    settled.step_index::bigint as step_index,
    settled.step_number,
    owned.first_event_index,
    coalesce(usage_rank, 1) as usage_rank,
    is_replay,
    case
        when is_replay then settled_session_id || '#' || answers.step_index
    end as replay_of,
    coalesce(settled_session_id, owned.home_session_id) as owner_session_id,
    file_session_id,
    -- nothing asks for the others, a tenth of the table
    case
        when owner_session_id <> file_session_id
        then coalesce(owned.settled_message_id, owned.message_id)
    end as settled_message_id,
    is_hearsay and (is_let_go or coalesce(is_told_whole, false)) as gives_way,
    coalesce(is_plain, false) as is_plain,
    is_published
from owned
left join ranks using (file_id, session_id, step_seq)
left join numbered as settled using (step_session_id, message_id)
left join
    answers_numbered as answers
    on owned.settled_session_id = answers.step_session_id
    and owned.settled_message_id = answers.message_id
