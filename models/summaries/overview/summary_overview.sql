-- One row per cut and number: the headline table. Long, since a
-- number is looked up by its name.
with
    steps as (
        select
            *,
            usage_is_final is not false
            and generation_ms > 0
            and output_tokens > 0 as has_decode_speed,
            usage_is_final is not false
            and reasoning_tokens > 0
            and visible_output_tokens > 0
            and visible_span_ms > 0 as has_reasoned_span,
            -- pairs whose second step something started
            trigger <> 'none' as is_started,
            is_started
            and published_fresh_tokens is not null
            and fresh_tokens is not null as is_pair,
            case
                when is_started and context_growth_tokens is not null
                then greatest(context_growth_tokens, 0)
            end as growth_tokens
        from {{ ref("steps") }}
        left join
            (
                select
                    step_id,
                    fresh_tokens,
                    resent_output_tokens,
                    missed_tokens,
                    missed_cost_usd,
                    published_fresh_tokens,
                    idle_gap_ms
                from {{ ref("cache_reuse") }}
            ) using (step_id)
    ),
    -- a cut that holds steps has its counts of requests and calls, be they 0
    step_cuts as (
        select distinct provider, session_kind, model from {{ ref("steps") }}
    ),
    tool_calls as not materialized(
        select *
        from {{ ref("tool_calls") }}
        union all by name
        select *
        from step_cuts
    ),
    requests as (
        select *
        from {{ ref("requests") }}
        union all by name
        select *
        from step_cuts
    ),
    sessions as (select * from {{ ref("sessions") }}),
    scope as (
        select
            'scope' as section,
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            'all' as model,
            'all' as trigger,
            count(*) filter (where steps > 0) as sessions,
            count(*) filter (where steps = 0) as sessions_without_steps,
            count(distinct root_session_id) as conversations,
            nullif(count(distinct user_name), 0) as users,
            epoch_us(min(started_at)) / 1000000 as first_at_epoch_s,
            epoch_us(max(ended_at)) / 1000000 as last_at_epoch_s,
            sum(wall_ms) filter (where steps > 0) / 1000 as session_wall_total_s,
            avg(timed_requests) filter (where steps > 0) as requests_per_session,
            avg(steps) filter (where steps > 0) as steps_per_session,
            median(steps) filter (where steps > 0) as session_steps_p50,
            avg(cost_usd) as session_cost_mean_usd,
            median(cost_usd::double) as session_cost_p50_usd,
            sum(replayed_steps) as replayed_steps,
            sum(compactions) as compactions,
            count(*) filter (where compactions > 0) as compacted_sessions
        from sessions
        group by {{ cuts(by_model=false) }}
    ),
    -- below, if() within: a filter beside is applied anew for each of the ten groupings
    step_totals as (
        select
            'steps' as section,
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            {{ pooled("trigger") }},
            count(*) as steps,
            count(if(input_tokens is null, true, null)) as unmetered_steps,
            count(if(calls > 1, true, null)) as multi_call_steps,
            count(if(tool_calls > 0, true, null)) as tool_call_steps,
            avg(tool_calls) as tool_calls_per_step,
            count(
                if(not usage_is_final and output_tokens is not null, true, null)
            ) as placeholder_output_steps,
            count(
                if(usage_is_final is not false, output_tokens, null)
            ) as final_output_steps,
            sum(input_tokens) as input_tokens,
            sum(prefix_tokens) as prefix_tokens,
            sum(append_tokens) as append_tokens,
            sum(output_tokens) as output_tokens,
            sum(reasoning_tokens) as reasoning_tokens,
            sum(visible_output_tokens) as visible_output_tokens,
            sum(input_tokens) / nullif(sum(output_tokens), 0) as input_to_output_ratio,
            avg(if(calls = 1, input_tokens, null)) as input_mean_tokens,
            avg(if(calls = 1, prefix_tokens, null)) as prefix_mean_tokens,
            avg(if(calls = 1, append_tokens, null)) as append_mean_tokens,
            avg(
                if(usage_is_final is not false, output_tokens, null)
            ) as output_mean_tokens,
            median(if(calls = 1, prefix_tokens, null)) as prefix_p50_tokens,
            median(if(calls = 1, append_tokens, null)) as append_p50_tokens,
            median(
                if(usage_is_final is not false, output_tokens, null)
            ) as output_p50_tokens,
            quantile_cont(if(calls = 1, context_tokens, null), [0.5, 0.9])[
                1
            ] as context_p50_tokens,
            quantile_cont(if(calls = 1, context_tokens, null), [0.5, 0.9])[
                2
            ] as context_p90_tokens,
            max(context_tokens) as context_max_tokens
        from steps
        group by {{ cuts() }}, grouping sets ((), (trigger))
    ),
    cache as (
        select
            'cache' as section,
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            {{ pooled("trigger") }},
            sum(if(calls = 1, prefix_tokens, null))
            / nullif(sum(if(calls = 1, input_tokens, null)), 0) as hit_ratio,
            count(growth_tokens) as growth_steps,
            sum(growth_tokens) as growth_tokens,
            avg(growth_tokens) as growth_mean_tokens,
            quantile_cont(growth_tokens, [0.5, 0.9])[1] as growth_p50_tokens,
            quantile_cont(growth_tokens, [0.5, 0.9])[2] as growth_p90_tokens,
            sum(fresh_tokens) as fresh_tokens,
            sum(resent_output_tokens) as resent_output_tokens,
            sum(missed_tokens) as missed_tokens,
            sum(missed_cost_usd)::double as missed_cost_usd,
            count(
                if(missed_tokens > 0 and missed_cost_usd is null, true, null)
            ) as unpriced_missed_steps,
            count(if(missed_tokens is null, true, null)) as unsplit_steps,
            sum(if(calls = 1, append_tokens, null))
            / nullif(sum(growth_tokens), 0) as growth_amplification,
            sum(if(is_pair, append_tokens, null)) / nullif(
                greatest(sum(if(is_pair, published_fresh_tokens, null)), 0), 0
            ) as prefill_amplification,
            sum(append_tokens) filter (
                where
                    is_started and fresh_tokens is not null and idle_gap_ms is not null
            ) / nullif(
                sum(if(is_started and idle_gap_ms is not null, fresh_tokens, null)), 0
            ) as observed_amplification,
            prefill_amplification - 1 as redundant_to_new_ratio
        from steps
        group by {{ cuts() }}, grouping sets ((), (trigger))
    ),
    generation as (
        select
            'generation' as section,
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            {{ pooled("trigger") }},
            count(generation_ms) as generation_steps,
            count(
                if(generation_ms > 30 * 60000, true, null)
            ) as generation_over_30min_steps,
            sum(generation_ms) / 1000 as generation_total_s,
            avg(generation_ms) / 1000 as generation_mean_s,
            quantile_cont(generation_ms / 1000, [0.5, 0.9, 0.99])[
                1
            ] as generation_p50_s,
            quantile_cont(generation_ms / 1000, [0.5, 0.9, 0.99])[
                2
            ] as generation_p90_s,
            quantile_cont(generation_ms / 1000, [0.5, 0.9, 0.99])[
                3
            ] as generation_p99_s,
            count(if(has_decode_speed, true, null)) as decode_steps,
            1000
            * sum(if(has_decode_speed, output_tokens, null))
            / sum(
                if(has_decode_speed, generation_ms, null)
            ) as decode_mean_tokens_per_s,
            median(
                if(has_decode_speed, 1000 * output_tokens / generation_ms, null)
            ) as decode_p50_tokens_per_s,
            count(
                if(reasoning_events > 0 or reasoning_tokens > 0, true, null)
            ) as reasoning_steps,
            count(if(reasoning_tokens > 0, true, null)) as reasoning_metered_steps,
            count(input_to_reasoning_end_ms) as input_to_reasoning_end_steps,
            sum(input_to_reasoning_end_ms) / 1000 as input_to_reasoning_end_total_s
        from steps
        group by {{ cuts() }}, grouping sets ((), (trigger))
    ),
    people as (
        select
            'people' as section,
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            {{ pooled("trigger") }},
            count(if(user_messages > 0, true, null)) as user_message_steps,
            count(if(tool_results > 0, true, null)) as tool_result_steps,
            sum(tool_calls)
            / nullif(user_message_steps, 0) as tool_calls_per_user_message_step,
            sum(while_running_messages) as while_running_messages
        from steps
        group by {{ cuts() }}, grouping sets ((), (trigger))
    ),
    waits as (
        select
            'people' as section,
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            {{ pooled("trigger") }},
            count(wait_ms) as human_waits,
            count(if(wait_ms > 8 * 3600000, true, null)) as human_waits_over_8h,
            sum(wait_ms) / 1000 as human_wait_total_s,
            avg(wait_ms) / 1000 as human_wait_mean_s,
            quantile_cont(wait_ms / 1000, [0.5, 0.9, 0.99])[1] as human_wait_p50_s,
            quantile_cont(wait_ms / 1000, [0.5, 0.9, 0.99])[2] as human_wait_p90_s,
            quantile_cont(wait_ms / 1000, [0.5, 0.9, 0.99])[3] as human_wait_p99_s
        from
            (
                select
                    provider,
                    session_kind,
                    model,
                    trigger,
                    -- a step without a wait keeps its row: every cut has a count
                    unnest(
                        if(len(human_waits_ms) > 0, human_waits_ms, [null])
                    ) as wait_ms
                from steps
            )
        group by {{ cuts() }}, grouping sets ((), (trigger))
    ),
    cost as (
        select
            'cost' as section,
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            {{ pooled("trigger") }},
            sum(cost_usd)::double as cost_usd,
            sum(append_cost_usd)::double as append_cost_usd,
            sum(prefix_cost_usd)::double as prefix_cost_usd,
            sum(output_cost_usd)::double as output_cost_usd,
            sum(web_cost_usd)::double as web_cost_usd,
            sum(extra_cost_usd)::double as extra_cost_usd,
            sum(web_searches) as web_searches,
            count(cost_usd) as priced_steps,
            count(cost_usd) filter (
                where
                    -- other names are not published
                    coalesce(service_tier, '') not in (
                        'standard',
                        'default',
                        'auto',
                        'priority',
                        'fast',
                        'flex',
                        'batch',
                        'scale'
                    )
                    and coalesce(speed, '') not in ('standard', 'fast')
            ) as unknown_tier_steps,
            count(if(is_standard_instead, cost_usd, null)) as unpriced_tier_steps,
            count(
                if(cost_usd is null and input_tokens is not null, true, null)
            ) as unpriced_steps,
            coalesce(
                sum(input_tokens + coalesce(output_tokens, 0)) filter (
                    where cost_usd is null
                ),
                0
            ) as unpriced_tokens,
            avg(cost_usd) as step_cost_mean_usd,
            median(cost_usd::double) as step_cost_p50_usd
        from steps
        group by {{ cuts() }}, grouping sets ((), (trigger))
    ),
    -- what comes after the reasoning tells how long a token takes
    reasoning as (
        select
            'reasoning' as section,
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            'all' as trigger,
            count(*) filter (where has_reasoned_span) as after_reasoning_steps,
            sum(visible_output_tokens) filter (
                where has_reasoned_span
            ) as after_reasoning_output_tokens,
            sum(visible_span_ms) filter (where has_reasoned_span)
            / 1000 as after_reasoning_total_s,
            after_reasoning_output_tokens
            / nullif(after_reasoning_total_s, 0) as after_reasoning_mean_tokens_per_s,
            median(1000 * visible_output_tokens / visible_span_ms) filter (
                where has_reasoned_span
            ) as after_reasoning_p50_tokens_per_s
        from steps
        group by {{ cuts() }}
    ),
    -- rule 13: up to the end of reasoning, less what the reasoning itself took at
    -- that speed
    first_token as (
        select
            'reasoning' as section,
            reasoning.provider,
            reasoning.session_kind,
            reasoning.model,
            'all' as trigger,
            count(input_to_reasoning_end_ms) as first_token_residual_steps,
            sum(input_to_reasoning_end_ms) / 1000 as first_token_reasoning_total_s,
            sum(reasoning_tokens) as first_token_reasoning_tokens,
            first_token_reasoning_total_s
            - first_token_reasoning_tokens
            / any_value(
                after_reasoning_mean_tokens_per_s
            ) as first_token_residual_total_s,
            first_token_residual_total_s
            / nullif(first_token_residual_steps, 0) as first_token_residual_mean_s,
            median(
                input_to_reasoning_end_ms / 1000
                - reasoning_tokens / after_reasoning_mean_tokens_per_s
            ) as first_token_residual_p50_s
        from reasoning
        left join
            steps
            on reasoning.provider in ('all', steps.provider)
            and reasoning.session_kind in ('all', steps.session_kind)
            and (
                reasoning.model = 'all'
                or reasoning.model is not distinct from steps.model
            )
            and reasoning_tokens > 0
            and usage_is_final is not false
            and input_to_reasoning_end_ms is not null
        group by reasoning.provider, reasoning.session_kind, reasoning.model
    ),
    request_totals as (
        select
            'requests' as section,
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            'all' as trigger,
            count(request_id) as requests,
            count(*) filter (where ended_by = 'interrupt') as interrupted_requests,
            count(*) filter (where response_ms > 0) as timed_requests,
            avg(steps) filter (where response_ms > 0) as steps_per_request,
            avg(tool_calls) filter (where response_ms > 0) as tool_calls_per_request,
            sum(response_ms) filter (where response_ms > 0) / 1000 as response_total_s,
            avg(response_ms) filter (where response_ms > 0) / 1000 as response_mean_s,
            median(response_ms / 1000) filter (where response_ms > 0) as response_p50_s,
            quantile_cont(response_ms / 1000, 0.9) filter (
                where response_ms > 0
            ) as response_p90_s,
            quantile_cont(response_ms / 1000, 0.99) filter (
                where response_ms > 0
            ) as response_p99_s,
            avg(cost_usd) filter (where response_ms > 0) as request_cost_mean_usd,
            median(cost_usd::double) filter (
                where response_ms > 0
            ) as request_cost_p50_usd
        from requests
        group by {{ cuts() }}
    ),
    tools as (
        select
            'tools' as section,
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            'all' as trigger,
            count(tool_call_id) as tool_calls,
            count(*) filter (where is_error) as tool_errors,
            tool_errors / nullif(count(tool_call_id), 0) as tool_error_share,
            count(tool_call_id) filter (
                where effective_ms is null
            ) as missing_latency_calls,
            count(*) filter (where effective_ms = 0) as zero_latency_calls,
            count(*) filter (
                where latency_source = 'internal'
            ) as internal_latency_calls,
            count(*) filter (where latency_source = 'wall') as wall_latency_calls,
            sum(effective_ms) / 1000 as tool_total_s,
            avg(effective_ms) / 1000 as tool_mean_s,
            quantile_cont(effective_ms / 1000, [0.5, 0.9, 0.99])[1] as tool_p50_s,
            quantile_cont(effective_ms / 1000, [0.5, 0.9, 0.99])[2] as tool_p90_s,
            quantile_cont(effective_ms / 1000, [0.5, 0.9, 0.99])[3] as tool_p99_s,
            count(*) filter (where effective_ms >= 60000)
            / nullif(count(effective_ms), 0) as minute_calls_share,
            coalesce(sum(effective_ms) filter (where effective_ms >= 60000), 0)
            / nullif(sum(effective_ms), 0) as minute_calls_time_share
        from tool_calls
        group by {{ cuts() }}
    ),
    calls_by_tool as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            tool_name,
            count(tool_call_id) as tool_calls
        from tool_calls
        group by {{ cuts() }}, tool_name
    ),
    tool_mix as (
        select
            'tools' as section,
            provider,
            session_kind,
            model,
            'all' as trigger,
            count(tool_name) as tool_names,
            list_sum(max(tool_calls, 3) filter (where tool_name is not null))
            / nullif(sum(tool_calls), 0) as top_3_tools_share
        from calls_by_tool
        group by provider, session_kind, model
    ),
    numbers as (
        from scope
        union all by name
        from step_totals
        union all by name
        from cache
        union all by name
        from generation
        union all by name
        from reasoning
        union all by name
        from first_token
        union all by name
        from people
        union all by name
        from waits
        union all by name
        from request_totals
        union all by name
        from tools
        union all by name
        from tool_mix
        union all by name
        from cost
    )
select
    provider,
    session_kind,
    model,
    trigger,
    section,
    name,
    value::double as value,
    coalesce(
        nullif(
            regexp_extract(
                name, '_(tokens_per_s|tokens|s|usd|ratio|share|amplification)$', 1
            ),
            ''
        ),
        'count'
    ) as unit
from
    numbers unpivot (
        value for name
        in (columns(* exclude (section, provider, session_kind, model, trigger)))
    )
where {{ is_in_part("section") }}
