"""The reference tables of the generation summaries: speeds, times, and what they are fitted to."""

from tests.reference.same import milliseconds
from tests.reference.tables import Table

GENERATION = (
    Table(
        "timing_fit_metrics.csv",
        ("provider", "model", "segment_kind"),
        {"duration_*_ms": milliseconds},
        exempt=("(log_target_|smooth_target_)?test_.*",),
    ),
    Table(
        "timing_fit_coefficients.csv",
        ("provider", "model", "segment_kind", "target", "feature"),
        exempt=("coefficient|test_.*",),
    ),
)
