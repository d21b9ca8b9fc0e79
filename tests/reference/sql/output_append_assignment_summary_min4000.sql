-- METRICS §28: whether output comes back in the prefix or in the append; the published
-- scenarios.
select
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
    )
    and min_output_tokens = 4000
