"""One row per provider, model, kind of segment and fit: coefficients that tell its time from its tokens."""


def model(dbt, _session):
    from tracelab.algorithms.timing_fit import timing_fits

    fitted = dbt.ref("sim_timing_segments").filter("is_usable and not is_trimmed")
    names = "provider, model, segment_kind, duration_ms, prefix_tokens, append_tokens, output_tokens, is_test"
    return timing_fits(fitted.select(names).pl())
