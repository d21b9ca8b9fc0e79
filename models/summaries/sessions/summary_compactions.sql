-- One row per cut, source, trigger and population of sessions: how often a context is
-- compacted.
with
    steps as (select * from {{ ref("steps") }}),
    compactions as (select * from {{ ref("compactions") }}),
    explicit as (select * from compactions where source = 'explicit'),
    found as (
        select session_id, 'all' as source, trigger, null as is_hit
        from compactions
        left join (select step_id, trigger from steps) using (step_id)
        union all
        select session_id, 'explicit', trigger, inferred_pre_tokens is not null
        from explicit
        left join
            (select step_id, trigger, inferred_pre_tokens from steps) using (step_id)
        union all
        -- asked of every session, and right or wrong where the log has markers
        select
            session_id,
            'inferred',
            trigger,
            case
                when session_id in (select session_id from explicit)
                then step_id in (select step_id from explicit where step_id is not null)
            end
        from steps
        where inferred_pre_tokens is not null
    ),
    totals as (
        select
            session_id,
            source,
            {{ pooled("trigger") }},
            count(*) as compactions,
            count(is_hit) as judged,
            count_if(is_hit) as hits
        from found
        group by session_id, source, grouping sets ((), (trigger))
    ),
    sizes as (
        select
            session_id,
            trigger,
            user_messages + tool_results as inputs,
            context_tokens,
            -- as the inferred rule has it
            lag(context_tokens ignore nulls) over (
                partition by session_id order by step_index
            ) as before_tokens
        from steps
        where purpose is null
    ),
    drops as (
        select session_id, {{ pooled("trigger") }}, count(*) as falls
        from sizes
        where inputs > 0 and before_tokens - context_tokens >= 64000
        group by session_id, grouping sets ((), (trigger))
    ),
    sessions as (
        select
            provider,
            session_kind,
            source,
            trigger,
            coalesce(totals.compactions, 0) as held,
            falls,
            judged,
            hits,
            unnest(if(held > 0, ['all', 'compacted'], ['all'])) as population
        from (select * from {{ ref("sessions") }} where steps > 0) as sessions
        cross join (select unnest(['all', 'explicit', 'inferred']) as source)
        cross join (select unnest(['all', 'user', 'tool', 'none']) as trigger)
        left join totals using (session_id, source, trigger)
        left join drops using (session_id, trigger)
    )
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    source,
    trigger,
    population,
    sum(held)::bigint as compactions,
    coalesce(sum(falls), 0)::bigint as major_reductions,
    case
        when source = 'inferred' then compactions / nullif(major_reductions, 0)
    end as share_of_major,
    coalesce(sum(judged), 0)::bigint as judged_compactions,
    case
        when source = 'inferred' then sum(hits) / nullif(judged_compactions, 0)
    end as precision,
    case
        when source = 'explicit' then sum(hits) / nullif(judged_compactions, 0)
    end as recall,
    {{ distribution("held") }}
from sessions
group by {{ cuts(by_model=false) }}, source, trigger, population
