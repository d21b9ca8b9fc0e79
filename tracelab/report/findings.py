"""What each section finds: two sentences, their numbers cells of tables; silence where there is too little.

A function asks for rows of the tables and yields sentences. It computes nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tracelab.charts.words import MISS_CAUSES, average, counted, dollars, duration, percent, tokens
from tracelab.report.cuts import PROVIDERS

Row = Mapping[str, Any]
Read = Callable[[str], list[Row]]
"""Answers a query, a dict a row."""
Finding = Callable[[Read], Iterator[str]]

ENOUGH = 20
"""Of fewer values nothing is said."""
_WHOLE = "provider = 'all' and session_kind = 'all'"
_POOLED = f"{_WHOLE} and model = 'all'"
_BY_CLIENT = "provider <> 'all' and session_kind = 'all' and model = 'all'"
_PARTS = {"prefix": "cached prefixes", "append": "appended tokens", "output": "output"}


def findings(section: str, read: Read) -> list[str]:
    """Return a section's sentences; none for a section that states nothing."""
    return list(_FINDINGS[section](read)) if section in _FINDINGS else []


def activity(read: Read) -> Iterator[str]:
    """When the work was done, and by which model."""
    numbers = {row["name"]: row["value"] for row in read(f"from summary_dashboard_stats where {_WHOLE}")}
    if (rate := numbers.get("steps_per_week", 0)) >= ENOUGH:
        yield (
            f"A week with any work has on average {average(rate, 'step')} in"
            f" {average(numbers['sessions_per_week'], 'session')} on"
            f" {average(numbers['active_days_per_week'], 'active day')}."
        )
    wholes = read(f"from summary_dashboard_models where {_POOLED} and cost_usd > 0 and steps >= {ENOUGH}")
    models = read(
        "from summary_dashboard_models where provider <> 'all' and session_kind = 'all'"
        " and model is distinct from 'all' and cost_usd > 0 order by cost_usd desc, provider, model"
    )
    for whole in wholes if len(models) > 1 else []:
        yield (
            f"{models[0]['model'] or 'A model without a name'} cost most: {dollars(models[0]['cost_usd'])} of"
            f" {dollars(whole['cost_usd'])}, for {models[0]['steps']:,} of {counted(whole['steps'], 'step')}."
        )


def requests(read: Read) -> Iterator[str]:
    """How long a request takes, and at what."""
    for row in read(f"from summary_request_response_time where {_POOLED} and count >= {ENOUGH}"):
        yield (
            f"Half of the {counted(row['count'], 'request')} are done within {duration(row['p50'])};"
            f" one in ten takes {duration(row['p90'])} or more,"
            f" one in a hundred {duration(row['p99'])} or more."
        )
    parts = read(
        f"from summary_request_decomposition where {_POOLED} and response_bin = 'all'"
        f" and requests >= {ENOUGH}"
    )
    shares = {row["part"]: row["response_share"] for row in parts if row["response_share"] is not None}
    if all(part in shares for part in ("generation_alone", "tool_alone", "both", "other")):
        yield (
            f"Of their time, {percent(shares['generation_alone'])} is the model's alone,"
            f" {percent(shares['tool_alone'])} that of tools alone, {percent(shares['both'])} of both at"
            f" once and {percent(shares['other'])} of neither."
        )


def token_counts(read: Read) -> Iterator[str]:
    """How much a step reads, appends and writes."""
    rows = read(f"from summary_token_lengths where {_POOLED} and count >= {ENOUGH}")
    half = {row["measure"]: tokens(row["p50"]) for row in rows}
    if {"prefix_tokens", "append_tokens", "output_tokens"} <= set(half):
        yield (
            f"In the median a step reads {half['prefix_tokens']} tokens from the cache, appends"
            f" {half['append_tokens']} and puts out {half['output_tokens']}."
        )
    for row in read(
        f"from summary_token_bins where {_WHOLE} and measure = 'append_tokens' and high_tokens <= 8192"
        " and cumulative_token_share is not null order by high_tokens desc limit 1"
    ):
        if rows:
            yield (
                f"Steps that append less than 8k tokens are {percent(row['cumulative_share'])} of the steps"
                f" and hold {percent(row['cumulative_token_share'])} of the appended tokens."
            )


