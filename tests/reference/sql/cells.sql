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
-- METRICS §28: whether output comes back in the prefix or in the append; the published
-- scenarios.
create temp view attributions as
select
    min_output_tokens,
    if(provider = 'claude', 'claude', replace(replace(model, '.', ''), 'gpt-', 'gpt'))
    || if(trigger = 'tool', '_tool_result', '_user_message') as scenario,
    pairs as count,
    decision,
    decision_strength,
    512 as tolerance_absolute_tokens,
    0.1 as tolerance_relative_fraction,
    output_append_correlation as corr_log_output_append,
    output_prefix_gain_correlation as corr_log_output_prefix_gain,
    100 * prefix_close_share as prefix_close_pct,
    100 * prefix_reject_share as prefix_reject_pct,
    100 * append_can_hold_share as append_can_contain_output_pct,
    100 * append_side_share as append_side_pair_pct,
    100 * prefix_close_append_can_hold_share as prefix_close_and_append_can_pct,
    100 * unassigned_share as unassigned_pair_pct,
    output_p50_tokens as median_prev_output,
    append_p50_tokens as median_next_append,
    prefix_gain_p50_tokens as median_prefix_gain,
    append_minus_output_p50_tokens as median_append_minus_output,
    prefix_gain_minus_output_p50_tokens as median_prefix_gain_minus_output,
    append_minus_output_p10_tokens as p10_append_minus_output,
    append_minus_output_p90_tokens as p90_append_minus_output
from summary_output_attribution
where
    session_kind = 'all'
    and trigger <> 'all'
    and (
        (provider = 'claude' and model = 'all')
        or (provider = 'codex' and model in ('gpt-5.5', 'gpt-5.4'))
        or (
            provider = 'codex'
            and model in ('gpt-5.3-codex', 'gpt-5.2-codex')
            and trigger = 'tool'
        )
    );
