-- What a table divides adds up, whichever way it is divided: bins to the count in one
-- piece, cuts to the row of all in each bin; counts below a threshold never fall, and
-- are the mart's; and what the overview sums up over clients is theirs.
with
    -- what counts up to a threshold, as what each adds
    sweeps as (
        select
            'summary_request_cdf' as table_name,
            provider,
            session_kind,
            model,
            measure as part,
            bin,
            cumulative_count as n
        from {{ ref("summary_request_cdf") }}
        union all
        select
            'summary_tool_latency_cdf',
            provider,
            session_kind,
            model,
            'calls',
            bin,
            cumulative_count
        from {{ ref("summary_tool_latency_cdf") }}
        union all
        select
            'summary_human_wait_cdf',
            provider,
            session_kind,
            model,
            'waits',
            bin,
            cumulative_count
        from {{ ref("summary_human_wait_cdf") }}
        union all
        select
            'summary_generation_time_cdf',
            provider,
            session_kind,
            model,
            'steps',
            bin,
            cumulative_count
        from {{ ref("summary_generation_time_cdf") }}
        union all
        select
            'summary_cost_cdf',
            provider,
            session_kind,
            'all',
            'sessions',
            bin,
            cumulative_count
        from {{ ref("summary_cost_cdf") }}
        union all
        select
            'summary_eviction_tradeoff',
            provider,
            session_kind,
            'all',
            gap_measure,
            timeout_s,
            steps
        from {{ ref("summary_eviction_tradeoff") }}
        union all
        select
            'summary_kv_active_ratio',
            provider,
            session_kind,
            'all',
            concat_ws(', ', gap_measure, unnest(['generation', 'tool', 'human'])),
            timeout_s,
            round(1000 * unnest([generation_s, tool_s, human_s]))::bigint
        from {{ ref("summary_kv_active_ratio") }}
    ),
    cells as (
        select
            table_name,
            provider,
            session_kind,
            model,
            part,
            'thresholds' as way,
            bin::varchar as bin,
            n - lag(n, 1, 0) over (
                partition by table_name, provider, session_kind, model, part
                order by bin
            ) as n
        from sweeps
        union all
        select
            'summary_cache_hit_idle_grid',
            provider,
            session_kind,
            model,
            concat_ws(', ', trigger, gap_measure),
            if(hit_bin = 'all', 'gaps', 'gaps and hits'),
            concat_ws(', ', gap_bin, hit_bin),
            steps
        from {{ ref("summary_cache_hit_idle_grid") }}
        union all
        select
            'summary_tool_latency_bins',
            provider,
            session_kind,
            model,
            'calls',
            'bins',
            bin::varchar,
            tool_calls
        from {{ ref("summary_tool_latency_bins") }}
        union all
        select
            'summary_tool_long_tail',
            provider,
            session_kind,
            model,
            'calls',
            concat_ws(', ', tool_category = 'all', call_kind = 'all'),
            concat_ws(', ', tool_category, call_kind, bin),
            tool_calls
        from {{ ref("summary_tool_long_tail") }}
        union all
        -- of one client, and cut by either of two
        select
            'summary_codex_tool_gap_buckets',
            'all',
            session_kind,
            model,
            measure,
            concat_ws(', ', gap_class = 'all', tool_name is not distinct from 'all'),
            concat_ws(', ', gap_class, tool_name, bin),
            tool_calls
        from {{ ref("summary_codex_tool_gap_buckets") }}
        union all
        select
            'summary_prefix_append',
            provider,
            session_kind,
            model,
            'steps',
            'bins',
            append_low_tokens::varchar,
            steps
        from {{ ref("summary_prefix_append") }}
        union all
        select
            'summary_append_by_prefix_bin',
            provider,
            session_kind,
            model,
            'steps',
            'bins',
            prefix_low_tokens::varchar,
            count
        from {{ ref("summary_append_by_prefix_bin") }}
        union all
        select
            'summary_cache_hit_ratio_bins',
            provider,
            session_kind,
            model,
            trigger,
            binning,
            bin::varchar,
            steps
        from {{ ref("summary_cache_hit_ratio_bins") }}
        union all
        select
            'summary_token_bins',
            provider,
            session_kind,
            'all',
            measure,
            'bins',
            bin::varchar,
            steps
        from {{ ref("summary_token_bins") }}
        union all
        select
            'summary_prefix_append_grid',
            provider,
            session_kind,
            'all',
            'steps',
            'cells',
            concat_ws(', ', prefix_bin, append_bin),
            steps
        from {{ ref("summary_prefix_append_grid") }}
        union all
        select
            'summary_output_attribution_grid',
            provider,
            session_kind,
            model,
            measure,
            'cells',
            concat_ws(', ', output_bin, held_bin),
            pairs
        from {{ ref("summary_output_attribution_grid") }}
        union all
        select
            'summary_timing_fit_grid',
            provider,
            session_kind,
            model,
            fit,
            'cells',
            concat_ws(', ', predicted_bin, measured_bin),
            segments
        from {{ ref("summary_timing_fit_grid") }}
        union all
        select
            'summary_input_growth_bins',
            provider,
            session_kind,
            'all',
            trigger,
            'bins',
            bin::varchar,
            steps
        from {{ ref("summary_input_growth_bins") }}
        union all
        select
            'summary_tool_categories',
            provider,
            session_kind,
            model,
            'calls',
            scheme,
            tool_class,
            tool_calls
        from {{ ref("summary_tool_categories") }}
        union all
        select
            'summary_request_decomposition',
            provider,
            session_kind,
            model,
            part,
            if(response_bin = 'all', 'all', 'bins'),
            response_bin,
            requests
        from {{ ref("summary_request_decomposition") }}
        union all
        select
            'summary_decode_speed',
            provider,
            session_kind,
            model,
            measure,
            if(context_bin = 'all', 'all', 'bins'),
            coalesce(context_bin, 'unknown'),
            count + placeholder_steps
        from {{ ref("summary_decode_speed") }}
        union all
        select
            'summary_miss_causes',
            provider,
            session_kind,
            model,
            trigger,
            if(miss_cause = 'all', 'all', 'causes'),
            miss_cause,
            steps
        from {{ ref("summary_miss_causes") }}
        union all
        select
            'summary_dashboard_hour_weekday',
            provider,
            session_kind,
            'all',
            'steps',
            'hours',
            concat_ws(', ', weekday, hour),
            steps
        from {{ ref("summary_dashboard_hour_weekday") }}
        union all
        select
            'summary_dashboard_daily',
            provider,
            session_kind,
            'all',
            'steps',
            'days',
            coalesce(day::varchar, 'unknown'),
            steps
        from {{ ref("summary_dashboard_daily") }}
    ),
    totals as (
        select table_name, provider, session_kind, model, part, way, sum(n) as n
        from cells
        group by all
    ),
    longest as (
        select 1000 * max(timeout_s) as timeout_ms
        from {{ ref("summary_kv_active_ratio") }}
    ),
    -- what a mart, or else the summary in one piece, counts of all
    step_counts as (
        select
            count(*) as steps,
            count(local_time) as timed,
            count_if(generation_ms > 0) as generations,
            sum(generation_ms) as generation_ms,
            sum(len(human_waits_ms)) as waits
        from {{ ref("steps") }}
    ),
    call_counts as (
        select
            count(*) as all_calls,
            count(effective_ms) as calls,
            count(wall_ms) filter (where provider = 'codex') as walls,
            count(runner_gap_ms) filter (where provider = 'codex') as runner_gaps
        from {{ ref("tool_calls") }}
    ),
    request_counts as (
        select count_if(response_ms > 0) as requests from {{ ref("requests") }}
    ),
    whole as (
        select
            unnest(
                [
                    {'table_name':'summary_dashboard_daily', 'part':'steps', 'n':steps},
                    {
                        'table_name':'summary_dashboard_hour_weekday',
                        'part':'steps',
                        'n':timed
                    },
                    {
                        'table_name':'summary_generation_time_cdf',
                        'part':'steps',
                        'n':generations
                    },
                    {'table_name':'summary_human_wait_cdf', 'part':'waits', 'n':waits},
                    {
                        'table_name':'summary_kv_active_ratio',
                        'part':'causal, generation',
                        'n':generation_ms
                    },
                    {
                        'table_name':'summary_kv_active_ratio',
                        'part':'published, generation',
                        'n':generation_ms
                    },
                    {
                        'table_name':'summary_tool_latency_bins',
                        'part':'calls',
                        'n':calls
                    },
                    {
                        'table_name':'summary_tool_latency_cdf',
                        'part':'calls',
                        'n':calls
                    },
                    {'table_name':'summary_tool_long_tail', 'part':'calls', 'n':calls},
                    {
                        'table_name':'summary_tool_categories',
                        'part':'calls',
                        'n':all_calls
                    },
                    {
                        'table_name':'summary_codex_tool_gap_buckets',
                        'part':'wall',
                        'n':walls
                    },
                    {
                        'table_name':'summary_codex_tool_gap_buckets',
                        'part':'gap',
                        'n':runner_gaps
                    }
                ],
                recursive := true
            )
        from step_counts
        cross join call_counts
        union all
        select
            'summary_request_cdf',
            unnest(['response_s', 'steps', 'tool_calls']),
            requests
        from request_counts
        union all
        select
            'summary_request_decomposition',
            unnest(['generation', 'tool_effective', 'tool_wall', 'other']),
            requests
        from request_counts
        union all
        select 'summary_cost_cdf', 'sessions', count(cost_usd)
        from {{ ref("sessions") }}
        union all
        select
            'summary_output_attribution_grid',
            unnest(['append_tokens', 'prefix_gain_tokens']),
            pairs
        from {{ ref("summary_output_attribution") }}
        where
            min_output_tokens = 2000
            and (provider, session_kind, model, trigger) = ('all', 'all', 'all', 'all')
        union all
        select 'summary_timing_fit_grid', fit, count(*)
        from {{ ref("sim_timing_predictions") }}
        group by fit
        union all
        select 'summary_miss_causes', 'all', count(miss_cause)
        from {{ ref("cache_reuse") }}
        union all
        select
            'summary_eviction_tradeoff',
            unnest(['causal', 'published']),
            unnest([count(gaps.idle_gap_ms), count(published_gap_ms)])
        from {{ ref("idle_gaps") }} as gaps
        inner join {{ ref("cache_reuse") }} as reuse using (step_id)
        where gaps.trigger <> 'none' and input_tokens > 0 and fresh_tokens is not null
        union all
        select
            'summary_kv_active_ratio',
            if(trigger = 'tool', 'causal, tool', 'causal, human') as part,
            sum(idle_gap_ms)
        from {{ ref("idle_gaps") }}
        cross join longest
        where trigger <> 'none' and idle_gap_ms <= timeout_ms
        group by part
        union all
        select 'summary_kv_active_ratio', 'published, tool', sum(effective_ms)
        from {{ ref("tool_calls") }}
        cross join longest
        where effective_ms <= timeout_ms
        union all
        select 'summary_kv_active_ratio', 'published, human', sum(wait_ms)
        from (select unnest(human_waits_ms) as wait_ms from {{ ref("steps") }})
        cross join longest
        where wait_ms <= timeout_ms
        union all
        select
            unnest(
                [
                    'summary_prefix_append',
                    'summary_append_by_prefix_bin',
                    'summary_prefix_append_grid'
                ]
            ),
            'steps',
            count
        from {{ ref("summary_token_lengths") }}
        where
            measure = 'append_tokens'
            and (provider, session_kind, model) = ('all', 'all', 'all')
        union all
        select 'summary_token_bins', measure, count
        from {{ ref("summary_token_lengths") }}
        where
            measure in ('prefix_tokens', 'append_tokens', 'output_tokens')
            and (provider, session_kind, model) = ('all', 'all', 'all')
        union all
        select
            'summary_token_bins',
            if(measure = 'append_tokens', 'pair_append_tokens', measure),
            count
        from {{ ref("summary_adjusted_append") }}
        where
            measure in ('append_tokens', 'adjusted_append_tokens')
            and (provider, session_kind, model) = ('all', 'all', 'all')
        union all
        select 'summary_input_growth_bins', trigger, count
        from {{ ref("summary_input_growth") }}
        where
            growth_bucket = 'all'
            and (provider, session_kind, model) = ('all', 'all', 'all')
        union all
        select 'summary_cache_hit_ratio_bins', trigger, count
        from {{ ref("summary_cache_hit_ratio") }}
        where
            trigger <> 'none'
            and (provider, session_kind, model) = ('all', 'all', 'all')
        union all
        select
            'summary_cache_hit_idle_grid', concat_ws(', ', trigger, gap_measure), count
        from {{ ref("summary_cache_hit_idle") }}
        where
            hit_band = 'all' and (provider, session_kind, model) = ('all', 'all', 'all')
    ),
    sums as (
        select
            table_name,
            part,
            way,
            bin,
            case
                when model is distinct from 'all'
                then 'model'
                else concat_ws(', ', provider = 'all', session_kind = 'all')
            end as cut,
            sum(n) as n
        from cells
        group by all
    ),
    -- the marts' amounts, with how many are no larger
    request_amounts as (
        select response_ms, steps, tool_calls
        from {{ ref("requests") }}
        where response_ms > 0
    ),
    amounts as (
        select
            'summary_request_cdf' as table_name,
            'response_s' as part,
            response_ms / 1000 as amount,
            count(*) as n
        from request_amounts
        group by response_ms
        union all
        select 'summary_request_cdf', 'steps', steps, count(*)
        from request_amounts
        group by steps
        union all
        select 'summary_request_cdf', 'tool_calls', tool_calls, count(*)
        from request_amounts
        group by tool_calls
        union all
        select 'summary_tool_latency_cdf', 'calls', effective_ms / 1000, count(*)
        from {{ ref("tool_calls") }}
        group by effective_ms
        union all
        select 'summary_human_wait_cdf', 'waits', wait_ms / 1000, count(*)
        from (select unnest(human_waits_ms) as wait_ms from {{ ref("steps") }})
        group by wait_ms
        union all
        select 'summary_generation_time_cdf', 'steps', generation_ms / 1000, count(*)
        from {{ ref("steps") }}
        group by generation_ms
        union all
        select 'summary_cost_cdf', 'sessions', cost_usd::double, count(*)
        from {{ ref("sessions") }}
        group by cost_usd
    ),
    ranked as (
        select
            table_name,
            part,
            amount,
            sum(n) over (partition by table_name, part order by amount) as n
        from amounts
        where amount is not null
    ),
    thresholds as (
        select sweeps.*, high as threshold
        from sweeps
        inner join {{ ref("bins") }} as grid using (bin)
        where
            (provider, session_kind, model) = ('all', 'all', 'all')
            and grid.grid = case
                when table_name = 'summary_cost_cdf'
                then 'cost_usd'
                when table_name <> 'summary_request_cdf' or part = 'response_s'
                then 'duration_s'
                else 'count'
            end
            and table_name like '%cdf'
    )
