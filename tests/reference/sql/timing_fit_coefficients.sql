-- METRICS §29: which coefficients there are; their values are not comparable.
with
    coefficients as (
        unpivot simulations.sim_timing_fit
        on columns(
            * exclude (group_id, provider, model, segment_kind, fit, train_segments)
        )
        into name feature value coefficient
    )
select
    provider,
    model,
    published_kind as segment_kind,
    concat_ws('::', provider, model, published_kind) as group_key,
    replace(fit, 'smooth', 'smooth_relative') || '_ms' as target,
    regexp_replace(
        regexp_replace(replace(feature, 'output', 'out'), '_k_2$', '_k^2'),
        '_k_(\w+)$',
        '_k*\1'
    ) as feature,
    segments - trimmed_segments as fit_rows
from coefficients
inner join summary_timing_fit using (provider, model, segment_kind, fit)
inner join segment_kinds using (provider, segment_kind)
where fit <> 'median' and session_kind = 'all'
