"""Where the columns of a published dataset come from: the settled tables, under the published names.

Nothing here is fit to leave yet. Each source gives the columns of its table in `columns`, and besides `owner`
(the user) and `shift` (by how much the user's times are moved back).
"""

STEPS = """
create temp table published_steps as
select
    row_number() over (order by pseudonym('session', session_id), step_index) as round_pk,
    step_id,
    session_id,
    user_name as owner,
    shift_of(user_name) as shift,
    step_index = max(step_index) over (partition by session_id) as is_last
from staging.stg_steps
inner join staging.stg_sessions using (session_id)
"""
"""The steps that are published, numbered in an order that says nothing of what its keys were."""

_EVENT = """
    event_order + 1 as event_index,
    event_type,
    event_at as timestamp,
    tool_call_id,
    is_error,
    if(event_type = 'tool_result', content_chars, null) as result_chars,
    if(event_type = 'tool_result', null, content_chars) as content_chars,
    message_kind as x_message_kind,
    started_at as x_started_at
"""

SOURCES = {
    "rounds": """
        with inputs as (
            select
                step_id,
                count(*) filter (where event_type = 'user_message') as messages,
                coalesce(sum(content_chars) filter (where event_type = 'user_message'), 0) as message_chars,
                count(*) filter (where event_type = 'tool_result') as results,
                coalesce(sum(content_chars) filter (where event_type = 'tool_result'), 0) as result_chars,
                arg_min(event_type, event_order) as first_type
            from staging.stg_events
            where step_id is not null and event_type in ('user_message', 'tool_result')
            group by step_id
        ),
        -- what a dataset tells itself: where replays are included, copies are steps
        copies as (
            select file_session_id as session_id, count(distinct settled_message_id) as copied_steps
            from staging.stg_step_copies
            where owner_session_id <> file_session_id and step_session_id = file_session_id
            group by all
        )
        select
            round_pk,
            owner,
            shift,
            steps.provider,
            user_name as "user",
            coalesce(user_name, '') || chr(0) || project as project,
            session_id,
            step_index as round_index,
            message_id as round_id,
            turn_id,
            model,
            input_tokens as input_tokens_total,
            prefix_tokens,
            append_tokens as newly_append_tokens,
            if(steps.provider = 'claude', append_tokens - cache_write_tokens, null)
                as claude_uncached_input_tokens,
            if(steps.provider = 'claude', cache_write_tokens, null) as claude_cache_creation_input_tokens,
            if(steps.provider = 'claude', prefix_tokens, null) as claude_cache_read_input_tokens,
            output_tokens,
            reasoning_tokens as reasoning_output_tokens,
            coalesce(messages + results, 0) as current_input_event_count,
            coalesce(messages, 0) as current_user_message_count,
            coalesce(message_chars, 0) as current_user_message_chars,
            coalesce(results, 0) as current_tool_result_count,
            coalesce(inputs.result_chars, 0) as current_tool_result_chars,
            coalesce(inputs.message_chars + inputs.result_chars, 0) as current_input_chars,
            first_type as first_input_event_type,
            session_kind as x_session_kind,
            parent_session_id as x_parent_session_id,
            root_session_id as x_root_session_id,
            forked_from_session_id as x_forked_from_session_id,
            forked_from_step_id as x_forked_from_step_id,
            spawn_tool_call_id as x_spawn_tool_call_id,
            agent_type as x_agent_type,
            entrypoint as x_entrypoint,
            sessions.client_version as x_session_client_version,
            replayed_steps - coalesce(copied_steps, 0) as x_replayed_steps,
            steps.client_version as x_client_version,
            context_tokens as x_context_tokens,
            context_window_tokens as x_context_window_tokens,
            cache_write_tokens as x_cache_write_tokens,
            cache_write_5m_tokens as x_cache_write_5m_tokens,
            cache_write_1h_tokens as x_cache_write_1h_tokens,
            usage_is_final as x_usage_is_final,
            calls as x_calls,
            purpose as x_purpose,
            stop_reason as x_stop_reason,
            service_tier as x_service_tier,
            speed as x_speed
        from published_steps
        inner join staging.stg_steps as steps using (step_id, session_id)
        inner join staging.stg_sessions as sessions using (session_id)
        left join inputs using (step_id)
        left join copies using (session_id)
        """,
    "timing_events": f"""
        select
            round_pk,
            owner,
            shift,
            if(event_type = 'usage_report' and usage_source = 'record', 'token_usage_record', null) as source,
            {_EVENT}
        from published_steps
        inner join staging.stg_events using (step_id)
        inner join staging.stg_steps using (step_id)
        """,
    "tool_calls": """
        select
            round_pk,
            owner,
            shift,
            tool_index,
            tool_name,
            tool_call_id,
            emitted_at,
            result_at,
            input_chars,
            result_chars,
            wall_ms as tool_wall_latency_ms,
            internal_ms as tool_internal_latency_ms,
            is_error,
            exit_code as x_exit_code,
            is_denied as x_is_denied,
            is_poll as x_is_poll,
            web_searches as x_web_searches
        from published_steps
        inner join staging.stg_tool_calls using (step_id)
        """,
    "x_events_without_step": f"""
        select
            round_pk,
            owner,
            shift,
            {_EVENT}
        from published_steps
        inner join staging.stg_events as events using (session_id)
        where is_last and events.step_id is null
        """,
    "x_compactions": """
        select
            round_pk,
            owner,
            shift,
            row_number() over (partition by round_pk order by compacted_at nulls last, compaction_id)
                as compaction_index,
            markers.step_id is not null as is_before_step,
            compacted_at,
            compaction_trigger,
            pre_tokens,
            post_tokens
        from published_steps
        inner join staging.stg_compactions as markers
            on published_steps.session_id = markers.session_id
            and (published_steps.step_id = markers.step_id or (markers.step_id is null and is_last))
        """,
    "x_extra_calls": """
        select
            round_pk,
            owner,
            shift,
            call_index,
            call_type,
            model,
            input_tokens,
            prefix_tokens,
            append_tokens,
            cache_write_tokens,
            cache_write_5m_tokens,
            cache_write_1h_tokens,
            output_tokens,
            reasoning_tokens
        from published_steps
        inner join staging.stg_extra_calls using (step_id)
        """,
}
"""Table → its rows as the warehouse has them."""
