"""Charts of tool calls: which are made, which hold the time, and which fail."""

import altair as alt
import polars as pl

from tracelab.charts import shapes, theme, words
from tracelab.charts.base import chart

_POOLED = "provider <> 'all' and session_kind = 'all' and model = 'all'"
_MOST_TOOLS = 15
_FEW_ROWS = 9
"""As many as a pair's height holds."""
_TOOL_GROUPS = {"rare": "all rarer tools", "mcp": "tools of MCP servers"}


@chart(
    "Which tools are called, and how often they fail",
    counts=f"from summary_tool_counts where {_POOLED} and tool_group <> 'all' and tool_name = 'all'"
    " order by tool_calls desc, provider, tool_group",
    overview=words.OVERVIEW,
)
def tool_counts(title: str, counts: pl.DataFrame, overview: pl.DataFrame) -> alt.VConcatChart:
    """Which tools does an agent call most, and which of them fail?

    Reads summary_tool_counts, a row a provider and tool, the tools of all MCP servers being one. A few tools
    at the top mean an agent of few habits. A tool with a high share of errors costs a step each time: look at
    what it is asked for.
    """
    notes = ["from summary_tool_counts"]
    if counts.is_empty():
        return theme.empty("No tool call.", title=title, notes=notes, size=theme.PAIR)
    rows = counts.head(_MOST_TOOLS).with_row_index("row")
    if rest := counts.height - rows.height:
        calls = theme.total(counts.tail(rest), "tool_calls")
        notes.append(f"{words.counted(rest, 'further tool')} with {words.counted(calls, 'call')} not drawn")
    size = theme.PAIR if rows.height <= _FEW_ROWS else theme.GRID
    y = alt.Y("row:O").axis(None).scale(paddingInner=0.3)
    labelled = rows.with_columns(tool=pl.col("tool_group").replace(_TOOL_GROUPS).fill_null("no name"))
    panels = {
        256: shapes.names(labelled, "tool", y, width=256),
        328: shapes.bars(rows, y, "tool_calls", theme.amount_axis("Calls (number)"), "{:,}".format),
        309: shapes.bars(
            rows,
            y,
            "error_share",
            shapes.share_ticks("Failed, of known outcomes (%)", rows["error_share"]),
            words.percent,
        ),
    }
    subtitle = [
        words.population(overview, words.counted(theme.total(counts, "tool_calls"), "call")),
        f"{words.counted(counts.height, 'tool')}, by their calls. Right: the share that ended in an error.",
    ]
    return _rows(panels, title, subtitle, notes, size)


@chart(
    "Which tools hold the time",
    times=f"from summary_tool_time where {_POOLED} and tool_category <> 'all'"
    " and total_s > 0 order by total_s desc, provider, tool_name",
    overview=words.OVERVIEW,
)
def tool_time(title: str, times: pl.DataFrame, overview: pl.DataFrame) -> alt.VConcatChart:
    """Which tools hold the time, in all and a call?

    Reads summary_tool_time, a row a provider and tool. What leads on the left is where making tools faster
    pays. If it is short on the right, it is called often; if it is long, each call is slow: a person may be
    asked, or another agent be at work.
    """
    notes = ["from summary_tool_time", "calls at once count each"]
    if times.is_empty():
        return theme.empty("No tool call with a known time.", title=title, notes=notes, size=theme.PAIR)
    rows = times.head(_MOST_TOOLS).with_row_index("row").with_columns(total_h=pl.col("total_s") / 3600)
    if rest := times.height - rows.height:
        total = words.duration(theme.total(times.tail(rest), "total_s"))
        notes.append(f"{words.counted(rest, 'further tool')} with {total} not drawn")
    size = theme.PAIR if rows.height <= _FEW_ROWS else theme.GRID
    y = alt.Y("row:O").axis(None).scale(paddingInner=0.3)
    labelled = rows.with_columns(tool=pl.col("tool_name").fill_null("no name"))
    panels = {
        256: shapes.names(labelled, "tool", y, width=256),
        328: shapes.bars(rows, y, "total_h", _amounts("Time of all calls (h)"), _hours),
        309: shapes.bars(rows, y, "mean", _amounts("Mean time of a call (s)"), words.duration),
    }
    subtitle = [
        words.population(overview, words.counted(theme.total(times, "count"), "timed call")),
        f"{words.counted(times.height, 'tool')}, by the time of all their calls.",
    ]
    return _rows(panels, title, subtitle, notes, size)


