-- One row per provider, kind of session, model, kind of segment and likeness, and per
-- neighbourhood that differs most: how far apart the times of segments of like tokens
-- are.
with
    groups as (
        select
            group_id,
            provider,
            {{ pooled("session_kind") }},
            model,
            segment_kind,
            count(*) filter (where is_usable) as exact_segments,
            count(*) filter (where is_usable and not is_trimmed) as near_segments
        from {{ ref("sim_timing_segments") }}
        group by
            group_id, provider, model, segment_kind, grouping sets ((), (session_kind))
    ),
    neighbourhoods as (
        select
            *,
            row_number() over (
                partition by likeness, session_kind
                order by duration_max_ms - duration_min_ms desc, group_id, bins
            ) as spread_rank,
            row_number() over (
                partition by likeness, session_kind
                order by
                    duration_min_ms >= 100 desc,
                    duration_max_ms / duration_min_ms desc,
                    group_id,
                    bins
            ) as ratio_rank
        from {{ ref("sim_timing_neighbourhoods") }}
    )
select
    provider,
    session_kind,
    model,
    segment_kind,
    likeness,
    {{ pooled("bins") }},
    count(*) as neighbourhoods,
    sum(segments)::bigint as segments,
    sum(segments)
    / any_value(if(likeness = 'exact', exact_segments, near_segments)) as covered_share,
    min(prefix_min_tokens) as prefix_min_tokens,
    max(prefix_max_tokens) as prefix_max_tokens,
    min(append_min_tokens) as append_min_tokens,
    max(append_max_tokens) as append_max_tokens,
    min(output_min_tokens) as output_min_tokens,
    max(output_max_tokens) as output_max_tokens,
    min(duration_min_ms) / 1000 as duration_min_s,
    sum((duration_p10_ms * 1e3)::hugeint * segments)
    / 1e6
    / sum(segments) as duration_p10_s,
    sum((duration_p50_ms * 1e3)::hugeint * segments)
    / 1e6
    / sum(segments) as duration_p50_s,
    sum((duration_p90_ms * 1e3)::hugeint * segments)
    / 1e6
    / sum(segments) as duration_p90_s,
    max(duration_max_ms) / 1000 as duration_max_s,
    sum(
        ((duration_p90_ms - duration_p10_ms) / duration_p50_ms * 1e9)::hugeint
        * segments
    )
    / 1e9
    / sum(segments) as spread_ratio,
    sum(total_error_ms) / 1000 / sum(segments) as floor_mae_s,
    sum(total_relative_error) / sum(segments) as floor_relative_error,
    sum(total_smooth_error) / sum(segments) as floor_smooth_error,
    case when grouping(bins) = 0 then min(spread_rank) end as spread_rank,
    case
        when grouping(bins) = 0 and min(duration_min_ms) >= 100 then min(ratio_rank)
    end as ratio_rank
from neighbourhoods
inner join groups using (group_id, session_kind)
group by
    group_id,
    provider,
    session_kind,
    model,
    segment_kind,
    likeness,
    grouping sets ((), (bins))
having grouping(bins) = 1 or least(min(spread_rank), ratio_rank) <= 20
