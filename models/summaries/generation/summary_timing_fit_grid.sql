-- One row per cut, fit, bin of the predicted and bin of the measured time that has
-- segments of the test set: where what token counts foretell is off.
with
    bins as (select * from {{ ref("bins") }} where grid = 'segment_s'),
    by_predicted as (
        select
            provider,
            session_kind,
            model,
            fit,
            duration_ms,
            bin as predicted_bin,
            low as predicted_low_s,
            high as predicted_high_s
        from {{ ref("sim_timing_predictions") }}
        asof join bins on predicted_ms / 1000 >= low
    )
select
    {{ pooled("provider") }},
    {{ pooled("session_kind") }},
    {{ pooled("model") }},
    fit,
    predicted_bin,
    predicted_low_s,
    predicted_high_s,
    bin as measured_bin,
    low as measured_low_s,
    high as measured_high_s,
    count(*) as segments
from by_predicted
asof join bins on duration_ms / 1000 >= low
group by
    {{ cuts() }}, fit, predicted_bin, predicted_low_s, predicted_high_s, bin, low, high
