-- One row per cut, measure and bin of the context's size, and all: how fast output
-- comes, and after how long the first of it.
with
    steps as (
        select
            *,
            generation_ms > 0 and output_tokens > 0 and context_tokens > 0 as has_speed,
            has_speed
            and reasoning_tokens > 0
            and visible_output_tokens > 0
            and post_reasoning_ms >= 100 as has_decode_speed,
            -- the tokens of several calls are no size of one context
            if(calls = 1, context_tokens, null) as size_tokens
        from {{ ref("steps") }}
    ),
    -- what comes after the reasoning tells how long a token takes
    paces as (
        select
            provider,
            sum(post_reasoning_ms) / sum(visible_output_tokens) as ms_per_token
        from steps
        where has_decode_speed and usage_is_final is not false
        group by provider
    ),
    measured as (
        select
            provider,
            session_kind,
            model,
            usage_is_final,
            size_tokens,
            'output_tokens_per_s' as measure,
            160 as cap,
            output_tokens as tokens,
            generation_ms as ms,
            1000 * output_tokens / generation_ms as amount
        from steps
        where has_speed
        union all
        select
            provider,
            session_kind,
            model,
            usage_is_final,
            size_tokens,
            'decode_tokens_per_s',
            160,
            visible_output_tokens,
            post_reasoning_ms,
            1000 * visible_output_tokens / post_reasoning_ms
        from steps
        where has_decode_speed
        union all
        select
            provider,
            session_kind,
            model,
            usage_is_final,
            size_tokens,
            'first_token_s',
            40,
            null,
            null,
            (input_to_reasoning_end_ms - reasoning_tokens * ms_per_token) / 1000
        from steps
        left join paces using (provider)
        where has_decode_speed and input_to_reasoning_end_ms is not null
    ),
    -- a placeholder for output tells nothing; decimals add up to the same in any order
    valued as (
        select
            provider,
            session_kind,
            model,
            measure,
            cap,
            usage_is_final,
            floor(log2(size_tokens))::bigint as context_bin,
            if(usage_is_final is not false, size_tokens, null) as size_tokens,
            if(usage_is_final is not false, tokens, null) as tokens,
            if(usage_is_final is not false, ms, null) as ms,
            try_cast(
                if(usage_is_final is not false, amount, null) as decimal(24, 12)
            ) as amount
        from measured
    ),
    capped as (
        -- least() would make a cap of an unknown amount
        select
            *,
            if(amount > cap, cap, amount) as capped_amount,
            (amount * 1e4)::hugeint as units,
            (capped_amount * 1e4)::hugeint as capped_units
        from valued
    )
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    {{ pooled("model") }},
    measure,
    case
        when grouping(context_bin) = 1 then 'all' else context_bin::varchar
    end as context_bin,
    case
        when grouping(context_bin) = 0 then pow(2, context_bin)::bigint
    end as context_low_tokens,
    2 * context_low_tokens as context_high_tokens,
    count(*) filter (where not usage_is_final) as placeholder_steps,
    {{ distribution("amount") }},
    1000 * sum(tokens) / sum(ms) as weighted_mean,
    sqrt({{ squared_deviations("units") }} / count(units)) / 1e4 as stddev,
    count(*) filter (where amount > cap) as above_cap_steps,
    avg(capped_amount) as capped_mean,
    sqrt({{ squared_deviations("capped_units") }} / count(capped_units))
    / 1e4 as capped_stddev,
    quantile_cont(size_tokens, [0.5, 0.9, 0.99])[1] as context_p50_tokens,
    quantile_cont(size_tokens, [0.5, 0.9, 0.99])[2] as context_p90_tokens,
    quantile_cont(size_tokens, [0.5, 0.9, 0.99])[3] as context_p99_tokens
from capped
group by {{ cuts() }}, grouping sets ((), (context_bin)), measure
