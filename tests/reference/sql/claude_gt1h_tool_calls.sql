-- METRICS §36: the calls above an hour, how many they are.
select
    'claude' as provider,
    count(*) as calls,
    coalesce(sum(effective_s), 0) / 3600 as effective_latency_hours
from summary_claude_long_tools
where effective_s > 3600
