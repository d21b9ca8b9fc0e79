"""Charts of what token counts tell: where an output comes back, and how long a step takes."""

import altair as alt
import polars as pl

from tracelab.charts import axes, shapes, theme, words
from tracelab.charts.base import chart

_MOST_MODELS, _FEWEST_PAIRS = 4, 50
_MOST_GROUPS = 8
_MEASURES = {"append_tokens": "Next append", "prefix_gain_tokens": "Prefix gained"}
_HELD = {"append_tokens": "held by the append", "prefix_gain_tokens": "taken in by the cache"}
_DECISIONS = {
    "append_side": "sent again",
    "prefix_side": "kept in the cache",
    "mixed": "both ways",
    "not_sure": "not sure",
}
_MODELS = (
    "from summary_output_attribution where provider <> 'all' and session_kind = 'all' and trigger = 'all'"
    f" and model is distinct from 'all' and min_output_tokens = 2000 and pairs >= {_FEWEST_PAIRS}"
    f" order by pairs desc, provider, model limit {_MOST_MODELS}"
)
_KINDS = {
    "user_to_tool_call": "message to call",
    "tool_to_tool_call": "result to call",
    "user_to_reasoning_end": "message to reasoned",
    "tool_to_reasoning_end": "result to reasoned",
    "reasoning_end_to_tool_call": "reasoned to call",
}


@chart(
    "Where a long output comes back: in the next append, or in the cached prefix",
    models=_MODELS,
    cells="from summary_output_attribution_grid where session_kind = 'all'"
    f" and (provider, model) in (select (provider, model) {_MODELS})"
    " order by provider, model, measure, output_bin, held_bin",
    total="from summary_output_attribution where provider = 'all' and session_kind = 'all' and model = 'all'"
    " and trigger = 'all' and min_output_tokens = 2000",
    overview=words.OVERVIEW,
)
def output_attribution(
    title: str, models: pl.DataFrame, cells: pl.DataFrame, total: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """Is a long output found in the cache by the next step, or is it sent and read again?

    Reads summary_output_attribution, a row a model, and summary_output_attribution_grid, a row a model,
    measure and half octaves of both. On the diagonal of the upper row the next append holds the output: it is
    read a second time. On that of the lower row the prefix grew by it: the cache took it in, and it costs a
    tenth.
    """
    facts = theme.pooled(total)
    notes = [
        "from summary_output_attribution, summary_output_attribution_grid",
        *words.left_out(
            facts, "pair", multi_call_pairs="of several calls", placeholder_pairs="of unknown output"
        ),
    ]
    if models.is_empty():
        reason = f"No model with {_FEWEST_PAIRS} outputs of 2,000 tokens or more, and a step soon after each."
        return theme.empty(reason, title=title, notes=notes, size=theme.GRID)
    lows, highs = ("output_low_tokens", "held_low_tokens"), ("output_high_tokens", "held_high_tokens")
    outputs = axes.around(axes.CONTEXTS, theme.least(cells, lows[0]), theme.greatest(cells, highs[0]))
    held = axes.around(axes.TOKENS, 0.5, max(theme.greatest(cells, name) for name in highs))
    width = shapes.width_of(models.height)
    rows: dict[str, list[theme.Layers]] = {measure: [] for measure in _MEASURES}
    for row in models.to_dicts():
        mine = (pl.col("provider") == row["provider"]) & pl.col("model").eq_missing(row["model"])
        shares = {"append_tokens": row["append_side_share"], "prefix_gain_tokens": row["prefix_close_share"]}
        decision = f"{words.counted(row['pairs'], 'pair')}: {_DECISIONS[row['decision']]}"
        heads = [
            theme.note(row["model"] or "no name", 0, -45, style="strong", width=width),
            theme.note(decision, 0, -27, style="label", width=width),
        ]
        for measure, name in _MEASURES.items():
            x = axes.log_x("x:Q", "Output", "tokens", axes.CONTEXTS, outputs)
            y = axes.log_y("y:Q", name, "tokens", axes.TOKENS, held)
            ends = {"x": lows[0], "x2": highs[0], "y": lows[1], "y2": highs[1]}
            placed = cells.filter(mine, pl.col("measure") == measure).select(
                "pairs", **{end: pl.col(column).clip(0.5) for end, column in ends.items()}
            )
            closed = placed.with_columns(pl.col("x2").fill_null(outputs[1]), pl.col("y2").fill_null(held[1]))
            text = f"{words.percent(shares[measure])} {_HELD[measure]}"
            layers = shapes.heat(closed, x, y, "pairs", row["provider"], (outputs[0], outputs[1]))
            shown = [*layers, theme.note(text, 0, -10, width=width), *heads]
            rows[measure].append(alt.layer(*shown).properties(width=width, height=180))
            heads = []
    subtitle = [
        words.population(overview, words.counted(facts["pairs"], "long output")),
        "Outputs of 2,000 tokens or more and the next step, at most 4 min later."
        " The fuller, the more; dashed: of one size.",
    ]
    plots = [plot for row in rows.values() for plot in row]
    body = alt.concat(*plots, columns=models.height).resolve_scale(opacity="independent")
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.GRID, left=theme.Y_AXIS)


