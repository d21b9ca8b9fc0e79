-- One row per session, loss and cause, and all: what might not have been spent.
with
    steps as not materialized(
        select *, input_tokens + coalesce(output_tokens, 0) as tokens
        from {{ ref("steps") }}
    ),
    holds as not materialized(select * from {{ ref("sim_tool_holds") }}),
    calls as not materialized(
        select * from {{ ref("tool_calls") }} where not is_human_tool and not is_denied
    ),
    -- only the runner's own time tells when a call ran, not how long its result took
    parallel_calls as (
        select
            session_id,
            step_id,
            tool_name,
            epoch_ms(emitted_at) as emitted_ms,
            epoch_ms(result_at) as to_ms,
            case
                when internal_ms > 0 and to_ms > emitted_ms
                then least(internal_ms, to_ms - emitted_ms)
            end as run_ms
        from calls
        semi join (select step_id from steps where tool_calls > 1) using (step_id)
    ),
    runs as (
        select
            *,
            max(to_ms) over (
                partition by step_id
                order by to_ms - run_ms, to_ms
                rows between unbounded preceding and 1 preceding
            )
            > to_ms - run_ms as is_overlapping
        from parallel_calls
        where run_ms is not null
    ),
    serial_steps as (
        select
            session_id,
            step_id,
            string_agg(distinct tool_name, ' + ' order by tool_name) as tools,
            -- together, each would start when its call was written
            least(
                sum(run_ms) - max(run_ms), max(to_ms) - max(emitted_ms + run_ms)
            ) as saved_ms
        from runs
        group by session_id, step_id
        having
            not bool_or(is_overlapping)
            and max(emitted_ms) < min(to_ms)
            and saved_ms > 0
    ),
    outcomes as (
        select calls.*, request_id, step_index, tokens, cost_usd, generation_ms
        from calls
        inner join
            (
                select step_id, request_id, step_index, tokens, cost_usd, generation_ms
                from steps
            ) using (step_id)
    ),
    -- few tools fail in two steps of a request: no others need sorting
    failing as (
        select session_id, request_id, tool_name
        from outcomes
        where is_error
        group by session_id, request_id, tool_name
        having min(step_index) < max(step_index)
    ),
    -- a tool's calls in a request, from one that did not fail to the next that did not
    stretches as (
        select
            *,
            count_if(is_error is not true) over (
                partition by session_id, request_id, tool_name
                order by step_index, tool_index
            ) as stretch
        from outcomes
        semi join
            failing
            on outcomes.session_id = failing.session_id
            and outcomes.request_id is not distinct from failing.request_id
            and outcomes.tool_name is not distinct from failing.tool_name
    ),
    failures as (
        select
            *,
            row_number() over (in_stretch order by step_index, tool_index)
            = 1 as is_first_of_stretch
        from stretches
        where is_error
        window in_stretch as (partition by session_id, request_id, tool_name, stretch)
        -- calls of one step do not know of each other
        qualify min(step_index) over in_stretch < max(step_index) over in_stretch
    ),
    -- a step in which two tools fail is the first one's
    charged as (
        select
            *,
            row_number() over (partition by step_id order by tool_index)
            = 1 as is_charged,
            case when result_at >= emitted_at then coalesce(held_ms, 0) end as wait_ms
        from failures
        left join
            (select session_id, tool_call_id, held_ms from holds) using (
                session_id, tool_call_id
            )
    ),
    found as (
        select
            'cache_miss' as loss,
            miss_cause as cause,
            session_id,
            step_id,
            1 as occurrences,
            1 as steps,
            missed_tokens as tokens,
            missed_cost_usd as cost_usd,
            null::bigint as time_ms,
            missed_cost_usd is null as is_unpriced,
            false as is_untimed
        from {{ ref("cache_reuse") }}
        where missed_tokens > 0 and miss_cause <> 'none'
        union all
        select
            'cache_miss',
            'restart',
            session_id,
            step_id,
            1,
            1,
            missed_tokens,
            missed_cost_usd,
            null,
            missed_cost_usd is null,
            false
        from {{ ref("sim_restarts") }}
        union all
        select
            'long_context',
            model,
            session_id,
            step_id,
            1,
            1,
            input_tokens,
            long_context_cost_usd,
            null,
            false,
            false
        from steps
        where long_context_cost_usd > 0
        union all
        select
            'repeated_failures',
            tool_name,
            session_id,
            step_id,
            if(is_first_of_stretch, 1, 0),
            if(is_charged, 1, 0),
            if(is_charged, tokens, null),
            if(is_charged, cost_usd, null),
            if(
                is_charged,
                coalesce(generation_ms + wait_ms, generation_ms, wait_ms),
                wait_ms
            ),
            is_charged and cost_usd is null,
            false
        from charged
        union all
        select
            'serial_calls',
            tools,
            session_id,
            step_id,
            1,
            1,
            null,
            null,
            saved_ms,
            false,
            false
        from serial_steps
        union all
        select
            'serial_calls',
            null,
            session_id,
            step_id,
            0,
            0,
            null,
            null,
            null,
            false,
            true
        from parallel_calls
        group by session_id, step_id
        having count(*) > 1 and count(run_ms) < 2
        union all
        select
            'tool_time',
            tool_name,
            session_id,
            step_id,
            1,
            null,
            null,
            null,
            held_ms,
            false,
            false
        from holds
    ),
    -- a step is weighed as a whole, however many of its calls lost something
    by_step as (
        select
            session_id,
            loss,
            {{ pooled("cause") }},
            step_id,
            sum(occurrences) as occurrences,
            sum(steps) as steps,
            sum(tokens) as tokens,
            sum(cost_usd) as cost_usd,
            sum(time_ms) as time_ms,
            count_if(is_unpriced) as unpriced_steps,
            count_if(is_untimed) as untimed_steps
        from found
        group by session_id, loss, step_id, grouping sets ((), (cause))
        having grouping(cause) = 1 or not bool_or(is_untimed)
    )
select
    session_id,
    loss,
    cause,
    sum(occurrences)::bigint as occurrences,
    sum(steps)::bigint as steps,
    sum(tokens)::bigint as tokens,
    sum(cost_usd) as cost_usd,
    sum(time_ms)::bigint as time_ms,
    sum(unpriced_steps)::bigint as unpriced_steps,
    sum(untimed_steps)::bigint as untimed_steps,
    arg_min(
        step_id,
        (
            - coalesce(cost_usd, 0),
            - coalesce(time_ms, 0),
            - coalesce(tokens, 0),
            step_id
        )
    ) as worst_step_id
from by_step
group by session_id, loss, cause
