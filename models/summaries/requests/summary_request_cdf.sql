-- One row per measure of a request and threshold: the requests below it, and how much
-- of the sum they hold.
with
    bins as (select * from {{ ref("bins") }}),
    requests as (
        select
            provider,
            session_kind,
            model,
            unnest(
                [
                    {
                        'measure':'response_s',
                        'grid':'duration_s',
                        'amount':response_ms,
                        'per':1000
                    },
                    {'measure':'steps', 'grid':'count', 'amount':steps, 'per':1},
                    {
                        'measure':'tool_calls',
                        'grid':'count',
                        'amount':tool_calls,
                        'per':1
                    }
                ],
                recursive := true
            )
        from {{ ref("requests") }}
        where response_ms > 0
    ),
    binned as (
        select
            provider,
            session_kind,
            model,
            measure,
            per,
            bin,
            high,
            1 as requests,
            amount
        from requests
        asof join bins on requests.grid = bins.grid and amount / per >= low
        union all
        -- every cut has every threshold
        select
            provider,
            session_kind,
            model,
            measure,
            per,
            bin,
            high,
            0 as requests,
            0 as amount
        from
            (
                select distinct provider, session_kind, model, measure, per, grid
                from requests
            )
        inner join bins using (grid)
    ),
    counted as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            measure,
            bin,
            high as threshold,
            sum(requests) as requests,
            per,
            sum(amount) as amount
        from binned
        group by {{ cuts() }}, measure, per, bin, high
    )
select
    provider,
    session_kind,
    model,
    measure,
    bin,
    threshold,
    (sum(requests) over cut)::bigint as count,
    (sum(requests) over below)::bigint as cumulative_count,
    cumulative_count / count as cumulative_share,
    sum(amount) over below / per as cumulative_mass,
    sum(amount) over below / nullif(sum(amount) over cut, 0) as cumulative_mass_share
from counted
window
    cut as (partition by provider, session_kind, model, measure),
    below as (partition by provider, session_kind, model, measure order by bin)
