-- One row per cut and size of what a step appends: how many steps, and how much of all
-- that is appended.
with
    bins as (select * from {{ ref("bins") }} where grid = 'append_tokens'),
    steps as (
        select
            provider,
            session_kind,
            model,
            -- the tokens of several calls are no size of one prompt
            if(calls > 1, null, append_tokens) as known_append_tokens,
            calls > 1 and append_tokens is not null as is_multi_call,
            prefix_tokens,
            fresh_tokens,
            resent_output_tokens,
            missed_tokens
        from {{ ref("steps") }}
        left join
            (
                select step_id, fresh_tokens, resent_output_tokens, missed_tokens
                from {{ ref("cache_reuse") }}
            ) using (step_id)
    ),
    binned as (
        select
            provider,
            session_kind,
            model,
            bin,
            count(*) as steps,
            count(*) filter (where is_multi_call) as multi_call_steps,
            sum(prefix_tokens) as prefix_tokens,
            sum(known_append_tokens) as append_tokens,
            sum(fresh_tokens) as fresh_tokens,
            sum(resent_output_tokens) as resent_output_tokens,
            sum(missed_tokens) as missed_tokens
        from steps
        asof left join bins on known_append_tokens >= low
        group by all
        union all by name
        -- every cut has every bin
        select distinct provider, session_kind, model, bin, 0 as steps
        from steps
        cross join bins
    ),
    counted as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            bin,
            sum(steps)::bigint as steps,
            coalesce(sum(multi_call_steps), 0) as multi_call_steps,
            coalesce(sum(prefix_tokens), 0)::bigint as prefix_tokens,
            coalesce(sum(append_tokens), 0)::bigint as append_tokens,
            coalesce(sum(fresh_tokens), 0)::bigint as fresh_tokens,
            coalesce(sum(resent_output_tokens), 0)::bigint as resent_output_tokens,
            coalesce(sum(missed_tokens), 0)::bigint as missed_tokens
        from binned
        group by {{ cuts() }}, bin
    ),
    shared as (
        select
            *,
            steps / nullif(
                sum(steps) filter (where bin is not null) over cut, 0
            ) as step_share,
            append_tokens / nullif(sum(append_tokens) over cut, 0) as token_share,
            sum(multi_call_steps) over cut as left_out_multi_call_steps,
            sum(steps) filter (where bin is null) over cut as unbinned_steps
        from counted
        window cut as (partition by provider, session_kind, model)
    )
select
    provider,
    session_kind,
    model,
    bin,
    low as append_low_tokens,
    high as append_high_tokens,
    steps,
    step_share,
    append_tokens,
    token_share,
    prefix_tokens,
    fresh_tokens,
    resent_output_tokens,
    missed_tokens,
    left_out_multi_call_steps::bigint as multi_call_steps,
    (coalesce(unbinned_steps, 0) - left_out_multi_call_steps)::bigint as missing_steps
from shared
inner join bins using (bin)
