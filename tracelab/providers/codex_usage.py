"""What a rollout's usage rows mean: which is a step, which the echo of one, and what compactions tell."""

from datetime import datetime, timedelta

from tracelab.providers.base import short
from tracelab.providers.codex_records import (
    Compacted,
    EventMessage,
    Numbers,
    Usage,
    UsageRecord,
    numbers,
)
from tracelab.providers.codex_rollout import Rollout
from tracelab.providers.codex_thread import EVENT_TYPE, Marker, Response, Thread

_ECHO_SPAN = timedelta(seconds=5)
_NOTHING: Numbers = (0, 0, 0, 0, 0, 0)
_INPUT, _OUTPUT, _TOTAL = 0, 3, 5


def read_token_count(rollout: Rollout, event: EventMessage, at: datetime | None) -> None:
    """Make a step of a `token_count`, unless it repeats one, echoes a record, or has no response."""
    info = event.info
    if info is None:
        return
    usage, running = info.last_token_usage, info.total_token_usage
    if usage is None or running is None or _lacks_a_part(usage) or _lacks_a_part(running):
        rollout.tally.issue(
            "unknown_usage_shape", "token_count without total_token_usage and last_token_usage"
        )
        return
    total, last = numbers(running), numbers(usage)
    before, rollout.total = rollout.total, total
    thread = rollout.here
    thread.window = info.model_context_window or thread.window
    is_zero = not last[_INPUT] + last[_OUTPUT]
    if is_zero and last[_TOTAL] and thread.marker is not None and not _is_overflow(before, total):
        thread.marker.post_tokens = last[_TOTAL]
    is_origins = rollout.continues and before is None and not (thread.spoke or rollout.has_records)
    if total == before or is_origins or (not is_zero and _is_same_use(before, total)):
        rollout.tally.usage_echoes += 1
    elif is_zero or (thread.unmatched and _is_echo(rollout, thread, total, last)):
        return
    elif (step := _damaged_record(thread)) is not None:
        step.echo_id, step.usage, step.numbers = (
            thread.count_key(step.turn, step.ordinal, total, last),
            usage,
            last,
        )
        rollout.tally.usage_echoes += 1
    elif rollout.has_records and total != last and not _adds_up(before or _NOTHING, last, total):
        rollout.tally.issue("token_count_without_response")
    else:
        step = thread.counted_step(total, last, rollout.tally.line_no)
        _meter(rollout, thread, step, usage, last, at)


def read_usage_record(rollout: Rollout, record: UsageRecord, at: datetime | None) -> None:
    """Make a step of a record: one response of the thread that the record names."""
    response_id, usage = record.response_id, record.usage
    if response_id is None or usage is None:
        rollout.tally.issue("unknown_usage_shape", "token_usage_record without response_id and usage")
        return
    record.response_id = response_id = short(response_id)
    rollout.has_records = True
    thread = rollout.mentioned(record.thread_id)
    last = numbers(usage)
    step = thread.handed_to
    if step is None or not _is_early_echo(rollout, thread, step, record, last, at):
        turn = record.turn_id or (thread.open_turn if thread.open else thread.turn)
        step = thread.recorded_step(response_id, turn, rollout.tally.line_no)
        if step.usage is not None and step.source == "record":
            rollout.tally.usage_echoes += 1
            return
        thread.unmatched.setdefault(last, []).append(step)
        thread.latest_record = step
    step.source = "record"
    _attribute(step, record)
    _meter(rollout, thread, step, usage, last, at)
    if response_id in thread.compacting:
        thread.mark_compaction(step)


def read_compacted(rollout: Rollout, body: Compacted, at: datetime | None) -> None:
    """Note a compaction; the record that it copies makes a step where the file has no other trace of it."""
    copy = body.latest_token_usage_record
    response_id = body.compaction_response_id and short(body.compaction_response_id)
    thread = rollout.here
    # a marker may yet copy a record of the thread that its own comes from: that leads nowhere back
    earlier = rollout.threads.keys() - {rollout.own.id}
    if copy is not None and copy.thread_id not in earlier and thread is not rollout.own:
        thread = rollout.named(copy.thread_id)
    if copy is not None and copy.usage is not None and copy.response_id is not None:
        owner = thread if copy.thread_id is None else rollout.thread(copy.thread_id)
        _read_copy(rollout, owner, copy, short(copy.response_id), copy.usage)
    step = None
    if response_id is not None:
        thread.compacting.add(response_id)
        step = thread.by_response.get(response_id)
        if step is not None:
            thread.mark_compaction(step)
    pre_tokens = None
    if step is not None and step.usage is not None:
        pre_tokens = step.usage.input_tokens
    elif copy is not None and copy.usage is not None:
        pre_tokens = copy.usage.total_tokens
    before_seq = len(thread.steps) + thread.speaks
    thread.is_cut = True
    thread.marker = Marker(
        _compaction_id(thread, body.window_id),
        before_seq,
        rollout.time(at),
        pre_tokens,
        is_open=thread.speaks,
    )
    thread.markers.append(thread.marker)


