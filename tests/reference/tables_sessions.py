"""The reference tables of sessions: what they hold, how their prompts shrink, and where their time goes."""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from tests.reference.same import Value, last_digit, milliseconds, number, percent, printed, ratio
from tests.reference.table import Table

_Rows = Iterable[Mapping[str, object]]

_SECONDS = {"s": 1, "m": 60, "h": 3600}

_LINE = re.compile(r"^ {4}(.*?) +(avg.*?)(?: +\( *([\d.]+%)\))?$", re.MULTILINE)


def _duration(ours: Value, theirs: str) -> bool:
    """Durations that are printed with their unit (57.1s, 31.5m, 9.2h): ours, in seconds, rounds to that."""
    shown = re.fullmatch(r"([\d.,]+)([smh])", theirs)
    if shown is None or ours is None:
        return ours is None and not theirs
    text, unit = shown.groups()
    return abs(float(ours) / _SECONDS[unit] - number(text)) <= last_digit(text) / 2 + 1e-9


def _blocks(text: str) -> Iterable[tuple[str, str, str]]:
    """Each scope with the rest of its headline, and the lines below it."""
    return re.findall(r"^\[(\w+)\] *(.*?)$(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)


def _counts(text: str) -> _Rows:
    """A row a metric and unit; the sessions of the headline stand with those of the unit."""
    names = ("metric", "unit", "avg", "p25", "p50", "p90", "p99")
    for scope, headline, block in _blocks(text):
        for line in block.split("\n")[2:]:
            if line:
                row = dict(zip(names, re.split(r" {2,}", line.strip()), strict=True))
                sessions = re.sub(r"\D", "", headline) if row["unit"] == "/session" else ""
                yield {"scope": scope, "sessions": sessions} | row


def _times(text: str) -> _Rows:
    """A row a block and metric; how many values it is of stands in the headline of its scope."""
    singles = {"Human thinking": "human_waits", "LLM generation": "gen_spans"}
    for scope, headline, block in _blocks(text):
        held = {name: re.sub(",", "", n) for name, n in re.findall(r"(\w+)=([\d,]+)", headline)}
        for title, lines in re.findall(r"^  (Per [^:]+):\n((?:    .*\n?)+)", block, re.MULTILINE):
            of = next((unit for unit in ("session", "request", "step") if f"Per {unit}" in title), None)
            for metric, values, share in _LINE.findall(lines):
                yield {
                    "scope": scope,
                    "block": title,
                    "metric": metric,
                    "count": held[f"{of}s" if of else singles.get(metric, "tool_latencies")],
                    "share": share or None,
                } | dict(re.findall(r"(\w+) +([\d.]+[smh])", values))


def _how_many(text: str) -> _Rows:
    """One row: how many rows there are."""
    return [{"bucket": "micro_reduction", "rows": str(len(list(csv.DictReader(io.StringIO(text)))))}]


def _by_content(text: str) -> _Rows:
    """Number the sessions, which stand in a random order, by what they hold."""
    names = ("input_len", "output_len", "tool_wait_after_ms", "prefix_len")
    sessions = defaultdict(list)
    for row in csv.DictReader(io.StringIO(text)):
        sessions[row["id"]].append(row)
    ordered = sorted(
        sessions.values(), key=lambda steps: [[float(step[name]) for name in names] for step in steps]
    )
    for place, steps in enumerate(ordered, 1):
        yield from ({**step, "id": place} for step in steps)


SESSIONS = (
    Table(
        "coding_trace.csv",
        ("id", "round_idx"),
        {"tool_wait_after_ms": milliseconds},
        exempt=("id|arrival_time",),
        read=_by_content,
    ),
    Table(
        "session_internal_counts.txt",
        ("scope", "metric", "unit"),
        {"avg": printed, "p[0-9][0-9]": printed},
        read=_counts,
    ),
    Table(
        "session_timing_distribution.txt",
        ("scope", "block", "metric"),
        {"avg": _duration, "p[0-9][0-9]": _duration, "share": percent},
        read=_times,
    ),
    Table(
        "session_token_steps_candidates.csv",
        ("session_id",),
        {"aggregate_*": ratio, "average_*": ratio, "*score": ratio},
    ),
    Table(
        "total_input_reductions.csv",
        ("session_id", "current_round_index"),
        exempt=(r".*_trace_key|.*_line_number",),
    ),
    Table("total_input_micro_reductions.csv", ("bucket",), read=_how_many),
)
