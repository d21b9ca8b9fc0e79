-- One row per cut and bin of the hit ratio: the steps in it, and the tokens they
-- appended.
with
    bins as (select * from {{ ref("bins") }}),
    hits as (
        select
            provider,
            session_kind,
            model,
            trigger,
            fine.bin as fine_bin,
            coarse.bin as coarse_bin,
            count(*) as steps,
            sum(append_tokens)::bigint as append_tokens
        from {{ ref("steps") }}
        asof join
            (select * from bins where grid = 'hit_ratio_fine') as fine
            on hit_ratio <= fine.high
        asof join
            (select * from bins where grid = 'hit_ratio_coarse') as coarse
            on hit_ratio >= coarse.low
        where trigger <> 'none'
        group by all
    ),
    binned as (
        select
            * exclude (fine_bin, coarse_bin),
            unnest(['fine', 'coarse']) as binning,
            unnest([fine_bin, coarse_bin]) as bin
        from hits
        union all
        -- every cut has every trigger and bin, also one of no hit ratio
        select provider, session_kind, model, trigger, 0, 0, binning, bin
        from
            (
                select distinct
                    provider, session_kind, model, unnest(['user', 'tool']) as trigger
                from {{ ref("steps") }}
            )
        inner join
            (
                select replace(grid, 'hit_ratio_', '') as binning, bin
                from bins
                where grid in ('hit_ratio_fine', 'hit_ratio_coarse')
            )
            on true
    ),
    counted as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            {{ pooled("trigger") }},
            binning,
            bin,
            sum(steps)::bigint as steps,
            sum(append_tokens)::bigint as append_tokens
        from binned
        group by {{ cuts() }}, grouping sets ((), (trigger)), binning, bin
    )
select
    provider,
    session_kind,
    model,
    trigger,
    binning,
    counted.bin,
    low,
    high,
    steps,
    steps / nullif(sum(steps) over cut, 0) as step_share,
    append_tokens,
    append_tokens / nullif(sum(append_tokens) over cut, 0) as append_share
from counted
inner join bins on grid = 'hit_ratio_' || binning and counted.bin = bins.bin
window cut as (partition by provider, session_kind, model, trigger, binning)
