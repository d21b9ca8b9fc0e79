-- METRICS §12: how many steps have a prompt a little smaller than the one before.
select 'micro_reduction' as bucket, count(*) as rows
from steps
where context_growth_tokens between -1024 and -1 and trigger in ('user', 'tool')