def _meter(
    rollout: Rollout, thread: Thread, step: Response, usage: Usage, last: Numbers, at: datetime | None
) -> None:
    """Give a step its usage, and report it."""
    step.usage, step.numbers, step.closed_at = usage, last, rollout.time(at)
    step.window = step.window or thread.window
    _, cached, written = last[:3]
    if written and usage.input_tokens is not None and cached + written > usage.input_tokens:
        rollout.tally.issue("cache_write_clipped", "cached and cache-written tokens exceed the input")
    thread.handed.append(rollout.entry(thread, step.closed_at, "usage_report", step.message_id, 0))


def _is_echo(rollout: Rollout, thread: Thread, total: Numbers, last: Numbers) -> bool:
    """Match a `token_count` with the first unmatched record of its turn and numbers."""
    steps = thread.unmatched.get(last, ())
    for step in steps:
        # a record may name a turn that no line announced
        if step.turn in (thread.turn, None) or thread.turn is None or step is thread.latest_record:
            step.echo_id = thread.count_key(step.turn, step.ordinal, total, last)
            step.window = thread.window
            thread.unmatched[last].remove(step)
            if not thread.unmatched[last]:
                del thread.unmatched[last]
            rollout.tally.usage_echoes += 1
            return True
    return False


def _damaged_record(thread: Thread) -> Response | None:
    """Return the latest record where it lacks what its echo, which comes next, still has."""
    step = thread.latest_record
    if step is None or step.echo_id is not None or step.usage is None or not _lacks_a_part(step.usage):
        return None
    return step if step.turn in (thread.turn, None) else None


def _is_early_echo(
    rollout: Rollout, thread: Thread, step: Response, record: UsageRecord, last: Numbers, at: datetime | None
) -> bool:
    """Say whether the latest step came from a `token_count` ahead of this record; make it the record's."""
    if step.source != "token_count" or step.numbers != last or thread.open:
        return False
    if record.turn_id is not None and step.turn is not None and record.turn_id != step.turn:
        return False
    if at is not None and step.closed_at is not None and abs(at - step.closed_at) > _ECHO_SPAN:
        return False
    rollout.tally.usage_echoes += 1
    step.echo_id, step.message_id = step.message_id, f"{thread.id}/{record.response_id}"
    step.turn = record.turn_id or step.turn
    thread.by_response[record.response_id or ""] = step
    thread.handed = [entry for entry in thread.handed if entry[EVENT_TYPE] != "usage_report"]
    return True


def _read_copy(rollout: Rollout, thread: Thread, copy: UsageRecord, response_id: str, usage: Usage) -> None:
    last = numbers(usage)
    if response_id in thread.by_response or any(
        step.source == "token_count" and step.numbers == last and copy.turn_id in (None, step.turn)
        for step in thread.steps
    ):
        return
    step = thread.copied_step(response_id, copy.turn_id, rollout.tally.line_no)
    step.usage, step.numbers = usage, last
    _attribute(step, copy)


def _attribute(step: Response, record: UsageRecord) -> None:
    told = record.attribution
    if told is not None:
        step.model = told.model or step.model
        step.tier = told.service_tier or step.tier
        step.window = told.context_length or step.window


def _is_overflow(before: Numbers | None, total: Numbers) -> bool:
    """Say whether a row tells that the context window was full: a new total of no parts but its size."""
    return total != before and total[_TOTAL] > 0 and not total[_INPUT] + total[_OUTPUT]


def _lacks_a_part(usage: Usage) -> bool:
    """Say whether a usage is too damaged to tell a row from its echo."""
    return usage.input_tokens is None or usage.output_tokens is None


def _is_same_use(before: Numbers | None, total: Numbers) -> bool:
    """Say whether two totals agree in what no response leaves as it was: a damaged row may lack the rest."""
    return before is not None and before[_INPUT] == total[_INPUT] and before[_OUTPUT] == total[_OUTPUT]


def _adds_up(before: Numbers, last: Numbers, total: Numbers) -> bool:
    return all(was + added == now for was, added, now in zip(before, last, total, strict=True))


def _compaction_id(thread: Thread, window_id: object) -> str:
    """Key a compaction by the window that it opens, else by its place in the turn; a window opens once."""
    if isinstance(window_id, str | int) and window_id != "":
        key = f"{thread.id}/{short(str(window_id))}"
        place = thread.place(key)
        return f"{key}/{place}" if place else key
    stem = f"{thread.turn_key}/compaction"
    return f"{stem}/{thread.place(stem)}"
