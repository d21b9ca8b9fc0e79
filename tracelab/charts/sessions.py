"""Charts of single sessions."""

import math
from collections.abc import Collection
from typing import Any

import altair as alt
import polars as pl

from tracelab.charts import theme, words
from tracelab.charts.base import chart

_WIDTH = 863
_FAILED = "#dc2626"
_CLOCKS = {600_000: "%H:%M:%S", 86_400_000: "%H:%M", math.inf: "%b %d, %H:%M"}
"""How an instant is written on an axis that spans less than so many milliseconds."""
_MOST_STEPS, _MOST_CALLS = 800, 1000
"""What a picture holds at most: with bands and marks, under 5,000 rows in all."""
_SIGN: dict[str, Any] = {"style": "sign", "filled": True, "size": 46, "opacity": 1}
MISS_SHAPES = {
    "idle": "triangle-down",
    "model_change": "diamond",
    "compaction": "square",
    "restart": "triangle-right",
    "residual": "circle",
}
"""The mark of each cause of a miss, here and in the report's session explorer."""
# the session asked for, else the one with most to see: a score of its length, turns and compactions
_CHOSEN = """session_id = coalesce($session_id, (
    select session_id from sessions where steps > 0
    order by
        session_kind = 'main' desc,
        steps between 60 and 220 and requests >= 2 desc,
        steps + 5 * least(requests, steps - requests) + log2(greatest(coalesce(peak_context_tokens, 1), 1))
        + 0.03 * tool_calls + 12 * compactions desc,
        session_id
    limit 1
))"""


@chart(
    "One session, step by step",
    session=f"from sessions where {_CHOSEN}",
    steps="select step_index, prefix_tokens, append_tokens, input_tokens,"
    " if(restart_tokens is null, miss_cause, 'restart') as miss_cause,"
    " coalesce(restart_tokens, missed_tokens) as missed_tokens,"
    " if(usage_is_final is not false, output_tokens, null) as output_tokens from steps"
    " left join (select step_id, miss_cause, missed_tokens from cache_reuse) using (step_id)"
    " left join (select step_id, missed_tokens as restart_tokens from simulations.sim_restarts)"
    " using (step_id)"
    f" where {_CHOSEN} order by step_index limit {_MOST_STEPS}",
    tool_calls="select tool_name, tool_category, is_error, epoch_ms(emitted_at) as emitted_ms,"
    " epoch_ms(coalesce(result_at, emitted_at)) as result_ms from tool_calls"
    f" where {_CHOSEN} and emitted_at is not null order by emitted_at, tool_call_id limit {_MOST_CALLS}",
    bands="select min(step_index) as first_step, max(step_index) as last_step from steps"
    f" where {_CHOSEN} and request_id is not null and step_index < {_MOST_STEPS}"
    " group by request_id order by first_step",
    compactions="select step_index, pre_tokens, post_tokens from compactions"
    " inner join (select step_id, step_index from steps) using (step_id)"
    f" where {_CHOSEN} and step_index < {_MOST_STEPS} order by step_index limit 100",
)
def session_steps(
    title: str,
    session: pl.DataFrame,
    steps: pl.DataFrame,
    tool_calls: pl.DataFrame,
    bands: pl.DataFrame,
    compactions: pl.DataFrame,
) -> alt.VConcatChart:
    """How does one session's context grow, what does each step read anew, and when do its tools run?

    Reads one session's rows of steps (with the causes of cache_reuse and sim_restarts), tool_calls and
    compactions. Grey that
    grows with a thin amber edge is a cache at work; a tall amber bar is a prompt read again from its
    beginning, and its mark says why. Where the strip is dense the agent works; where it is empty somebody
    thinks, or is away.
    """
    notes = [
        "from steps, cache_reuse, simulations.sim_restarts, tool_calls, compactions",
        "a band is a request",
    ]
    metered = steps.filter(pl.col("prefix_tokens").is_not_null())
    if session.is_empty() or metered.is_empty():
        return theme.empty("No session with a metered step.", title=title, notes=notes, size=theme.GRID)
    facts = session.row(0, named=True)
    unknown = {"outputs": metered["output_tokens"].null_count()}
    notes += words.left_out(unknown, "output", outputs="of unknown length")
    if facts["steps"] > _MOST_STEPS:
        notes.append(f"the first {_MOST_STEPS:,} steps only")
    if facts["tool_calls"] > _MOST_CALLS:
        notes.append(f"the first {_MOST_CALLS:,} tool calls only")
    body = alt.vconcat(
        _context(metered, bands, compactions, tool_calls).properties(width=_WIDTH, height=238),
        _output(metered, bands).properties(width=_WIDTH, height=66),
        _clock(tool_calls).properties(width=_WIDTH, height=86),
        spacing=12,
    )
    parts = [
        words.short(facts["session_id"], 80),
        words.counted(facts["requests"], "request"),
        words.counted(facts["steps"], "step"),
        words.counted(facts["tool_calls"], "tool call"),
    ]
    if facts["started_at"]:
        parts.append(f"{facts['started_at']:%Y-%m-%d %H:%M} to {facts['ended_at']:%Y-%m-%d %H:%M} UTC")
    subtitle = [" · ".join(parts)]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.GRID, left=theme.Y_AXIS)