select
    'bins add up to the count of all' as rule,
    table_name,
    part,
    whole.n,
    totals.n as found
from whole
left join
    (
        select *
        from totals
        where (provider, session_kind, model) = ('all', 'all', 'all')
    ) as totals using (table_name, part)
where whole.n > 0 and totals.n is distinct from whole.n
union all
select 'each way of dividing adds up to the same', table_name, part, min(n), max(n)
from totals
group by table_name, provider, session_kind, model, part
having min(n) <> max(n)
union all
select 'cuts add up to all in each bin', whole.table_name, whole.part, whole.n, parts.n
from (select * exclude (cut) from sums where cut = 'true, true') as whole
inner join (select distinct table_name, cut from sums) as cuts using (table_name)
left join sums as parts using (table_name, part, way, bin, cut)
where coalesce(parts.n, 0) <> whole.n
union all
select 'what counts up never falls', table_name, part, 0, n
from cells
where n < 0
union all
select
    'as many are below the threshold',
    thresholds.table_name,
    thresholds.part,
    ranked.n,
    thresholds.n
from thresholds
asof left join
    ranked
    on thresholds.table_name = ranked.table_name
    and thresholds.part = ranked.part
    and coalesce(thresholds.threshold, 'infinity') > ranked.amount
where coalesce(ranked.n, 0) <> thresholds.n
union all
select
    'an idle cache serves no less where it holds longer', gap_measure, null, null, null
from {{ ref("summary_eviction_tradeoff") }}
qualify
    achievable_hit_ratio < lag(achievable_hit_ratio) over (
        partition by provider, session_kind, gap_measure order by timeout_s
    )
union all
select 'clients add up to all', 'summary_overview', name, whole, parts
from
    (
        select
            name,
            sum(value) filter (where provider = 'all') as whole,
            sum(value) filter (where provider <> 'all') as parts
        from {{ ref("summary_overview") }}
        where
            model = 'all'
            and not regexp_matches(
                name, '_(mean|p\d\d|max|ratio|share|amplification|per|epoch)(_|$)'
            )
            -- clients have users and tools of the same name; and what is less an
            -- estimate
            and name not in ('users', 'tool_names', 'first_token_residual_total_s')
        group by session_kind, trigger, name
    )
where abs(whole - coalesce(parts, 0)) > 1e-9 * abs(whole)
