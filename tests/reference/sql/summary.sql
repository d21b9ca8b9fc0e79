-- METRICS §9: one row per cut, its facts nested and named as published.
with
    overview as (
        select
            scope,
            trigger,
            map_from_entries(
                list((name, if(unit = 'count', value::bigint, null)))
            ) as n,
            map_from_entries(list((name, value))) as v
        from summary_overview
        inner join scopes on scope = replace(provider, 'all', 'merged')
        where session_kind = 'all'
        group by scope, trigger
    )
select 1
