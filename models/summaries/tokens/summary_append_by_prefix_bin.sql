-- One row per cut and bin of the prefix: how much is appended to a prefix of that
-- size, in tokens.
with
    bins as (select * from {{ ref("bins") }} where grid = 'prefix_tokens'),
    steps as not materialized(
        select
            provider,
            session_kind,
            model,
            append_tokens,
            -- the tokens of several calls are no size of one prompt
            if(calls > 1, null, prefix_tokens) as known_prefix_tokens,
            calls > 1 and prefix_tokens is not null as is_multi_call
        from {{ ref("steps") }}
    ),
    binned as (
        select provider, session_kind, model, bin, append_tokens, is_multi_call
        from steps
        asof left join bins on known_prefix_tokens >= low
        union all
        -- every cut has every bin
        select distinct provider, session_kind, model, bin, null, null
        from steps
        cross join bins
    ),
    counted as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            bin,
            {{ distribution("if(bin is null, null, append_tokens)") }},
            count(*) filter (where is_multi_call) as left_out_multi_call,
            count_if(bin is null and not is_multi_call) as left_out_missing
        from binned
        group by {{ cuts() }}, bin
    ),
    described as (
        select
            * exclude (left_out_multi_call, left_out_missing),
            sum(left_out_multi_call) over cut as multi_call_steps,
            sum(left_out_missing) over cut as missing_steps
        from counted
        window cut as (partition by provider, session_kind, model)
    )
select
    provider,
    session_kind,
    model,
    bin,
    low as prefix_low_tokens,
    high as prefix_high_tokens,
    count,
    mean,
    min,
    p10,
    p25,
    p50,
    p75,
    p90,
    p95,
    p99,
    max,
    multi_call_steps::bigint as multi_call_steps,
    missing_steps::bigint as missing_steps
from described
inner join bins using (bin)
