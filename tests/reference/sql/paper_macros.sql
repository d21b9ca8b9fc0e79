-- METRICS §10: one row per macro: the number it prints, and the numbers that it is
-- based on.
with
    numbers as (
        select provider, map_from_entries(list((name, value))) as facts
        from summary_paper_headlines
        where session_kind = 'all' and model = 'all'
        group by provider
    ),
    pooled as (select facts from numbers where provider = 'all'),
    codex as (select facts from numbers where provider = 'codex'),
    top_three as (
        select
            100 * any_value(facts['top_3_tools_share']) filter (
                where provider = 'claude'
            ) as claude,
            100 * any_value(facts['top_3_tools_share']) filter (
                where provider = 'codex'
            ) as codex
        from numbers
    )
select
    'avgstepperrequest' as macro,
    facts['steps_per_request'] as value,
    value as basis_1,
    facts['timed_requests'] as basis_2,
    null as basis_3
from pooled
union all
select
    'avgtollcallsperrequest',
    facts['tool_calls_per_request'],
    facts['tool_calls_per_request'],
    null,
    null
from pooled
union all
select
    'avgtimeperrequest',
    facts['response_mean_s'] / 60,
    facts['response_mean_s'] / 60,
    null,
    null
from pooled
union all
select
    'pntimeperrequest',
    facts['response_p90_s'] / 60,
    facts['response_p90_s'] / 60,
    null,
    null
from pooled
union all
select
    'mediancachedinputtokens',
    facts['prefix_p50_tokens'] / 1000,
    facts['prefix_p50_tokens'],
    null,
    null
from pooled
union all
select
    'medianuncachedinputtokens',
    facts['append_p50_tokens'],
    facts['append_p50_tokens'],
    null,
    null
from pooled
union all
select
    'medianoutputtokens',
    facts['output_p50_tokens'],
    facts['output_p50_tokens'],
    null,
    null
from pooled
union all
select
    'mediandecodespeed',
    facts['decode_p50_tokens_per_s'],
    facts['decode_p50_tokens_per_s'],
    null,
    null
from pooled
union all
select
    'mediancodecdecodespeed',
    facts['after_reasoning_p50_tokens_per_s'],
    facts['after_reasoning_p50_tokens_per_s'],
    null,
    null
from codex
union all
select
    'mediancodecdecodespeedttft',
    facts['first_token_residual_p50_s'],
    facts['first_token_residual_p50_s'],
    null,
    null
from codex
union all
select
    'totaltoolcatetory',
    floor(facts['tool_names'] / 10) * 10,
    facts['tool_names'],
    null,
    null
from pooled
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
select
    'toolcallslongerthanonemin',
    100 * facts['minute_calls_share'],
    100 * facts['minute_calls_share'],
    null,
    null
from pooled
union all
select
    'toolcallslongerthanoneminpercent',
    100 * facts['minute_calls_time_share'],
    100 * facts['minute_calls_time_share'],
    null,
    null
from pooled
union all
select
    'prefixcachehitrate', 100 * facts['hit_ratio'], 100 * facts['hit_ratio'], null, null
from pooled
union all
select
    'prefillamplificationfactor',
    facts['growth_amplification'],
    facts['growth_amplification'],
    facts['append_tokens'],
    facts['growth_tokens']
from pooled
