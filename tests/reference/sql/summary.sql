-- METRICS §9: one row per cut, its facts nested and named as published.
with
    scoped_steps as (
        select * from scopes inner join steps on scope in ('merged', provider)
    ),
    scoped_calls as (
        select * from scopes inner join tool_calls on scope in ('merged', provider)
    ),
    sessions_held as (
        select scope, count(*) as sessions
        from scopes
        inner join sessions on scope in ('merged', provider)
        where steps > 0
        group by scope
    ),
    instants as (
        select scope, first_event_at as seen_at
        from scoped_steps
        union all
        select scope, last_event_at
        from scoped_steps
        union all
        select scope, emitted_at
        from scoped_calls
        union all
        select scope, result_at
        from scoped_calls
    ),
    windows as (
        select scope, min(seen_at) as earliest_at, max(seen_at) as latest_at
        from instants
        group by scope
    ),
    totals as (
        select
            scope,
            count(*) as steps,
            count(*) filter (where user_messages > 0) as user_message_steps,
            count(*) filter (where tool_results > 0) as tool_result_steps,
            count(*) filter (where tool_calls > 0) as tool_call_steps,
            sum(input_tokens) as input_tokens,
            sum(append_tokens) as append_tokens,
            sum(prefix_tokens) as prefix_tokens,
            sum(output_tokens) as output_tokens,
            sum(visible_output_tokens) as visible_output_tokens,
            count(*) filter (
                where reasoning_events > 0 or reasoning_tokens > 0
            ) as observed_reasoning_steps,
            coalesce(sum(reasoning_tokens), 0) as reasoning_tokens,
            count(*) filter (where reasoning_tokens > 0) as positive_reasoning_steps,
            sum(generation_ms) / 1000 as generation_s,
            count(*) filter (where generation_ms > 0) as generation_steps,
            quantile_cont(generation_ms, 0.5) / 1000 as generation_p50_s,
            quantile_cont(generation_ms, 0.9) / 1000 as generation_p90_s,
            count(*) filter (
                where generation_ms > 0 and output_tokens > 0
            ) as decode_steps,
            sum(output_tokens) filter (
                where generation_ms > 0 and output_tokens > 0
            ) as decoded_tokens,
            sum(generation_ms) filter (where generation_ms > 0 and output_tokens > 0)
            / 1000 as decode_s,
            sum(input_to_reasoning_end_ms) / 1000 as reasoning_s,
            count(input_to_reasoning_end_ms) as reasoning_steps,
            histogram(provider) as by_provider,
            histogram(model) as by_model
        from scoped_steps
        group by scope
    ),
    waits as (
        select
            scope,
            count(*) as waits,
            sum(human_wait_ms) / 1000 as total_s,
            avg(human_wait_ms) / 1000 as mean_s,
            quantile_cont(human_wait_ms, 0.5) / 1000 as p50_s,
            quantile_cont(human_wait_ms, 0.9) / 1000 as p90_s
        from scoped_steps
        where human_wait_ms > 0
        group by scope
    ),
    -- visible output after reasoning of a known length
    visible as (
        select
            scope,
            count(*) as steps,
            sum(visible_output_tokens) as tokens,
            sum(visible_span_ms) / 1000 as span_s,
            tokens / span_s as speed,
            span_s / tokens as latency
        from scoped_steps
        where
            reasoning_tokens > 0
            and visible_output_tokens > 0
            and visible_span_ms is not null
        group by scope
    ),
    residuals as (
        select
            scope,
            count(*) as steps,
            sum(input_to_reasoning_end_ms) / 1000 as span_s,
            sum(reasoning_tokens) as tokens,
            sum(input_to_reasoning_end_ms) / 1000
            - sum(reasoning_tokens) * any_value(latency) as total_s
        from scoped_steps
        left join (select scope, latency from visible) using (scope)
        where reasoning_tokens > 0 and input_to_reasoning_end_ms is not null
        group by scope
    ),
    started as (
        select
            scope,
            trigger,
            count(*) as steps,
            avg(input_tokens) as mean_input_tokens,
            avg(append_tokens) as mean_append_tokens,
            sum(append_tokens) as append_tokens,
            1 - sum(append_tokens) / sum(input_tokens) as hit_rate
        from scoped_steps
        where trigger in ('user', 'tool')
        group by scope, trigger
    ),
    pairs as (
        select scope, trigger, context_growth_tokens as delta
        from scoped_steps
        where previous_step_id is not null and trigger in ('user', 'tool')
    ),
    growth as (
        select
            cells.scope,
            cells.trigger,
            avg(greatest(delta, 0)) as mean_clipped,
            quantile_cont(greatest(delta, 0), 0.5) as p50_clipped,
            quantile_cont(greatest(delta, 0), 0.9) as p90_clipped,
            count(delta) as rounds,
            count(*) filter (where delta > 0) as positive,
            count(*) filter (where delta = 0) as zero,
            count(*) filter (where delta < 0) as negative,
            count(*) filter (where delta between -1024 and -1) as micro,
            count(*) filter (where delta between -63999 and -1025) as ordinary,
            count(*) filter (where delta <= -64000) as major,
            {
                'rounds':rounds,
                'positive_growth_rounds':positive,
                'zero_growth_rounds':zero,
                'negative_growth_rounds':negative,
                'micro_reduction_rounds':micro,
                'ordinary_reduction_rounds':ordinary,
                'major_reduction_rounds':major,
                'positive_growth_share':positive / rounds,
                'zero_growth_share':zero / rounds,
                'negative_growth_share':negative / rounds,
                'micro_reduction_share':micro / rounds,
                'ordinary_reduction_share':ordinary / rounds,
                'major_reduction_share':major / rounds,
                'total_context_increase_tokens':sum(greatest(delta, 0)),
                'total_raw_delta_tokens':sum(delta),
                'total_reduction_tokens':sum(- delta) filter (where delta < 0),
                'average_raw_delta_tokens':avg(delta),
                'median_raw_delta_tokens':quantile_cont(delta, 0.5),
                'p10_raw_delta_tokens':quantile_cont(delta, 0.1),
                'p90_raw_delta_tokens':quantile_cont(delta, 0.9),
                'average_positive_growth_tokens':avg(delta) filter (where delta > 0),
                'average_clipped_growth_tokens':mean_clipped,
                'average_reduction_tokens':avg(- delta) filter (where delta < 0),
                'max_reduction_tokens':max(- delta) filter (where delta < 0)
            } as facts,
            sum(greatest(delta, 0)) as increase_tokens
        from cells
        left join pairs on cells.scope = pairs.scope and cells.trigger = pairs.trigger
        where cells.trigger <> 'all'
        group by cells.scope, cells.trigger
    ),
    by_user as (
        select *
        from started
        inner join growth using (scope, trigger)
        where trigger = 'user'
    ),
    by_tool as (
        select *
        from started
        inner join growth using (scope, trigger)
        where trigger = 'tool'
    ),
    tools as (
        select
            scope,
            count(*) as calls,
            sum(effective_ms) filter (where effective_ms > 0) / 1000 as total_s,
            count(*) filter (where effective_ms > 0) as valid,
            count(*) filter (where effective_ms is null) as missing,
            count(*) filter (where effective_ms <= 0) as nonpositive,
            quantile_cont(effective_ms, 0.5) filter (where effective_ms > 0)
            / 1000 as p50_s,
            quantile_cont(effective_ms, 0.9) filter (where effective_ms > 0)
            / 1000 as p90_s,
            count(*) filter (
                where effective_ms > 0 and latency_source = 'internal'
            ) as internal,
            count(*) filter (where effective_ms > 0 and latency_source = 'wall') as wall
        from scoped_calls
        group by scope
    )