@chart(
    "What kinds of tools are called, take time and fail",
    categories=f"from summary_tool_categories where {_POOLED} and scheme = 'ours' and tool_calls > 0"
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
        "shares are of a client's calls, of their time, and of a category",
    ]
    if categories.is_empty():
        return theme.empty("No tool call.", title=title, notes=notes, size=theme.PAIR)
    order = list(dict.fromkeys(categories["tool_class"].fill_null("no category")))
    rows = categories.with_columns(row=pl.col("tool_class").fill_null("no category"))
    y = alt.Y("row:O").axis(None).scale(domain=order, paddingInner=0.25, paddingOuter=0.1)
    size = theme.PAIR if len(order) <= 6 else theme.GRID
    names = alt.Chart(pl.DataFrame({"row": order})).mark_text(style="label", align="left", fontSize=12)
    clients = rows.with_columns(client=pl.col("provider").replace(theme.PROVIDERS))
    panels = {
        150: alt.layer(
            names.encode(x=alt.value(0), y=y, text="row:N"),
            alt.Chart(clients)
            .mark_text(style="note", align="right")
            .encode(x=alt.value(150), y=y, yOffset="provider:N", text="client:N"),
        ),
        245: shapes.bars(
            rows,
            y,
            "call_share",
            shapes.share_ticks("Share of calls (%)", rows["call_share"]),
            words.percent,
            offset=True,
        ),
        246: shapes.bars(
            rows,
            y,
            "time_share",
            shapes.share_ticks("Share of time (%)", rows["time_share"]),
            words.percent,
            offset=True,
        ),
        244: shapes.bars(
            rows,
            y,
            "error_share",
            shapes.share_ticks("Failed (%)", rows["error_share"]),
            words.percent,
            offset=True,
        ),
    }
    subtitle = [
        words.population(overview, words.counted(theme.total(categories, "tool_calls"), "call")),
        "By calls of both clients; what a client does not have has no bar.",
    ]
    return _rows(panels, title, subtitle, notes, size)


@chart(
    "Calls over a minute, and the time that they hold",
    tails=f"from summary_tool_long_tail where {_POOLED} and call_kind = 'all' and low_s = 60"
    " and call_share > 0 order by total_s desc, provider, tool_category",
    overview=words.OVERVIEW,
)
def tool_long_tail(title: str, tails: pl.DataFrame, overview: pl.DataFrame) -> alt.VConcatChart:
    """How much of each category's time do calls of more than a minute hold, and how few are they?

    Reads summary_tool_long_tail, a row a provider and category. Far apart bars mean a category that is fast
    but for a few calls: a time limit would save most of its time. Both long means that it is slow as a rule.
    """
    notes = ["from summary_tool_long_tail", "shares are of a category's own calls and time"]
    if tails.is_empty():
        return theme.empty("No tool call of a minute or more.", title=title, notes=notes, size=theme.PAIR)
    labelled = tails.with_columns(
        category=pl.when(pl.col("tool_category") == "all")
        .then(pl.lit("all tools"))
        .otherwise("tool_category")
        .fill_null("no category"),
    )
    rows = (
        pl.concat(
            [
                labelled.filter(pl.col("tool_category") == "all"),
                labelled.filter(pl.col("tool_category") != "all"),
            ]
        )
        .with_row_index("row")
        .with_columns(total_h=pl.col("total_s") / 3600)
    )
    size = theme.PAIR if rows.height <= _FEW_ROWS else theme.GRID
    y = alt.Y("row:O").axis(None).scale(paddingInner=0.3)
    panels = {
        180: shapes.names(rows, "category", y, width=180),
        226: shapes.bars(
            rows, y, "call_share", shapes.share_ticks("Share of calls (%)", rows["call_share"]), words.percent
        ),
        227: shapes.bars(
            rows,
            y,
            "time_share",
            shapes.share_ticks("Share of their time (%)", rows["time_share"]),
            words.percent,
        ),
        246: shapes.bars(rows, y, "total_h", _amounts("Time in such calls (h)"), _hours),
    }
    pooled = rows.filter(pl.col("tool_category") == "all")
    subtitle = [
        words.population(
            overview,
            words.counted(theme.total(pooled, "tool_calls"), "long call"),
        ),
        "Calls of at least a minute: how few they are, and how much of the time is theirs.",
    ]
    return _rows(panels, title, subtitle, notes, size)


def _rows(
    panels: dict[int, theme.Layers],
    title: str,
    subtitle: list[str],
    notes: list[str],
    size: tuple[int, int],
) -> alt.VConcatChart:
    """Put panels of the same rows beside each other, each of its width."""
    height = size[1] - 162
    body = alt.hconcat(
        *(panel.properties(width=width, height=height) for width, panel in panels.items()), spacing=14
    )
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=size)


def _amounts(title: str) -> alt.Axis:
    return alt.Axis(title=title, tickCount=4, labelExpr="format(datum.value, ',~g')")


def _hours(hours: float) -> str:
    return words.duration(3600 * hours)
