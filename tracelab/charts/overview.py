"""Charts of everything at once: when agents worked, with which models, and how that compares with others."""

from typing import Literal

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
THEMES = {
    "overview": ("steps", "sessions", "overview"),
    "requests": ("request_response_time",),
    "tokens": (
        "token_lengths",
        "append_by_prefix_bin",
        "adjusted_append",
        "output_tokens",
        "output_attribution",
    ),
    "prefix cache": (
        "cache_hit_ratio",
        "cache_hit_idle",
        "redundant_prefill",
        "eviction_tradeoff",
        "kv_active_ratio",
        "idle_counterfactual",
    ),
    "tools": (
        "tool_latency",
        "tool_latency_cdf",
        "tool_time",
        "tool_categories",
        "tool_long_tail",
        "codex_tool_gap",
    ),
    "generation": ("decode_speed", "append_vs_prefix_latency"),
    "sessions": ("session_counts", "timing_distribution", "cost_distribution", "input_growth", "compactions"),
    "people": ("human_wait", "request_decomposition"),
}
"""Theme → tables whose figures are compared with published ones, without `summary_`."""
_MOST_DAY_BARS = 366
"""Of more days a bar is a month: one of a day would be a hair."""


@chart(
    "What agents did, and when",
    days="from summary_dashboard_daily where provider <> 'all' and session_kind = 'all' and day is not null"
    " order by day desc, provider",
    undated="from summary_dashboard_daily where provider = 'all' and session_kind = 'all' and day is null",
    overview=words.OVERVIEW,
)
def activity(
    title: str, days: pl.DataFrame, undated: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """On which days did agents work, how much, and what was spent on it?

    Reads summary_dashboard_daily, a row a provider and day; a day without work is a gap. Of more than a
    year a bar is a month. If the lower bars
    rise and the upper do not, steps became dearer: longer contexts, a dearer model, a cache that misses.
    """
    notes = [
        "from summary_dashboard_daily",
        *words.left_out(theme.pooled(undated), "step", steps="without a day"),
    ]
    if days.is_empty():
        return theme.empty("No step with a known day.", title=title, notes=notes, size=theme.PAIR)
    notes.append(f"days are those of {days['timezone'][0]}")
    if unpriced := words.numbers_of(overview).get("unpriced_steps"):
        notes.append(f"{words.counted(unpriced, 'step')} without a price")
    span = days.select(pl.date_range(pl.col("day").min(), pl.col("day").max())).to_series()
    is_by_day = len(span) <= _MOST_DAY_BARS
    unit: Literal["utcyearmonthdate", "utcyearmonth"] = "utcyearmonthdate" if is_by_day else "utcyearmonth"
    # a bar is as wide as its day or month; Vega-Lite lays those of clients on each other
    drawn = (
        days.with_columns(pl.col("day").dt.truncate("1d" if is_by_day else "1mo"))
        .group_by("day", "provider", maintain_order=True)
        .agg(pl.col("steps").sum(), pl.when(pl.col("cost_usd").count() > 0).then(pl.col("cost_usd").sum()))
        .with_columns(pl.col("day").dt.strftime("%Y-%m-%dT00:00:00"))
    )
    middles = _noons(span) if is_by_day else _mid_months(span)
    bar = "day" if is_by_day else "month"
    clock = theme.axis(
        title=f"{bar.capitalize()} (date)",
        format=_day_format(days) if is_by_day else "%b %Y",
        values=middles,
        grid=False,
    )
    plots = []
    is_small = drawn.filter(pl.col("cost_usd") >= 1).is_empty()
    money = "$,.2~r" if is_small else "$,~s"  # half a dollar is not $500m
    for column, title_y, form in (("steps", "Steps (number)", ",~s"), ("cost_usd", "Spend ($)", money)):
        axis = theme.y_axis(title_y, tickCount=3, labelExpr=theme.labels(form))
        x = clock if column == "cost_usd" else theme.axis(title=None, labels=False, grid=False)
        bars = alt.Chart(drawn, width=shapes.width_of(1), height=84).mark_bar(binSpacing=0.5, minBandSize=2)
        plots.append(
            bars.encode(
                x=alt.X("day:T").timeUnit(unit).axis(**x),
                y=alt.Y(f"{column}:Q").axis(**axis),
                color=theme.colours(),
                order=alt.Order("provider:N"),
                tooltip=theme.tooltip(f"{unit}(day):T", "provider:N", "steps:Q", "cost_usd:Q"),
            )
        )
    totals = {}
    for provider in theme.providers_in(days):
        numbers = words.numbers_of(overview, provider)
        steps, spend = words.counted(numbers.get("steps", 0), "step"), words.spend(numbers.get("cost_usd"))
        text = f"{theme.PROVIDERS[provider]}: {steps}, {spend}"
        totals[text] = theme.PROVIDER_COLOURS[provider]
    upper = alt.layer(plots[0], *shapes.swatches(totals))
    missing = [] if drawn["cost_usd"].count() else [theme.note("no price", 8, 14)]
    body = alt.vconcat(upper, alt.layer(plots[1], *missing), spacing=10).resolve_scale(x="shared")
    subtitle = [
        words.population(overview, words.counted(days["day"].n_unique(), "day") + " with steps"),
        f"Above steps, below spend, by {bar}; the bars of clients stand on each other.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR, left=theme.Y_AXIS)


def _mid_months(span: pl.Series) -> list[dict[str, int]]:
    """Return the middle of at most ten months, as `_noons` does: January's, if there are so many years."""
    months = span.dt.truncate("1mo").unique(maintain_order=True)
    apart = next(
        (count for count in (1, 2, 3, 6, 12) if len(months) <= 10 * count), 12 * (1 + len(months) // 120)
    )
    shown = months.filter((months.dt.year() * 12 + months.dt.month() - 1) % apart == 0)
    return [{"year": month.year, "month": month.month, "date": 16, "utc": True} for month in shown]


def _noons(span: pl.Series) -> list[dict[str, int]]:
    """Return the middle of at most ten days: there a label stands under its bar.

    In parts, for Vega's interpreter of expressions, which the report needs, knows no instant in milliseconds.
    """
    shown = span.gather_every(1 + (len(span) - 1) // 10)
    return [
        {"year": day.year, "month": day.month, "date": day.day, "hours": 12, "utc": True} for day in shown
    ]


def _day_format(days: pl.DataFrame) -> str:
    years = days["day"].dt.year().n_unique()
    return "%b %d" if years == 1 else "%b %d, %Y"


@chart(
    "Which models are used, and what they cost",
    models=f"""
        select
            least(place, {_MOST_MODELS + 1}) as row,
            if(row > {_MOST_MODELS}, 'all', any_value(provider)) as provider,
            any_value(model) as model,
            any_value(models) as models,
            count(*) as grouped,
            sum(step_share) / sum(sum(step_share)) over () as step_share,
            sum(token_share) / sum(sum(token_share)) over () as token_share,
            sum(cost_share) / nullif(sum(sum(cost_share)) over (), 0) as cost_share
        from (
            select
                *,
                row_number() over (
                    order by
                        prominence > {_MOST_MODELS}, cost_usd desc nulls last, steps desc, provider, model
                ) as place,
                count(*) over () as models
            from (
                select
                    *,
                    row_number() over (
                        order by greatest(step_share, token_share, cost_share) desc, provider, model
                    ) as prominence
                from summary_dashboard_models
                where provider <> 'all' and session_kind = 'all' and model is distinct from 'all'
            )
        )
        group by row
        order by row""",
    total="from summary_dashboard_models where provider = 'all' and session_kind = 'all' and model = 'all'",
    overview=words.OVERVIEW,
)
def model_mix(
    title: str, models: pl.DataFrame, total: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """Which models take the steps, the tokens and the money?

    Reads summary_dashboard_models, a row a provider and model; those behind the 15 with the greatest shares
    are one bar. A model with more of the money than of the tokens is dear; one with more of the tokens than
    of the steps works in long contexts.
    """
    notes = ["from summary_dashboard_models", "shares are of all models here"]
    facts = theme.pooled(total)
    if facts["unpriced_steps"]:
        notes.append(f"{words.counted(facts['unpriced_steps'], 'step')} without a price")
    if models.is_empty():
        return theme.empty("No step.", title=title, notes=notes, size=theme.PAIR)
    rows = models.with_columns(label=shapes.first_and_rest(_MOST_MODELS, "model", "model"))
    size = theme.PAIR if rows.height <= _FEW_ROWS else theme.GRID
    y = shapes.places(rows)
    shares = {
        "step_share": "Share of steps",
        "token_share": "Share of tokens",
        "cost_share": "Share of spend",
    }
    panels = [
        (256, shapes.names(rows, "label", y, width=256)),
        *(
            (204, shapes.share_bars(rows, y, name, text, beside=list(shares), missing="no price"))
            for name, text in shares.items()
        ),
    ]
    counted = words.counted(models["models"][0], "model")
    subtitle = [
        words.population(overview, counted, words.spend(facts.get("cost_usd"))),
        "Sorted by spend, at the providers' list prices.",
    ]
    return shapes.panels(panels, title=title, subtitle=subtitle, notes=notes, size=size)


@chart(
    "Our figures beside the published ones",
    figures="from compare_published where ratio > 0 and comparability in ('same', 'compare_with', 'differs')"
    " and statistic not in ('count', 'sum') order by table_name, figure_id limit 2000",
    facts="select count(*) filter (where not is_drawn) as left_out,"
    " count(*) filter (where is_drawn and comparability = 'same') as same,"
    " count(*) filter (where is_drawn and comparability = 'same' and ratio between 0.5 and 2) as near"
    " from (select *, coalesce(ratio > 0, false) and comparability in ('same', 'compare_with', 'differs')"
    " and statistic not in ('count', 'sum') as is_drawn from compare_published)",
    overview=words.OVERVIEW,
)
def published(
    title: str, figures: pl.DataFrame, facts: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """How far are the figures of these logs from the published ones?

    Reads compare_published, a row a figure but counts and sums, which tell how much was logged. Near 1 these
    logs are as the paper's. A table whose points all stand on one side is of other habits: longer sessions,
    other models. One whose points scatter is of few values, or of a definition that differs.
    """
    notes = ["from compare_published", "intervals: tracelab compare", "what lies beyond stands at the edge"]
    counts = facts.row(0, named=True)
    if counts["left_out"]:
        notes.append(f"left out: {counts['left_out']:,}, counts, sums or without a ratio")
    if figures.is_empty() or not words.numbers_of(overview).get("steps"):
        return theme.empty("No figure to compare.", title=title, notes=notes, size=theme.GRID)
    domain = (0.01, 100.0)
    ticks = {0.01: "1/100", 0.1: "1/10", 0.5: "1/2", 1.0: "1", 2.0: "2", 10.0: "10", 100.0: "100"}
    drawn = figures.with_columns(
        subject=pl.col("table_name").str.strip_prefix("summary_").str.replace_all("_", " ")
    )
    found = set(drawn["subject"].to_list())
    rows: list[str] = []
    heads = []
    for name, tables in THEMES.items():
        subjects = [table.replace("_", " ") for table in tables if table.replace("_", " ") in found]
        if subjects:
            heads.append(theme.note(name, -247, 0, style="label").encode(y=alt.YDatum(subjects[0])))
            rows += [*subjects, f"after {name}"]  # an empty row
    axis = theme.axis(title=None, minExtent=150, maxExtent=150, grid=True, labelLimit=150, labelOverlap=False)
    shown = [row for row in rows if row in found]
    y = alt.Y("subject:N").scale(domain=rows[:-1], padding=0.5).axis(**axis, values=shown)
    signs = ["circle", "triangle-up", "diamond"]
    shape = alt.Shape("comparability:N").scale(domain=list(_COMPARABLE), range=signs)
    x = axes.log_x("ratio:Q", "Ours over the published figure", "ratio", ticks, domain)
    key = [
        layer
        for place, (text, sign) in enumerate(zip(_COMPARABLE.values(), signs, strict=True))
        for layer in (
            theme.mark(
                "point", style="sign", shape=sign, filled=True, size=60, opacity=1, x=238 + 150 * place, y=-12
            ),
            theme.note(text, 248 + 150 * place, -12),
        )
    ]
    body = alt.layer(
        alt.Chart(drawn, width=665, height=460)
        .mark_point(filled=True, size=34, opacity=0.55)
        .encode(
            x=x,
            y=y,
            color=theme.colours(),
            shape=shape.legend(None),
            tooltip=theme.tooltip("figure_id:N", "ours:Q", "published:Q", "ratio:Q"),
        ),
        theme.mark("rule", style="landmark").encode(x=alt.XDatum(1)),
        *shapes.swatches(
            {theme.PROVIDERS[name]: theme.PROVIDER_COLOURS[name] for name in theme.providers_in(drawn)}
        ),
        *key,
        *heads,
    )
    subtitle = [
        words.population(overview, words.counted(figures.height, "figure")),
        f"Of {counts['same']} with the same definition {counts['near']} lie between half and twice the"
        " published value.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.GRID, left=250)