def cache(read: Read) -> Iterator[str]:
    """How much the cache served, and what it lost: the money as "What costs me" counts it."""
    appended = read(
        f"from summary_miss_causes where {_POOLED} and trigger = 'all' and miss_cause = 'all'"
        f" and steps >= {ENOUGH}"
    )
    for row in appended:
        if row["missed_share"] is not None:
            yield (
                f"Of {tokens(row['append_tokens'])} appended tokens {tokens(row['fresh_tokens'])} were new,"
                f" {tokens(row['resent_output_tokens'] or 0)} the output before, sent back;"
                f" {tokens(row['missed_tokens'])}, {percent(row['missed_share'])}, stood in an earlier prompt"
                " and were no longer cached, small misses counted."
            )
    lost = {
        row["cause"]: row
        for row in read(f"from summary_losses where {_WHOLE} and loss = 'cache_miss' order by cause_rank")
    }
    whole, restarts = lost.pop("all", None), lost.get("restart")
    if appended and whole and whole["cost_usd"]:
        most = next(iter(lost.values()))
        # the first sentence's tokens are of steps within their session
        too = f" {counted(restarts['steps'], 'restart')} included," if restarts else ""
        yield (
            f"{counted(whole['steps'], 'step')} missed more than 1,024 tokens and 2% of the context,{too}"
            f" which cost {dollars(whole['cost_usd'])} beyond a cached read{unpriced(whole)}:"
            f" {dollars(most['cost_usd'])} of it by “{MISS_CAUSES[most['cause']]}”."
        )


def tools(read: Read) -> Iterator[str]:
    """Which tool holds the time, and how few calls."""
    times = read(
        f"from summary_tool_time where {_POOLED} and tool_category <> 'all' and total_s > 0"
        " order by total_s desc, tool_name limit 1"
    )
    numbers = {
        row["name"]: row["value"]
        for row in read(f"from summary_overview where {_POOLED} and trigger = 'all'")
    }
    if numbers.get("tool_calls", 0) < ENOUGH:
        return
    for row in times:
        yield (
            f"{row['tool_name'] or 'A tool without a name'} holds the most of the tools' time:"
            f" {percent(row['time_share'])} of {duration(numbers['tool_total_s'])}, in"
            f" {row['tool_calls']:,} of {counted(numbers['tool_calls'], 'call')}."
        )
    if {"minute_calls_share", "minute_calls_time_share"} <= set(numbers):
        yield (
            f"Calls of a minute or more are {percent(numbers['minute_calls_share'])} of the calls and"
            f" {percent(numbers['minute_calls_time_share'])} of the time."
        )


def generation(read: Read) -> Iterator[str]:
    """How long each client's answers take, and how fast they come: pooled, neither's."""
    times = read(f"from summary_generation_time where {_BY_CLIENT} and count >= {ENOUGH} order by provider")
    clauses = [
        f"of the {counted(row['count'], 'answer')} of {PROVIDERS[row['provider']]} take at most"
        f" {duration(row['p50'])} and one in a hundred {duration(row['p99'])} or more"
        for row in times
    ]
    if clauses:
        yield f"Half {'; half '.join(clauses)}."
    speeds = read(
        f"from summary_decode_speed where {_BY_CLIENT} and measure = 'output_tokens_per_s'"
        f" and context_low_tokens is not null and count >= {ENOUGH} order by provider, context_low_tokens"
    )
    clauses = []
    for provider in dict.fromkeys(row["provider"] for row in speeds):
        short, *longer = [row for row in speeds if row["provider"] == provider]
        for long in longer[-1:]:
            clauses.append(
                f"of {PROVIDERS[provider]} comes at {short['p50']:.0f} tokens/s where the context holds"
                f" {_context(short)}, at {long['p50']:.0f} where it holds {_context(long)}"
            )
    if clauses:
        yield f"The median answer {'; that '.join(clauses)}."


