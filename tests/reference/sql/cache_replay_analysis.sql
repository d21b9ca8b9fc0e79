-- METRICS §40: what the counters say of the prompt before, a row per place in the
-- report and a map of what stands there.
with
    providers as (select unnest(['claude', 'codex']) as provider),
    triggers as (
        select
            unnest(['user', 'tool']) as trigger,
            unnest(['user_message', 'tool_result']) as published_trigger
    ),
    texts as (
        select
            unnest(['user_chars', 'tool_chars', 'raw_input_chars']) as text_kind,
            unnest(
                ['message_chars_from', 'result_chars_from', 'input_chars_from']
            ) as population,
            unnest([1000, 10000, 10000]) as least,
            unnest([50000, 500000, 500000]) as most
    ),
    long_texts as (
        select *
        from texts
        cross join
            (select unnest([1000, 5000, 10000, 50000, 100000, 500000]) as threshold)
        where threshold between least and most and (least = 1000 or threshold <> 5000)
    ),
    long_outputs as (select unnest([1000, 4000, 8000, 16000]) as threshold),
    short_texts as (
        select
            unnest(['<=100', 'user_message<=50', 'tool_result<=100']) as text_kind,
            unnest(['all', 'user', 'tool']) as trigger,
            unnest([100, 50, 100]) as threshold
    ),
    outputs as (
        select
            unnest(
                [
                    'previous_output_tokens',
                    'previous_visible_output_tokens',
                    'previous_reasoning_output_tokens'
                ]
            ) as name,
            unnest(
                ['previous_output', 'previous_visible_output', 'previous_reasoning']
            ) as measure
    ),
    -- where each distribution stands
    of_pairs(name, measure) as (
        values
            ('prefix_relationship/error', 'prefix_error'),
            ('prefix_relationship/absolute_error', 'prefix_error_size'),
            ('prefix_relationship/relative_absolute_error', 'prefix_error_share'),
            (
                'prefix_relationship/with_prior_output_added_error',
                'prefix_error_with_output'
            ),
            (
                'prefix_relationship/with_prior_output_added_absolute_error',
                'prefix_error_with_output_size'
            ),
            ('adjusted_append/raw_append', 'append_tokens'),
            ('adjusted_append/previous_output_tokens', 'previous_output'),
            (
                'adjusted_append/previous_visible_output_tokens',
                'previous_visible_output'
            ),
            ('adjusted_append/signed_adjusted_append', 'append_less_output'),
            ('adjusted_append/adjusted_append', 'adjusted_append'),
            (
                'adjusted_append/visible_signed_adjusted_append',
                'append_less_visible_output'
            ),
            ('adjusted_append/visible_adjusted_append', 'adjusted_visible_append')
    ),
    of_clamped(name, measure) as (
        from outputs
        union all
        values
            ('raw_append', 'append_tokens'),
            ('raw_input_chars', 'input_chars'),
            ('user_chars', 'message_chars'),
            ('tool_chars', 'result_chars'),
            ('deficit_tokens', 'lacking_output')
    ),
    of_long_outputs(name, measure) as (
        from outputs
        union all
        values
            ('next_append', 'append_tokens'),
            ('next_prefix_minus_last_total', 'prefix_error')
    ),
    of_long_texts(name, measure) as (
        values
            ('append_tokens', 'append_tokens'),
            ('input_tokens_total', 'input_tokens'),
            ('prefix_tokens', 'prefix_tokens'),
            ('raw_input_chars', 'input_chars')
    ),
    of_long_writes(name, measure) as (
        values
            ('cache_creation_input_tokens', 'cache_write_tokens'),
            ('cache_read_input_tokens', 'prefix_tokens'),
            ('input_tokens', 'plain_tokens'),
            ('raw_input_chars', 'input_chars')
    ),
    of_short_texts(name, measure) as (
        values
            ('no_subtract', 'append_tokens'),
            ('subtract_previous_output', 'append_less_output'),
            ('subtract_previous_output_clamped', 'adjusted_append'),
            ('previous_output_tokens', 'previous_output'),
            ('raw_input_chars', 'input_chars')
    ),
    clamped as (
        select
            unnest(['clamped', 'not_clamped']) as name,
            unnest(['append_below_output', 'append_covers_output']) as population
    ),
    places(path, provider, trigger, population, threshold, measure) as (
        select
            'providers/' || provider || '/' || name,
            provider,
            'all',
            'pairs',
            null,
            measure
        from providers, of_pairs
        union all
        select
            'providers/'
            || provider
            || '/adjusted_append/by_start_event/'
            || published_trigger
            || '/signed_adjusted_append',
            provider,
            trigger,
            'pairs',
            null,
            'append_less_output'
        from providers, triggers
        union all
        select
            'providers/'
            || provider
            || '/clamped_cases/'
            || clamped.name
            || '/'
            || of_clamped.name,
            provider,
            'all',
            population,
            null,
            measure
        from providers, clamped, of_clamped
        union all
        select
            'providers/'
            || provider
            || '/long_prior_visible_outputs/'
            || threshold
            || '/'
            || name,
            provider,
            'all',
            'visible_output_from',
            threshold,
            measure
        from providers, long_outputs, of_long_outputs
        union all
        select
            'providers/'
            || provider
            || '/long_current_inputs/'
            || text_kind
            || '/'
            || threshold
            || '/'
            || name,
            provider,
            'all',
            population,
            threshold,
            measure
        from providers, long_texts, of_long_texts
        union all
        select
            'claude_cache_detail/long_current_inputs/'
            || text_kind
            || '/'
            || threshold
            || '/'
            || name,
            'claude',
            'all',
            population,
            threshold,
            measure
        from long_texts, of_long_writes
        where text_kind <> 'raw_input_chars'
        union all
        select
            'claude_cache_detail/short_current_inputs/' || text_kind || '/' || name,
            'claude',
            trigger,
            'input_chars_to',
            threshold,
            measure
        from short_texts, of_short_texts
        union all
        select
            'claude_cache_detail/by_start_event/'
            || published_trigger
            || '/next_cache_creation_minus_previous_output',
            'claude',
            trigger,
            'pairs',
            null,
            'cache_write_less_output'
        from triggers
        union all
        values
            (
                'claude_cache_detail/next_cache_creation_minus_previous_output',
                'claude',
                'all',
                'pairs',
                null,
                'cache_write_less_output'
            ),
            (
                'claude_cache_detail/next_cache_read_minus_previous_total',
                'claude',
                'all',
                'pairs',
                null,
                'prefix_error'
            )
    ),
    -- where each share stands
    tests_of_pairs(name, test) as (
        values
            ('adjusted_append/signed_negative', 'append_below_output'),
            ('adjusted_append/adjusted_zero', 'append_within_output'),
            ('adjusted_append/signed_exact_zero', 'append_equals_output'),
            ('adjusted_append/next_append_ge_previous_output', 'append_covers_output'),
            (
                'adjusted_append/next_append_ge_previous_visible_output',
                'append_covers_visible_output'
            ),
            (
                'prefix_relationship/with_prior_output_added_within_absolute_8',
                'prefix_error_with_output_within_8'
            ),
            (
                'prefix_relationship/within_relative/1pct',
                'prefix_error_within_1_percent'
            ),
            (
                'prefix_relationship/within_relative/5pct',
                'prefix_error_within_5_percent'
            )
        union all
        select
            'prefix_relationship/within_absolute/' || size,
            'prefix_error_within_' || size
        from (select unnest([0, 1, 2, 8, 32, 128, 512, 2048]) as size)
    ),
    shares(path, provider, trigger, population, threshold, test) as (
        select
            'providers/' || provider || '/' || name,
            provider,
            'all',
            'pairs',
            null,
            test
        from providers, tests_of_pairs
        union all
        select
            'providers/'
            || provider
            || '/adjusted_append/by_start_event/'
            || published_trigger
            || replace(name, 'adjusted_append', ''),
            provider,
            trigger,
            'pairs',
            null,
            test
        from providers, triggers, tests_of_pairs
        where
            name in ('adjusted_append/adjusted_zero', 'adjusted_append/signed_negative')
        union all
        select
            'providers/'
            || provider
            || '/clamped_cases/'
            || name
            || '/raw_input_char_buckets/<= '
            || most,
            provider,
            'all',
            population,
            null,
            'input_chars_within_' || most
        from providers, clamped, (select unnest([100, 500, 1000]) as most)
        union all
        select
            'providers/'
            || provider
            || '/long_prior_visible_outputs/'
            || threshold
            || '/next_append_ge_previous_'
            || part
            || 'output',
            provider,
            'all',
            'visible_output_from',
            threshold,
            'append_covers_' || part || 'output'
        from providers, long_outputs, (select unnest(['', 'visible_']) as part)
        union all
        select
            'providers/'
            || provider
            || '/long_current_inputs/'
            || text_kind
            || '/'
            || threshold
            || '/append_ge_raw_chars_div_4',
            provider,
            'all',
            population,
            threshold,
            'append_covers_input'
        from providers, long_texts
        union all
        select
            'claude_cache_detail/short_current_inputs/'
            || text_kind
            || '/negative_after_subtract',
            'claude',
            trigger,
            'input_chars_to',
            threshold,
            'append_below_output'
        from short_texts
        union all
        select
            'claude_cache_detail/by_start_event/'
            || published_trigger
            || '/next_cache_creation_ge_previous_output',
            'claude',
            trigger,
            'pairs',
            null,
            'cache_write_covers_output'
        from triggers
        union all
        values
            (
                'claude_cache_detail/next_cache_creation_ge_previous_output',
                'claude',
                'all',
                'pairs',
                null,
                'cache_write_covers_output'
            )
    ),
    found_shares as (
        select
            path,
            shares.provider,
            shares.trigger,
            shares.population,
            shares.threshold,
            shares.test,
            coalesce(steps, 0) as total,
            coalesce(passed_steps, 0) as passed,
            passed_share
        from shares
        left join
            summary_cache_replay_shares as found
            on shares.provider = found.provider
            and found.session_kind = 'all'
            and found.model = 'all'
            and shares.trigger = found.trigger
            and shares.population = found.population
            and shares.threshold is not distinct from found.threshold
            and shares.test = found.test
    ),
    -- and each count: the steps of a share, or those that pass it
    counts(path, value) as (
        select
            regexp_replace(
                path, '/(signed_negative|negative_after_subtract)$', '/pairs'
            ),
            total
        from found_shares
        where path like '%/signed_negative' or path like '%/negative_after_subtract'
        union all
        select regexp_replace(path, '/[^/]*$', '/pairs'), total
        from found_shares
        where
            path like '%by_start_event%/next_cache_creation_ge_previous_output'
            or path like '%/next_append_ge_previous_output'
            and population = 'visible_output_from'
        union all
        select regexp_replace(path, '/[^/]*/0$', '/pairs'), total
        from found_shares
        where test = 'prefix_error_within_0'
        union all
        select 'providers/' || provider || '/clamped_cases/pairs', total
        from found_shares
        where path like '%/adjusted_append/signed_negative'
        union all
        select regexp_replace(path, '/[^/]*/<= 100$', '/count'), total
        from found_shares
        where test = 'input_chars_within_100'
        union all
        select regexp_replace(path, '/[^/]*$', '/rows'), total
        from found_shares
        where test = 'append_covers_input'
        union all
        select
            'providers/'
            || found.provider
            || '/clamped_cases/'
            || name
            || '/first_event/'
            || published_trigger,
            passed_steps
        from summary_cache_replay_shares as found
        inner join providers using (provider)
        inner join triggers using (trigger)
        inner join clamped on found.test = clamped.population
        where
            session_kind = 'all' and model = 'all' and found.population = 'pairs'
        union all
        select
            'providers/'
            || found.provider
            || '/long_current_inputs/'
            || text_kind
            || '/'
            || threshold
            || '/first_event/'
            || published_trigger,
            steps
        from summary_cache_replay_shares as found
        inner join providers using (provider)
        inner join triggers using (trigger)
        inner join long_texts using (population, threshold)
        where session_kind = 'all' and model = 'all'
    ),
    numbers as (
        select
            path,
            map{
                'count':coalesce(count, 0)::double,
                'mean':mean,
                'median':p50,
                'min':min,
                'max':max,
                'p10':p10,
                'p90':p90,
                'p95':p95,
                'p99':p99
            } as found
        from places
        left join
            summary_cache_replay as found
            on places.provider = found.provider
            and found.session_kind = 'all'
            and found.model = 'all'
            and places.trigger = found.trigger
            and places.population = found.population
            and places.threshold is not distinct from found.threshold
            and places.measure = found.measure
        union all
        select
            regexp_replace(path, '/[^/]*$', '/rounds'),
            map{'value':coalesce(count, 0)::double}
        from places
        left join
            summary_cache_replay as found
            on places.provider = found.provider
            and found.session_kind = 'all'
            and found.model = 'all'
            and places.population = found.population
            and places.threshold = found.threshold
            and places.measure = found.measure
        where path like '%/cache_creation_input_tokens'
        union all
        select
            path,
            map{'count':passed::double, 'fraction':passed_share, 'total':total::double}
        from found_shares
        union all
        select path, map{'value':value::double}
        from counts
    ),
    rows_read as (
        select
            count(*) as rows,
            count(previous_step_id) as pairs,
            count(cache_write_tokens) as writes,
            count(previous_step_id) filter (
                where cache_write_tokens is not null
            ) as write_pairs
        from steps
    )
from numbers
union all
select 'normalized_trace/stats/' || name, map{'value':value::double}
from
    (
        select rows, pairs, writes as claude_rows_with_normalized_cache_fields
        from rows_read
    )
    unpivot (value for name in (columns(*)))
union all
select 'claude_cache_detail/stats/' || name, map{'value':value::double}
from
    (
        select
            writes as raw_rounds,
            writes as normalized_cache_rounds,
            write_pairs as raw_pairs,
            write_pairs as normalized_cache_pairs
        from rows_read
    )
    unpivot (value for name in (columns(*)))
