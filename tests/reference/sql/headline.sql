-- METRICS §11: the three means that head the page.
select
    case metric when 'requests' then 'Requests' else 'Tool calls' end
    || ' / '
    || unit as label,
    mean as value
from summary_session_counts
where
    (provider, session_kind, model) = ('all', 'all', 'all')
    and (unit, metric)
    in (('session', 'requests'), ('request', 'tool_calls'), ('step', 'tool_calls'))
