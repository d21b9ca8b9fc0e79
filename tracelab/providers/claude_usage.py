"""Tokens of Claude steps: which calls a usage adds up, its cache tiers, whether its output is final."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tracelab.providers.claude_records import CallUsage, Iteration, Usage

_PLACEHOLDER_TOKENS = 8
_MAX_CHARS_PER_TOKEN = 12


class Tokens(NamedTuple):
    """The token columns of a raw row, in their order."""

    input_tokens: int | None = None
    prefix_tokens: int | None = None
    append_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_5m_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None


Names = Callable[[str | None], str | None]
"""Gives an equal string, the same for all that are equal."""


class Metered(NamedTuple):
    """What a message's usage means."""

    tokens: Tokens = Tokens()
    calls: int = 1
    context_tokens: int | None = None
    service_tier: str | None = None
    speed: str | None = None
    adds_up: bool = True
    """Whether the message's own calls explain it in every count."""
    extra_calls: tuple[tuple[Any, ...], ...] = ()
    """Of the calls that it leaves out: type, model, and token columns."""


UNMETERED = Metered()
"""What no usage means: one call, of which nothing is known."""


def prompt_tokens(usage: CallUsage) -> int | None:
    """Whole prompt of a call: uncached, written and read tokens; None if none of them is named."""
    fresh, written, read = (
        usage.input_tokens,
        usage.cache_creation_input_tokens,
        usage.cache_read_input_tokens,
    )
    if fresh is None and written is None and read is None:
        return None
    return (fresh or 0) + (written or 0) + (read or 0)


def metered(usage: Usage, shared: Names) -> Metered:
    """Say what a message's usage means."""
    own, extra = _calls_of(usage) if usage.iterations else ([], [])
    tokens = _token_columns(usage, own)
    return Metered(
        tokens,
        len(own) or 1,
        tokens.input_tokens if len(own) < 2 else _token_columns(own[-1]).input_tokens,
        shared(usage.service_tier),
        shared(usage.speed),
        _adds_up(usage, own),
        tuple([(call_type, shared(call.model), *_token_columns(call)) for call_type, call in extra]),
    )


def _token_columns(usage: CallUsage, own: list[Iteration] | None = None) -> Tokens:
    """Token columns of a call, or of a message that stands for its `own` calls.

    The message's own tier split copies its first call's, so the calls' splits are taken if their writes add
    up. What no tier explains was written for 5 minutes: the only tier before there was a split.
    """
    prefix = usage.cache_read_input_tokens or 0
    written = usage.cache_creation_input_tokens or 0
    append = (usage.input_tokens or 0) + written
    hour = _hour_tokens(usage, own, written) if written else 0
    details = usage.output_tokens_details
    reasoning = details.thinking_tokens if details is not None else None
    return Tokens._make(
        (prefix + append, prefix, append, written, written - hour, hour, usage.output_tokens, reasoning)
    )


def _calls_of(usage: Usage) -> tuple[list[Iteration], list[tuple[str, Iteration]]]:
    """Split a message's calls into those its usage adds up and the others, with their types.

    Where a fallback served the answer, those before it were declined.
    """
    own: list[Iteration] = []
    extra: list[tuple[str, Iteration]] = []
    for call in usage.iterations or ():
        if call.type == "fallback_message":
            extra += [("declined", declined) for declined in own]
            own = [call]
        elif call.type == "message":
            own.append(call)
        else:  # whatever else ran inside the message is in none of its own numbers
            extra.append(("compaction" if call.type == "compaction" else "advisor", call))
    return own, extra


def _adds_up(usage: CallUsage, own: list[Iteration]) -> bool:
    """Say whether a message's own calls explain its usage in every count."""
    if len(own) == 1:
        return _counts(usage) == _counts(own[0])
    return not own or _counts(usage) == tuple(map(sum, zip(*map(_counts, own), strict=True)))


def _counts(usage: CallUsage) -> tuple[int, int, int, int]:
    return (
        usage.input_tokens or 0,
        usage.cache_creation_input_tokens or 0,
        usage.cache_read_input_tokens or 0,
        usage.output_tokens or 0,
    )


def is_final(output_tokens: int | None, stop_reason: str | None, visible_chars: int) -> bool:
    """Say whether an output count is the response's, not the placeholder written when it began."""
    if output_tokens is None:
        return False
    if stop_reason is not None:
        return True
    return output_tokens > _PLACEHOLDER_TOKENS and output_tokens * _MAX_CHARS_PER_TOKEN >= visible_chars


def _hour_tokens(usage: CallUsage, own: list[Iteration] | None, written: int) -> int:
    """Tokens of all that was written to the cache which were written for an hour."""
    split, written_by_calls, hour_of_calls = usage.cache_creation, 0, None
    for call in own or ():
        written_by_calls += call.cache_creation_input_tokens or 0
        if call.cache_creation is not None:
            hour_of_calls = (hour_of_calls or 0) + (call.cache_creation.ephemeral_1h_input_tokens or 0)
    if hour_of_calls is not None and written_by_calls == written:
        hour = hour_of_calls
    else:
        hour = (split.ephemeral_1h_input_tokens or 0) if split is not None else 0
    return min(written, hour)
