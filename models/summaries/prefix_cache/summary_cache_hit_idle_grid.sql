-- One row per cut, bin of the idle gap and bin of the hit ratio, and all of the
-- gap's: where the steps lie.
with
    gap_bins as (select bin, low, high from {{ ref("bins") }} where grid = 'idle_s'),
    hit_bins as (select bin, low, high from {{ ref("bins") }} where grid = 'hit_ratio'),
    gaps as (
        select step_id, 'causal' as gap_measure, idle_gap_ms as gap_ms
        from {{ ref("idle_gaps") }}
        where {{ is_in_part("gap_measure") }}
        union all
        select step_id, 'published' as gap_measure, published_gap_ms as gap_ms
        from {{ ref("idle_gaps") }}
        where {{ is_in_part("gap_measure") }}
    ),
    steps as (
        select
            provider,
            session_kind,
            model,
            trigger,
            gap_measure,
            gap_ms / 1000 as gap_s,
            hit_ratio,
            prefix_tokens,
            input_tokens
        from {{ ref("steps") }}
        inner join gaps using (step_id)
        where trigger <> 'none' and hit_ratio is not null and calls = 1
    ),
    binned as (
        select
            steps.*,
            gap_bins.bin as gap_bin,
            hit_bins.bin as hit_bin,
            hit_ratio < 0.1 as is_low
        from steps
        asof join gap_bins on gap_s >= gap_bins.low
        asof join hit_bins on hit_ratio >= hit_bins.low
    ),
    counted as (
        select
            {{ pooled("provider") }},
            {{ pooled("session_kind") }},
            {{ pooled("model") }},
            {{ pooled("trigger") }},
            gap_measure,
            gap_bin,
            hit_bin,
            count(*) as steps,
            quantile_cont(hit_ratio, [0.25, 0.5, 0.75]) as hits,
            sum(prefix_tokens) / sum(input_tokens) as hit_ratio,
            count_if(is_low) / count(*) as low_hit_share
        from binned
        group by
            {{ cuts() }},
            grouping sets ((), (trigger)),
            grouping sets ((), (hit_bin)),
            gap_measure,
            gap_bin
    )
select
    provider,
    session_kind,
    model,
    trigger,
    gap_measure,
    gap_bin,
    gap_bins.low as gap_low_s,
    gap_bins.high as gap_high_s,
    coalesce(hit_bin::varchar, 'all') as hit_bin,
    hit_bins.low as hit_low,
    hit_bins.high as hit_high,
    steps,
    hits[1] as hit_p25,
    hits[2] as hit_p50,
    hits[3] as hit_p75,
    hit_ratio,
    low_hit_share
from counted
inner join gap_bins on gap_bin = gap_bins.bin
left join hit_bins on hit_bin = hit_bins.bin
