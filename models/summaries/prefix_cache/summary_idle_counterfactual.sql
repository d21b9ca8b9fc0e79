-- One row per cut and scenario: what prompts would append and cost if the cache had
-- kept what a person's pause made it drop.
with
    steps as (
        select
            *,
            trigger = 'user' and previous_step_id is not null as is_resumed,
            calls = 1 as has_one_prompt
        from {{ ref("steps") }}
        inner join
            (
                select step_id, columns('miss|read_usd') from {{ ref("cache_reuse") }}
            ) using (step_id)
    ),
    saved as (
        select
            provider,
            session_kind,
            model,
            activity_gap_ms,
            read_usd_per_mtok,
            unnest(['no_pause', 'no_expiry']) as scenario,
            unnest(
                [pause_missed_tokens, if(miss_cause = 'idle', missed_tokens, 0)]
            ) as tokens,
            unnest([pause_missed_cost_usd, missed_cost_usd]) as usd
        from steps
        inner join
            (select step_id, activity_gap_ms from {{ ref("idle_gaps") }}) using (
                step_id
            )
        where is_resumed and greatest(pause_missed_tokens, missed_tokens) > 0
    ),
    savings as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            scenario,
            count(*) as saved_steps,
            sum(tokens) as kept,
            sum(usd) as kept_usd,
            sum({{ usd("tokens", "read_usd_per_mtok") }}) as read_usd,
            count(*) filter (where usd > 0) as saved_usd_steps,
            avg(usd) filter (where usd > 0) as saved_mean_usd,
            quantile_cont(usd::double, [0.5, 0.9]) filter (where usd > 0) as usd_at,
            count(activity_gap_ms) as gap_steps,
            avg(activity_gap_ms) / 1000 as gap_mean_s,
            quantile_cont(activity_gap_ms / 1000, [0.5, 0.9]) as gap_at
        from saved
        where tokens > 0
        group by {{ cuts() }}, scenario
    ),
    totals as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            count(*) as steps,
            count(*) filter (where trigger = 'user') as user_steps,
            count(*) filter (where is_resumed) as resumed_steps,
            count(*) filter (
                where is_resumed and pause_missed_tokens is null
            ) as unsplit_steps,
            sum(append_tokens) as append,
            sum(append_tokens) filter (where is_resumed) as resumed_append,
            sum(prefix_tokens) as prefix,
            sum(prefix_tokens) filter (where has_one_prompt) as one_prompt_prefix,
            sum(input_tokens) filter (where has_one_prompt) as one_prompt_input,
            sum(output_tokens) as output,
            count(cost_usd) as priced_steps,
            count(*) filter (
                where cost_usd is null and input_tokens is not null
            ) as unpriced_steps,
            sum(append_cost_usd) filter (where cost_usd is not null) as append_usd,
            sum(cost_usd) as all_usd
        from steps
        group by {{ cuts() }}
    )
select
    totals.provider,
    totals.session_kind,
    totals.model,
    scenarios.scenario,
    steps,
    user_steps,
    resumed_steps,
    unsplit_steps,
    coalesce(saved_steps, 0) as saved_steps,
    coalesce(kept, 0)::bigint as saved_tokens,
    saved_tokens / nullif(append, 0) as saved_append_share,
    saved_tokens / nullif(resumed_append, 0) as saved_resumed_append_share,
    (append - saved_tokens)::bigint as append_tokens,
    (resumed_append - saved_tokens)::bigint as resumed_append_tokens,
    (prefix + saved_tokens)::bigint as prefix_tokens,
    output::bigint as output_tokens,
    (one_prompt_prefix + saved_tokens) / nullif(one_prompt_input, 0) as hit_ratio,
    priced_steps,
    unpriced_steps,
    (append_usd - coalesce(kept_usd + read_usd, 0))::double as append_cost_usd,
    (all_usd - coalesce(kept_usd, 0))::double as cost_usd,
    coalesce(kept_usd, 0)::double as saved_usd,
    coalesce(kept_usd, 0) / nullif(all_usd, 0) as saved_cost_share,
    coalesce(saved_usd_steps, 0) as saved_usd_steps,
    saved_mean_usd,
    usd_at[1] as saved_p50_usd,
    usd_at[2] as saved_p90_usd,
    coalesce(gap_steps, 0) as gap_steps,
    gap_mean_s,
    gap_at[1] as gap_p50_s,
    gap_at[2] as gap_p90_s
from totals
cross join
    (select unnest(['observed', 'no_pause', 'no_expiry']) as scenario) as scenarios
left join
    savings
    on totals.provider = savings.provider
    and totals.session_kind = savings.session_kind
    and totals.model is not distinct from savings.model
    and scenarios.scenario = savings.scenario
