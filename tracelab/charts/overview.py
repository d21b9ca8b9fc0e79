"""Charts of everything at once: when agents worked, with which models, and how that compares with others."""

import altair as alt
import polars as pl

from tracelab.charts import axes, shapes, theme, words
from tracelab.charts.base import chart

_MOST_MODELS = 15
_FEW_ROWS = 9
"""As many as a pair's height holds."""
_COMPARABLE = {
    "same": "same definition",
    "compare_with": "same, of a variant",
    "differs": "differs by a ruling",
}


@chart(
    "What agents did, day by day",
    days="from summary_dashboard_daily where provider <> 'all' and session_kind = 'all' and day is not null"
    " order by day, provider limit 2000",
    overview=words.OVERVIEW,
)
def activity(title: str, days: pl.DataFrame, overview: pl.DataFrame) -> alt.VConcatChart:
    """On which days did agents work, how much, and what was spent on it?

    Reads summary_dashboard_daily, a row a provider and day; a day without work is a gap. If the lower bars
    rise and the upper do not, steps became dearer: longer contexts, a dearer model, a cache that misses.
    """
    notes = ["from summary_dashboard_daily"]
    if days.is_empty():
        return theme.empty("No step with a known day.", title=title, notes=notes, size=theme.PAIR)
    notes.append(f"days are those of {days['timezone'][0]}")
    if unpriced := theme.total(days, "unpriced_steps"):
        notes.append(f"{words.counted(unpriced, 'step')} without a price")
    providers = theme.providers_in(days)
    drawn = days.with_columns(
        pl.col("cost_usd").fill_null(0),
        from_day=pl.col("day").dt.strftime("%Y-%m-%dT00:00:00"),
        to_day=pl.col("day").dt.offset_by("1d").dt.strftime("%Y-%m-%dT00:00:00"),
    )
    span = alt.Scale(
        type="utc",
        domain=[drawn["from_day"][0], drawn["to_day"][-1]],
        nice=False,
    )
    clock = alt.Axis(title="Day (date)", format="%b %d", tickCount=10, grid=False)
    plots = []
    for column, title_y, form in (("steps", "Steps (number)", ",~s"), ("cost_usd", "Spend ($)", "$,~s")):
        axis = theme.y_axis(title_y, tickCount=3, labelExpr=f"format(datum.value, '{form}')")
        x = clock if column == "cost_usd" else alt.Axis(title=None, labels=False, grid=False)
        high = pl.col(column).cum_sum().over("day")
        bars = (
            alt.Chart(drawn.with_columns(high=high, low=high - pl.col(column)))
            .mark_rect(stroke="white", strokeWidth=0.5)
            .encode(
                x=alt.X("from_day:T").scale(span).axis(x),
                x2="to_day:T",
                y=alt.Y("low:Q").axis(axis),
                y2="high:Q",
                color=shapes.colours(days),
                tooltip=["day:T", "provider", "steps", "cost_usd"],
            )
            .properties(width=shapes.width_of(1), height=84)
        )
        plots.append(bars)
    totals = {}
    for provider in providers:
        mine = days.filter(pl.col("provider") == provider)
        steps, spend = theme.total(mine, "steps"), theme.total(mine, "cost_usd")
        text = f"{theme.PROVIDERS[provider]}: {words.counted(steps, 'step')}, {words.dollars(spend)}"
        totals[text] = theme.PROVIDER_COLOURS[provider]
    body = alt.vconcat(alt.layer(plots[0], *shapes.swatches(totals)), plots[1], spacing=10)
    subtitle = [
        words.population(overview, words.counted(days["day"].n_unique(), "day") + " with steps"),
        "Above steps, below spend; the bars of clients stand on each other.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR, left=theme.Y_AXIS)


@chart(
    "Which models are used, and what they cost",
    models="from summary_dashboard_models where provider <> 'all' and session_kind = 'all'"
    " and model is distinct from 'all' order by cost_usd desc, steps desc, provider, model",
    total="from summary_dashboard_models where provider = 'all' and session_kind = 'all' and model = 'all'",
    overview=words.OVERVIEW,
)
def model_mix(
    title: str, models: pl.DataFrame, total: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """Which models take the steps, the tokens and the money?

    Reads summary_dashboard_models, a row a provider and model. A model with more of the money than of the
    tokens is dear; one with more of the tokens than of the steps works in long contexts.
    """
    notes = ["from summary_dashboard_models", "shares are of all clients together"]
    if unpriced := theme.total(models, "unpriced_steps"):
        notes.append(f"{words.counted(unpriced, 'step')} without a price")
    if not theme.total(models, "steps"):
        return theme.empty("No step.", title=title, notes=notes, size=theme.PAIR)
    if rest := models.height - _MOST_MODELS if models.height > _MOST_MODELS else 0:
        share = theme.total(models.tail(rest), "steps") / theme.total(total, "steps")
        notes.append(
            f"{words.counted(rest, 'further model')} with {words.percent(share)} of the steps not drawn"
        )
    whole = {
        name: theme.total(total, name) or 1.0
        for name in ("steps", "input_tokens", "output_tokens", "cost_usd")
    }
    rows = (
        models.head(_MOST_MODELS)
        .with_row_index("row")
        .with_columns(
            pl.col("model").fill_null("no name"),
            step_share=pl.col("steps") / whole["steps"],
            token_share=(pl.col("input_tokens").fill_null(0) + pl.col("output_tokens").fill_null(0))
            / (whole["input_tokens"] + whole["output_tokens"]),
            cost_share=pl.col("cost_usd") / whole["cost_usd"],
        )
    )
    size = theme.PAIR if rows.height <= _FEW_ROWS else theme.GRID
    y = alt.Y("row:O").axis(None).scale(paddingInner=0.3)
    panels = [
        (256, shapes.names(rows, "model", y, width=256)),
        (
            204,
            shapes.bars(
                rows,
                y,
                "step_share",
                shapes.share_ticks("Share of steps (%)", rows["step_share"]),
                words.percent,
            ),
        ),
        (
            204,
            shapes.bars(
                rows,
                y,
                "token_share",
                shapes.share_ticks("Share of tokens (%)", rows["token_share"]),
                words.percent,
            ),
        ),
        (
            204,
            shapes.bars(
                rows,
                y,
                "cost_share",
                shapes.share_ticks("Share of spend (%)", rows["cost_share"]),
                words.percent,
                missing="no price",
            ),
        ),
    ]
    height = size[1] - 162
    body = alt.hconcat(*(panel.properties(width=width, height=height) for width, panel in panels), spacing=14)
    subtitle = [
        words.population(
            overview, words.counted(models.height, "model"), words.dollars(theme.total(total, "cost_usd"))
        ),
        "Sorted by spend, at the providers' list prices.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=size)


@chart(
    "Our figures beside the published ones",
    figures="from compare_published where ratio > 0 and comparability in ('same', 'compare_with', 'differs')"
    " order by table_name, figure_id",
    left_out="from compare_published where coalesce(ratio, 0) <= 0"
    " or comparability not in ('same', 'compare_with', 'differs')",
    overview=words.OVERVIEW,
)
def published(
    title: str, figures: pl.DataFrame, left_out: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """How far are the figures of these logs from the published ones?

    Reads compare_published, a row a figure. Near 1 these logs are as the paper's. A table whose points all
    stand on one side is of other habits: longer sessions, other models. One whose points scatter is of few
    values, or of a definition that differs.
    """
    notes = ["from compare_published", "intervals: `tracelab compare`", "what lies beyond stands at the edge"]
    if not left_out.is_empty():
        notes.append(f"{words.counted(left_out.height, 'figure')} without a ratio to compare left out")
    counted = theme.total(overview.filter(pl.col("name") == "steps"), "value")
    if figures.is_empty() or not counted:
        return theme.empty("No figure to compare.", title=title, notes=notes, size=theme.GRID)
    domain = (0.01, 100.0)
    ticks = {0.01: "1/100", 0.1: "1/10", 0.5: "1/2", 1.0: "1", 2.0: "2", 10.0: "10", 100.0: "100"}
    drawn = figures.with_columns(
        subject=pl.col("table_name").str.strip_prefix("summary_").str.replace_all("_", " ")
    )
    subjects = drawn["subject"].unique(maintain_order=True).to_list()
    y = alt.Y("subject:N").scale(domain=subjects, padding=0.5)
    y = y.axis(
        alt.Axis(title=None, minExtent=150, maxExtent=150, grid=True, labelLimit=150, labelOverlap=False)
    )
    signs = ["circle", "triangle-up", "diamond"]
    shape = alt.Shape("comparability:N").scale(domain=list(_COMPARABLE), range=signs)
    x = axes.log_x("ratio:Q", "Ours over the published figure", "ratio", ticks, domain)
    key = [
        layer
        for place, (text, sign) in enumerate(zip(_COMPARABLE.values(), signs, strict=True))
        for layer in (
            alt.Chart(pl.DataFrame({"text": [text]}))
            .mark_point(style="sign", shape=sign, filled=True, size=60, opacity=1)
            .encode(x=alt.value(330 + 150 * place), y=alt.value(-12)),
            theme.note(text, 340 + 150 * place, -12),
        )
    ]
    providers = theme.providers_in(drawn)
    base = alt.Chart(drawn, width=760, height=460)
    body = alt.layer(
        base.mark_point(filled=True, size=34, opacity=0.55).encode(
            x=x,
            y=y,
            color=shapes.colours(drawn),
            shape=shape.legend(None),
            tooltip=["figure_id", "ours", "published", "ratio"],
        ),
        alt.Chart(pl.DataFrame({"ratio": [1.0]})).mark_rule(style="landmark").encode(x=x),
        *shapes.swatches({theme.PROVIDERS[name]: theme.PROVIDER_COLOURS[name] for name in providers}),
        *key,
    )
    same = figures.filter(pl.col("comparability") == "same")
    near = same.filter(pl.col("ratio").is_between(0.5, 2)).height
    subtitle = [
        words.population(overview, words.counted(figures.height, "figure")),
        f"Of {same.height} with the same definition {near} lie between half and twice the published value.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.GRID, left=155)