def _context(
    steps: pl.DataFrame, bands: pl.DataFrame, compactions: pl.DataFrame, calls: pl.DataFrame
) -> theme.Layers:
    """Prefix and append of each step's prompt, what it missed, and where the context was compacted."""
    bars = steps.with_columns(
        low=pl.col("step_index") - 0.45,
        high=pl.col("step_index") + 0.45,
    )
    axis = theme.axis(labels=False, title=None, grid=False)
    y = theme.y_axis("Prompt (tokens)", labelExpr="format(datum.value, '~s')", tickCount=5)
    missed = bars.filter(pl.col("miss_cause").is_in(list(MISS_SHAPES)))
    scale = alt.Scale(domain=list(MISS_SHAPES), range=list(MISS_SHAPES.values()))
    base = alt.Chart(bars).encode(
        x=_step_x(steps, "low:Q", axis),
        x2=alt.X2("high:Q"),
        tooltip=theme.tooltip("step_index:Q", "prefix_tokens:Q", "append_tokens:Q"),
    )
    return alt.layer(
        _bands(steps, bands, axis),
        base.mark_rect(color=theme.TOKEN_COLOURS["prefix"]).encode(
            y=alt.Y("prefix_tokens:Q").axis(**y), y2=alt.Y2Datum(0)
        ),
        base.mark_rect(color=theme.TOKEN_COLOURS["append"]).encode(
            y=alt.Y("prefix_tokens:Q"), y2=alt.Y2("input_tokens:Q")
        ),
        alt.Chart(compactions).mark_rule(style="landmark").encode(x=alt.X("step_index:Q")),
        alt.Chart(missed)
        .mark_point(yOffset=-8, **_SIGN)
        .encode(
            x=alt.X("step_index:Q"),
            y=alt.Y("input_tokens:Q"),
            shape=alt.Shape("miss_cause:N").scale(scale).legend(None),
            tooltip=theme.tooltip("miss_cause:N", "missed_tokens:Q"),
        ),
        *_key(missed["miss_cause"].to_list(), bool(calls["is_error"].any()), not compactions.is_empty()),
    )


def _output(steps: pl.DataFrame, bands: pl.DataFrame) -> theme.Layers:
    axis = theme.axis(title="Step of the session (number)", grid=False, labelExpr=theme.labels("~s"))
    y = theme.y_axis("Output (tokens)", labelExpr="format(datum.value, '~s')", tickCount=3)
    x = _step_x(steps, "step_index:Q", axis)
    line = alt.Chart(steps).encode(x=x, y=alt.Y("output_tokens:Q").axis(**y))
    colour = theme.TOKEN_COLOURS["output"]
    missing = [theme.note("No output of known length.", 8, 14)] if not steps["output_tokens"].count() else []
    return alt.layer(
        _bands(steps, bands, axis),
        line.mark_line(color=colour),
        line.mark_point(color=colour, filled=True, size=14, opacity=1),
        *missing,
    )


def _clock(calls: pl.DataFrame) -> theme.Layers:
    """Every tool call on the clock, by category; failed ones crossed."""
    span_ms = theme.greatest(calls, "result_ms") - theme.least(calls, "emitted_ms")
    clock = next(clock for limit_ms, clock in _CLOCKS.items() if span_ms < limit_ms)
    axis = theme.axis(title="Clock (UTC)", format=clock, tickCount=8)
    x = alt.X("emitted_ms:T").scale(type="utc").axis(**axis)
    y = alt.Y("tool_category:N").axis(**theme.y_axis(None))
    base = alt.Chart(calls).encode(x=x, y=y, tooltip=theme.tooltip("tool_name:N", "is_error:N"))
    failed = alt.Chart(calls.filter(pl.col("is_error"))).encode(x=x, y=y)
    return alt.layer(
        base.mark_bar(style="pooled", height=9).encode(x2=alt.X2("result_ms:T")),
        base.mark_tick(style="pooled", size=9, thickness=1.5, opacity=1),
        failed.mark_point(shape="cross", color=_FAILED, filled=True, size=46, opacity=1),
        theme.heading("Tool calls"),
    )


def _step_x(steps: pl.DataFrame, field: str, axis: theme.Axis) -> alt.X:
    last = theme.greatest(steps, "step_index")
    return alt.X(field).scale(domain=[-0.5, last + 0.5], nice=False).axis(**axis)


def _bands(steps: pl.DataFrame, bands: pl.DataFrame, axis: theme.Axis) -> alt.Chart:
    """Every other request as a band behind its steps."""
    shaded = bands.gather_every(2).select(low=pl.col("first_step") - 0.5, high=pl.col("last_step") + 0.5)
    base = alt.Chart(shaded).mark_rect(color=theme.TOKEN_COLOURS["prefix"], opacity=0.14)
    drawn: alt.Chart = base.encode(x=_step_x(steps, "low:Q", axis), x2=alt.X2("high:Q"))
    return drawn


def _key(causes: Collection[str], has_failed: bool, is_compacted: bool) -> list[alt.Chart]:
    """What the colours and marks that are there mean, in a line above the plot."""
    looks: dict[str, dict[str, Any] | None] = {
        name: {"shape": "square", "color": colour} for name, colour in theme.TOKEN_COLOURS.items()
    }
    if has_failed:
        looks["failed call"] = {"shape": "cross", "color": _FAILED}
    if is_compacted:
        looks["compacted"] = {}
    if causes:
        looks["missed, by cause:"] = None
    looks |= {
        cause.replace("_", " "): {"shape": shape} for cause, shape in MISS_SHAPES.items() if cause in causes
    }
    layers, x = [], 4
    for text, look in looks.items():
        if look == {}:
            rule = theme.mark("rule", style="landmark")
            layers.append(rule.encode(**theme.at(x=x, y=-19, y2=-4)))
        elif look is not None:
            layers.append(theme.mark("point", **{**_SIGN, **look}, x=x, y=-12))
        layers.append(theme.note(text, x + 9, -12))
        x += 26 + round(6.2 * len(text))
    return layers
