"""What the first screen says: what was loaded, and the six numbers that matter beside the published ones."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tracelab.charts.words import counted, dollars, duration, tokens, whole_percent
from tracelab.report.cuts import Cut
from tracelab.report.findings import Read
from tracelab.status import Status

_PARTS = ("generation", "tool", "human_tool", "human", "other")
"""What a session's time goes to: parts of its wall time."""
_TOLD = {"generation": "model", "tool": "tools", "human": "person"}
"""Those that are told, in words."""
_NOTHING = "–"
_READ = ("loaded", "partial", "gone")
"""Status of a file whose rows are in the warehouse."""


class Headline(NamedTuple):
    """One of the numbers."""

    title: str
    values: tuple[tuple[str, str], ...]
    """Each with what it is of."""
    detail: str
    """What it is of, or made of."""
    published: str
    """The paper's; empty where it prints none for this part, or there is no time to compare it with."""
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
    return [
        Headline(
            "Sessions and requests",
            (_several(ours.get("sessions", 0), "session"), _several(ours.get("requests", 0), "request")),
            counted(ours.get("steps", 0), "step"),
            *theirs(("summary_overview.sessions", _count), ("summary_overview.timed_requests", _count)),
        ),
        Headline(
            "Steps per request",
            ((_or_nothing(ours, "steps_per_request", _decimal), "steps"),),
            f"{_or_nothing(ours, 'tool_calls_per_request', _decimal)} tool calls per request",
            *theirs(("summary_overview.steps_per_request", _decimal)),
        ),
        Headline(
            "Tokens in and out",
            (
                (_or_nothing(ours, "input_tokens", tokens), "in"),
                (_or_nothing(ours, "output_tokens", tokens), "out"),
            ),
            f"{_or_nothing(ours, 'append_tokens', tokens)} of the input not from the cache",
            *theirs(("summary_overview.input_tokens", tokens), ("summary_overview.output_tokens", tokens)),
        ),
        Headline(
            "Hit ratio",
            ((_or_nothing(ours, "hit_ratio", _percent), "of prompt tokens"),),
            "read from the prefix cache",
            *theirs(("summary_cache_hit_ratio.hit_ratio", _percent)),
        ),
        Headline(
            "API-equivalent cost",
            ((_or_nothing(ours, "cost_usd", dollars), ""),),
            _prices(ours),
            *theirs(("summary_cost_distribution.step_cost_usd", dollars)),
        ),
        _time_split(read, theirs),
    ]


def period(read: Read) -> tuple[str, str] | None:
    """Return the first and the last instant of anything, in UTC; none of an empty warehouse."""
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


def steps(read: Read) -> int:
    """Return how many steps there are."""
    [row] = read("select count(*) as steps from steps")
    return int(row["steps"])


def projects(read: Read) -> int:
    """Return how many projects there are, as the clients name them."""
    [row] = read("select count(distinct project) as projects from sessions")
    return int(row["projects"])


def loaded(state: Status) -> str:
    """Say how many files the warehouse was read from, and what of them was set aside."""
    aside = [f"{issue.reason.replace('_', ' ')}, {counted(issue.times, 'time')}" for issue in state.issues]
    read = [row.files for row in state.files if row.status in _READ]
    rest = f"Set aside: {'; '.join(aside)}." if aside else "Nothing was set aside."
    files = counted(sum(read), "log file")
    return f"All that is loaded was read from {files}. {rest}"


def _prices(ours: Mapping[str, float]) -> str:
    """Say what the cost is made of, and how much is not in it."""
    steps, tokens_left = ours.get("unpriced_steps", 0), ours.get("unpriced_tokens", 0)
    if not steps:
        return "at list prices"
    share = tokens_left / max(ours.get("input_tokens", 0) + ours.get("output_tokens", 0), tokens_left, 1)
    return f"at list prices; none for {counted(steps, 'step')} ({whole_percent(share)} of all tokens)"


def _time_split(read: Read, theirs: Any) -> Headline:
    parts = read(
        "from summary_timing_distribution where provider = 'all' and session_kind = 'all' and model = 'all'"
        " and block = 'session_partition'"
    )
    shares = {row["category"]: row["total_share"] for row in parts if row["total_share"] is not None}
    split = tuple((part, shares[part]) for part in _PARTS if shares.get(part))
    wall = next((row["total_s"] for row in parts if row["category"] == "all"), 0)
    values = tuple((whole_percent(shares[part]), name) for part, name in _TOLD.items() if part in shares)
    wanted = [(f"summary_timing_distribution.session.{part}", whole_percent) for part in _TOLD]
    published, alike = theirs(*(wanted if values else []))
    return Headline(
        "Time of sessions",
        values or ((_NOTHING, ""),),
        f"of {duration(wall)} from beginning to end" if wall else "no session with a known time",
        published,
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
        " and not (metric = 'session' and statistic <> 'share') order by published"
    )
    figures = {row["number"]: row for row in rows}

    def found(*wanted: tuple[str, Any]) -> tuple[str, bool]:
        known = [(figures[number], words) for number, words in wanted if number in figures]
        if not known:
            return "", True
        text = " · ".join(
            words(figures[number]["published"]) if number in figures else _NOTHING for number, words in wanted
        )
        return text, all(row["comparability"] == "same" for row, _ in known)

    return found


def _or_nothing(numbers: Mapping[str, float], name: str, words: Any) -> str:
    return words(numbers[name]) if name in numbers else _NOTHING


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _several(value: float, noun: str) -> tuple[str, str]:
    """Return a count, and its noun as it stands after it."""
    number, of = counted(value, noun).split(" ", 1)
    return number, of


def _decimal(value: float) -> str:
    return f"{value:.1f}"


def _percent(share: float) -> str:
    return f"{share:.1%}"