def sessions(read: Read) -> Iterator[str]:
    """What sessions spend money on, and how often they are compacted."""
    costs = read(
        f"from summary_cost_distribution where {_POOLED} and unit = 'session' and measure = 'cost_usd'"
        f" and count >= {ENOUGH} order by total_share desc, category"
    )
    whole = next((row for row in costs if row["category"] == "all"), None)
    most = next((row for row in costs if row["category"] in _PARTS and row["total_share"] is not None), None)
    if whole and most:
        yield (
            f"The median session costs {dollars(whole['p50'])}, one in ten {dollars(whole['p90'])} or more;"
            f" the largest part, {percent(most['total_share'])}, goes to {_PARTS[most['category']]}."
        )
    for row in read(
        f"from summary_compactions where {_WHOLE} and source = 'all' and trigger = 'all'"
        " and population = 'compacted' and compactions > 0"
    ):
        if costs:
            yield (
                f"{counted(row['compactions'], 'compaction')} took place"
                f" in {counted(row['count'], 'session')}."
            )


def people(read: Read) -> Iterator[str]:
    """How long agents wait for a person."""
    waits = {row["cap"]: row for row in read(f"from summary_human_wait where {_POOLED}")}
    if "all" not in waits or waits["all"]["count"] < ENOUGH:
        return
    whole = waits["all"]
    yield (
        f"An agent waits {duration(whole['p50'])} for a person in the median, and one time in ten"
        f" {duration(whole['p90'])} or more."
    )
    if "5m" in waits and waits["5m"]["time_share"] is not None:
        yield (
            f"Waits of at most 5 min are {percent(waits['5m']['count_share'])} of the waits and"
            f" {percent(waits['5m']['time_share'])} of the waiting."
        )


def published(read: Read) -> Iterator[str]:
    """How near the figures of these logs are to the paper's, whatever was logged more or less than there."""
    for row in read(
        "select count(*) filter (where not is_total) as figures,"
        " count(*) filter (where not is_total and ratio between 0.5 and 2) as near,"
        " count(*) filter (where not is_total and ratio > 2) as above,"
        " count(*) filter (where not is_total and ratio < 0.5) as below,"
        " count(*) filter (where is_total) as totals"
        " from (select *, statistic in ('count', 'sum') as is_total from compare_published)"
        f" where ratio > 0 and comparability = 'same' having figures >= {ENOUGH}"
    ):
        yield (
            f"Of the {counted(row['figures'], 'figure')} above 0 that are counted as in the paper,"
            f" {row['near']:,} lie between half and twice its value, {row['above']:,} above"
            f" and {row['below']:,} below."
        )
        if row["totals"]:
            yield (
                f"Another {counted(row['totals'], 'figure')}, counts and sums, tell how much was logged,"
                " not what it is like: left out."
            )


def unpriced(row: Row) -> str:
    """Say of how many of a loss's steps the money is not."""
    return f" ({counted(row['unpriced_steps'], 'step')} without a price)" if row["unpriced_steps"] else ""


def _context(row: Mapping[str, float]) -> str:
    return " to ".join(_kibi(row[f"context_{end}_tokens"]) for end in ("low", "high"))


def _kibi(count: float) -> str:
    return f"{count / 1024:,.0f}k" if count >= 1024 else f"{count:.0f}"


_FINDINGS: Mapping[str, Finding] = {
    "activity": activity,
    "requests": requests,
    "tokens": token_counts,
    "cache": cache,
    "tools": tools,
    "generation": generation,
    "sessions": sessions,
    "people": people,
    "published": published,
}
"""By the section of pages.toml."""