select
    totals.scope as cut,
    {
        'total_sessions':sessions,
        'llm_rounds_total':totals.steps,
        'rounds_with_visible_user_message':user_message_steps,
        'rounds_started_from_tool_result':tool_result_steps,
        'earliest_observed_timestamp':earliest_at,
        'latest_observed_timestamp':latest_at
    } as scope,
    {
        'input': {
            'total_input_tokens':input_tokens,
            'new_input_tokens':totals.append_tokens,
            'cached_read_input_tokens':prefix_tokens,
            'average_total_input_tokens_per_round':input_tokens / totals.steps,
            'average_new_input_tokens_per_round':totals.append_tokens / totals.steps,
            'average_cached_read_input_tokens_per_round':prefix_tokens / totals.steps,
            'rounds_started_with_user_message_for_input_token_average':by_user.steps,
            'average_total_input_tokens_when_started_with_user_message':by_user.mean_input_tokens,
            'average_new_input_tokens_when_started_with_user_message':by_user.mean_append_tokens,
            'total_new_input_tokens_when_started_with_user_message':by_user.append_tokens,
            'prefix_hit_rate_when_started_with_user_message':by_user.hit_rate,
            'user_context_delta_rounds':by_user.rounds,
            'average_user_context_delta_tokens':by_user.mean_clipped,
            'median_user_context_delta_tokens':by_user.p50_clipped,
            'p90_user_context_delta_tokens':by_user.p90_clipped,
            'rounds_started_with_tool_result_for_input_token_average':by_tool.steps,
            'average_total_input_tokens_when_started_with_tool_result':by_tool.mean_input_tokens,
            'average_new_input_tokens_when_started_with_tool_result':by_tool.mean_append_tokens,
            'total_new_input_tokens_when_started_with_tool_result':by_tool.append_tokens,
            'prefix_hit_rate_when_started_with_tool_result':by_tool.hit_rate,
            'tool_result_context_delta_rounds':by_tool.rounds,
            'average_tool_result_context_delta_tokens':by_tool.mean_clipped,
            'median_tool_result_context_delta_tokens':by_tool.p50_clipped,
            'p90_tool_result_context_delta_tokens':by_tool.p90_clipped,
            'total_context_increase_tokens':by_user.increase_tokens
            + by_tool.increase_tokens,
            'total_input_growth_when_started_with_user_message':by_user.facts,
            'total_input_growth_when_started_with_tool_result':by_tool.facts,
            'prefix_hit_rate':prefix_tokens / input_tokens
        },
        'output': {
            'total_output_tokens_including_reasoning':output_tokens,
            'visible_or_structured_output_tokens_estimate':visible_output_tokens,
            'rounds_with_observed_reasoning':observed_reasoning_steps,
            'reasoning_output_tokens_subset':reasoning_tokens,
            'rounds_with_positive_reasoning_output_tokens':positive_reasoning_steps,
            'average_output_tokens_including_reasoning_per_round':output_tokens
            / totals.steps
        }
    } as tokens,
    {
        'total_observable_generation_time_seconds':generation_s,
        'rounds_with_observable_generation_time':generation_steps,
        'p50_observable_generation_time_seconds':generation_p50_s,
        'p90_observable_generation_time_seconds':generation_p90_s,
        'average_normalized_decoding_speed_tokens_per_second':decoded_tokens / decode_s,
        'rounds_used_for_normalized_decoding_speed':decode_steps,
        'total_input_to_reasoning_end_time_seconds':coalesce(reasoning_s, 0),
        'rounds_with_input_to_reasoning_end_time':reasoning_steps,
        'rounds_with_user_message':user_message_steps,
        'rounds_with_waiting_for_human_input_time':coalesce(waits, 0),
        'total_waiting_for_human_input_seconds':coalesce(waits.total_s, 0),
        'average_waiting_for_human_input_seconds':mean_s,
        'median_waiting_for_human_input_seconds':waits.p50_s,
        'p90_waiting_for_human_input_seconds':waits.p90_s,
        'post_reasoning_tpot_estimate': {
            'rounds':coalesce(visible.steps, 0),
            'visible_or_structured_output_tokens':coalesce(visible.tokens, 0),
            'post_reasoning_output_decode_time_seconds':visible.span_s,
            'average_decode_speed_tokens_per_second':speed,
            'average_decode_latency_seconds_per_token':latency
        },
        'estimated_ttft_from_exact_reasoning_tokens': {
            'rounds':coalesce(residuals.steps, 0),
            'input_to_reasoning_end_total_seconds':coalesce(residuals.span_s, 0),
            'reasoning_tokens':coalesce(residuals.tokens, 0),
            'decode_latency_seconds_per_token_used':latency,
            'decode_speed_tokens_per_second_used':speed,
            'rounds_used_to_estimate_decode_latency':coalesce(visible.steps, 0),
            'estimated_total_seconds':residuals.total_s,
            'estimated_average_seconds':residuals.total_s / residuals.steps
        }
    } as generation_timing,
    {
        'total_tool_calls':calls,
        'rounds_with_tool_calls':tool_call_steps,
        'tool_calls_per_visible_user_message_round':calls / user_message_steps,
        'effective_latency': {
            'total_seconds':tools.total_s,
            'tool_calls_with_latency':valid,
            'tool_calls_missing_latency':missing,
            'tool_calls_nonpositive_latency':nonpositive,
            'p50_seconds':tools.p50_s,
            'p90_seconds':tools.p90_s,
            'tool_calls_using_internal_latency':internal,
            'tool_calls_using_wall_latency_fallback':wall
        }
    } as tools,
    by_provider as rounds_by_provider,
    by_model as rounds_by_model
from totals
inner join sessions_held using (scope)
inner join windows using (scope)
left join waits using (scope)
left join visible using (scope)
left join residuals using (scope)
left join by_user using (scope)
left join by_tool using (scope)
left join tools using (scope)
