-- One row per cut and threshold: the sessions that cost less, and how much of the spend
-- they hold. Sessions are not cut by model.
with
    bins as (select * from {{ ref("bins") }} where grid = 'cost_usd'),
    sessions as (
        select provider, session_kind, cost_usd
        from {{ ref("sessions") }}
        where cost_usd is not null
    ),
    binned as (
        select provider, session_kind, bin, high, 1 as sessions, cost_usd
        from sessions
        asof join bins on cost_usd >= low
        union all
        -- every cut has every threshold
        select distinct provider, session_kind, bin, high, 0, 0
        from sessions
        cross join bins
    ),
    counted as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            bin,
            high as threshold_usd,
            sum(sessions) as sessions,
            sum(cost_usd) as cost_usd
        from binned
        group by {{ cuts(by_model=false) }}, bin, high
    )
select
    provider,
    session_kind,
    bin,
    threshold_usd,
    (sum(sessions) over cut)::bigint as count,
    (sum(sessions) over below)::bigint as cumulative_count,
    cumulative_count / count as cumulative_share,
    (sum(cost_usd) over below)::double as cumulative_usd,
    cumulative_usd
    / nullif((sum(cost_usd) over cut)::double, 0) as cumulative_cost_share
from counted
window
    cut as (partition by provider, session_kind),
    below as (partition by provider, session_kind order by bin)
