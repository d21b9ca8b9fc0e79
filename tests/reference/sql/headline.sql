-- METRICS §11: the three means that head the page.
with
    kept as (select * from requests where response_ms > 0),
    held as (select count(*) as sessions from sessions where steps > 0)
select 'Requests / session' as label, (select count(*) from kept) / sessions as value
from held
union all
select 'Tool calls / request', avg(tool_calls)
from kept
union all
select 'Tool calls / step', avg(tool_calls)
from steps
