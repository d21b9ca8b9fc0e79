-- One row per cut: how long a request takes, from its message to its last output, in
-- seconds.
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    {{ pooled("model") }},
    count(*) as requests,
    count(*) filter (where response_ms is null or response_ms <= 0) as untimed_requests,
    count(*) filter (where ended_by = 'interrupt') as interrupted_requests,
    -- a request without output, or with all of it in the message's own millisecond,
    -- has no response time
    {{ distribution("case when response_ms > 0 then response_ms end", per=1000) }},
    sum(response_ms) filter (where response_ms > 0) / 1000 as total_s
from {{ ref("requests") }}
group by {{ cuts() }}
