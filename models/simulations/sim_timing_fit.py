"""One row per provider, model, kind of segment and fit: coefficients that tell its time from its tokens."""


def model(dbt, _session):
    from tracelab.algorithms.timing_fit import timing_fits

    fitted = dbt.ref("sim_timing_segments").filter("is_usable and not is_trimmed")
    return timing_fits(fitted.project("* exclude (step_id, session_kind, is_usable, is_trimmed)").pl())
