"""Charts of tool calls: which are made, which hold the time, and which fail."""

import altair as alt
import polars as pl

from tracelab.charts import shapes, theme, words
from tracelab.charts.base import chart

_POOLED = "session_kind = 'all' and model = 'all'"
_MOST_TOOLS = 15
_FEW_ROWS = 9
"""As many as a pair's height holds."""
_IS_KNOWN = "2 * {0} >= {1}"
"""Some tools tell of failures alone: a share of what few of their calls tell is no share of theirs."""
_STEPS = [digit * 10.0**power for power in range(-3, 9) for digit in (1, 2, 5)]


@chart(
    "Which tools are called, and how often they fail",
    counts=f"""
        select
            least(place, {_MOST_TOOLS + 1}) as row,
            if(row > {_MOST_TOOLS}, 'all', any_value(provider)) as provider,
            any_value(tool_name) as tool_name,
            count(*) as grouped,
            sum(tool_calls) as tool_calls,
            if(
                {_IS_KNOWN.format("sum(known_outcomes)", "sum(tool_calls)")},
                sum(tool_errors) / nullif(sum(known_outcomes), 0),
                null
            ) as error_share
        from (
            select
                *,
                row_number() over (order by tool_calls desc, provider, tool_name) as place
            from summary_tool_counts
            where {_POOLED} and provider <> 'all' and tool_category <> 'all'
        )
        group by row
        order by row""",
    overview=words.OVERVIEW,
)
def tool_counts(title: str, counts: pl.DataFrame, overview: pl.DataFrame) -> alt.VConcatChart:
    """Which tools does an agent call most, and which of them fail?

    Reads summary_tool_counts, a row a provider and tool; those behind the first 15 are one. A few tools at
    the top mean an agent of few habits. A tool with a high share of errors costs a step each time: look at
    what it is asked for.
    """
    notes = ["from summary_tool_counts", "failed: where at least half of the outcomes are known"]
    if counts.is_empty():
        return theme.empty("No tool call.", title=title, notes=notes, size=theme.PAIR)
    rows = counts.with_columns(tool=shapes.first_and_rest(_MOST_TOOLS, "tool_name", "tool"))
    size = theme.PAIR if rows.height <= _FEW_ROWS else theme.GRID
    y = shapes.places(rows)
    panels = [
        (256, shapes.names(rows, "tool", y, width=256)),
        (328, shapes.bars(rows, y, "tool_calls", theme.amount_axis("Calls (number)"), "{:,.0f}".format)),
        (309, shapes.share_bars(rows, y, "error_share", "Failed, of known outcomes")),
    ]
    tools = words.counted(sum(rows["grouped"]), "tool")
    subtitle = [
        words.population(overview, words.counted(_calls(overview), "call")),
        f"{tools}, by their calls. Right: how many ended in an error.",
    ]
    return shapes.panels(panels, title=title, subtitle=subtitle, notes=notes, size=size)


