"""The six numbers that matter, each beside the published one."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tracelab.charts.words import counted, dollars, tokens
from tracelab.report.cuts import Cut
from tracelab.report.findings import Read

_TIME = {"generation": "model", "tool": "tools", "human_tool": "person, asked by a tool", "human": "person", "other": "other"}
"""What a session's time goes to, in words: parts of its wall time."""
_NOTHING = "–"


class Headline(NamedTuple):
    """One of the numbers."""

    title: str
    value: str
    detail: str
    """What it is of, or made of."""
    published: str
    """The paper's; empty where it prints none for this part."""
    is_counted_alike: bool
    """Whether the two compare as they stand."""
    parts: tuple[tuple[str, float], ...] = ()
    """Shares that the number is made of: name and share."""


def headlines(read: Read, cut: Cut) -> list[Headline]:
    """Return the numbers of the tables that `read` asks, which are those of the part `cut`."""
    ours = {
        row["name"]: row["value"]
        for row in read(
            "from summary_overview where provider = 'all' and session_kind = 'all' and model = 'all'"
            " and trigger = 'all'"
        )
    }
    theirs = _published(read, cut)
    unpriced = ours.get("unpriced_steps", 0)
    return [
        Headline(
            "Sessions and requests",
            f"{ours.get('sessions', 0):,.0f} · {ours.get('requests', 0):,.0f}",
            counted(ours.get("steps", 0), "step"),
            *theirs(("summary_overview.sessions", _count), ("summary_overview.timed_requests", _count)),
        ),
        Headline(
            "Steps per request",
            _or_nothing(ours, "steps_per_request", lambda value: f"{value:.1f}"),
            f"{_or_nothing(ours, 'tool_calls_per_request', lambda value: f'{value:.1f}')} tool calls per request",
            *theirs(("summary_overview.steps_per_request", lambda value: f"{value:.1f}")),
        ),
        Headline(
            "Tokens in and out",
            f"{_or_nothing(ours, 'input_tokens', tokens)} · {_or_nothing(ours, 'output_tokens', tokens)}",
            f"{_or_nothing(ours, 'append_tokens', tokens)} of the input appended",
            *theirs(("summary_overview.input_tokens", tokens), ("summary_overview.output_tokens", tokens)),
        ),
        Headline(
            "Hit ratio",
            _or_nothing(ours, "hit_ratio", _percent),
            "of prompt tokens read from the cache",
            *theirs(("summary_overview.hit_ratio", _percent)),
        ),
        Headline(
            "API-equivalent cost",
            _or_nothing(ours, "cost_usd", dollars),
            f"a lower bound; {counted(unpriced, 'step')} without a price" if unpriced else "a lower bound",
            *theirs(("summary_cost_distribution.step_cost_usd", dollars)),
        ),
        _time_split(read, theirs),
    ]


def period(read: Read) -> tuple[str, str] | None:
    """Return the first and the last instant of anything, as days and minutes in UTC; none of an empty warehouse."""
    found = {
        row["name"]: datetime.fromtimestamp(row["value"], UTC)
        for row in read(
            "from summary_overview where provider = 'all' and session_kind = 'all' and model = 'all'"
            " and trigger = 'all' and name in ('first_at_epoch_s', 'last_at_epoch_s')"
        )
    }
    if len(found) < 2:
        return None
    return tuple(f"{found[name]:%Y-%m-%d %H:%M}" for name in ("first_at_epoch_s", "last_at_epoch_s"))  # type: ignore[return-value]


def _time_split(read: Read, theirs: Any) -> Headline:
    parts = read(
        "from summary_timing_distribution where provider = 'all' and session_kind = 'all' and model = 'all'"
        " and block = 'session_partition'"
    )
    shares = {row["category"]: row["total_share"] for row in parts if row["total_share"] is not None}
    split = tuple((name, shares[part]) for part, name in _TIME.items() if shares.get(part))
    wall = next((row["total_s"] for row in parts if row["category"] == "all"), 0)
    published, alike = theirs(
        *((f"summary_timing_distribution.session.{part}", _percent) for part in ("generation", "tool", "human"))
    )
    return Headline(
        "Time of sessions",
        " · ".join(f"{share:.0%} {name}" for name, share in split if share >= 0.005) or _NOTHING,
        f"{wall / 3600:,.0f} h from beginning to end" if wall else "no session with a known time",
        published and f"model, tools, person {published}",
        alike,
        split,
    )


def _published(read: Read, cut: Cut) -> Any:
    """Return what finds published figures by their number, and puts them into words."""
    rows = read(
        "select table_name || '.' || metric || coalesce('.' || dimension_value, '') as number, published,"
        " comparability from compare_published where statistic in ('count', 'sum', 'mean', 'share')"
        f" and provider = '{cut.provider}' and comparability in ('same', 'differs', 'compare_with')"
        " and not (metric = 'step_cost_usd' and statistic <> 'sum')"
        " and not (metric = 'session' and statistic <> 'share')"
    )
    figures = {row["number"]: row for row in rows}

    def found(*wanted: tuple[str, Any]) -> tuple[str, bool]:
        known = [(figures[number], words) for number, words in wanted if number in figures]
        if len(known) < len(wanted):
            return "", True
        text = " · ".join(words(row["published"]) for row, words in known)
        return text, all(row["comparability"] == "same" for row, _ in known)

    return found


def _or_nothing(numbers: Mapping[str, float], name: str, words: Any) -> str:
    return words(numbers[name]) if name in numbers else _NOTHING


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _percent(share: float) -> str:
    return f"{share:.1%}"
