-- One row per fit and segment of the test set: what the fit says that it takes.
with
    fits as (select * from {{ ref("sim_timing_fit") }}),
    segments as (
        select
            *,
            prefix_tokens / 1000 as p,
            append_tokens / 1000 as a,
            output_tokens / 1000 as o
        from {{ ref("sim_timing_segments") }}
        where is_test and is_usable and not is_trimmed
    ),
    fitted as (
        select
            segments.*,
            fit,
            intercept
            + prefix_k * p
            + append_k * a
            + output_k * o
            + prefix_k_2 * p * p
            + append_k_2 * a * a
            + output_k_2 * o * o
            + prefix_k_append_k * p * a
            + prefix_k_output_k * p * o
            + append_k_output_k * a * o as fitted
        from fits
        inner join segments on fits.group_id = segments.group_id
    )
select
    step_id,
    group_id,
    provider,
    session_kind,
    model,
    segment_kind,
    fit,
    duration_ms,
    -- far from what it has seen a fit goes astray: not below 0, nor above 12 days
    greatest(
        least(if(fit = 'log_duration', exp(least(fitted, 21)), fitted), 1e9), 1e-9
    ) as predicted_ms
from fitted
