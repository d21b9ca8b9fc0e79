-- What some log files hold together, their copies settled: one row, named as in
-- `expected_set.csv`.
with
    chosen as (select * from raw.files),
    claude_steps as (select * from staging.stg_steps where provider = 'claude'),
    steps as (
        select *
        from staging.stg_steps
        where provider = 'claude' or usage_source <> 'none'
    ),
    -- what is only counted a file: once for a log that stands there in several stages
    -- of growth
    own_logs as (
        select
            coalesce(session_id, chosen.file_id) as log_id,
            max(synthetic_rows) as synthetic_rows,
            max(hosted_calls) as hosted_calls,
            max(rows_without_id) as rows_without_id,
            max(usage_echoes) as usage_echoes
        from chosen
        left join
            (
                select file_id, min(session_id) as session_id
                from raw.sessions
                where is_own
                group by file_id
            ) using (file_id)
        group by log_id
    )
select
    (select coalesce(min(provider), 'other') from chosen) as provider,
    (select count(*) from chosen where status <> 'set_aside') as files_loaded,
    (select sum(size_bytes) from chosen) as bytes,
    (select sum(lines) from chosen) as lines,
    (select sum(bad_lines) from chosen) as bad_lines,
    (select sum(objects) from chosen) as objects,
    (
        select count(distinct split_part(session_id, '/', 1))
        from raw.sessions
        -- a log that names no conversation is keyed by its first line
        where not regexp_matches(session_id, '^\w+:[0-9a-f]{32}(/|$)')
    ) as sessions,
    (select count(distinct session_id) from steps) as contexts,
    (select count(*) from steps) as steps,
    (select sum(input_tokens) from steps) as input_tokens_total,
    (select sum(prefix_tokens) from steps) as prefix_tokens,
    (select sum(append_tokens) from steps) as append_tokens,
    (select sum(cache_write_5m_tokens) from claude_steps) as cache_write_5m,
    (select sum(cache_write_1h_tokens) from claude_steps) as cache_write_1h,
    (select sum(output_tokens) from steps) as output_tokens,
    (select sum(reasoning_tokens) from steps) as reasoning_tokens,
    (select count(*) from staging.stg_tool_calls) as tool_calls,
    (select count(result_chars) from staging.stg_tool_calls) as tool_results_matched,
    (
        select count(*) filter (where is_error) from staging.stg_tool_calls
    ) as tool_errors,
    (select count(*) from staging.stg_compactions) as compaction_markers,
    (
        select count(distinct(event_id, block_index))
        from staging.stg_events
        where message_kind = 'human'
    ) as human_messages,
    (
        select count(*)
        from steps
        inner join staging.stg_sessions using (session_id)
        where session_kind = 'subagent'
    ) as subagent_steps,
    (select sum(synthetic_rows) from own_logs) as synthetic_skipped,
    (select min(first_at) from chosen) as first_at,
    (select max(last_at) from chosen) as last_at,
    (select sum(hosted_calls) from own_logs) as hosted_calls,
    (select sum(rows_without_id) from own_logs) as rows_without_id,
    (select sum(usage_echoes) from own_logs) as usage_echoes,
    (
        select count(*) from claude_steps where stop_reason is null
    ) as steps_no_stop_reason,
    (select count(*) from claude_steps where not usage_is_final) as steps_not_final,
    (select count(*) from claude_steps where calls > 1) as multi_call_steps,
    (
        select sum(input_tokens)
        from staging.stg_extra_calls
        where call_type = 'advisor'
    ) as advisor_input_tokens,
    (
        select sum(output_tokens)
        from staging.stg_extra_calls
        where call_type = 'advisor'
    ) as advisor_output_tokens
