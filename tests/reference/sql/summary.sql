-- METRICS §9: one row per cut, its facts nested and named as published.
with
    overview as (
        select
            scope,
            trigger,
            map_from_entries(list((name, value))) as f,
            map_from_entries(
                list((name, value::bigint)) filter (where unit in ('count', 'tokens'))
            ) as n
        from summary_overview
        inner join scopes on scope = replace(provider, 'all', 'merged')
        where session_kind = 'all' and model = 'all'
        group by scope, trigger
    ),
    -- a bucket without steps falls by nothing there, not by 0
    buckets as (
        select
            scope,
            trigger,
            map_from_entries(list((growth_bucket, count))) as steps,
            map_from_entries(list((growth_bucket, growth_tokens))) as tokens,
            map_from_entries(list((growth_bucket, mean))) as means,
            map_from_entries(list((growth_bucket, min))) as least,
            any_value(p10) filter (where growth_bucket = 'all') as p10,
            any_value(p50) filter (where growth_bucket = 'all') as p50,
            any_value(p90) filter (where growth_bucket = 'all') as p90
        from summary_input_growth
        inner join scopes on scope = replace(provider, 'all', 'merged')
        where session_kind = 'all' and model = 'all'
        group by scope, trigger
    ),
    growth as (
        select
            scope,
            trigger,
            steps['all'] as rounds,
            {
                'rounds':rounds,
                'positive_growth_rounds':steps['positive'],
                'positive_growth_share':steps['positive'] / rounds,
                'zero_growth_rounds':steps['zero'],
                'zero_growth_share':steps['zero'] / rounds,
                'negative_growth_rounds':steps['negative'],
                'negative_growth_share':steps['negative'] / rounds,
                'micro_reduction_rounds':steps['micro'],
                'micro_reduction_share':steps['micro'] / rounds,
                'ordinary_reduction_rounds':steps['ordinary'],
                'ordinary_reduction_share':steps['ordinary'] / rounds,
                'major_reduction_rounds':steps['major'],
                'major_reduction_share':steps['major'] / rounds,
                'total_context_increase_tokens':tokens['positive'],
                'total_raw_delta_tokens':tokens['all'],
                'total_reduction_tokens': - nullif(tokens['negative'], 0),
                'average_raw_delta_tokens':means['all'],
                'median_raw_delta_tokens':p50,
                'p10_raw_delta_tokens':p10,
                'p90_raw_delta_tokens':p90,
                'average_positive_growth_tokens':means['positive'],
                'average_clipped_growth_tokens':tokens['positive'] / rounds,
                'average_reduction_tokens': - means['negative'],
                'max_reduction_tokens': (- least['negative'])::bigint
            } as facts
        from buckets
    ),
    by_user as (
        select *
        from overview
        inner join growth using (scope, trigger)
        where trigger = 'user'
    ),
    by_tool as (
        select *
        from overview
        inner join growth using (scope, trigger)
        where trigger = 'tool'
    ),
    models as (
        select
            scope,
            map_from_entries(
                list((model, steps)) filter (where model <> 'all')
            ) as by_model
        from summary_dashboard_models
        inner join scopes on scope in (replace(provider, 'all', 'merged'), 'merged')
        where session_kind = 'all' and (provider <> 'all')
        group by scope
    ),
    providers as (
        select
            scopes.scope,
            map_from_entries(list((provider, value::bigint))) as by_provider
        from summary_overview
        inner join scopes on scope in ('merged', provider)
        where
            (session_kind, model, trigger, name) = ('all', 'all', 'all', 'steps')
            and provider <> 'all'
        group by scopes.scope
    )
