-- The rows that reference tables have in any case: scopes (pooled and by provider),
-- and scopes by trigger.
create temp view scopes as select unnest(['merged', 'claude', 'codex']) as scope;

create temp view cells as
select scope, trigger, replace(trigger, 'tool', 'tool_result') as published_trigger
from scopes
cross join (select unnest(['all', 'user', 'tool']) as trigger);

-- Segments are named with their provider there.
create temp view segment_kinds as
select
    provider,
    segment_kind,
    provider
    || '_'
    || case
        split_part(segment_kind, '_to_', 1)
        when 'user'
        then replace(segment_kind, 'user_', 'user_message_')
        when 'tool'
        then 'tool_result_to_' || split_part(segment_kind, '_to_', 2)
        else segment_kind
    end as published_kind
from (select distinct provider, segment_kind from simulations.sim_timing_segments);
