-- METRICS §43a: what a cache that keeps prefixes while a person thinks would save.
with
    observed as (
        select *
        from summary_idle_counterfactual
        where session_kind = 'all' and model = 'all' and scenario = 'observed'
    ),
    kept as (
        select *
        from summary_idle_counterfactual
        where session_kind = 'all' and model = 'all' and scenario = 'no_pause'
    )
select
    scope,
    kept.steps as rounds,
    kept.user_steps as user_rounds,
    kept.resumed_steps as user_rounds_with_predecessor,
    kept.saved_steps as user_rounds_reduced,
    (
        select count(*) from cache_reuse where pause_missed_tokens < 0
    ) as user_rounds_increased,
    observed.append_tokens as observed_append_tokens,
    kept.append_tokens as counterfactual_append_tokens,
    kept.saved_tokens as append_reduction_tokens,
    kept.saved_append_share as append_reduction_pct_of_all_append,
    observed.resumed_append_tokens as observed_user_append_tokens,
    kept.resumed_append_tokens as counterfactual_user_append_tokens,
    kept.saved_tokens as user_append_reduction_tokens,
    kept.saved_resumed_append_share as user_append_reduction_pct,
    observed.prefix_tokens as observed_prefix_tokens,
    kept.prefix_tokens as counterfactual_prefix_tokens,
    kept.output_tokens,
    kept.priced_steps as priced_rounds,
    kept.unpriced_steps as unpriced_rounds,
    observed.append_cost_usd as observed_input_cost_usd,
    kept.append_cost_usd as counterfactual_input_cost_usd,
    observed.append_cost_usd - kept.append_cost_usd as input_cost_reduction_usd,
    observed.cost_usd as observed_total_cost_usd,
    kept.cost_usd as counterfactual_total_cost_usd,
    kept.saved_usd as total_cost_reduction_usd,
    kept.saved_cost_share as total_cost_reduction_pct,
    kept.saved_usd_steps as cost_saved_per_reduced_step_samples,
    kept.saved_mean_usd as cost_saved_per_reduced_step_avg_usd,
    kept.saved_p50_usd as cost_saved_per_reduced_step_p50_usd,
    kept.saved_p90_usd as cost_saved_per_reduced_step_p90_usd,
    kept.gap_steps as idle_gap_per_reduced_step_samples,
    kept.gap_mean_s as idle_gap_per_reduced_step_avg_seconds,
    kept.gap_p50_s as idle_gap_per_reduced_step_p50_seconds,
    kept.gap_p90_s as idle_gap_per_reduced_step_p90_seconds
from scopes
inner join observed on replace(scope, 'merged', 'all') = observed.provider
inner join kept on observed.provider = kept.provider
