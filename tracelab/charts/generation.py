"""Charts of generation: how long the model takes, how fast it writes, and what of that a prompt costs."""

from collections.abc import Callable

import altair as alt
import polars as pl

from tracelab.charts import axes, shapes, theme, words
from tracelab.charts.base import chart

_POOLED = "session_kind = 'all' and model = 'all'"
_READ_AT = [10.0, 60.0]
"""Seconds at which the curve of time is read out."""
_MOST_BUCKETS = 1500
_VERDICTS = {
    "separated": "told apart",
    "slower": "slower",
    "rejected": "no slower",
    "inconclusive": "not sure",
}
_SHAPES = {"claude": "circle", "codex": "diamond", "all": "square"}
_BY_CONTEXT = (
    "from summary_decode_speed where session_kind = 'all' and model = 'all'"
    " and context_bin is not null and count > 0 and measure"
)


@chart(
    "How long the model generates in a step",
    curves=f"from summary_generation_time_cdf where provider <> 'all' and {_POOLED}"
    " and threshold_s is not null order by provider, bin",
    times=f"from summary_generation_time where {_POOLED} order by provider",
    overview=words.OVERVIEW,
)
def generation_time(
    title: str, curves: pl.DataFrame, times: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """How long does the model generate in a step, and do usual steps or long ones make up its time?

    Reads summary_generation_time_cdf, a row a provider and threshold, and summary_generation_time for its
    landmarks. If both plots were alike, all steps would be. A curve of time far right of the curve of steps
    means that long answers, not many steps, keep the model busy.
    """
    facts = theme.pooled(times)
    notes = [
        "from summary_generation_time_cdf, summary_generation_time",
        *words.left_out(facts, "step", untimed_steps="without a time"),
    ]
    timed = theme.clients(times).filter(pl.col("count") > 0)
    if timed.is_empty():
        return theme.empty("No step with a known time.", title=title, notes=notes, size=theme.PAIR)
    domain = theme.time_domain(theme.least(timed, "p10") / 10, theme.greatest(timed, "max"))
    drawn = shapes.within(curves, timed, "threshold_s", domain)
    read = shapes.read_out(drawn, "threshold_s", "cumulative_time_share", _READ_AT)
    plots = shapes.count_and_mass(
        drawn,
        read,
        timed,
        theme.time_x("threshold_s:Q", "Generation", domain),
        "cumulative_time_share",
        ("Share of steps", "Share of their time"),
        (
            shapes.spread_key(timed, "step"),
            shapes.time_key(timed, read, "threshold_s", "cumulative_time_share"),
        ),
    )
    body = alt.hconcat(*plots)
    subtitle = [
        words.population(overview, words.counted(facts["count"], "timed step")),
        "From a step's last input to its last output. Left: how many take less; right: the time they hold.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR, left=theme.Y_AXIS)


@chart(
    "How fast the model writes, by the length of its context",
    speeds=f"{_BY_CONTEXT} in ('output_tokens_per_s', 'decode_tokens_per_s')"
    " order by provider, measure desc, context_low_tokens",
    overview=words.OVERVIEW,
)
def decode_speed(title: str, speeds: pl.DataFrame, overview: pl.DataFrame) -> alt.VConcatChart:
    """How many tokens a second does the model write, and does a long context slow it?

    Reads summary_decode_speed, a row a provider, measure and octave of the context. A flat line means that
    writing does not pay for the prompt; one that falls, that it does. The left plot counts all of a step, the
    wait for the first token too; the right one only what is written after the reasoning, which is nearer
    to the machine's own speed.
    """
    facts = _facts(speeds, "output_tokens_per_s", overview)
    notes = [
        "from summary_decode_speed",
        *words.left_out(
            facts,
            "step",
            placeholder_steps="without a final output count",
            unmeasured_steps="without a speed",
        ),
    ]
    if speeds.is_empty():
        return theme.empty("No step with a known speed.", title=title, notes=notes, size=theme.PAIR)
    plots = [
        _by_context(rows, text, _speed(rows))
        for measure, text in (
            ("output_tokens_per_s", "Whole step"),
            ("decode_tokens_per_s", "After reasoning"),
        )
        for rows in [speeds.filter(pl.col("measure") == measure)]
        if not rows.is_empty()
    ]
    body = alt.hconcat(*(plot.properties(width=shapes.width_of(len(plots))) for plot in plots))
    subtitle = [
        words.population(overview, words.counted(facts["count"], "measured step")),
        "Median and band p25 to p75 of each octave of the prompt.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR, left=theme.Y_AXIS)


@chart(
    "How long the first token takes, by the length of the context",
    times=f"{_BY_CONTEXT} = 'first_token_s' order by provider, context_low_tokens",
    overview=words.OVERVIEW,
)
def first_token_time(title: str, times: pl.DataFrame, overview: pl.DataFrame) -> alt.VConcatChart:
    """How long does a step wait before the model writes, and does a longer context make it wait longer?

    Reads summary_decode_speed, a row an octave of the context. It is what is left of a step once
    the reasoning and the writing after it are taken out at the speed measured there: queue, prefill, network.
    Reasoning may be faster than writing; where it was, what is left falls below 0, and the speed is no guide.
    A flat line means that a cached prompt costs no time; a rise with the context, that it is read again.
    """
    facts = _facts(times, "first_token_s", overview)
    notes = [
        "from summary_decode_speed",
        *words.left_out(
            facts,
            "step",
            placeholder_steps="without a final output count",
            unmeasured_steps="without reasoning whose end is logged",
        ),
    ]
    if times.is_empty():
        return theme.empty(
            "No step that tells when its reasoning ended.", title=title, notes=notes, size=theme.SINGLE
        )
    shown = theme.clients(times)
    # from 0, or the axis may have two ticks
    domain = axes.around(axes.RESIDUALS, min(theme.least(shown, "p25"), 0), theme.greatest(shown, "p75"))
    y = axes.symlog_y("p50:Q", "Residual time", "s", axes.RESIDUALS, domain)
    body = _by_context(times, "Until the first token", y).properties(
        width=shapes.width_of(1, size=theme.SINGLE)
    )
    subtitle = [
        words.population(overview, words.counted(facts["count"], "measured step")),
        "Median and band p25 to p75 of each octave; below 0 where reasoning was faster than the mean.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.SINGLE, left=theme.Y_AXIS)


def _facts(rows: pl.DataFrame, measure: str, overview: pl.DataFrame) -> dict[str, float]:
    """The counts of a measure over all clients: steps that have it, and those that do not."""
    facts = theme.pooled(rows.filter(pl.col("measure") == measure, pl.col("context_bin") == "all"))
    known = facts["count"] + facts["placeholder_steps"]
    return facts | {"unmeasured_steps": words.numbers_of(overview).get("steps", 0) - known}


def _whole(rows: pl.DataFrame) -> dict[str, int]:
    """How many steps of each client, and of all, are measured."""
    return dict(rows.filter(pl.col("context_bin") == "all").select("provider", "count").iter_rows())


def _speed(measured: pl.DataFrame) -> alt.Y:
    """An axis of tokens a second that holds every client's bands."""
    shown = theme.clients(measured)
    domain = axes.around(axes.AMOUNTS, theme.least(shown, "p25"), theme.greatest(shown, "p75"))
    return axes.log_y("p50:Q", "Output", "tokens/s", axes.AMOUNTS, domain)


def _by_context(measured: pl.DataFrame, heading: str, y: alt.Y) -> theme.Layers:
    """One line and its band a provider, by the length of the prompt."""
    rows, counts = theme.clients(measured).filter(pl.col("context_bin") != "all"), _whole(measured)
    low, high = theme.least(rows, "context_low_tokens"), 2 * theme.greatest(rows, "context_low_tokens")
    x = axes.log_x("context:Q", "Prompt", "tokens", axes.CONTEXTS, axes.around(axes.CONTEXTS, low, high))
    # a bin's point stands in its middle, on a log axis
    drawn = rows.with_columns(context=pl.col("context_low_tokens") * 2**0.5)
    bands, key = [], {}
    for provider in theme.providers_in(rows):
        mine = drawn.filter(pl.col("provider") == provider)
        bands.append(shapes.band(mine, x, y, ("p25", "p75"), provider))
        key[provider] = f"{heading.lower()} · {words.counted(counts[provider], 'step')}"
    # every line above every band
    layers = [layer for alike in zip(*bands, strict=True) for layer in alike]
    return alt.layer(*layers, *theme.provider_key(key)).properties(height=171)


@chart(
    "Whether reading a prompt anew is slower than finding it cached",
    buckets="from summary_append_vs_prefix_latency where total_bin <> 'all' and p50_ratio > 0"
    f" order by pairs desc, provider, model, segment_kind, total_bin, output_bin limit {_MOST_BUCKETS}",
    verdicts="from summary_append_vs_prefix_latency where total_bin = 'all' and session_kind = 'all'"
    " and model = 'all' order by provider",
    overview=words.OVERVIEW,
)
def append_vs_prefix_latency(
    title: str, buckets: pl.DataFrame, verdicts: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """Is a step that appends most of its prompt slower than one of the same size that finds it cached?

    Reads summary_append_vs_prefix_latency, a row a bucket of one model, kind of segment and size of
    prompt and output, with segments of both sorts in it. Points above the rule say yes. A cloud around the
    rule means that the prefill is hidden in other waiting; one that rises with the prompt, that it is paid.
    """
    notes = ["from summary_append_vs_prefix_latency", "a point is a bucket, its area the pairs in it"]
    if buckets.is_empty():
        reason = "No bucket with both cached and appended prompts of one size."
        return theme.empty(reason, title=title, notes=notes, size=theme.PAIR)
    low, high = theme.least(buckets, "total_p50_tokens"), theme.greatest(buckets, "total_p50_tokens")
    x = axes.log_x(
        "total_p50_tokens:Q", "Prompt", "tokens", axes.CONTEXTS, axes.around(axes.CONTEXTS, low, high)
    )
    ratios = axes.around(
        axes.AMOUNTS,
        min(theme.least(buckets, "p50_ratio"), 0.9),
        max(theme.greatest(buckets, "p50_ratio"), 1.1),
    )
    chances = theme.share_axis("Pairs where appending is slower")
    axes_of: dict[str, tuple[Callable[[str], alt.Y], float]] = {
        "p50_ratio": (
            lambda field: axes.log_y(field, "Median times", "appended/cached", axes.AMOUNTS, ratios),
            1.0,
        ),
        "slower_probability": (lambda field: alt.Y(field).scale(domain=[0, 1]).axis(**chances), 0.5),
    }
    number = theme.pooled(verdicts)["buckets"]
    if number > buckets.height:
        notes.append(f"the {buckets.height:,} of most pairs only")
    found = verdicts.filter(pl.col("provider").is_in(theme.providers_in(buckets)))
    key = {
        row[
            "provider"
        ]: f"{words.counted(row['buckets'], 'bucket')} · ratio {row['p50_ratio']:.2f} · slower in"
        f" {words.percent(row['slower_probability'])} of pairs: {_VERDICTS.get(row['verdict'], '')}"
        for row in found.to_dicts()
    }
    plots = [
        alt.layer(
            alt.Chart(buckets, width=394, height=171)
            .mark_point(filled=True, opacity=0.5)
            .encode(
                x=x,
                y=y(f"{measure}:Q"),
                color=theme.colours(),
                shape=alt.Shape("provider:N")
                .scale(domain=list(_SHAPES), range=list(_SHAPES.values()))
                .legend(None),
                size=alt.Size("pairs:Q").scale(type="sqrt", range=[12, 220]).legend(None),
                tooltip=theme.tooltip(
                    "model:N",
                    "segment_kind:N",
                    "total_p50_tokens:Q",
                    "pairs:Q",
                    "p50_ratio:Q",
                    "slower_probability:Q",
                ),
            ),
            _even(even, y),
            *_key(key),
        )
        for measure, (y, even) in axes_of.items()
    ]
    subtitle = [
        words.population(overview, words.counted(number, "bucket")),
        "Segments of one model and kind, prompt and output of one size. The rule: no difference.",
    ]
    return theme.page(
        alt.hconcat(*plots), title=title, subtitle=subtitle, notes=notes, size=theme.PAIR, left=theme.Y_AXIS
    )


def _even(value: float, y: Callable[[str], alt.Y]) -> alt.Chart:
    """The rule at which both sorts are alike."""
    rule = alt.Chart(pl.DataFrame({"even": [value]})).mark_rule(style="landmark")
    drawn: alt.Chart = rule.encode(y=y("even:Q"))
    return drawn


def _key(texts: dict[str, str]) -> list[alt.Chart]:
    """Name each provider's points above the plot."""
    layers = []
    for row, (provider, text) in enumerate(reversed(list(texts.items()))):
        y = -14 - 17 * row
        look = {"shape": _SHAPES[provider], "color": theme.PROVIDER_COLOURS[provider]}
        layers.append(theme.mark("point", filled=True, size=60, opacity=1, x=6, y=y, **look))
        layers.append(theme.note(f"{theme.PROVIDERS[provider]} · {text}", 17, y, style="label"))
    return layers
