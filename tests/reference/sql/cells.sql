-- The rows that reference tables have in any case: scopes (pooled and by provider),
-- and scopes by trigger.
create temp view scopes as select unnest(['merged', 'claude', 'codex']) as scope;

create temp view cells as
select scope, trigger, replace(trigger, 'tool', 'tool_result') as published_trigger
from scopes
cross join (select unnest(['all', 'user', 'tool']) as trigger);
