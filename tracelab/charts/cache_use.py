"""Charts of what the prefix cache serves: how much of a prompt, and how much of what is left was new."""

import altair as alt
import polars as pl

from tracelab.charts import shapes, theme, words
from tracelab.charts.base import chart

_POOLED = "session_kind = 'all' and model = 'all'"


@chart(
    "How much of a prompt comes from the cache",
    bins=f"from summary_cache_hit_ratio_bins where provider <> 'all' and {_POOLED}"
    " and trigger in ('user', 'tool') and binning = 'coarse'"
    " order by provider, trigger desc, bin",
    ratios=f"from summary_cache_hit_ratio where provider <> 'all' and {_POOLED}"
    " and trigger in ('user', 'tool') order by provider, trigger desc",
    total=f"from summary_cache_hit_ratio where provider = 'all' and {_POOLED} and trigger = 'all'",
    overview=words.OVERVIEW,
)
def hit_ratio(
    title: str, bins: pl.DataFrame, ratios: pl.DataFrame, total: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """How much of a step's prompt comes from the cache, after a message and after a tool?

    Reads summary_cache_hit_ratio_bins, a row a provider, trigger and bin. Nearly all steps should stand at
    the right. What stands at the left after a message is a session's first prompt, or what a pause or a
    compaction cost (summary_miss_causes tells which); what stands there after a tool is no pause. Coloured
    bars say which of them the appended tokens come from.
    """
    facts = theme.pooled(total)
    facts["unstarted_steps"] = facts["steps"] - facts["count"]
    told = facts["steps"] + facts["multi_call_steps"] + facts["unmetered_steps"]
    facts["empty_steps"] = max(words.numbers_of(overview).get("steps", 0) - told, 0)
    notes = [
        "from summary_cache_hit_ratio_bins, summary_cache_hit_ratio",
        *words.left_out(
            facts,
            "step",
            multi_call_steps="of several calls",
            unmetered_steps="without usage",
            empty_steps="with an empty prompt",
            unstarted_steps="that nothing in the log started",
        ),
    ]
    if not facts["count"]:
        reason = "No metered step that a message or a tool started."
        return theme.empty(reason, title=title, notes=notes, size=theme.GRID)
    labelled = bins.with_columns(label=pl.struct("low", "high").map_elements(_share, return_dtype=pl.String))
    providers = theme.providers_in(bins)
    rows = []
    for trigger, text in (("user", "after a message"), ("tool", "after a tool")):
        plots = []
        for provider in providers:
            mine = labelled.filter(pl.col("provider") == provider, pl.col("trigger") == trigger)
            found = ratios.filter(
                pl.col("provider") == provider,
                pl.col("trigger") == trigger,
                pl.col("hit_ratio").is_not_null(),
            ).to_dicts()
            steps = [words.counted(row["count"], "step") for row in found] or ["no step"]
            shares = [f"{words.percent(row['hit_ratio'])} cached" for row in found]
            plots.append(
                shapes.histogram(
                    mine,
                    "label",
                    "Hit ratio of the step (%)",
                    {"step_share": "share of steps", "append_share": "share of appended tokens"},
                    provider,
                    size=(shapes.width_of(len(providers)), 178),
                    heading=f"{theme.PROVIDERS[provider]}, {text}: {', '.join(steps + shares)}",
                )
            )
        rows.append(shapes.beside(plots))
    subtitle = [
        words.population(overview, words.counted(facts["count"], "started step")),
        "Cached prefix of the whole prompt. Bins grow finer towards 100%.",
    ]
    body = alt.vconcat(*rows, spacing=16)
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.GRID, left=theme.Y_AXIS)


