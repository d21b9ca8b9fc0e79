"""Charts of tool calls: how long they take, and which of them hold the time."""

import altair as alt
import polars as pl

from tracelab.charts import shapes, theme, words
from tracelab.charts.base import chart

_MOST_TOOLS = 20
_FEW_TOOLS = 9
"""As many as a pair's height holds."""
_COLUMNS = {"client": 10, "kind": 66, "calls": 162, "median": 226, "total": 290}
"""The numbers beside the lines, each at its place in pixels: texts begin there, numbers end there."""
_POOLED = "session_kind = 'all' and model = 'all'"
_CALLS = f"from summary_tool_latency where {_POOLED} and tool_category = 'all' order by provider"
"""The calls of each client, and of all."""
_GAP_CLASSES = {"execution_like": "commands", "write_stdin": "input to commands", "direct_human": "questions"}


@chart(
    "How long tool calls take, by tool",
    latencies=f"select *, count(*) over () as tools from summary_tool_latency where {_POOLED}"
    " and provider <> 'all' and tool_category <> 'all' and count > 0"
    f" order by total_s desc, tool_calls desc, provider, tool_name limit {_MOST_TOOLS}",
    calls=_CALLS,
    overview=words.OVERVIEW,
)
def tool_latency(
    title: str, latencies: pl.DataFrame, calls: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """Which tools make an agent wait, and is it the usual call or the rare one?

    Reads summary_tool_latency, a row a provider and tool, sorted by the time they take in all. A tool at the
    top with few calls is slow by nature; one whose p90 and p99 lie decades to the right of its median is
    usually fast and sometimes stuck: its time is in the tail, and a timeout would save most of it.
    """
    facts = theme.pooled(calls)
    notes = [
        "from summary_tool_latency",
        *words.left_out(facts, "call", missing_latencies="without a known time"),
    ]
    if latencies.is_empty():
        return theme.empty("No tool call with a known time.", title=title, notes=notes, size=theme.PAIR)
    rows = latencies.with_columns(pl.col("tool_name").fill_null("no name")).with_row_index("row")
    if further := rows["tools"][0] - rows.height:
        notes.append(f"{words.counted(further, 'further tool')} not drawn")
    size = theme.PAIR if rows.height <= _FEW_TOOLS else theme.GRID
    names = shapes.names(rows, "tool_name", alt.Y("row:O").axis(None), width=170, clients=False)
    panels = names, _spans(rows), _numbers(rows)
    body = alt.hconcat(*(panel.properties(height=size[1] - 168) for panel in panels), spacing=12)
    counts = words.counted(facts["count"], "timed call"), words.counted(rows["tools"][0], "tool")
    subtitle = [
        words.population(overview, *counts),
        "Sorted by total time. Thin line p10 to p90, bar p25 to p75, dot median, tick p99.",
    ]
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=size)


def _spans(rows: pl.DataFrame) -> theme.Layers:
    """One line a tool: its percentiles on a log axis of time."""
    # what takes no measurable time stands at the axis' beginning
    drawn = rows.with_columns(pl.col("p10", "p25", "p50", "p75", "p90", "p99").clip(lower_bound=0.001))
    domain = theme.time_domain(theme.least(drawn, "p10"), theme.greatest(drawn, "p99"))
    base = alt.Chart(drawn, width=440).encode(
        y=alt.Y("row:O").axis(title=None, labels=False, grid=True),
        color=theme.colours(),
        tooltip=theme.tooltip(
            "tool_name:N", "provider:N", "tool_calls:Q", "p50:Q", "p90:Q", "p99:Q", "total_s:Q"
        ),
    )
    x = theme.time_x("p10:Q", "Time of a call", domain)
    return alt.layer(
        base.mark_rule(strokeWidth=1.5).encode(x=x, x2=alt.X2("p90:Q")),
        base.mark_bar(height=8, cornerRadius=2, opacity=0.55).encode(x=alt.X("p25:Q"), x2=alt.X2("p75:Q")),
        base.mark_point(filled=True, size=42, opacity=1).encode(x=alt.X("p50:Q")),
        base.mark_tick(thickness=2, size=12, opacity=1).encode(x=alt.X("p99:Q")),
    )


def _numbers(rows: pl.DataFrame) -> theme.Layers:
    """The numbers beside the lines, as text under their heads."""
    texts = rows.with_columns(
        client=pl.col("provider").replace(theme.PROVIDERS),
        kind=pl.col("tool_category"),
        calls=pl.col("tool_calls").map_elements("{:,}".format, return_dtype=pl.String),
        median=pl.col("p50").map_elements(words.duration, return_dtype=pl.String),
        total=pl.col("total_s").map_elements(words.duration, return_dtype=pl.String),
    )
    layers = []
    for name, place in _COLUMNS.items():
        side: theme.Side = "left" if name in ("client", "kind") else "right"
        cells = alt.Chart(texts, width=290).mark_text(style="label", align=side, x=place)
        layers.append(cells.encode(y=alt.Y("row:O").axis(None), text=alt.Text(f"{name}:N")))
        layers.append(theme.note(name.capitalize(), place, -10, side))
    return alt.layer(*layers)


