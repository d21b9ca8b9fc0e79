-- One row per cut and number: how somebody works with agents.
with
    steps as not materialized(
        select
            *,
            local_time::date as day,
            count_if(trigger = 'user') over in_session as run,
            count(local_time) over in_session as dated
        from {{ ref("steps") }}
        window in_session as (partition by session_id order by step_index)
    ),
    sessions as (select * from {{ ref("sessions") }} where steps > 0),
    hits as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            quantile_cont(hit_ratio, 0.5) as hit_ratio_p50,
            quantile_cont(hit_ratio, 0.9) as hit_ratio_p90
        from steps
        group by {{ cuts(by_model=false) }}
    ),
    -- what a line through hits needs, in whole numbers: exact in any order
    points as (
        select
            session_id,
            count(*) as n,
            sum(step_index) as x,
            sum(hit) as y,
            sum(step_index * step_index) as xx,
            sum(step_index * hit) as xy,
            xx - x * x / n as xx_within,
            xy - x * y / n as xy_within
        from
            (
                select session_id, step_index, (hit_ratio * 1000000000)::bigint as hit
                from steps
                where hit_ratio is not null
            )
        group by session_id
    ),
    -- where a session begins in the trace: sessions follow each other as they started;
    -- of those that started together only what a line is made of may tell the order
    places as (
        select
            provider,
            session_kind,
            points.*,
            coalesce(
                sum(steps) over (
                    order by
                        started_at nulls last,
                        provider,
                        session_kind,
                        steps,
                        n,
                        x,
                        y,
                        xx,
                        xy
                    rows between unbounded preceding and 1 preceding
                ),
                0
            ) as place
        from sessions
        left join points using (session_id)
    ),
    lines as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            1e-7
            * sum(xy_within order by xy_within)
            / nullif(
                sum(xx_within order by xx_within), 0
            ) as hit_ratio_change_per_100_steps,
            1e-7
            * (sum(n) * sum(xy + place * y) - sum(x + place * n) * sum(y))
            / nullif(
                sum(n) * sum(xx + 2 * place * x + place * place * n)
                - sum(x + place * n) * sum(x + place * n),
                0
            ) as hit_ratio_change_per_100_steps_of_trace
        from places
        group by {{ cuts(by_model=false) }}
    ),
    runs as (
        select provider, session_kind, count(*) as steps
        from steps
        where trigger <> 'user' and purpose is null
        group by provider, session_kind, session_id, run
    ),
    unattended as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            avg(steps) as unattended_run_mean_steps,
            quantile_cont(steps, 0.9) as unattended_run_p90_steps
        from runs
        group by {{ cuts(by_model=false) }}
    ),
    habits as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            avg(user_steps) as interjections_per_session,
            avg(models) as models_per_session,
            avg(model_switches) as model_switches_per_session
        from sessions
        group by {{ cuts(by_model=false) }}
    ),
    days as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            day,
            count(distinct hour(local_time)) as active_hours,
            count(*) as steps,
            count(*) filter (where dated = 1) as sessions,
            sum(cost_usd) as cost_usd
        from steps
        where day is not null
        group by {{ cuts(by_model=false) }}, day
    ),
    weeks as (
        select
            provider,
            session_kind,
            avg(active_hours) as active_hours_per_day,
            count(*) / count(distinct date_trunc('week', day)) as active_days_per_week,
            avg(steps) * active_days_per_week as steps_per_week,
            avg(sessions) * active_days_per_week as sessions_per_week,
            sum(cost_usd) / count(*) * active_days_per_week as cost_per_week_usd
        from days
        group by provider, session_kind
    ),
    tools as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            count(*) filter (where tool_category = 'read') / nullif(
                count(*) filter (where tool_category = 'edit'), 0
            ) as read_to_edit_ratio
        from {{ ref("tool_calls") }}
        group by {{ cuts(by_model=false) }}
    ),
    numbers as (
        from hits
        union all by name
        from lines
        union all by name
        from unattended
        union all by name
        from habits
        union all by name
        from weeks
        union all by name
        from tools
    )
select provider, session_kind, name, value::double as value
from numbers unpivot (value for name in (columns(* exclude (provider, session_kind))))
