-- One row per cut: how much of the prompts was read from the cache, by tokens and by
-- step.
with
    steps as (
        select
            provider,
            session_kind,
            model,
            trigger,
            prefix_tokens,
            append_tokens,
            cache_write_tokens,
            input_tokens,
            hit_ratio is not null as has_hit_ratio,
            calls > 1 as is_multi_call,
            input_tokens is null as is_unmetered,
            -- the spread is over steps that something started; decimals, whose mean
            -- is the same in any order
            case when trigger <> 'none' then hit_ratio::decimal(18, 15) end as hit
        from {{ ref("steps") }}
    ),
    -- every cut has every trigger
    filled as (
        from steps
        union all by name
        select distinct
            provider,
            session_kind,
            model,
            unnest(['user', 'tool', 'none']) as trigger,
            false as has_hit_ratio
        from {{ ref("steps") }}
    ),
    cut as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            {{ pooled("trigger") }},
            count(*) filter (where has_hit_ratio) as steps,
            count(*) filter (where is_multi_call) as multi_call_steps,
            count(*) filter (where is_unmetered) as unmetered_steps,
            sum(prefix_tokens) filter (where has_hit_ratio) as prefix_tokens,
            sum(append_tokens) filter (where has_hit_ratio) as append_tokens,
            sum(cache_write_tokens) filter (where has_hit_ratio) as cache_write_tokens,
            sum(input_tokens) filter (where has_hit_ratio) as input_tokens,
            count(hit) as count,
            avg(hit) as mean,
            quantile_cont(
                hit::double, [0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1]
            ) as hits
        from filled
        group by {{ cuts() }}, grouping sets ((), (trigger))
    )
select
    provider,
    session_kind,
    model,
    trigger,
    steps,
    multi_call_steps,
    unmetered_steps,
    coalesce(prefix_tokens, 0)::bigint as prefix_tokens,
    coalesce(append_tokens, 0)::bigint as append_tokens,
    cache_write_tokens::bigint as cache_write_tokens,
    coalesce(input_tokens, 0)::bigint as input_tokens,
    prefix_tokens / input_tokens as hit_ratio,
    count,
    mean,
    hits[1] as min,
    hits[2] as p01,
    hits[3] as p05,
    hits[4] as p10,
    hits[5] as p25,
    hits[6] as p50,
    hits[7] as p75,
    hits[8] as p90,
    hits[9] as p95,
    hits[10] as p99,
    hits[11] as max
from cut