select
    overview.scope as cut,
    {
        'total_sessions':overview.n['sessions'],
        'llm_rounds_total':overview.n['steps'],
        'rounds_with_visible_user_message':overview.n['user_message_steps'],
        'rounds_started_from_tool_result':overview.n['tool_result_steps'],
        'earliest_observed_timestamp':make_timestamp(
            (overview.f['first_at_epoch_s'] * 1000000)::bigint
        ),
        'latest_observed_timestamp':make_timestamp(
            (overview.f['last_at_epoch_s'] * 1000000)::bigint
        )
    } as scope,
    {
        'input': {
            'total_input_tokens':overview.n['input_tokens'],
            'new_input_tokens':overview.n['append_tokens'],
            'cached_read_input_tokens':overview.n['prefix_tokens'],
            'average_total_input_tokens_per_round':overview.f['input_mean_tokens'],
            'average_new_input_tokens_per_round':overview.f['append_mean_tokens'],
            'average_cached_read_input_tokens_per_round':overview.f[
                'prefix_mean_tokens'
            ],
            'rounds_started_with_user_message_for_input_token_average':by_user.n[
                'steps'
            ],
            'average_total_input_tokens_when_started_with_user_message':by_user.f[
                'input_mean_tokens'
            ],
            'average_new_input_tokens_when_started_with_user_message':by_user.f[
                'append_mean_tokens'
            ],
            'total_new_input_tokens_when_started_with_user_message':by_user.n[
                'append_tokens'
            ],
            'prefix_hit_rate_when_started_with_user_message':by_user.f['hit_ratio'],
            'user_context_delta_rounds':by_user.n['growth_steps'],
            'average_user_context_delta_tokens':by_user.f['growth_mean_tokens'],
            'median_user_context_delta_tokens':by_user.f['growth_p50_tokens'],
            'p90_user_context_delta_tokens':by_user.f['growth_p90_tokens'],
            'total_input_growth_when_started_with_user_message':by_user.facts,
            'rounds_started_with_tool_result_for_input_token_average':by_tool.n[
                'steps'
            ],
            'average_total_input_tokens_when_started_with_tool_result':by_tool.f[
                'input_mean_tokens'
            ],
            'average_new_input_tokens_when_started_with_tool_result':by_tool.f[
                'append_mean_tokens'
            ],
            'total_new_input_tokens_when_started_with_tool_result':by_tool.n[
                'append_tokens'
            ],
            'prefix_hit_rate_when_started_with_tool_result':by_tool.f['hit_ratio'],
            'tool_result_context_delta_rounds':by_tool.n['growth_steps'],
            'average_tool_result_context_delta_tokens':by_tool.f['growth_mean_tokens'],
            'median_tool_result_context_delta_tokens':by_tool.f['growth_p50_tokens'],
            'p90_tool_result_context_delta_tokens':by_tool.f['growth_p90_tokens'],
            'total_input_growth_when_started_with_tool_result':by_tool.facts,
            'total_context_increase_tokens':overview.n['growth_tokens'],
            'prefix_hit_rate':overview.f['hit_ratio']
        },
        'output': {
            'total_output_tokens_including_reasoning':overview.n['output_tokens'],
            'visible_or_structured_output_tokens_estimate':overview.n[
                'visible_output_tokens'
            ],
            'rounds_with_observed_reasoning':overview.n['reasoning_steps'],
            'reasoning_output_tokens_subset':coalesce(
                overview.n['reasoning_tokens'], 0
            ),
            'rounds_with_positive_reasoning_output_tokens':overview.n[
                'reasoning_metered_steps'
            ],
            'average_output_tokens_including_reasoning_per_round':overview.f[
                'output_mean_tokens'
            ]
        }
    } as tokens,
    {
        'total_observable_generation_time_seconds':overview.f['generation_total_s'],
        'rounds_with_observable_generation_time':overview.n['generation_steps'],
        'p50_observable_generation_time_seconds':overview.f['generation_p50_s'],
        'p90_observable_generation_time_seconds':overview.f['generation_p90_s'],
        'average_normalized_decoding_speed_tokens_per_second':overview.f[
            'decode_mean_tokens_per_s'
        ],
        'rounds_used_for_normalized_decoding_speed':overview.n['decode_steps'],
        'total_input_to_reasoning_end_time_seconds':coalesce(
            overview.f['input_to_reasoning_end_total_s'], 0
        ),
        'rounds_with_input_to_reasoning_end_time':overview.n[
            'input_to_reasoning_end_steps'
        ],
        'rounds_with_user_message':overview.n['user_message_steps'],
        'rounds_with_waiting_for_human_input_time':overview.n['human_waits'],
        'total_waiting_for_human_input_seconds':coalesce(
            overview.f['human_wait_total_s'], 0
        ),
        'average_waiting_for_human_input_seconds':overview.f['human_wait_mean_s'],
        'median_waiting_for_human_input_seconds':overview.f['human_wait_p50_s'],
        'p90_waiting_for_human_input_seconds':overview.f['human_wait_p90_s'],
        'post_reasoning_tpot_estimate': {
            'rounds':overview.n['after_reasoning_steps'],
            'visible_or_structured_output_tokens':coalesce(
                overview.n['after_reasoning_output_tokens'], 0
            ),
            'post_reasoning_output_decode_time_seconds':overview.f[
                'after_reasoning_total_s'
            ],
            'average_decode_speed_tokens_per_second':overview.f[
                'after_reasoning_mean_tokens_per_s'
            ],
            'average_decode_latency_seconds_per_token':1
            / overview.f['after_reasoning_mean_tokens_per_s']
        },
        'estimated_ttft_from_exact_reasoning_tokens': {
            'rounds':overview.n['first_token_residual_steps'],
            'input_to_reasoning_end_total_seconds':coalesce(
                overview.f['first_token_reasoning_total_s'], 0
            ),
            'reasoning_tokens':coalesce(overview.n['first_token_reasoning_tokens'], 0),
            'decode_latency_seconds_per_token_used':1
            / overview.f['after_reasoning_mean_tokens_per_s'],
            'decode_speed_tokens_per_second_used':overview.f[
                'after_reasoning_mean_tokens_per_s'
            ],
            'rounds_used_to_estimate_decode_latency':overview.n[
                'after_reasoning_steps'
            ],
            'estimated_total_seconds':overview.f['first_token_residual_total_s'],
            'estimated_average_seconds':overview.f['first_token_residual_mean_s']
        }
    } as generation_timing,
    {
        'total_tool_calls':overview.n['tool_calls'],
        'rounds_with_tool_calls':overview.n['tool_call_steps'],
        'tool_calls_per_visible_user_message_round':overview.f[
            'tool_calls_per_user_message_step'
        ],
        'effective_latency': {
            'total_seconds':overview.f['tool_total_s'],
            'tool_calls_with_latency':overview.n['tool_calls']
            - overview.n['missing_latency_calls']
            - overview.n['zero_latency_calls'],
            'tool_calls_missing_latency':overview.n['missing_latency_calls'],
            'tool_calls_nonpositive_latency':overview.n['zero_latency_calls'],
            'p50_seconds':overview.f['tool_p50_s'],
            'p90_seconds':overview.f['tool_p90_s'],
            'tool_calls_using_internal_latency':overview.n['internal_latency_calls'],
            'tool_calls_using_wall_latency_fallback':overview.n['wall_latency_calls']
        }
    } as tools,
    by_provider as rounds_by_provider,
    by_model as rounds_by_model
from overview
inner join by_user using (scope)
inner join by_tool using (scope)
inner join models using (scope)
inner join providers using (scope)
where overview.trigger = 'all'
