-- METRICS §11: what sessions, requests and steps hold.
select
    scope,
    case
        metric
        when 'requests'
        then 'Requests'
        when 'user_steps'
        then 'User-initiated steps'
        when 'tool_steps'
        then 'Tool-initiated steps'
        when 'tool_calls'
        then 'Tool calls'
    end as metric,
    '/' || unit as unit,
    case when unit = 'session' then count end as sessions,
    mean as avg,
    p25,
    p50,
    p90,
    p99
from summary_session_counts
inner join scopes on scope = replace(provider, 'all', 'merged')
where session_kind = 'all' and model = 'all' and metric <> 'steps'
