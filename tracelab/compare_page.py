"""The comparison with the published figures as a page: by theme, what tells how a workload differs.

How much was logged says nothing of that: counts and sums are left to the table, `compare_published`, which
holds every figure, as `tracelab export` writes it. What does not compare is listed by its reason.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from string import ascii_lowercase
from typing import TYPE_CHECKING

from tracelab.text import counted, table

if TYPE_CHECKING:
    from tracelab.compare import Comparison

THEMES: Mapping[str, Sequence[str]] = {
    "overview": ("summary_overview", "steps", "sessions"),
    "sessions": (
        "summary_session_counts",
        "summary_input_growth",
        "summary_compactions",
        "summary_cost_distribution",
        "summary_timing_distribution",
    ),
    "people": ("summary_human_wait", "summary_request_decomposition"),
    "requests": ("summary_request_response_time",),
    "tokens": (
        "summary_token_lengths",
        "summary_prefix_append",
        "summary_append_by_prefix_bin",
        "summary_output_tokens",
        "summary_adjusted_append",
        "summary_output_attribution",
    ),
    "generation": (
        "summary_generation_time",
        "summary_decode_speed",
        "summary_append_vs_prefix_latency",
    ),
    "tools": (
        "summary_tool_counts",
        "summary_tool_latency",
        "summary_tool_latency_cdf",
        "summary_tool_time",
        "summary_tool_categories",
        "summary_tool_long_tail",
        "summary_codex_tool_gap",
    ),
    "prefix cache": (
        "summary_cache_hit_ratio",
        "summary_cache_hit_idle",
        "summary_redundant_prefill",
        "summary_eviction_tradeoff",
        "summary_kv_active_ratio",
        "summary_idle_counterfactual",
    ),
}
"""Theme → the tables that have numbers to compare, in the order of the page."""

_COMPARED = ("same", "differs", "compare_with")
_AMOUNTS = ("count", "sum")
_COLUMNS = ("figure", "client", "statistic", "ours", "95 % interval", "paper", "ratio", "")
_TO_THE_RIGHT = (False, False, False, True, True, True, True, False)
_FIGURE_COLUMNS = 32
_END_COLUMNS = 11
_SPOKEN_UNITS = ("s", "ms", "min", "h", "USD")
"""Units that a figure's name does not tell, or not as it was published."""


def comparison_page(figures: Sequence["Comparison"]) -> str:
    """Lay the comparison out in 100 columns: by theme, then what is not in it, and the notes."""
    shown = list(_shown(figures))
    notes = dict.fromkeys(note for figure in shown for note in _notes(figure))
    marks = dict(zip(notes, ascii_lowercase[: len(notes)], strict=True))
    return "\n\n".join(
        [
            _head(figures),
            *(_theme(theme, shown, marks) for theme in THEMES),
            "\n".join(["Not on this page", *_left_out(figures, shown)]),
            "\n".join(["Notes", *(f"  {mark}  {note}" for note, mark in marks.items()), *_CLOSING]),
        ]
    )


_CLOSING = (
    "  –  no interval: of one conversation, or a maximum, a number of names, a sweep or a fit",
    "Rulings, by which our numbers are defined otherwise than the paper's: docs/rulings.md.",
    "Every figure, with its note and source: `tracelab export compare_published`.",
)


def _head(figures: Sequence["Comparison"]) -> str:
    ours, paper = (
        {
            figure.metric: getattr(figure, name)
            for figure in figures
            if (figure.table_name, figure.provider, figure.statistic, figure.dimension)
            == ("summary_overview", "all", "count", None)
        }
        for name in ("ours", "published")
    )
    counts = [
        " of ".join(counted(int(found.get(f"{noun}s") or 0), noun) for noun in ("step", "session"))
        for found in (ours, paper)
    ]
    return (
        f"ours:  {counts[0]}\n"
        f"paper: {counts[1]}, the release it is about\n"
        "95 % interval: where ours would be, were these conversations drawn again"
    )