@chart(
    "What was prefilled, and what of it was new",
    prefill=f"from summary_redundant_prefill where {_POOLED} and trigger = 'all' order by provider",
    overview=words.OVERVIEW,
)
def redundant_prefill(title: str, prefill: pl.DataFrame, overview: pl.DataFrame) -> alt.VConcatChart:
    """Of the tokens that were prefilled, how many were new, sent again, or missed by the cache?

    Reads summary_redundant_prefill, a row a provider. Fresh tokens must be read in any case; output that is
    sent again could have stayed in the cache; missed ones were there before. The three amplifications divide
    appended tokens by different needs: all growth of prompts, published fresh, fresh after a gap.
    """
    facts, drawn = theme.pooled(prefill), theme.clients(prefill).filter(pl.col("append_tokens") > 0)
    notes = [
        "from summary_redundant_prefill",
        "pairs of steps of a session",
        *words.left_out(facts, "step", unsplit_steps="that cannot be split"),
    ]
    if after := facts["after_placeholder_steps"]:
        notes.append(f"after {words.counted(after, 'output')} of unknown length fresh is at most this")
    if drawn.is_empty():
        reason = "No started step after another, both metered."
        return theme.empty(reason, title=title, notes=notes, size=theme.PAIR)
    falls = pl.concat(_fall(row) for row in drawn.to_dicts())
    providers = theme.providers_in(drawn)
    plots = [_waterfall(falls, provider, shapes.width_of(len(providers))) for provider in providers]
    amplified = "; ".join(
        f"{theme.PROVIDERS[row['provider']]} growth {_times(row['growth_amplification'])}, prefill"
        f" {_times(row['prefill_amplification'])}, observed {_times(row['observed_amplification'])}"
        for row in drawn.to_dicts()
    )
    tokens = words.tokens(facts["append_tokens"])
    subtitle = [
        words.population(overview, f"{tokens} tokens appended by started steps after a first one"),
        f"Amplification: {amplified}.",
    ]
    body = shapes.beside(plots)
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR, left=theme.Y_AXIS)


def _share(bounds: dict[str, float]) -> str:
    low, high = bounds["low"], bounds["high"]
    return f"≥ {100 * low:g}%" if high == 1 else f"< {100 * high:g}%"


def _times(ratio: float | None) -> str:
    return "unknown" if ratio is None else f"{ratio:.1f}×"


def _fall(row: dict[str, float]) -> pl.DataFrame:
    """Where each part of the appended tokens begins and ends when they are laid on each other."""
    parts = {"fresh": "fresh", "output again": "resent_output", "missed": "missed"}
    texts = {"appended": words.tokens(row["append_tokens"])}
    rows, low = [("appended", 0.0, float(row["append_tokens"]))], 0.0
    for name, column in parts.items():
        tokens = row[f"{column}_tokens"]
        rows.append((name, low, low + tokens))
        texts[name] = f"{words.tokens(tokens)} · {words.percent(row[f'{column}_share'])}"
        low += tokens
    frame = pl.DataFrame(rows, schema=["part", "low", "high"], orient="row")
    return frame.with_columns(
        provider=pl.lit(row["provider"]), text=pl.col("part").replace_strict(texts, return_dtype=pl.String)
    )


def _waterfall(falls: pl.DataFrame, provider: str, width: int) -> theme.Layers:
    mine = falls.filter(pl.col("provider") == provider)
    order = mine["part"].to_list()
    top = theme.greatest(falls, "high")
    axis = theme.y_axis("Appended (tokens)", tickCount=5, labelExpr="format(datum.value, '~s')")
    base = alt.Chart(mine, width=width, height=200).encode(
        x=alt.X("part:O").scale(domain=order, paddingInner=0.35).axis(**theme.axis(title=None)),
        y=alt.Y("low:Q").scale(domain=[0, 1.12 * top], nice=False).axis(**axis),
        y2=alt.Y2("high:Q"),
        tooltip=theme.tooltip("part:N", "text:N"),
    )
    return alt.layer(
        base.mark_bar(color=theme.PROVIDER_COLOURS[provider], cornerRadius=2),
        base.mark_text(style="label", dy=-8).encode(y=alt.Y("high:Q"), text=alt.Text("text:N")),
        theme.heading(theme.PROVIDERS[provider]),
    )
