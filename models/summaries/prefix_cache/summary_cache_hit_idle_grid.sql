-- One row per cut, bin of the idle gap and bin of the hit ratio, and all of the
-- gap's: where the steps lie.
with
    bins as (select * from {{ ref("bins") }}),
    steps as (
        select
            provider,
            session_kind,
            model,
            trigger,
            hit_ratio,
            prefix_tokens,
            input_tokens,
            unnest(
                [
                    {'gap_measure':'causal', 'gap_ms':idle_gap_ms},
                    {'gap_measure':'published', 'gap_ms':published_gap_ms}
                ],
                recursive := true
            )
        from {{ ref("steps") }}
        inner join
            (
                select step_id, idle_gap_ms, published_gap_ms
                from {{ ref("idle_gaps") }}
            ) using (step_id)
        where trigger <> 'none' and hit_ratio is not null and calls = 1
    ),
    binned as (
        select
            steps.*,
            gap_bins.bin as gap_bin,
            gap_bins.low as gap_low_s,
            gap_bins.high as gap_high_s,
            hit_bins.bin as hit_bin,
            hit_bins.low as hit_low,
            hit_bins.high as hit_high
        from (select * from steps where {{ is_in_part("gap_measure") }}) as steps
        asof join
            (select * from bins where grid = 'idle_s') as gap_bins
            on gap_ms / 1000 >= gap_bins.low
        asof join
            (select * from bins where grid = 'hit_ratio') as hit_bins
            on hit_ratio >= hit_bins.low
    )
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    {{ pooled("model") }},
    {{ pooled("trigger") }},
    gap_measure,
    gap_bin,
    gap_low_s,
    gap_high_s,
    case when grouping(hit_bin) = 1 then 'all' else hit_bin::varchar end as hit_bin,
    hit_low,
    hit_high,
    count(*) as steps,
    quantile_cont(hit_ratio, [0.25, 0.5, 0.75])[1] as hit_p25,
    quantile_cont(hit_ratio, [0.25, 0.5, 0.75])[2] as hit_p50,
    quantile_cont(hit_ratio, [0.25, 0.5, 0.75])[3] as hit_p75,
    sum(prefix_tokens) / sum(input_tokens) as hit_ratio,
    count(*) filter (where hit_ratio < 0.1) / count(*) as low_hit_share
from binned
group by
    {{ cuts() }},
    grouping sets ((), (trigger)),
    grouping sets ((), (hit_bin, hit_low, hit_high)),
    gap_measure,
    gap_bin,
    gap_low_s,
    gap_high_s
