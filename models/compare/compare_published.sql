-- One row per published figure: the same number of this warehouse beside it, and
-- whether the two compare.
-- Long, since every table that has one of them is read by a line of its own.
with
    figures as (
        select
            *,
            comparability
            not in ('not_this_workload', 'other_trace', 'not_computed') as is_computed
        from {{ ref("published_figures") }}
    ),
    counted as (
        select *, map_from_entries(list((name, value)) over cut) as counts
        from {{ ref("summary_overview") }}
        where session_kind = 'all' and model = 'all'
        window cut as (partition by provider, trigger)
    ),
    overview as (
        select
            * exclude (counts),
            case
                when section = 'requests'
                then counts['timed_requests']
                when
                    name
                    in ('tool_mean_s', 'minute_calls_share', 'minute_calls_time_share')
                then counts['tool_calls'] - counts['missing_latency_calls']
                when section = 'tools'
                then counts['tool_calls']
                when starts_with(name, 'decode_')
                then counts['decode_steps']
                when starts_with(name, 'after_reasoning_')
                then counts['after_reasoning_steps']
                when starts_with(name, 'first_token_residual_')
                then counts['first_token_residual_steps']
                when name in ('output_mean_tokens', 'output_p50_tokens')
                then counts['final_output_steps']
                when name in ('output_tokens', 'reasoning_tokens')
                then counts['final_output_steps'] + counts['placeholder_output_steps']
                when name = 'growth_tokens'
                then counts['growth_steps']
                when
                    name in (
                        'input_tokens',
                        'prefix_tokens',
                        'append_tokens',
                        'input_to_output_ratio'
                    )
                then counts['steps'] - counts['unmetered_steps']
                when
                    name in (
                        'hit_ratio',
                        'prefix_mean_tokens',
                        'prefix_p50_tokens',
                        'append_mean_tokens',
                        'append_p50_tokens'
                    )
                then
                    counts['steps']
                    - counts['unmetered_steps']
                    - counts['multi_call_steps']
                else counts['steps']
            end as n
        from counted
    ),
    -- what no summary has in one piece
    models as (
        select
            {{ pooled("provider") }},
            {{ pooled("model") }},
            count(*) as n,
            count(*) as steps,
            max(count(*)) over (partition by grouping(provider), provider) as share_n,
            steps / nullif(share_n, 0) as step_share,
            sum(tool_calls)::bigint as tool_calls,
            avg(tool_calls) as tool_calls_per_step,
            count_if(tool_calls > 0) / nullif(count(*), 0) as tool_call_steps_share,
            sum(reasoning_tokens) filter (where usage_is_final is not false) / nullif(
                sum(output_tokens) filter (where usage_is_final is not false), 0
            ) as reasoning_share,
            count(output_tokens) filter (
                where usage_is_final is not false
            ) as reasoning_share_n,
            count(cost_usd) / nullif(count(*), 0) as priced_step_share,
            sum(
                (
                    output_cost_usd * reasoning_tokens / nullif(output_tokens, 0)
                )::decimal(38, 18)
            )::double as reasoning_cost_usd
        from {{ ref("steps") }} as all_steps
        group by grouping sets ((), (provider), (provider, model))
    ),
    other_models as (
        select
            models.provider,
            1
            - coalesce(sum(steps) filter (where is_named), 0)
            / nullif(sum(steps), 0) as step_share,
            sum(steps)::bigint as n
        from models
        left join
            (
                select provider, dimension_value as model, true as is_named
                from figures
                where metric = 'step_share'
            ) using (provider, model)
        where models.provider <> 'all' and models.model is distinct from 'all'
        group by models.provider
    ),
    events as (
        select
            'all' as provider,
            unnest(
                [
                    {'type':'user_message', 'events':sum(user_messages)::bigint},
                    {'type':'tool_call', 'events':sum(tool_calls)::bigint},
                    {'type':'tool_result', 'events':sum(tool_results)::bigint},
                    {'type':'reasoning', 'events':sum(reasoning_events)::bigint},
                    {'type':'text', 'events':sum(text_events)::bigint},
                    {'type':'usage_report', 'events':sum(usage_reports)::bigint}
                ],
                recursive := true
            )
        from {{ ref("steps") }} as all_steps
    ),
    duplicates as (
        select
            'all' as provider,
            count(*) - count(distinct step_id) as duplicate_session_index_rows,
            duplicate_session_index_rows as duplicate_trace_key_rows
        from {{ ref("steps") }} as all_steps
    ),
    event_types as (
        select provider, {{ pooled("type") }}, sum(events)::bigint as events
        from events
        group by provider, grouping sets ((), (type))
    ),
    waits as (
        select
            {{ pooled("provider") }},
            count(*) as sessions,
            count_if(human_wait_ms = 0) / nullif(count(*), 0) as no_human_wait_share
        from {{ ref("sessions") }} as all_sessions
        where steps > 0 and wall_ms > 0
        group by grouping sets ((), (provider))
    ),
    append_sizes as (
        select
            provider,
            unnest(['<1000', '>=10000']) as append_size,
            sum(steps) as steps,
            sum(steps) filter (where append_high_tokens <= 1000)
            / nullif(sum(steps), 0) as step_share,
            sum(append_tokens) filter (where append_low_tokens >= 10000)
            / nullif(sum(append_tokens), 0) as token_share
        from {{ ref("summary_prefix_append") }}
        where session_kind = 'all' and model = 'all'
        group by provider
    ),
    compacted as (
        select
            provider,
            session_kind,
            trigger,
            population,
            count,
            mean,
            p90,
            p99,
            max(count) over (partition by provider, session_kind) as share_n,
            count / nullif(share_n, 0) as share
        from {{ ref("summary_compactions") }}
        where source = 'inferred' and trigger = 'all'
    ),
    -- fmt: off
    numbers as (
        {{ figures_of("models", "steps", by="model") }}
        union all {{ figures_of("other_models", "steps", by="model", value="'other'") }}
        union all {{ figures_of("event_types", "steps", by="type", dimension="'event_type'", more="events as n") }}
        union all {{ figures_of("duplicates", "steps") }}
        union all {{ figures_of("waits", "sessions") }}
        union all {{ figures_of("overview", "summary_overview", metric="name", by="trigger") }}
        union all {{ figures_of(ref("summary_session_counts"), metric="metric", by="unit") }}
        union all {{ figures_of(ref("summary_input_growth"), metric="growth_bucket", by="trigger",
            more="step_share as share, max(count) over (partition by provider, session_kind, model, trigger) as share_n") }}
        union all {{ figures_of(ref("summary_compactions"), metric="'compactions_per_session'", by="trigger",
            where="source = 'inferred' and population = 'all'",
            more="max(compactions) over (partition by provider, session_kind, source, population) as compaction_share_n,
                compactions / nullif(compaction_share_n, 0) as compaction_share, major_reductions as share_of_major_n,
                count as share_n") }}
        union all {{ figures_of("compacted", "summary_compactions", metric="'compactions_per_compacting_session'",
            where="population = 'compacted'") }}
        union all {{ figures_of(ref("summary_cost_distribution"), metric="concat(unit, '_cost_usd')", by="category",
            where="measure = 'cost_usd'", more="total_share as share, total as sum") }}
        union all {{ figures_of(ref("summary_timing_distribution"), metric="block", by="category",
            more="total_share as share, total_s as sum") }}
        union all {{ figures_of(ref("summary_human_wait"), metric="'wait_s'", by="cap",
            more="max(count) over (partition by provider, session_kind, model) as share_n") }}
        union all {{ figures_of(ref("summary_request_response_time"), metric="'response_s'", more="total_s as sum") }}
        union all {{ figures_of(ref("summary_request_decomposition"), by="part", where="response_bin = 'all'") }}
        union all {{ figures_of(ref("summary_token_lengths"), metric="measure") }}
        union all {{ figures_of("append_sizes", "summary_prefix_append", by="append_size") }}
        union all {{ figures_of(ref("summary_append_by_prefix_bin"), metric="'append_tokens'", by="prefix_low_tokens",
            value="prefix_low_tokens::int") }}
        union all {{ figures_of(ref("summary_output_tokens"), metric="'output_tokens'") }}
        union all {{ figures_of(ref("summary_generation_time"), metric="'generation_s'", more="total_s as sum") }}
        union all {{ figures_of(ref("summary_decode_speed"), metric="measure", by="context_bin") }}
        union all {{ figures_of(ref("summary_adjusted_append"), metric="measure") }}
        union all {{ figures_of(ref("summary_output_attribution"), by="model",
            where="min_output_tokens = 2000 and trigger = 'all'") }}
        union all {{ figures_of(ref("summary_append_vs_prefix_latency"), where="segment_kind = 'all'",
            more="slower_buckets / nullif(buckets, 0) as slower_bucket_share") }}
        union all {{ figures_of(ref("summary_tool_counts"), by="tool_name", where="tool_name <> 'all'") }}
        union all {{ figures_of(ref("summary_tool_latency"), metric="'latency_s'", by="tool_name", more="total_s as sum") }}
        union all {{ figures_of(ref("summary_tool_latency_cdf"), by="threshold_s", value="threshold_s::int",
            where="threshold_s in (1, 10, 60)",
            more="1 - cumulative_share as share_from, 1 - cumulative_time_share as time_share_from") }}
        union all {{ figures_of(ref("summary_tool_time"), by="tool_name", where="tool_name <> 'all'",
            more="max(count) over (partition by provider, session_kind, model) as share_n") }}
        union all {{ figures_of(ref("summary_tool_categories"), metric="'latency_s'", dimension="scheme", value="tool_class",
            more="sum(tool_calls) over (partition by provider, session_kind, model, scheme) as share_n") }}
        union all {{ figures_of(ref("summary_tool_long_tail"), by="low_s", value="low_s::int",
            where="tool_category = 'all' and call_kind = 'all'",
            more="sum(tool_calls) over (partition by provider, session_kind, model, tool_category, call_kind) as share_n") }}
        union all {{ figures_of(ref("summary_codex_tool_gap"), metric="measure", by="tool_name",
            where="gap_class = 'all' or tool_name <> 'all'",
            more="timed_total_s as sum, timed_wall_share as share, timed_calls as share_n,
                if(measure = 'gap', timed_calls / nullif(tool_calls, 0), null) as timed_share, tool_calls as timed_share_n") }}
        union all {{ figures_of(ref("summary_cache_hit_ratio"), by="trigger") }}
        union all {{ figures_of(ref("summary_cache_hit_idle"), metric="if(hit_band = 'low', 'low_hit_gap_s', 'gap_s')", by="trigger",
            where="hit_band <> 'other' and gap_measure = 'published'") }}
        union all {{ figures_of(ref("summary_eviction_tradeoff"), by="timeout_s", value="timeout_s::int",
            where="timeout_s in (60, 300, 3600) and gap_measure = 'published'") }}
        union all {{ figures_of(ref("summary_eviction_tradeoff"), where="timeout_s = 60 and gap_measure = 'published'") }}
        union all {{ figures_of(ref("summary_redundant_prefill"), by="trigger",
            more="1 - published_fresh_share as redundant_share") }}
        union all {{ figures_of(ref("summary_idle_counterfactual"), by="scenario",
            more="resumed_steps as saved_resumed_append_share_n, priced_steps as saved_cost_share_n") }}
        union all {{ figures_of(ref("summary_kv_active_ratio"), by="timeout_s", value="timeout_s::int",
            where="timeout_s in (60, 600, 3600) and gap_measure = 'published'") }}
    ),
    -- fmt: on
    -- none of a population that these sessions have is 0, of one that they have not
    -- unknown: a model, tool or event that only others use, a session that compacts
    zeros as (
        select
            figure_id,
            0 as ours,
            if(
                statistic = 'share',
                coalesce(max((numbers ->> 'share_n')::double)::bigint, 0),
                0
            ) as n
        from figures
        inner join numbers using (table_name, provider)
        where
            is_computed
            and statistic in ('count', 'share')
            and case
                when figures.metric = 'compactions_per_compacting_session'
                then
                    numbers.metric = 'compactions_per_session'
                    and (numbers ->> 'count')::double > 0
                    and (numbers.dimension, numbers.dimension_value)
                    is not distinct from (figures.dimension, figures.dimension_value)
                when
                    figures.metric in (
                        'steps',
                        'step_share',
                        'tool_calls',
                        'call_share',
                        'time_share',
                        'events',
                        'latency_s'
                    )
                then
                    numbers.dimension = figures.dimension
                    and coalesce(
                        if(
                            numbers.metric = figures.metric,
                            coalesce(numbers ->> statistic, numbers ->> 'value'),
                            null
                        ),
                        numbers ->> figures.metric
                    )::double
                    > 0
            end
        group by figure_id, statistic
    ),
    found as (
        select
            figure_id,
            coalesce(
                case
                    when numbers.metric = figures.metric
                    then coalesce(numbers ->> statistic, numbers ->> 'value')
                end,
                numbers ->> figures.metric
            )::double
            -- in the unit that the figure is printed in
            / case
                unit when 'h' then 3600 when 'min' then 60 when 'ms' then 0.001 else 1
            end as ours,
            -- what it is over: a count is of itself, a distribution of its values, a
            -- share of what it divides by
            coalesce(
                if(statistic = 'count', ours::varchar, null),
                if(
                    regexp_matches(statistic, '^(mean|max|p\d\d)$'),
                    numbers ->> 'count',
                    null
                ),
                if(statistic = 'share', numbers ->> concat(figures.metric, '_n'), null),
                if(statistic = 'share', numbers ->> 'share_n', null),
                numbers ->> 'n',
                numbers ->> 'pairs',
                if(statistic = 'sum', numbers ->> 'timed_calls', null),
                numbers ->> 'tool_calls',
                numbers ->> 'requests',
                numbers ->> 'steps',
                numbers ->> 'sessions',
                numbers ->> 'count'
            )::double::bigint as n
        from figures
        inner join
            numbers
            on figures.table_name = numbers.table_name
            and figures.provider = numbers.provider
            and figures.dimension is not distinct from numbers.dimension
            and figures.dimension_value is not distinct from numbers.dimension_value
        where is_computed and ours is not null
    )
select
    figure_id,
    table_name,
    metric,
    provider,
    dimension,
    dimension_value,
    statistic,
    unit,
    coalesce(found.ours, zeros.ours) as ours,
    value as published,
    coalesce(found.ours, zeros.ours) / nullif(value, 0) as ratio,
    coalesce(found.n, zeros.n) as n,
    comparability,
    note,
    source
from figures
left join found using (figure_id)
left join zeros using (figure_id)
