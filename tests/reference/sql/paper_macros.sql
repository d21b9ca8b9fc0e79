-- METRICS §10: one row per macro: the number it prints, and the numbers that it is
-- based on.
with
    kept as (
        select
            count(*) as requests,
            avg(steps) as steps,
            avg(tool_calls) as tool_calls,
            avg(response_ms) / 60000 as mean_min,
            quantile_cont(response_ms, 0.9) / 60000 as p90_min
        from requests
        where response_ms > 0
    ),
    tokens as (
        select
            quantile_cont(prefix_tokens, 0.5) as prefix_p50,
            quantile_cont(append_tokens, 0.5) as append_p50,
            quantile_cont(output_tokens, 0.5) as output_p50,
            sum(append_tokens) as append_total,
            100 * sum(prefix_tokens) / sum(input_tokens) as hit_percent,
            quantile_cont(output_tokens / generation_ms * 1000, 0.5) filter (
                where generation_ms > 0 and output_tokens > 0
            ) as decode_p50
        from steps
    ),
    growth as (
        select sum(greatest(context_growth_tokens, 0)) as growth_total
        from steps
        where previous_step_id is not null and trigger in ('user', 'tool')
    ),
    visible as (
        select
            quantile_cont(
                visible_output_tokens / visible_span_ms * 1000, 0.5
            ) as speed_p50,
            sum(visible_span_ms) / sum(visible_output_tokens) as ms_per_token
        from steps
        where
            provider = 'codex'
            and reasoning_tokens > 0
            and visible_output_tokens > 0
            and visible_span_ms is not null
    ),
    residuals as (
        select
            quantile_cont(
                (input_to_reasoning_end_ms - reasoning_tokens * ms_per_token) / 1000,
                0.5
            ) as residual_p50
        from steps, visible
        where
            provider = 'codex'
            and reasoning_tokens > 0
            and input_to_reasoning_end_ms is not null
    ),
    tools as (
        select
            provider,
            tool_name,
            count(*) as calls,
            100 * calls / sum(calls) over (partition by provider) as share
        from tool_calls
        group by provider, tool_name
        qualify row_number() over (partition by provider order by calls desc) <= 3
    ),
    top_three as (
        select
            sum(share) filter (where provider = 'claude') as claude,
            sum(share) filter (where provider = 'codex') as codex
        from tools
    ),
    long_calls as (
        select
            count(distinct tool_name) as names,
            100
            * count(*) filter (where effective_ms >= 60000)
            / count(*) filter (where effective_ms > 0) as call_percent,
            100
            * sum(effective_ms) filter (where effective_ms >= 60000)
            / sum(effective_ms) filter (where effective_ms > 0) as time_percent
        from tool_calls
    )
select
    'avgstepperrequest' as macro,
    steps as value,
    steps as basis_1,
    requests as basis_2,
    null as basis_3
from kept
union all
select 'avgtollcallsperrequest', tool_calls, tool_calls, null, null
from kept
union all
select 'avgtimeperrequest', mean_min, mean_min, null, null
from kept
union all
select 'pntimeperrequest', p90_min, p90_min, null, null
from kept
union all
select 'mediancachedinputtokens', prefix_p50 / 1000, prefix_p50, null, null
from tokens
union all
select 'medianuncachedinputtokens', append_p50, append_p50, null, null
from tokens
union all
select 'medianoutputtokens', output_p50, output_p50, null, null
from tokens
union all
select 'mediandecodespeed', decode_p50, decode_p50, null, null
from tokens
union all
select 'mediancodecdecodespeed', speed_p50, speed_p50, null, null
from visible
union all
select 'mediancodecdecodespeedttft', residual_p50, residual_p50, null, null
from residuals
union all
select 'totaltoolcatetory', floor(names / 10) * 10, names, null, null
from long_calls
union all
select 'topthreetoolpercent', floor(least(claude, codex) / 10) * 10, claude, codex, null
from top_three
union all
select 'toolcalltoppercentage', floor(claude / 10) * 10, claude, null, null
from top_three
union all
select 'toolcalltoppercentagecodex', codex, codex, null, null
from top_three
union all
select 'toolcallslongerthanonemin', call_percent, call_percent, null, null
from long_calls
union all
select 'toolcallslongerthanoneminpercent', time_percent, time_percent, null, null
from long_calls
union all
select 'prefixcachehitrate', hit_percent, hit_percent, null, null
from tokens
union all
select
    'prefillamplificationfactor',
    append_total / growth_total,
    append_total / growth_total,
    append_total,
    growth_total
from tokens, growth
