-- One row per cut, block and category: where the time of sessions, requests and steps
-- goes, in seconds. Sessions are not cut by model.
with
    sessions as (select * from {{ ref("sessions") }} where steps > 0 and wall_ms > 0),
    steps as not materialized(select * from {{ ref("steps") }}),
    tool_calls as (select * from {{ ref("tool_calls") }}),
    calls as (
        select step_id, sum(effective_ms) as tool_ms from tool_calls group by step_id
    ),
    spans as (
        select
            'session' as block,
            provider,
            session_kind,
            wall_ms as all_ms,
            human_wait_ms as human_ms,
            generation_ms,
            tool_effective_ms as tool_ms
        from sessions
        union all by name
        select
            'session_capped' as block,
            provider,
            session_kind,
            human_wait_capped_ms as human_ms,
            generation_ms,
            tool_effective_ms as tool_ms,
            human_ms + generation_ms + tool_ms as all_ms
        from sessions
        union all by name
        -- each instant once
        select
            'session_partition' as block,
            provider,
            session_kind,
            wall_ms as all_ms,
            human_part_ms as human_ms,
            generation_part_ms as generation_ms,
            tool_part_ms as tool_ms,
            human_tool_part_ms as human_tool_ms,
            other_part_ms as other_ms
        from sessions
        union all by name
        -- the same without people
        select
            'session_active' as block,
            provider,
            session_kind,
            generation_part_ms as generation_ms,
            tool_part_ms as tool_ms,
            other_part_ms as other_ms,
            generation_part_ms + tool_part_ms + other_part_ms as all_ms
        from sessions
        union all by name
        select
            'request' as block,
            provider,
            session_kind,
            model,
            response_ms as all_ms,
            generation_ms,
            tool_effective_ms as tool_ms,
            other_ms
        from {{ ref("requests") }}
        where response_ms > 0
        union all by name
        select
            'step' as block,
            provider,
            session_kind,
            model,
            coalesce(steps.generation_ms, 0) as generation_ms,
            coalesce(calls.tool_ms, 0) as tool_ms,
            coalesce(steps.generation_ms, 0) + coalesce(calls.tool_ms, 0) as all_ms
        from steps
        left join calls using (step_id)
        union all by name
        select 'individual' as block, provider, session_kind, model, generation_ms
        from steps
        union all by name
        select
            'individual' as block,
            provider,
            session_kind,
            model,
            unnest(human_waits_ms) as human_ms
        from steps
        union all by name
        select
            'individual' as block,
            provider,
            session_kind,
            model,
            effective_ms as tool_ms
        from tool_calls
    ),
    described as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            block,
            {{ distributions("columns('_ms$')", per=1000) }}
        from spans
        where {{ is_in_part("block") }}
        group by {{ cuts() }}, block
        having block not like 'session%' or grouping(model) = 1
    )
select
    provider,
    session_kind,
    model,
    block,
    regexp_replace(part, '_ms$', '') as category,
    found.total as total_s,
    found.sum / nullif(
        max(found.sum) filter (where category = 'all') over (
            partition by provider, session_kind, model, block
        ),
        0
    ) as total_share,
    {{ distribution_of("found") }}
from described unpivot (found for part in (columns('_ms$')))
where found.count > 0
