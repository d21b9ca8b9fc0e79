-- One row per step that has a previous step: how long its context lay idle before it.
with
    steps as not materialized(select * from {{ ref("steps") }} where purpose is null),
    step_events as not materialized(
        select
            step_id,
            first_logged_at,
            -- the published gap goes by what the log lists first
            first_listed_type,
            first_listed_at,
            first_listed_own_at,
            results_listed_first
        from {{ ref("int_step_events") }}
    ),
    call_times as (
        select
            step_id,
            least(min(emitted_at), min(result_at)) as first_call_at,
            greatest(max(emitted_at), max(result_at)) as last_call_at
        from {{ ref("stg_tool_calls") }}
        group by step_id
    ),
    -- the longest of the calls whose results stand first in the list
    answered as (
        select results.step_id, max(wall_ms) as longest_call_ms
        from {{ ref("stg_events") }} as results
        inner join step_events using (step_id)
        inner join steps using (step_id)
        inner join
            {{ ref("stg_tool_calls") }} as calls
            on results.session_id = calls.session_id
            and results.tool_call_id = calls.tool_call_id
        inner join
            steps as callers
            on calls.step_id = callers.step_id
            and callers.step_index < steps.step_index
        where
            event_type = 'tool_result'
            and event_order < coalesce(results_listed_first, event_order + 1)
            and wall_ms >= 0
        group by results.step_id
    ),
    befores as (
        select
            step_id,
            least(first_logged_at, first_call_at) as first_active_at,
            last_value(last_output_at ignore nulls) over (
                earlier rows between unbounded preceding and 1 preceding
            ) as gap_started_at,
            lag(greatest(last_event_at, last_call_at)) over earlier
            as previous_active_at,
            lag(coalesce(last_output_at, first_listed_at)) over earlier
            as previous_listed_at
        from steps
        left join step_events using (step_id)
        left join call_times using (step_id)
        window earlier as (partition by session_id order by step_index)
    ),
    gaps as (
        select
            *,
            coalesce(first_listed_at, first_active_at) as active_from_at,
            coalesce(first_listed_own_at, first_active_at) as resumed_at
        from steps
        inner join befores using (step_id)
        left join step_events using (step_id)
        left join answered using (step_id)
    )
select
    step_id,
    session_id,
    session_kind,
    provider,
    model,
    trigger,
    gap_started_at,
    ready_at as gap_ended_at,
    -- greatest() alone would make a gap of an unknown end
    case
        when gap_started_at is not null and ready_at is not null
        then greatest({{ ms_between("gap_started_at", "ready_at") }}, 0)
    end as idle_gap_ms,
    case
        when coalesce(input_tokens, 0) = 0
        then null
        when first_listed_type = 'tool_result'
        then longest_call_ms
        when first_listed_type = 'user_message' and active_from_at >= previous_active_at
        then {{ ms_between("previous_active_at", "active_from_at") }}
    end as published_gap_ms,
    {{ ms_between("previous_listed_at", "first_listed_at") }} as listed_gap_ms,
    case
        when resumed_at >= previous_active_at
        then {{ ms_between("previous_active_at", "resumed_at") }}
    end as activity_gap_ms,
    human_wait_ms,
    prefix_tokens,
    append_tokens,
    hit_ratio
from gaps
where previous_step_id is not null
