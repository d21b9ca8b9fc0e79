"""Charts of what the prefix cache serves: how much of a prompt, and how much of what is left was new."""

import altair as alt
import polars as pl

from tracelab.charts import shapes, theme, words
from tracelab.charts.base import chart

_POOLED = "provider <> 'all' and session_kind = 'all' and model = 'all'"


@chart(
    "How much of a prompt comes from the cache",
    bins=f"from summary_cache_hit_ratio_bins where {_POOLED} and trigger in ('user', 'tool')"
    " and binning = 'coarse' and steps > 0 order by provider, trigger desc, bin",
    ratios=f"from summary_cache_hit_ratio where {_POOLED} and trigger in ('user', 'tool')"
    " order by provider, trigger desc",
    overview=words.OVERVIEW,
)
def hit_ratio(
    title: str, bins: pl.DataFrame, ratios: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """How much of a step's prompt comes from the cache, after a message and after a tool?

    Reads summary_cache_hit_ratio_bins, a row a provider, trigger and bin. Nearly all steps should stand at
    the right. What stands at the left after a message is what pauses cost; what stands there after a tool is
    something else than a pause. Coloured bars say which of them the appended tokens come from.
    """
    notes = ["from summary_cache_hit_ratio_bins, summary_cache_hit_ratio"]
    if left_out := theme.total(ratios, "multi_call_steps") + theme.total(ratios, "unmetered_steps"):
        notes.append(f"{words.counted(left_out, 'step')} of several calls or without usage left out")
    if bins.is_empty():
        return theme.empty("No step with a metered prompt.", title=title, notes=notes, size=theme.GRID)
    # every bin in every plot, filled or not
    labels = dict(
        bins.sort("bin")
        .select("bin", pl.struct("low", "high").alias("ends"))
        .unique("bin")
        .sort("bin")
        .iter_rows()
    )
    order = [f"≤ {100 * ends['high']:g}%" for ends in labels.values()]
    providers = theme.providers_in(bins)
    rows = []
    for trigger, text in (("user", "after a message"), ("tool", "after a tool")):
        plots = []
        for provider in providers:
            mine = bins.filter(pl.col("provider") == provider, pl.col("trigger") == trigger)
            facts = ratios.filter(pl.col("provider") == provider, pl.col("trigger") == trigger).to_dicts()
            share = (
                words.percent(facts[0]["hit_ratio"]) if facts and facts[0]["hit_ratio"] is not None else "no"
            )
            steps = words.counted(theme.total(mine, "steps"), "step")
            labelled = mine.with_columns(
                label=pl.format(
                    "≤ {}%", (100 * pl.col("high")).round(1).cast(pl.String).str.strip_suffix(".0")
                )
            )
            plots.append(
                shapes.histogram(
                    labelled,
                    "label",
                    "Hit ratio of the step (%)",
                    {"step_share": "share of steps", "append_share": "share of appended tokens"},
                    provider,
                    size=(shapes.width_of(len(providers)), 178),
                    order=order,
                    heading=f"{theme.PROVIDERS[provider]}, {text}: {steps}, {share} from the cache",
                )
            )
        rows.append(shapes.beside(plots))
    subtitle = [
        words.population(overview, words.counted(theme.total(bins, "steps"), "metered step")),
        "Cached prefix of the whole prompt. Bins grow finer towards 100%.",
    ]
    body = alt.vconcat(*rows, spacing=16)
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.GRID, left=theme.Y_AXIS)


@chart(
    "What was prefilled, and what of it was new",
    prefill=f"from summary_redundant_prefill where {_POOLED} and trigger = 'all' and append_tokens > 0"
    " order by provider",
    overview=words.OVERVIEW,
)
def redundant_prefill(title: str, prefill: pl.DataFrame, overview: pl.DataFrame) -> alt.VConcatChart:
    """Of the tokens that were prefilled, how many were new, sent again, or missed by the cache?

    Reads summary_redundant_prefill, a row a provider. Fresh tokens must be read in any case; output that is
    sent again could have stayed in the cache; missed ones were there before. The three amplifications divide
    the same appended tokens by different needs: growth of prompts, published fresh, fresh after a gap.
    """
    notes = ["from summary_redundant_prefill", "pairs of steps of a session"]
    if left_out := theme.total(prefill, "unsplit_steps"):
        notes.append(f"{words.counted(left_out, 'step')} that cannot be split left out")
    if prefill.is_empty():
        return theme.empty("No step after another.", title=title, notes=notes, size=theme.PAIR)
    falls = pl.concat(_fall(row) for row in prefill.to_dicts())
    providers = theme.providers_in(prefill)
    plots = [_waterfall(falls, provider, shapes.width_of(len(providers))) for provider in providers]
    amplified = "; ".join(
        f"{theme.PROVIDERS[row['provider']]} growth {_times(row['growth_amplification'])}, prefill"
        f" {_times(row['prefill_amplification'])}, observed {_times(row['observed_amplification'])}"
        for row in prefill.to_dicts()
    )
    tokens = words.tokens(theme.total(prefill, "append_tokens"))
    subtitle = [words.population(overview, f"{tokens} appended tokens"), f"Amplification: {amplified}."]
    body = shapes.beside(plots)
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR, left=theme.Y_AXIS)


def _times(ratio: float | None) -> str:
    return "unknown" if ratio is None else f"{ratio:.1f}×"


def _fall(row: dict[str, float]) -> pl.DataFrame:
    """Where each part of the appended tokens begins and ends when they are laid on each other."""
    parts = {"fresh": "fresh_tokens", "output again": "resent_output_tokens", "missed": "missed_tokens"}
    rows, low = [("appended", 0.0, float(row["append_tokens"]))], 0.0
    for name, column in parts.items():
        rows.append((name, low, low + row[column]))
        low += row[column]
    frame = pl.DataFrame(rows, schema=["part", "low", "high"], orient="row")
    return frame.with_columns(
        provider=pl.lit(row["provider"]),
        text=(pl.col("high") - pl.col("low")).map_elements(words.tokens, return_dtype=pl.String)
        + " · "
        + ((pl.col("high") - pl.col("low")) / row["append_tokens"]).map_elements(
            words.percent, return_dtype=pl.String
        ),
    )


def _waterfall(falls: pl.DataFrame, provider: str, width: int) -> theme.Layers:
    mine = falls.filter(pl.col("provider") == provider)
    order = mine["part"].to_list()
    top = theme.greatest(falls, "high")
    axis = theme.y_axis("Appended (tokens)", tickCount=5, labelExpr="format(datum.value, '~s')")
    base = alt.Chart(mine, width=width, height=200).encode(
        x=alt.X("part:O").scale(domain=order, paddingInner=0.35).axis(alt.Axis(title=None)),
        y=alt.Y("low:Q").scale(domain=[0, 1.12 * top], nice=False).axis(axis),
        y2="high:Q",
        tooltip=["part", "text"],
    )
    return alt.layer(
        base.mark_bar(color=theme.PROVIDER_COLOURS[provider], cornerRadius=2),
        base.mark_text(style="label", dy=-8).encode(y="high:Q", text="text:N"),
        theme.heading(theme.PROVIDERS[provider]),
    )
