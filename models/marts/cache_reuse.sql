-- One row per step: what it appended, split into new, sent again and lost by the cache.
with
    compacted as (
        select step_id, count(*) as compactions
        from {{ ref("compactions") }}
        group by step_id
    ),
    costs as (
        select
            step_id,
            input_usd_per_mtok,
            write_5m_usd_per_mtok,
            write_1h_usd_per_mtok,
            read_usd_per_mtok
        from {{ ref("int_call_costs") }}
        where call_index is null
    ),
    -- what comes before a step: few columns, since they are sorted
    befores as (
        select
            step_id,
            last_value(
                case when compactions > 0 then step_index end ignore nulls
            ) over so_far
            > lag(step_index) over ordinary as is_compacted,
            last_value(
                case
                    when cache_write_tokens > 0
                    then
                        coalesce(cache_write_1h_tokens, 0) > 0
                        and coalesce(cache_write_5m_tokens, 0) = 0
                end ignore nulls
            ) over (so_far rows between unbounded preceding and 1 preceding)
            as wrote_for_an_hour
        from {{ ref("steps") }}
        left join compacted using (step_id)
        window
            so_far as (partition by session_id order by step_index),
            ordinary as (partition by session_id, purpose is null order by step_index)
    ),
    pairs as (
        select
            *,
            previous_step_id is null as is_first,
            -- the tokens of several calls are no size of one prompt
            purpose is null
            and calls = 1
            and (
                is_first or context_growth_tokens - previous_output_tokens is not null
            ) as is_comparable
        from {{ ref("steps") }}
        inner join befores using (step_id)
        left join costs using (step_id)
        left join
            (select step_id, idle_gap_ms from {{ ref("idle_gaps") }}) using (step_id)
    ),
    split as (
        select
            *,
            case
                when not is_comparable
                then null
                when is_first
                then append_tokens
                else
                    least(
                        greatest(context_growth_tokens - previous_output_tokens, 0),
                        append_tokens
                    )
            end as fresh_tokens,
            append_tokens - fresh_tokens as not_fresh_tokens,
            -- least() alone would make a number of an unknown part
            case
                when not_fresh_tokens is null
                then null
                when is_first
                then 0
                else least(not_fresh_tokens, previous_visible_output_tokens)
            end as resent_output_tokens,
            not_fresh_tokens - resent_output_tokens as missed_tokens,
            -- what a prompt of a person would not append, had all before it stayed
            case
                when trigger <> 'user' or is_first
                then 0
                when context_growth_tokens is not null
                then greatest(append_tokens - greatest(context_growth_tokens, 0), 0)
            end as pause_missed_tokens,
            least(
                pause_missed_tokens, coalesce(cache_write_tokens, 0)
            ) as pause_missed_writes,
            greatest(
                pause_missed_writes
                - greatest(cache_write_tokens - coalesce(cache_write_1h_tokens, 0), 0),
                0
            ) as pause_missed_writes_1h,
            if(
                wrote_for_an_hour,
                {{ var("cache_lifetime_1h_ms") }},
                {{ var("cache_lifetime_5m_ms") }}
            ) as lifetime_ms
        from pairs
    )
select
    step_id,
    session_id,
    session_kind,
    provider,
    model,
    trigger,
    previous_step_id,
    input_tokens,
    prefix_tokens,
    append_tokens,
    fresh_tokens,
    resent_output_tokens,
    missed_tokens,
    case
        when missed_tokens is not null
        then prefix_tokens + if(is_compacted, 0, missed_tokens)
    end as reusable_tokens,
    pause_missed_tokens,
    case
        when is_comparable and not is_first
        then greatest(input_tokens - previous_input_tokens, 0) - previous_output_tokens
    end as published_fresh_tokens,
    hit_ratio,
    idle_gap_ms,
    case when not is_first then lifetime_ms end::bigint as cache_lifetime_ms,
    case
        when missed_tokens is null
        then null
        when is_first
        then 'session_start'
        when missed_tokens <= 1024 or missed_tokens <= 0.02 * previous_context_tokens
        then 'none'
        when is_compacted
        then 'compaction'
        when model is distinct from previous_model
        then 'model_change'
        when idle_gap_ms > lifetime_ms
        then 'idle'
        else 'residual'
    end as miss_cause,
    -- at the step's own mix of written and plain tokens, less what a read would cost
    case
        when missed_tokens = 0
        then cost_usd * 0
        else
            missed_tokens * append_cost_usd / append_tokens
            - {{ usd("missed_tokens", "read_usd_per_mtok") }}
    end::decimal(18, 12) as missed_cost_usd,
    try_cast(
        {{ usd("pause_missed_tokens - pause_missed_writes", "input_usd_per_mtok") }}
        + {{
            usd(
                "pause_missed_writes - pause_missed_writes_1h",
                "write_5m_usd_per_mtok",
            )
        }}
        + {{ usd("pause_missed_writes_1h", "write_1h_usd_per_mtok") }}
        - {{ usd("pause_missed_tokens", "read_usd_per_mtok") }} as decimal(18, 12)
    ) as pause_missed_cost_usd,
    read_usd_per_mtok
from split
