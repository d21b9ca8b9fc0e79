-- One row per session with a step or a message: what it held and where its time went.
with
    tool_calls as not materialized(select * from {{ ref("tool_calls") }}),
    instants as (
        select
            session_id,
            least(started_at, event_at) as from_at,
            event_at as to_at,
            coalesce(message_kind in ('human', 'agent'), false) as is_message
        from {{ ref("stg_events") }}
        union all
        select
            session_id,
            least(emitted_at, result_at),
            greatest(emitted_at, result_at),
            false
        from tool_calls
    ),
    times as (
        select
            session_id,
            min(from_at) as started_at,
            max(to_at) as ended_at,
            bool_or(is_message) as has_message
        from instants
        group by session_id
    ),
    step_totals as (
        select
            session_id,
            count(distinct request_id) as requests,
            count(*) as steps,
            count_if(trigger = 'user') as user_steps,
            count_if(trigger = 'tool') as tool_steps,
            count(distinct model) as models,
            sum(tool_calls) as tool_calls,
            sum(tool_errors) as tool_errors,
            sum(input_tokens) as input_tokens,
            sum(prefix_tokens) as prefix_tokens,
            sum(append_tokens) as append_tokens,
            sum(output_tokens) as output_tokens,
            -- the tokens of several calls are no size of one prompt
            sum(prefix_tokens) filter (where calls = 1)
            / nullif(sum(input_tokens) filter (where calls = 1), 0) as hit_ratio,
            max(context_tokens) as peak_context_tokens,
            sum(generation_ms) as generation_ms,
            sum(cost_usd) as cost_usd
        from {{ ref("steps") }}
        group by session_id
    ),
    -- the model of most steps, at ties the first
    main_models as (
        select session_id, arg_max(model, (steps, - first_index)) as model
        from
            (
                select
                    session_id, model, count(*) as steps, min(step_index) as first_index
                from {{ ref("steps") }}
                where model is not null
                group by session_id, model
            )
        group by session_id
    ),
    -- steps are put in order only for the few sessions that have several models
    switches as (
        select session_id, count_if(model <> previous_model) as model_switches
        from
            (
                select
                    session_id,
                    model,
                    lag(model) over (
                        partition by session_id order by step_index
                    ) as previous_model
                from {{ ref("steps") }}
                where
                    model is not null
                    and purpose is null
                    and session_id
                    in (select session_id from step_totals where models > 1)
            )
        group by session_id
    ),
    request_totals as (
        select session_id, count(*) as timed_requests
        from {{ ref("requests") }}
        where response_ms > 0
        group by session_id
    ),
    client_totals as (
        select
            session_id,
            sum(input_tokens + prefix_tokens + cache_write_tokens) as input_tokens,
            sum(output_tokens) as output_tokens,
            sum(cost_usd::decimal(18, 12)) as cost_usd
        from {{ ref("stg_client_totals") }}
        group by session_id
    ),
    tool_totals as (
        select session_id, sum(effective_ms) as tool_effective_ms
        from tool_calls
        group by session_id
    ),
    wait_totals as (
        select
            session_id,
            sum(wait_ms) as human_wait_ms,
            -- least() alone would make a wait of an unknown one
            sum(least(wait_ms, {{ var("human_wait_cap_ms") }})) filter (
                where wait_ms is not null
            ) as capped_ms
        from {{ ref("int_human_waits") }}
        group by session_id
    ),
    compaction_totals as (
        select session_id, count(*) as compactions
        from {{ ref("compactions") }}
        group by session_id
    ),
    spawns as (
        select
            session_id as spawn_session_id,
            tool_call_id as spawn_tool_call_id,
            step_id as spawn_step_id
        from tool_calls
        where
            (session_id, tool_call_id) in (
                select spawn_session_id, spawn_tool_call_id
                from {{ ref("stg_sessions") }}
            )
    )
select
    session_id,
    root_session_id,
    parent_session_id,
    forked_from_session_id,
    forked_from_step_id,
    session_kind,
    agent_type,
    spawn_tool_call_id,
    spawn_step_id,
    provider,
    project,
    user_name,
    client_version,
    entrypoint,
    times.started_at,
    ended_at,
    {{ ms_between("times.started_at", "ended_at") }} as wall_ms,
    model,
    coalesce(models, 0) as models,
    coalesce(model_switches, 0)::bigint as model_switches,
    coalesce(requests, 0) as requests,
    coalesce(timed_requests, 0) as timed_requests,
    coalesce(steps, 0) as steps,
    coalesce(user_steps, 0)::bigint as user_steps,
    coalesce(tool_steps, 0)::bigint as tool_steps,
    replayed_steps,
    coalesce(tool_calls, 0)::bigint as tool_calls,
    coalesce(tool_errors, 0)::bigint as tool_errors,
    step_totals.input_tokens::bigint as input_tokens,
    prefix_tokens::bigint as prefix_tokens,
    append_tokens::bigint as append_tokens,
    step_totals.output_tokens::bigint as output_tokens,
    hit_ratio,
    peak_context_tokens,
    coalesce(compactions, 0) as compactions,
    coalesce(human_wait_ms, 0)::bigint as human_wait_ms,
    coalesce(capped_ms, 0)::bigint as human_wait_capped_ms,
    coalesce(generation_ms, 0)::bigint as generation_ms,
    coalesce(tool_effective_ms, 0)::bigint as tool_effective_ms,
    coalesce(generation_part_ms, 0)::bigint as generation_part_ms,
    coalesce(tool_part_ms, 0)::bigint as tool_part_ms,
    coalesce(human_tool_part_ms, 0)::bigint as human_tool_part_ms,
    coalesce(human_part_ms, 0)::bigint as human_part_ms,
    (wall_ms - coalesce(spans_ms, 0))::bigint as other_part_ms,
    try_cast(step_totals.cost_usd as decimal(18, 12)) as cost_usd,
    client_totals.input_tokens::bigint as client_input_tokens,
    client_totals.output_tokens::bigint as client_output_tokens,
    try_cast(client_totals.cost_usd as decimal(18, 12)) as client_cost_usd
from {{ ref("stg_sessions") }}
left join times using (session_id)
left join step_totals using (session_id)
left join main_models using (session_id)
left join switches using (session_id)
left join request_totals using (session_id)
left join client_totals using (session_id)
left join tool_totals using (session_id)
left join wait_totals using (session_id)
left join compaction_totals using (session_id)
left join spawns using (spawn_session_id, spawn_tool_call_id)
left join {{ ref("int_session_parts") }} using (session_id)
where steps > 0 or has_message