@chart(
    "Which calls of tools hold their time",
    bins=f"from summary_tool_latency_bins where provider <> 'all' and {_POOLED} order by provider, bin",
    calls=_CALLS,
    overview=words.OVERVIEW,
)
def tool_latency_mass(
    title: str, bins: pl.DataFrame, calls: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """Do the many fast calls or the few slow ones make up the time of tools?

    Reads summary_tool_latency_bins, a row a provider and bin of a call's time. Grey bars say what most calls
    are; coloured ones, what is waited for. The further the colour stands right of the grey, the more a few
    slow calls matter, and the less a faster shell would help.
    """
    facts = theme.pooled(calls)
    notes = [
        "from summary_tool_latency_bins, summary_tool_latency",
        *words.left_out(facts, "call", missing_latencies="without a known time"),
    ]
    if not facts["count"]:
        return theme.empty("No tool call with a known time.", title=title, notes=notes, size=theme.PAIR)
    subtitle = [
        words.population(overview, words.counted(facts["count"], "timed call")),
        "Calls by how long they take.",
    ]
    measures = {"call_share": "share of calls", "time_share": "share of their time"}
    body = _histograms(bins, measures)
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR, left=theme.Y_AXIS)


@chart(
    "What a runner adds to the time of a command",
    bins="from summary_codex_tool_gap_buckets where session_kind = 'all' and model = 'all' "
    " and measure = 'wall' and gap_class = 'all' and tool_name = 'all' order by bin",
    classes="from summary_codex_tool_gap where session_kind = 'all' and model = 'all' and tool_name = 'all'"
    " and measure = 'gap' and count > 0 order by timed_total_s desc, gap_class",
    overview=words.OVERVIEW,
)
def runner_gap(
    title: str, bins: pl.DataFrame, classes: pl.DataFrame, overview: pl.DataFrame
) -> alt.VConcatChart:
    """How much of the time of a Codex tool call is the command's own, and how much is the runner around it?

    Reads summary_codex_tool_gap_buckets, a row a bin of the time from call to result, and
    summary_codex_tool_gap, a row a class of tools. If the share outside is high for short calls only, it is a
    fixed cost a call; if it stays high, results wait: for approval, for a queue, for the model.
    """
    notes = ["from summary_codex_tool_gap_buckets, summary_codex_tool_gap", "only Codex logs both times"]
    timed = bins.filter(pl.col("timed_calls") > 0)
    if timed.is_empty():
        return theme.empty(
            "No Codex tool call with a time of its own.", title=title, notes=notes, size=theme.PAIR
        )
    rows = timed.with_columns(
        provider=pl.lit("codex"),
        row=pl.col("bin"),
        label=_bounds("above_s", "up_to_s", ("≤ ", "> "))
        + "  ·  "
        + pl.col("timed_calls").map_elements(_calls, return_dtype=pl.String),
    )
    parts = pl.concat(
        rows.select("row", part=pl.lit(part), share=pl.col(f"{part}_share")) for part in ("internal", "gap")
    ).sort("row")
    y = shapes.places(rows, 0.25)
    looks = {"internal": ("the command itself", "#a78bfa"), "gap": ("around it", "#cbd5e1")}
    body = alt.hconcat(
        shapes.names(rows, "label", y, width=190, clients=False),
        shapes.stacks(parts, y, "share", looks, axis="Share of the time (%)").properties(width=690),
        spacing=14,
    )
    texts = [
        f"{_GAP_CLASSES.get(row['gap_class'], row['gap_class'])} p50 {words.duration(row['p50'])},"
        f" p99 {words.duration(row['p99'])}"
        for row in classes.filter(pl.col("gap_class") != "all").to_dicts()
    ]
    timed_calls = classes.filter(pl.col("gap_class") == "all")["count"].item()
    subtitle = [
        words.population(overview, words.counted(timed_calls, "timed call"), provider="codex"),
        "By the time from call to result. Around it: " + "; ".join(texts) + ".",
    ]
    panels = body.hconcat
    body = alt.hconcat(*(panel.properties(height=184) for panel in panels), spacing=14)
    return theme.page(body, title=title, subtitle=subtitle, notes=notes, size=theme.PAIR)


def _histograms(bins: pl.DataFrame, measures: dict[str, str]) -> alt.HConcatChart:
    """One histogram a provider, beside each other."""
    labelled = bins.with_columns(label=_bounds("low_s", "high_s", ("", "≥ ")))  # eight in half a page
    found = theme.providers_in(bins.filter(pl.col("tool_calls") > 0))
    return shapes.beside(
        [
            shapes.histogram(
                labelled.filter(pl.col("provider") == provider),
                "label",
                "Time of a call, below (ms to h)",
                measures,
                provider,
                size=(shapes.width_of(len(found)), 183),
            )
            for provider in found
        ]
    )


def _calls(number: int) -> str:
    return words.counted(number, "call")


def _bounds(low: str, high: str, signs: tuple[str, str]) -> pl.Expr:
    """Say up to what the values of a bin go, or from what on those of one that is open."""
    first, last = (pl.col(name).map_elements(words.duration, return_dtype=pl.String) for name in (low, high))
    return pl.coalesce(pl.lit(signs[0]) + last, pl.lit(signs[1]) + first)