@chart(
    "Which tools hold the time",
    times=f"""
        select
            least(place, {_MOST_TOOLS + 1}) as row,
            if(row > {_MOST_TOOLS}, 'all', any_value(provider)) as provider,
            any_value(tool_name) as tool_name,
            any_value(tools) as tools,
            count(*) as grouped,
            sum(total_s) as total_s,
            sum(total_s) / sum(count) as mean
        from (
            select
                *,
                row_number() over (order by total_s desc, provider, tool_name) as place,
                count(*) over () as tools
            from summary_tool_time
            where {_POOLED} and provider <> 'all' and tool_category <> 'all' and count > 0
        )
        group by row
        order by row""",
    calls=f"from summary_tool_time where {_POOLED} and provider = 'all' and tool_category = 'all'",
    overview=words.OVERVIEW,
)
def tool_time(
    title: str, times: pl.DataFrame, calls: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """Which tools hold the time, in all and a call?

    Reads summary_tool_time, a row a provider and tool; those behind the first 15 are one. What leads on the
    left is where making tools faster pays. If it is short on the right, it is called often; if it is long,
    each call is slow: a person may be asked, or another agent be at work.
    """
    notes = ["from summary_tool_time", "calls at once count each", *_untimed(overview)]
    if times.is_empty():
        return theme.empty("No tool call with a known time.", title=title, notes=notes, size=theme.PAIR)
    rows = times.with_columns(tool=shapes.first_and_rest(_MOST_TOOLS, "tool_name", "tool"))
    size = theme.PAIR if rows.height <= _FEW_ROWS else theme.GRID
    y = shapes.places(rows)
    panels = [
        (256, shapes.names(rows, "tool", y, width=256)),
        (328, shapes.bars(rows, y, "total_s", _times("Time of all calls", rows["total_s"]), words.duration)),
        (309, shapes.bars(rows, y, "mean", _times("Mean time of a call", rows["mean"]), words.duration)),
    ]
    subtitle = [
        words.population(overview, words.counted(theme.pooled(calls)["count"], "timed call")),
        f"{words.counted(rows['tools'][0], 'tool')}, by the time of all their calls.",
    ]
    return shapes.panels(panels, title=title, subtitle=subtitle, notes=notes, size=size)


@chart(
    "What kinds of tools are called, take time and fail",
    categories="select * replace"
    f" (if({_IS_KNOWN.format('known_outcomes', 'tool_calls')}, error_share, null) as error_share)"
    f" from summary_tool_categories where {_POOLED} and provider <> 'all'"
    " and scheme = 'ours' and tool_class <> 'all' and tool_calls > 0"
    " order by tool_calls desc, provider, tool_class",
    overview=words.OVERVIEW,
)
def tool_categories(title: str, categories: pl.DataFrame, overview: pl.DataFrame) -> alt.VConcatChart:
    """Which kinds of tools are called, which hold the time, and which fail?

    Reads summary_tool_categories, a row a provider and category. A category that is longer in time than in
    calls is slow by nature; one that is longer in errors is asked for the wrong things.
    """
    notes = [
        "from summary_tool_categories",
        "shares are of a client's calls, of their time, and of a category's known outcomes",
        "failed: where at least half of the outcomes are known",
        *_untimed(overview),
    ]
    if categories.is_empty():
        return theme.empty("No tool call.", title=title, notes=notes, size=theme.PAIR)
    order = list(dict.fromkeys(categories["tool_class"].fill_null("no category")))
    rows = categories.with_columns(row=pl.col("tool_class").fill_null("no category"))
    y = alt.Y("row:O").axis(None).scale(domain=order, paddingInner=0.25, paddingOuter=0.1)
    size = theme.PAIR if len(order) <= 6 else theme.GRID
    names = alt.Chart(pl.DataFrame({"row": order})).mark_text(style="label", align="left", fontSize=12, x=0)
    clients = rows.with_columns(client=pl.col("provider").replace(theme.PROVIDERS))
    shares = {"call_share": "Share of calls", "time_share": "Share of time"}
    panels = [
        (
            150,
            alt.layer(
                names.encode(y=y, text=alt.Text("row:N")),
                alt.Chart(clients)
                .mark_text(style="note", align="right", x=150)
                .encode(y=y, yOffset=alt.YOffset("provider:N"), text=alt.Text("client:N")),
            ),
        ),
        *(
            (245, shapes.share_bars(rows, y, name, text, beside=list(shares), offset=True))
            for name, text in shares.items()
        ),
        (241, shapes.share_bars(rows, y, "error_share", "Failed, of known outcomes", offset=True)),
    ]
    subtitle = [
        words.population(overview, words.counted(_calls(overview), "call")),
        "Sorted by calls; what a client does not have has no bar.",
    ]
    return shapes.panels(panels, title=title, subtitle=subtitle, notes=notes, size=size)


@chart(
    "Calls of a minute or more, and the time that they hold",
    tails=f"from summary_tool_long_tail where {_POOLED} and call_kind = 'all' and low_s = 60"
    " and call_share > 0 order by total_s desc, provider, tool_category",
    overview=words.OVERVIEW,
)
def tool_long_tail(title: str, tails: pl.DataFrame, overview: pl.DataFrame) -> alt.VConcatChart:
    """How much of each category's time do calls of a minute or more hold, and how few are they?

    Reads summary_tool_long_tail, a row a provider and category. Far apart bars mean a category that is fast
    but for a few calls: a time limit would save most of its time. Both long means that it is slow as a rule.
    """
    notes = [
        "from summary_tool_long_tail",
        "shares are of a category's own calls and time",
        *_untimed(overview),
    ]
    if tails.is_empty():
        return theme.empty("No tool call of a minute or more.", title=title, notes=notes, size=theme.PAIR)
    labelled = theme.clients(tails).with_columns(
        category=pl.when(pl.col("tool_category") == "all")
        .then(pl.lit("all tools"))
        .otherwise("tool_category")
        .fill_null("no category"),
    )
    rows = pl.concat(
        [
            labelled.filter(pl.col("tool_category") == "all"),
            labelled.filter(pl.col("tool_category") != "all"),
        ]
    ).with_row_index("row")
    size = theme.PAIR if rows.height <= _FEW_ROWS else theme.GRID
    y = shapes.places(rows)
    shares = {"call_share": "Share of calls", "time_share": "Share of their time"}
    panels = [
        (180, shapes.names(rows, "category", y, width=180)),
        *(
            (226, shapes.share_bars(rows, y, name, text, beside=list(shares)))
            for name, text in shares.items()
        ),
        (247, shapes.bars(rows, y, "total_s", _times("Time in such calls", rows["total_s"]), words.duration)),
    ]
    calls = theme.pooled(tails.filter(pl.col("tool_category") == "all"))["tool_calls"]
    subtitle = [
        words.population(
            overview,
            words.counted(calls, "long call"),
        ),
        "How few they are of a category's calls, and how much of its time is theirs.",
    ]
    return shapes.panels(panels, title=title, subtitle=subtitle, notes=notes, size=size)


def _calls(overview: pl.DataFrame) -> float:
    return words.numbers_of(overview).get("tool_calls", 0)


def _untimed(overview: pl.DataFrame) -> list[str]:
    numbers = words.numbers_of(overview)
    return words.left_out(numbers, "call", missing_latency_calls="without a known time")


def _times(title: str, seconds: pl.Series) -> theme.Axis:
    """Return an axis of seconds, written in the unit of the longest."""
    longest = theme.greatest(seconds.to_frame("s"), "s")
    unit, size = words.unit_of(longest)
    # round numbers of that unit: at most five of them
    step = next(step for step in _STEPS if 5 * step * size >= longest)
    shown = [step * size * place for place in range(6)]
    return theme.axis(
        title=f"{title} ({unit})", values=shown, labelExpr=f"format(datum.value / {size}, ',~g')"
    )
