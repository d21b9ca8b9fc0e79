-- METRICS §15: where the time of sessions, requests and steps goes.
select
    scope,
    case
        block
        when 'session'
        then 'Per session'
        when 'session_capped'
        then 'Per session, human capped (1h)'
        when 'request'
        then 'Per request'
        when 'step'
        then 'Per step'
        when 'individual'
        then 'Per individual latency'
    end as block,
    case
        when category = 'human'
        then 'Human thinking'
        when category = 'generation'
        then 'LLM generation'
        when category = 'tool'
        then 'Tool execution'
        when block = 'session'
        then 'Total elapsed'
        when block = 'request'
        then 'Total (response time)'
        else 'Total'
    end as metric,
    count,
    mean as avg,
    p25,
    p50,
    p90,
    p99,
    case when category <> 'all' then total_share end as share
from summary_timing_distribution
inner join scopes on scope = replace(provider, 'all', 'merged')
where
    session_kind = 'all'
    and model = 'all'
    and block not in ('session_partition', 'session_active')
    and category in ('all', 'human', 'generation', 'tool')
    and (block, category) <> ('step', 'all')