@chart(
    "How well token counts tell how long a step takes",
    cells="from summary_timing_fit_grid where provider <> 'all' and session_kind = 'all' and model = 'all'"
    " and fit = 'log_duration' order by segments desc, provider, predicted_bin, measured_bin limit 3000",
    groups="from summary_timing_fit where session_kind = 'all' and mae_s is not null"
    " and fit in ('median', 'log_duration')"
    " and (provider, model, segment_kind) in (select (provider, model, segment_kind) from summary_timing_fit"
    " where session_kind = 'all' and fit = 'log_duration' and mae_s is not null"
    f" order by segments desc, provider, model, segment_kind limit {_MOST_GROUPS})"
    " order by segments desc, provider, model, segment_kind, fit",
    total="select count(*) as groups, sum(test_segments) as segments from summary_timing_fit"
    " where session_kind = 'all' and fit = 'log_duration' and mae_s is not null",
    overview=words.OVERVIEW,
)
def timing_fit(
    title: str, cells: pl.DataFrame, groups: pl.DataFrame, total: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """Can the time of a step be told from its prefix, append and output alone, as well as at all?

    Reads summary_timing_fit_grid, a row a provider and bins of the predicted and the measured time, and
    summary_timing_fit, a row a model, kind of segment and fit. Counts along the diagonal say yes. Below, a
    fit at the best guess knows all that tokens tell, and what is left is queues and load; one at the median
    for all knows nothing.
    """
    notes = ["from summary_timing_fit_grid, summary_timing_fit", "sessions that the fit has not seen"]
    if groups.is_empty() or cells.is_empty():
        reason = "No group of 100 timed segments of one model and kind."
        return theme.empty(reason, title=title, notes=notes, size=theme.GRID)
    counts = total.row(0, named=True)
    names = ("predicted_low_s", "measured_low_s")
    domain = theme.time_domain(
        max(min(theme.least(cells, name) for name in names), 0.01),
        max(theme.greatest(cells, name.replace("low", "high")) for name in names),
    )
    providers = theme.providers_in(cells)
    width = shapes.width_of(len(providers))
    plots = []
    for provider in providers:
        ends = {
            "x": "predicted_low_s",
            "x2": "predicted_high_s",
            "y": "measured_low_s",
            "y2": "measured_high_s",
        }
        placed = cells.filter(pl.col("provider") == provider).select(
            "segments",
            **{end: pl.col(name).clip(domain[0]).fill_null(domain[1]) for end, name in ends.items()},
        )
        x, y = theme.time_x("x:Q", "Predicted", domain), theme.time_y("y:Q", "Measured", domain)
        plots.append(
            alt.layer(
                *shapes.heat(placed, x, y, "segments", provider, domain),
                theme.heading(theme.PROVIDERS[provider]),
            ).properties(width=width, height=218)
        )
    upper = alt.hconcat(*plots).resolve_scale(opacity="independent")
    body = alt.vconcat(upper, _errors(groups), spacing=26)
    if further := counts["groups"] - groups["model"].len() // 2:
        notes.append(f"{words.counted(further, 'further group')} not drawn below")
    subtitle = [
        words.population(overview, words.counted(counts["segments"], "test segment")),
        "Above: the fuller, the more; dashed: as predicted. Below: mean error of the largest groups.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.GRID, left=theme.Y_AXIS)


def _errors(groups: pl.DataFrame) -> alt.HConcatChart:
    """The error of each group's fit, between that of the baseline and that of the best guess."""
    fits = groups.filter(pl.col("fit") == "log_duration").with_row_index("row")
    names = pl.col("model").fill_null("no name").map_elements(_short, return_dtype=pl.String)
    rows = fits.with_columns(
        label=pl.concat_str(names, pl.lit(" · "), pl.col("segment_kind").replace(_KINDS))
    )
    baseline = groups.filter(pl.col("fit") == "median").select(
        "provider", "model", "segment_kind", median_mae_s="mae_s"
    )
    drawn = rows.join(baseline, on=["provider", "model", "segment_kind"], how="left", nulls_equal=True)
    y = alt.Y("row:O").axis(None).scale(paddingInner=0.3)
    ends = [theme.greatest(drawn, name) for name in ("mae_s", "median_mae_s")]
    least = [theme.least(drawn, name) for name in ("mae_s", "floor_mae_s", "median_mae_s")]
    domain = theme.time_domain(min((value for value in least if value > 0), default=0), max(ends))
    x = theme.time_x("mae_s:Q", "Mean error", domain)
    base = alt.Chart(drawn, width=560).encode(
        y=alt.Y("row:O").axis(title=None, labels=False, grid=True),
        color=theme.colours(),
        tooltip=theme.tooltip("label:N", "test_segments:Q", "mae_s:Q", "floor_mae_s:Q", "median_mae_s:Q"),
    )
    key = {"fit": ("circle", 0), "median time for all": ("triangle-left", 60)}
    if drawn["floor_mae_s"].count():
        key["best guess"] = ("triangle-right", 220)
    marks = alt.layer(
        base.mark_rule(strokeWidth=1.5).encode(x=alt.X("floor_mae_s:Q"), x2=alt.X2("median_mae_s:Q")),
        base.mark_point(filled=True, size=52, opacity=1).encode(x=x),
        base.mark_point(shape="triangle-left", filled=True, size=52, opacity=1).encode(
            x=alt.X("median_mae_s:Q")
        ),
        base.mark_point(shape="triangle-right", filled=True, size=52, opacity=1).encode(
            x=alt.X("floor_mae_s:Q")
        ),
        *(
            layer
            for text, (shape, place) in key.items()
            for layer in (
                theme.mark(
                    "point", style="sign", shape=shape, filled=True, size=52, opacity=1, x=place + 6, y=-10
                ),
                theme.note(text, place + 15, -10),
            )
        ),
    )
    panels: alt.HConcatChart = alt.hconcat(
        shapes.names(drawn, "label", y, width=300).properties(height=176),
        marks.properties(height=176),
        spacing=14,
    )
    return panels


def _short(name: str) -> str:
    return words.short(name, 24)
