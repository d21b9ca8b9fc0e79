"""What costs me: each loss in a sentence, what would change it, its causes, the sessions to look at."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tracelab.charts.words import MISS_CAUSES, counted, dollars, duration, percent, tokens
from tracelab.report.findings import Read, Row, unpriced

_SHOWN = 5
"""Causes and sessions of a loss: those that lost most."""
_CUT = "provider = 'all' and session_kind = 'all'"


class Loss(NamedTuple):
    """One kind of loss, if it occurred or may have."""

    title: str
    sentence: str
    hint: str
    """What would change it."""
    note: str
    """What it leaves open; empty where nothing."""
    causes: Sequence[tuple[str, str, str]]
    """Cause, how often, what it lost; the worst first."""
    all_causes: int
    """How many there are, shown or not."""
    sessions: Sequence[tuple[str, int, str, str]]
    """Session, the step to look at first, its project, what it lost."""
    all_sessions: int


class _Kind(NamedTuple):
    """How a kind of loss is told."""

    title: str
    sentence: Callable[[Row], str]
    hint: str


def _cache_miss(row: Row) -> str:
    cost = (
        f"; that cost {_cost(row)} beyond a cached read{unpriced(row)}" if row["cost_usd"] else unpriced(row)
    )
    read = f"{counted(row['steps'], 'step')} read {tokens(row['tokens'])} tokens anew"
    return f"{read}, counting misses of more than 1,024 tokens and 2% of the context{cost}"


def _restarts(causes: Sequence[Row]) -> str:
    """Say what restarts cost, as far as a log can tell."""
    named = {row["cause"]: row for row in causes}
    if seen := named.get("restart"):
        known = (
            f"{counted(seen['sessions'], 'session')} that went on from a copied history lost {_lost(seen)}"
        )
    else:
        known = "no session that goes on from a copied history shows one"
    if untold := named.get("residual"):
        others = (
            f"the residual miss ({_lost(untold)}) may be one"
            if untold["occurrences"] == 1
            else f"of the {untold['occurrences']:,} residual misses ({_lost(untold)}) any may be one"
        )
    else:
        others = "every other miss here has a cause of its own"
    return f"Restarts: {known}. A log records no other restart; {others}."


def _long_context(row: Row) -> str:
    steps = counted(row["steps"], "step")
    return f"{steps} grew past a long-context price, which added {_cost(row)}{unpriced(row)}"


def _repeated_failures(row: Row) -> str:
    time = f" and {duration(row['time_s'])}" if row["time_s"] else ""
    return (
        f"{counted(row['occurrences'], 'time')} a tool failed again and again: that took"
        f" {_cost(row)}{unpriced(row)}{time}"
    )


def _serial_calls(row: Row) -> str:
    if not row["steps"]:
        return "No step is known to have run its calls one by one"
    time = duration(row["time_s"] or 0)
    return f"In {counted(row['steps'], 'step')} calls ran one by one; at once they would have saved {time}"


def _untimed(whole: Row) -> str:
    """Say of how many steps no log can tell whether their calls ran one by one."""
    steps = counted(whole["untimed_steps"], "further step" if whole["steps"] else "step")
    return (
        f"{steps} made several calls whose own time is not logged: whether they ran one by one is not known."
    )


def _tool_time(row: Row) -> str:
    share = f", {percent(row['time_share'])} of their working time" if row["time_share"] else ""
    return f"Sessions did nothing but wait for tools for {duration(row['time_s'] or 0)}{share}"


_KINDS = {
    "cache_miss": _Kind(
        "Prompts read anew",
        _cache_miss,
        "Go on before the cache forgets, or compact before a long pause; keep to one model in a session.",
    ),
    "long_context": _Kind(
        "Contexts past a long-context price",
        _long_context,
        "Compact, or begin a new session, before the prompt reaches the limit.",
    ),
    "repeated_failures": _Kind(
        "The same tool failing again",
        _repeated_failures,
        "See what these calls share: a missing permission, a command that is not there, a wrong path.",
    ),
    "serial_calls": _Kind(
        "Calls that ran one by one",
        _serial_calls,
        "Where calls do not need each other's results, let the client run them at once.",
    ),
    "tool_time": _Kind(
        "Waiting for tools",
        _tool_time,
        "Shorten what is waited for: narrower tests, warm builds, time limits, work in the background.",
    ),
}


def losses(read: Read) -> Iterator[Loss]:
    """Yield every kind of loss that occurred or may have, dearest first, then by time."""
    wholes = read(
        f"from summary_losses where {_CUT} and cause = 'all' and (occurrences > 0 or untimed_steps > 0)"
        " order by cost_usd desc nulls last, time_s desc nulls last, loss"
    )
    for whole in wholes:
        kind = _KINDS[whole["loss"]]
        of_it = f"{_CUT} and loss = '{whole['loss']}'"
        causes = read(
            f"from summary_losses where {of_it} and cause is distinct from 'all' order by cause_rank"
        )
        sessions = read(f"from summary_loss_sessions where {of_it} order by session_rank limit {_SHOWN}")
        where = f", in {counted(whole['sessions'], 'session')}" if whole["sessions"] else ""
        yield Loss(
            kind.title,
            f"{kind.sentence(whole)}{where}.",
            kind.hint,
            _left_open(whole, causes),
            [(_cause(row), f"{row['occurrences']:,}", _lost(row)) for row in causes[:_SHOWN]],
            len(causes),
            [
                (
                    row["session_id"],
                    int(row["worst_step_id"].rpartition("#")[2]),
                    row["project"] or "",
                    _lost(row),
                )
                for row in sessions
            ],
            whole["sessions"],
        )


def _cause(row: Row) -> str:
    name = row["cause"] or "no name"
    return MISS_CAUSES[name] if row["loss"] == "cache_miss" else name


def _left_open(whole: Row, causes: Sequence[Row]) -> str:
    match whole["loss"]:
        case "cache_miss":
            return _restarts(causes)
        case "serial_calls" if whole["untimed_steps"]:
            return _untimed(whole)
    return ""


def _lost(row: Row) -> str:
    parts = [
        _cost(row) if row["cost_usd"] is not None else "",
        duration(row["time_s"]) if row["time_s"] is not None else "",
        # of a long context the tokens are whole prompts, and none is lost
        f"{tokens(row['tokens'])} tokens"
        if row["tokens"] is not None and row["loss"] != "long_context"
        else "",
    ]
    return " · ".join([part for part in parts if part][:2])


def _cost(row: Row) -> str:
    return "an unknown amount" if row["cost_usd"] is None else dollars(row["cost_usd"])
