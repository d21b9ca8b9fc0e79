-- One row per step that has a previous step: how long its context lay idle before it.
with
    steps as (
        select
            *,
            last_value(last_output_at ignore nulls) over (
                partition by session_id
                order by step_index
                rows between unbounded preceding and 1 preceding
            ) as gap_started_at
        from {{ ref("steps") }}
        where purpose is null
    ),
    events as (select * from {{ ref("stg_events") }} where step_id is not null),
    calls as (
        select
            step_id,
            session_id,
            tool_call_id,
            emitted_at,
            result_at,
            wall_ms,
            step_index
        from {{ ref("stg_tool_calls") }}
        inner join steps using (step_id, session_id)
    ),
    -- the published gap goes by what the log lists first
    listed as (
        select
            step_id,
            min(event_type) filter (where event_order = 0) as first_listed_type,
            min(event_at) filter (where event_order = 0) as first_listed_own_at,
            arg_min(event_at, event_order) filter (
                where event_at is not null
            ) as first_listed_at,
            min(event_order) filter (where event_type <> 'tool_result') as results_end
        from events
        group by step_id
    ),
    activity as (
        select
            step_id, min(active_at) as first_active_at, max(active_at) as last_active_at
        from
            (
                select step_id, event_at as active_at
                from events
                union all
                select step_id, unnest([emitted_at, result_at]) as active_at
                from calls
            )
        group by step_id
    ),
    -- the longest of the calls whose results stand first in the list
    answered as (
        select
            events.step_id, max(wall_ms) filter (where wall_ms >= 0) as longest_call_ms
        from events
        inner join listed using (step_id)
        inner join steps using (step_id)
        inner join
            calls
            on events.session_id = calls.session_id
            and events.tool_call_id = calls.tool_call_id
        where
            event_order < coalesce(results_end, event_order + 1)
            and calls.step_index < steps.step_index
        group by events.step_id
    ),
    gaps as (
        select
            *,
            coalesce(first_listed_at, first_active_at) as active_from_at,
            coalesce(first_listed_own_at, first_active_at) as resumed_at,
            lag(last_active_at) over in_order as previous_active_at,
            lag(coalesce(last_output_at, first_listed_at)) over in_order
            as previous_listed_at
        from steps
        left join listed using (step_id)
        left join activity using (step_id)
        left join answered using (step_id)
        window in_order as (partition by session_id order by step_index)
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