def _shown(figures: Iterable["Comparison"]) -> Iterator["Comparison"]:
    """What tells how a workload differs, in the page's order; of one published twice the more exact."""
    exact = {
        figure[1:7]: figure
        for figure in sorted(figures, key=lambda figure: len(repr(figure.published)))
        if figure.ours is not None and figure.comparability in _COMPARED and figure.statistic not in _AMOUNTS
    }
    order = {name: place for place, name in enumerate(name for names in THEMES.values() for name in names)}
    yield from sorted(
        exact.values(),
        key=lambda figure: (
            order[figure.table_name or ""],
            figure.metric,
            *_natural(figure.dimension_value or ""),
            figure.provider,
            figure.statistic,
        ),
    )


def _natural(value: str) -> tuple[int, str]:
    """Sort timeouts and edges of bins as numbers."""
    return (int(value), "") if value.isdecimal() else (0, value)


def _theme(theme: str, shown: Iterable["Comparison"], marks: Mapping[str, str]) -> str:
    """A theme's figures in one table, with a line for each table of the warehouse that they are in."""
    members = [figure for figure in shown if figure.table_name in THEMES[theme]]
    if not members:
        return f"{theme.upper()}\nnothing to compare in these sessions"
    header, rule, *lines = table(_COLUMNS, [_row(figure, marks) for figure in members], _TO_THE_RIGHT).split(
        "\n"
    )
    page = [theme.upper(), header, rule]
    for name, group in groupby(zip(members, lines, strict=True), key=lambda pair: pair[0].table_name):
        page += [name or "", *(line for _, line in group)]
    return "\n".join(page)


def _row(figure: "Comparison", marks: Mapping[str, str]) -> list[str]:
    is_spoken = figure.unit in _SPOKEN_UNITS
    metric = figure.metric.removesuffix("_s") if is_spoken else figure.metric
    name = "  " + " ".join(filter(None, (metric, figure.dimension_value)))
    found = figure.interval
    return [
        _fitting(name),
        figure.provider,
        f"{figure.statistic} {figure.unit}" if is_spoken else figure.statistic,
        _number(figure.ours),
        f"{_number(found.low)}–{_number(found.high)}" if found else "–",
        _number(figure.published),
        _number(figure.ratio),
        "".join(marks[note] for note in _notes(figure)),
    ]


def _fitting(name: str) -> str:
    """Shorten a name in the middle: what names have in common stands first."""
    if len(name) <= _FIGURE_COLUMNS:
        return name
    return f"{name[: _FIGURE_COLUMNS - _END_COLUMNS - 1]}…{name[-_END_COLUMNS:]}"


def _notes(figure: "Comparison") -> list[str]:
    return figure.note.split("; ") if figure.note else []


def _left_out(figures: Iterable["Comparison"], shown: Sequence["Comparison"]) -> Iterator[str]:
    """How many figures are not on the page, by reason."""
    ids = {figure.figure_id for figure in shown}
    reasons = Counter(_reason(figure) for figure in figures if figure.figure_id not in ids)
    for reason, count in sorted(reasons.items(), key=lambda item: -item[1]):
        yield f"  {count:>4}  {reason}"


_INCOMPARABLE = {
    "not_this_workload": "of the paper's own sessions, projects and days",
    "other_trace": "of other sessions than those of the release",
    "not_computed": "by a second rule of the paper, beside one that we compute",
    "contradicted": "contradicted by other figures of the paper",
    "bound": "bounds, ends of ranges, and what was read off a drawing",
}


def _reason(figure: "Comparison") -> str:
    if figure.comparability in _INCOMPARABLE:
        return _INCOMPARABLE[figure.comparability]
    if figure.ours is None:
        return "nothing of the kind in these sessions"
    if figure.statistic in _AMOUNTS:
        return "counts and sums: how much was logged, not what it is like"
    return "published twice, once rounded"


def _number(value: float | None) -> str:
    """Three digits that count."""
    if value is None:
        return "–"
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= 0.9995 * size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"
