-- One row per cut: how long an answer takes, from the step's last input to its last
-- output, in seconds.
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    {{ pooled("model") }},
    count(*) as steps,
    count(*) filter (where generation_ms is null) as untimed_steps,
    count(*) filter (where generation_ms > 30 * 60000) as over_30min_steps,
    sum(generation_ms) filter (where generation_ms > 30 * 60000)
    / 1000 as over_30min_total_s,
    {{ distribution("generation_ms", per=1000) }},
    sum(generation_ms) / 1000 as total_s
from {{ ref("steps") }}
group by {{ cuts() }}
