"""Charts of the lengths of prompts and outputs, and of how a prompt changes from step to step."""

import altair as alt
import polars as pl

from tracelab.charts import axes, shapes, theme, words
from tracelab.charts.base import chart

_SHOWN = "measure in ('prefix_tokens', 'append_tokens', 'output_tokens')"
_CUT = "session_kind = 'all'"
_BINS = f"from summary_token_bins where provider <> 'all' and {_CUT}"
_MEASURES = {"prefix_tokens": "Cached prefix", "append_tokens": "Append", "output_tokens": "Output"}


@chart(
    "How long prompts and outputs are",
    bins=f"{_BINS} and {_SHOWN} order by measure, provider, bin",
    lengths=f"from summary_token_lengths where {_CUT} and model = 'all' and {_SHOWN}"
    " order by measure, provider",
    overview=words.OVERVIEW,
)
def token_lengths(
    title: str, bins: pl.DataFrame, lengths: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """How long are cached prefixes, appends and outputs, and which lengths make up the tokens?

    Reads summary_token_bins, a row a provider, measure and bin, and summary_token_lengths for landmarks.
    The three plots of a row share their axis: how far output lies from prefix is what a cache saves. Where
    the lower curve lies far to the right of the upper, a few long ones are most of the tokens.
    """
    prompts, outputs = (
        theme.pooled(lengths.filter(pl.col("measure") == measure))
        for measure in ("append_tokens", "output_tokens")
    )
    notes = [
        "from summary_token_bins, summary_token_lengths",
        *words.left_out(
            prompts, "prompt", multi_call_steps="of several calls", missing_steps="without usage"
        ),
        *words.left_out(outputs, "output", placeholder_steps="without a final count"),
    ]
    if bins.is_empty():
        return theme.empty("No step with a known token count.", title=title, notes=notes, size=theme.GRID)
    drawn = bins.with_columns(end=pl.col("high_tokens").fill_null(pl.col("low_tokens")))
    domain = axes.around(axes.TOKENS, 0.5, theme.greatest(drawn, "end"))
    # where a curve begins nothing is below it
    begun = drawn.unique(["provider", "measure"], keep="first", maintain_order=True)
    zero = pl.lit(0.0)
    drawn = pl.concat(
        [
            begun.with_columns(
                end=pl.col("low_tokens").clip(domain[0]),
                cumulative_share=zero,
                cumulative_token_share=pl.when(pl.col("cumulative_token_share").is_not_null()).then(zero),
            ),
            drawn,
        ],
        how="vertical_relaxed",
    )
    upper, lower = [], []
    for measure, name in _MEASURES.items():
        rows = drawn.filter(pl.col("measure") == measure)
        facts = theme.clients(lengths).filter(pl.col("measure") == measure, pl.col("count") > 0)
        marks = shapes.landmarks(facts, "end", "cumulative_share").with_columns(pl.col("end").clip(0.5))
        key = {
            row["provider"]: f"p50 {words.tokens(row['p50'])} · p90 {words.tokens(row['p90'])}"
            f" · p99 {words.tokens(row['p99'])}"
            for row in facts.to_dicts()
        }
        # the last tick's name has room beside the one before it only if it stands out
        x = axes.log_x("end:Q", name, "tokens", axes.TOKENS, domain, labelFlush=False)
        size = {"width": shapes.width_of(3) - 4, "height": 180}
        upper.append(
            shapes.curves(
                rows, marks, x, "cumulative_share", "Share of steps", key, interpolate="step-after"
            ).properties(**size)
        )
        sums = {row["provider"]: f"{words.tokens(row['total_tokens'])} tokens" for row in facts.to_dicts()}
        mass = rows.filter(pl.col("cumulative_token_share").is_not_null())
        lower.append(
            shapes.curves(
                mass,
                marks.clear().rename({"cumulative_share": "cumulative_token_share"}),
                x,
                "cumulative_token_share",
                "Share of tokens",
                sums,
                interpolate="step-after",
            ).properties(**size)
        )
    # in columns, however long a key is
    columns = [alt.hconcat(*plots, spacing=28 + theme.Y_AXIS, bounds="flush") for plots in (upper, lower)]
    body = alt.vconcat(*columns, spacing=16)
    steps = theme.pooled(lengths.filter(pl.col("measure") == "prefix_tokens"))["count"]
    subtitle = [
        words.population(overview, words.counted(steps, "metered step")),
        "Above: how many steps have less. Below: how many of the tokens they hold.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.GRID, left=theme.Y_AXIS)


@chart(
    "How long the model's outputs are",
    bins=f"{_BINS} and measure = 'output_tokens' order by provider, bin",
    outputs=f"from summary_output_tokens where {_CUT} and model = 'all' and count > 0 order by provider",
    overview=words.OVERVIEW,
)
def output_tokens(
    title: str, bins: pl.DataFrame, outputs: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """How long are the outputs of steps, and which of them hold the tokens?

    Reads summary_token_bins, a row a provider and bin, and summary_output_tokens for its landmarks. Two humps
    are two habits: a call of a tool in a few tokens, and an answer or a file in thousands. The dashes
    say where the tokens, and so the time of writing, are.
    """
    facts = theme.pooled(outputs)
    notes = [
        "from summary_token_bins, summary_output_tokens",
        *words.left_out(
            facts, "step", placeholder_steps="without a final count", missing_steps="without usage"
        ),
    ]
    if bins.is_empty() or outputs.is_empty():
        return theme.empty("No step with a final output count.", title=title, notes=notes, size=theme.PAIR)
    drawn = bins.with_columns(
        low=pl.col("low_tokens").clip(0.5), end=pl.col("high_tokens").fill_null(2 * pl.col("low_tokens"))
    )
    domain = axes.around(axes.TOKENS, theme.least(drawn, "low"), theme.greatest(drawn, "end"))
    top = 1.08 * max(theme.greatest(drawn, "step_share"), theme.greatest(drawn, "token_share"))
    shown = theme.clients(outputs)
    plots = []
    for row in shown.to_dicts():
        mine = drawn.filter(pl.col("provider") == row["provider"])
        colour = theme.PROVIDER_COLOURS[row["provider"]]
        x = axes.log_x("low:Q", "Output of a step", "tokens", axes.TOKENS, domain)
        axis = theme.y_axis("Share a bin (%)", format=".1~%", tickCount=5)
        base = alt.Chart(mine, width=shapes.width_of(shown.height), height=171)
        y = alt.Y("step_share:Q").scale(domain=[0, top], nice=False).axis(**axis)
        lengths = " · ".join(f"{name} {words.tokens(row[name])}" for name in shapes.LANDMARKS)
        heading = f"{theme.PROVIDERS[row['provider']]} · {lengths}"
        plots.append(
            alt.layer(
                base.mark_rect(color=colour, opacity=0.55).encode(
                    x=x, x2=alt.X2("end:Q"), y=y, y2=alt.Y2Datum(0)
                ),
                base.mark_rule(style="pooled", strokeWidth=2).encode(
                    x=alt.X("low:Q"), x2=alt.X2("end:Q"), y=alt.Y("token_share:Q")
                ),
                *shapes.ruled(row),
                theme.note(heading, 0, -28, style="strong"),
            )
        )
    subtitle = [
        words.population(overview, f"{words.tokens(facts['output_tokens'])} output tokens"),
        "Bars: share of steps; dashes: share of tokens. Eight bins an octave.",
    ]
    body = shapes.beside(plots)
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR, left=theme.Y_AXIS)


@chart(
    "What is appended once the previous output is taken out",
    bins=f"{_BINS}"
    " and measure in ('pair_append_tokens', 'adjusted_append_tokens') order by provider, measure, bin",
    appends=f"from summary_adjusted_append where {_CUT} and model = 'all'"
    " and measure in ('append_tokens', 'adjusted_append_tokens') order by provider, measure desc",
    overview=words.OVERVIEW,
)
def adjusted_append(
    title: str, bins: pl.DataFrame, appends: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """How much of what a step appends is its own last output, sent again?

    Reads summary_token_bins, a row a provider, measure and bin, and summary_adjusted_append for landmarks.
    The gap between the lines is output that was written once and read again. If they are one line, this
    client finds its own output in the cache, or the model is not known to append it.
    """
    facts = theme.pooled(appends.filter(pl.col("measure") == "append_tokens"))
    notes = [
        "from summary_token_bins, summary_adjusted_append",
        "what is below 0 counts as 0",
        *words.left_out(
            facts,
            "pair",
            multi_call_pairs="of several calls",
            missing_pairs="without usage",
            placeholder_pairs="of unknown output",
        ),
    ]
    appends = appends.filter(pl.col("count") > 0)
    if bins.is_empty() or appends.is_empty():
        return theme.empty("No metered step after another.", title=title, notes=notes, size=theme.PAIR)
    drawn = bins.with_columns(end=pl.col("high_tokens").fill_null(pl.col("low_tokens")))
    domain = axes.around(axes.TOKENS, theme.least(drawn, "low_tokens"), theme.greatest(drawn, "end"))
    providers = theme.providers_in(theme.clients(appends))
    plots = []
    for provider in providers:
        mine = appends.filter(pl.col("provider") == provider)
        measures = {row["measure"]: row for row in mine.to_dicts()}
        x = axes.log_x("end:Q", "Append of a step", "tokens", axes.TOKENS, domain)
        y = alt.Y("cumulative_share:Q").scale(domain=[0, 1]).axis(**theme.share_axis("Share of steps"))
        colour, grey = theme.PROVIDER_COLOURS[provider], theme.TOKEN_COLOURS["prefix"]
        layers, y_key = [], -31
        for text, bin_measure, measure, shade, dash in (
            ("before", "pair_append_tokens", "append_tokens", grey, [4, 3]),
            ("after", "adjusted_append_tokens", "adjusted_append_tokens", colour, [1, 0]),
        ):
            if measure not in measures:
                continue
            steps = drawn.filter(pl.col("provider") == provider, pl.col("measure") == bin_measure)
            points = shapes.landmarks(pl.DataFrame(measures[measure]), "end", "cumulative_share")
            clipped = points.with_columns(pl.col("end").clip(0.5))
            key = " · ".join(f"{name} {words.tokens(measures[measure][name])}" for name in shapes.LANDMARKS)
            layers += [
                alt.Chart(steps)
                .mark_line(interpolate="step-after", color=shade, strokeDash=dash)
                .encode(x=x, y=y),
                alt.Chart(clipped).mark_point(filled=True, size=44, opacity=1, color=shade).encode(x=x, y=y),
                theme.mark("rule", strokeWidth=2, color=shade, strokeDash=dash).encode(
                    **theme.at(x=62, x2=88, y=y_key)
                ),
                theme.note(f"{text}: {key}", 95, y_key, style="label"),
            ]
            y_key += 17
        heading = theme.note(theme.PROVIDERS[provider], 0, -31, style="strong")
        plots.append(
            alt.layer(*layers, heading).properties(width=shapes.width_of(len(providers)), height=171)
        )
    subtitle = [
        words.population(overview, words.counted(facts["count"], "step") + " after another"),
        "How many steps append less. Dashed: as logged; solid: less the output that the prompt holds again.",
    ]
    return theme.page(
        alt.hconcat(*plots), title=title, subtitle=subtitle, notes=notes, size=theme.PAIR, left=theme.Y_AXIS
    )
