-- One row per cut and cap: how long sessions wait for a person, and how much of it up
-- to the cap, in seconds.
with
    waits as (
        select
            provider,
            session_kind,
            model,
            unnest(human_waits_ms) as wait_ms,
            0 as while_running_messages
        from {{ ref("steps") }}
        union all
        select provider, session_kind, model, null, while_running_messages
        from {{ ref("steps") }}
        where while_running_messages > 0
    ),
    capped as (
        select
            *,
            unnest(
                [
                    {'cap':'all', 'capped_ms':wait_ms},
                    {'cap':'5m', 'capped_ms':if(wait_ms <= 300000, wait_ms, null)},
                    {'cap':'1h', 'capped_ms':if(wait_ms <= 3600000, wait_ms, null)},
                    {'cap':'8h', 'capped_ms':if(wait_ms <= 28800000, wait_ms, null)}
                ],
                recursive := true
            )
        from waits
    )
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    {{ pooled("model") }},
    cap,
    {{ distribution("capped_ms", per=1000) }},
    coalesce(sum(capped_ms), 0) / 1000 as total_s,
    count(capped_ms) / nullif(count(wait_ms), 0) as count_share,
    coalesce(sum(capped_ms), 0) / sum(wait_ms) as time_share,
    count(*) filter (where wait_ms > 28800000) as waits_over_8h,
    sum(while_running_messages)::bigint as while_running_messages
from capped
group by {{ cuts() }}, cap
