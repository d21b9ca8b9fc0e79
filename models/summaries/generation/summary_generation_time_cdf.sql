-- One row per cut and threshold: the steps whose answer takes less, and how much of the
-- time they hold.
with
    bins as (select * from {{ ref("bins") }} where grid = 'duration_s'),
    steps as (
        select provider, session_kind, model, generation_ms
        from {{ ref("steps") }}
        where generation_ms > 0
    ),
    binned as (
        select
            provider,
            session_kind,
            model,
            bin,
            high,
            count(*) as steps,
            sum(generation_ms) as generation_ms
        from steps
        asof join bins on generation_ms / 1000 >= low
        group by provider, session_kind, model, bin, high
        union all
        -- every cut has every threshold
        select provider, session_kind, model, bin, high, 0, 0
        from (select distinct provider, session_kind, model from steps)
        cross join bins
    ),
    counted as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            bin,
            high as threshold_s,
            sum(steps) as steps,
            sum(generation_ms) as generation_ms
        from binned
        group by {{ cuts() }}, bin, high
    )
select
    provider,
    session_kind,
    model,
    bin,
    threshold_s,
    (sum(steps) over cut)::bigint as count,
    (sum(steps) over below)::bigint as cumulative_count,
    cumulative_count / count as cumulative_share,
    sum(generation_ms) over below / 1000 as cumulative_s,
    sum(generation_ms) over below / sum(generation_ms) over cut as cumulative_time_share
from counted
window
    cut as (partition by provider, session_kind, model),
    below as (partition by provider, session_kind, model order by bin)
