-- One row per cut and threshold: the waits for a person below it, and how much of the
-- waiting they hold.
with
    bins as (select * from {{ ref("bins") }} where grid = 'duration_s'),
    waits as (
        select provider, session_kind, model, unnest(human_waits_ms) as wait_ms
        from {{ ref("steps") }}
    ),
    binned as (
        select provider, session_kind, model, bin, high, 1 as waits, wait_ms
        from waits
        asof join bins on wait_ms / 1000 >= low
        union all
        -- every cut has every threshold
        select distinct provider, session_kind, model, bin, high, 0 as waits, 0
        from waits
        cross join bins
    ),
    counted as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            bin,
            high as threshold_s,
            sum(waits) as waits,
            sum(wait_ms) as wait_ms
        from binned
        group by {{ cuts() }}, bin, high
    )
select
    provider,
    session_kind,
    model,
    bin,
    threshold_s,
    (sum(waits) over cut)::bigint as count,
    (sum(waits) over below)::bigint as cumulative_count,
    cumulative_count / count as cumulative_share,
    sum(wait_ms) over below / 1000 as cumulative_mass_s,
    sum(wait_ms) over below / sum(wait_ms) over cut as cumulative_mass_share
from counted
window
    cut as (partition by provider, session_kind, model),
    below as (partition by provider, session_kind, model order by bin)
