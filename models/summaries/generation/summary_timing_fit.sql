-- One row per provider, kind of session, model, kind of segment and fit: how well token
-- counts tell how long a segment takes, in sessions that the fit has not seen. A fit is
-- made of all sessions, and judged by the kind.
with
    segments as (select * from {{ ref("sim_timing_segments") }}),
    fits as (select * from {{ ref("sim_timing_fit") }}),
    groups as (
        select
            group_id,
            provider,
            {{ pooled("session_kind") }},
            model,
            segment_kind,
            unnest(['median', 'duration', 'log_duration', 'smooth_duration']) as fit,
            count(*) filter (where is_usable) as segments,
            count(*) filter (where not is_usable) as unusable_segments,
            count(*) filter (where is_usable and is_trimmed) as trimmed_segments,
            quantile_cont(duration_ms / 1000, [0.5, 0.9, 0.99]) filter (
                where is_usable and not is_trimmed
            ) as durations
        from segments
        group by
            group_id, provider, model, segment_kind, grouping sets ((), (session_kind))
    ),
    predicted as (
        select
            *,
            abs(predicted_ms - duration_ms) as error_ms,
            abs(ln(predicted_ms / duration_ms)) as log_error,
            -- what is fitted, and how far off it is
            if(fit = 'log_duration', ln(duration_ms) * 1e9, duration_ms)::hugeint
            as target,
            if(fit = 'log_duration', log_error * 1e9, error_ms) as target_error
        from {{ ref("sim_timing_predictions") }}
    ),
    -- sums are of integers: the same in any order
    errors as (
        select
            group_id,
            fit,
            {{ pooled("session_kind") }},
            count(duration_ms) as test_segments,
            avg((error_ms * 1e3)::bigint) / 1e6 as mae_s,
            sqrt(sum((error_ms * error_ms * 1e6)::hugeint) / test_segments)
            / 1e6 as rmse_s,
            quantile_cont(error_ms / 1000, 0.5) as p50_error_s,
            avg((error_ms / duration_ms * 1e9)::bigint) / 1e9 as mean_relative_error,
            quantile_cont(error_ms / duration_ms, [0.5, 0.9]) as relative_errors,
            avg((error_ms / (duration_ms + 1000) * 1e9)::bigint)
            / 1e9 as mean_smooth_error,
            quantile_cont(error_ms / (duration_ms + 1000), [0.5, 0.9]) as smooth_errors,
            avg((log_error * 1e9)::bigint) / 1e9 as mean_log_error,
            quantile_cont(log_error, 0.5) as p50_log_error,
            quantile_cont(predicted_ms / duration_ms, [0.1, 0.5, 0.9]) as ratios,
            sum((target_error * target_error * 1e6)::hugeint)
            / 1e6
            / nullif({{ squared_deviations("target") }}, 0) as unexplained
        from predicted
        group by group_id, fit, grouping sets ((), (session_kind))
    ),
    -- what the segments of nearly the same tokens, of all sessions, leave open
    floors as (
        select
            group_id,
            session_kind,
            sum(segments) as floor_segments,
            sum(total_error_ms) / 1000 / sum(segments) as floor_mae_s,
            sum(total_relative_error) / sum(segments) as floor_relative_error,
            sum(total_smooth_error) / sum(segments) as floor_smooth_error
        from {{ ref("sim_timing_neighbourhoods") }}
        where likeness = 'near'
        group by group_id, session_kind
    )
select
    provider,
    session_kind,
    model,
    segment_kind,
    fit,
    segments,
    unusable_segments,
    trimmed_segments,
    durations[1] as duration_p50_s,
    durations[2] as duration_p90_s,
    durations[3] as duration_p99_s,
    train_segments,
    if(train_segments is null, null, coalesce(test_segments, 0)) as test_segments,
    mae_s,
    rmse_s,
    p50_error_s,
    mean_relative_error,
    relative_errors[1] as p50_relative_error,
    relative_errors[2] as p90_relative_error,
    mean_smooth_error,
    smooth_errors[1] as p50_smooth_error,
    smooth_errors[2] as p90_smooth_error,
    mean_log_error,
    p50_log_error,
    ratios[1] as predicted_ratio_p10,
    ratios[2] as predicted_ratio_p50,
    ratios[3] as predicted_ratio_p90,
    1 - unexplained as r2,
    floor_segments / (segments - trimmed_segments) as floor_covered_share,
    floor_mae_s,
    mae_s / nullif(floor_mae_s, 0) as mae_over_floor,
    mean_relative_error / nullif(floor_relative_error, 0) as relative_over_floor,
    mean_smooth_error / nullif(floor_smooth_error, 0) as smooth_over_floor
from groups
left join (select group_id, fit, train_segments from fits) using (group_id, fit)
left join errors using (group_id, fit, session_kind)
left join floors using (group_id, session_kind)
