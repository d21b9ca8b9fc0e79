-- One row per cut: of the tokens appended, how many were new, and the ratios that go
-- by the name of amplification, each by its own.
with
    steps as (
        select
            provider,
            session_kind,
            model,
            trigger,
            -- something started it, after a step of known tokens
            trigger <> 'none' as is_started,
            is_started
            and published_fresh_tokens is not null
            and fresh_tokens is not null as is_pair,
            is_pair and idle_gap_ms is not null as is_covered,
            is_started and previous_step_id is not null and not is_pair as is_unsplit,
            is_pair
            and coalesce(not previous_usage_is_final, false) as is_after_placeholder,
            count(*)::bigint as steps,
            sum(append_tokens)::bigint as append,
            sum(append_tokens) filter (where calls = 1)::bigint as one_call_append,
            sum(if(context_growth_tokens > 0, context_growth_tokens, 0))::bigint
            as growth,
            sum(previous_output_tokens)::bigint as previous_output,
            sum(published_fresh_tokens)::bigint as published_fresh,
            sum(fresh_tokens)::bigint as fresh,
            sum(resent_output_tokens)::bigint as resent_output,
            sum(missed_tokens)::bigint as missed
        from {{ ref("cache_reuse") }}
        inner join
            (
                select
                    step_id,
                    context_growth_tokens,
                    previous_output_tokens,
                    previous_usage_is_final,
                    calls
                from {{ ref("steps") }}
            ) using (step_id)
        group by all
    ),
    cut as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            {{ pooled("trigger") }},
            coalesce(sum(steps) filter (where is_pair), 0)::bigint as steps,
            coalesce(sum(steps) filter (where is_after_placeholder), 0)::bigint
            as after_placeholder_steps,
            coalesce(sum(steps) filter (where is_unsplit), 0)::bigint as unsplit_steps,
            sum(append) filter (where is_pair)::bigint as append_tokens,
            sum(growth) filter (where is_pair)::bigint as growth_tokens,
            sum(previous_output) filter (where is_pair)::bigint
            as previous_output_tokens,
            sum(published_fresh) filter (where is_pair)::bigint
            as published_fresh_tokens,
            sum(fresh) filter (where is_pair)::bigint as fresh_tokens,
            sum(resent_output) filter (where is_pair)::bigint as resent_output_tokens,
            sum(missed) filter (where is_pair)::bigint as missed_tokens,
            sum(one_call_append) as all_append,
            sum(growth) filter (where is_started) as all_growth,
            sum(append) filter (where is_covered) as covered_append,
            sum(fresh) filter (where is_covered) as covered_fresh
        from steps
        group by {{ cuts() }}, grouping sets ((), (trigger))
    )
select
    provider,
    session_kind,
    model,
    trigger,
    steps,
    after_placeholder_steps,
    unsplit_steps,
    append_tokens,
    growth_tokens,
    previous_output_tokens,
    published_fresh_tokens,
    fresh_tokens,
    resent_output_tokens,
    missed_tokens,
    published_fresh_tokens / nullif(append_tokens, 0) as published_fresh_share,
    fresh_tokens / nullif(append_tokens, 0) as fresh_share,
    resent_output_tokens / nullif(append_tokens, 0) as resent_output_share,
    missed_tokens / nullif(append_tokens, 0) as missed_share,
    all_append / nullif(all_growth, 0) as growth_amplification,
    append_tokens
    / nullif(greatest(published_fresh_tokens, 0), 0) as prefill_amplification,
    covered_append / nullif(covered_fresh, 0) as observed_amplification,
    prefill_amplification - 1 as redundant_to_new
from cut
