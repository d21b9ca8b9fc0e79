-- One row per cut, weekday and hour: how many steps begin in it.
with
    steps as (
        select
            provider,
            session_kind,
            isodow(local_time) - 1 as weekday,
            hour(local_time) as hour
        from {{ ref("steps") }}
    ),
    counted as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            weekday,
            hour,
            count(*) as steps
        from steps
        group by {{ cuts(by_model=false) }}, weekday, hour
    )
select
    provider,
    session_kind,
    weekday,
    hour,
    '{{ var("timezone") }}' as timezone,
    coalesce(steps, 0) as steps
from (select distinct provider, session_kind from counted)
cross join (select unnest(range(7)) as weekday)
cross join (select unnest(range(24)) as hour)
left join counted using (provider, session_kind, weekday, hour)
