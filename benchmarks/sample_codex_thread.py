"""One rollout of the sample as it grows: its lines and sums, what opens and closes turns and responses."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks import ids
from benchmarks import records_codex as records
from benchmarks.records_codex import Record
from benchmarks.sample_model import Planted, Prompt, iso
from benchmarks.sample_story import Script

NAMES = ("input_", "cached", "output", "reasoning", "total")


@dataclass
class Thread:
    """One rollout: its lines in writing order, its running sums, the threads it spawned."""

    script: Script
    rng: random.Random
    turn: records.Turn
    prompt: Prompt
    now_ms: int
    planted: Planted
    model: str
    cwd: str
    lines: list[Record] = field(default_factory=list)
    children: list[Thread] = field(default_factory=list)
    sums: dict[str, list[int]] = field(
        default_factory=lambda: {name: [0] * 5 for name in ("turn", "thread", "count")}
    )
    window: int = 1
    turn_reasoning: int = 0
    turn_size: int = 0

    @property
    def old(self) -> bool:
        """Of the usage-last era."""
        return "old" in self.script.mode

    @property
    def code(self) -> bool:
        """In code mode."""
        return "code" in self.script.mode

    def put(self, kind: str, payload: Record, at_ms: int | None = None) -> None:
        """Append a line."""
        at = iso(self.now_ms if at_ms is None else at_ms)
        self.lines.append(records.line(at, kind, payload, None if self.old else len(self.lines)))

    def item(self, item: Record, started_ms: int) -> None:
        """Append an item's mirror."""
        self.put("event_msg", records.item_completed(self.turn, item, started_ms, self.now_ms))

    def usage(self, name: str) -> Record:
        """A running sum as the log writes it."""
        return self.tokens(self.sums[name])

    def tokens(self, numbers: list[int]) -> Record:
        """Five numbers in the order of NAMES as the log writes them."""
        return records.tokens(**dict(zip(NAMES, numbers, strict=True)), paginated=not self.old)


def meta(thread: Thread, **fields: Any) -> Record:
    """The header's payload."""
    if not thread.old:
        window = {"window_id": ids.uuid7(thread.rng, thread.now_ms)}
        fields = {"thread_source": "user", "history_mode": "paginated", "context_window": window, **fields}
        fields = {"session_id": thread.turn.session_id, **fields}
    started = iso(thread.now_ms)
    return records.session_meta(thread.turn.thread_id, started, thread.cwd, thread.script.version, **fields)


def begin(thread: Thread, root_turn_id: str | None = None) -> None:
    """Open a turn: its id, its settings, the lines that name them."""
    turn_id = ids.uuid7(thread.rng, thread.now_ms)
    thread.turn = replace(thread.turn, turn_id=turn_id, root_turn_id=root_turn_id or turn_id)
    thread.sums["turn"] = [0] * 5
    if not thread.old:
        settings = records.thread_settings(thread.turn.thread_id, thread.cwd, thread.model)
        thread.put("event_msg", settings)
    started: Record = {
        "type": "task_started",
        "turn_id": turn_id,
        "model_context_window": thread.script.window_tokens,
    }
    if not thread.old:
        started["started_at"] = thread.now_ms // 1000
    thread.put("event_msg", started)
    thread.put("turn_context", records.turn_context(turn_id, thread.cwd, thread.model))


def ask(thread: Thread, text: str) -> None:
    """A prompt: an item and what mirrors it."""
    thread.put("response_item", records.message("user", text))
    if thread.old:
        thread.put("event_msg", {"type": "user_message", "message": text, "images": []})
    else:
        content = [{"type": "text", "text": text}]
        item = {"type": "UserMessage", "id": ids.uuid7(thread.rng, thread.now_ms), "content": content}
        thread.item(item, thread.now_ms)
    thread.prompt.size += 40 + len(text) // 4
    thread.turn_size = thread.prompt.size


def end(thread: Thread, started_ms: int, *, interrupted: bool) -> None:
    """Close a turn."""
    thread.now_ms += 12
    took_ms = thread.now_ms - started_ms
    ended: Record = {"type": "task_complete", "turn_id": thread.turn.turn_id, "last_agent_message": None}
    if interrupted:
        ended = {"type": "turn_aborted", "turn_id": thread.turn.turn_id, "reason": "interrupted"}
        thread.planted.add("codex interrupts")
    if not thread.old:
        ended |= {"completed_at": thread.now_ms // 1000, "duration_ms": took_ms}
    thread.put("event_msg", ended)


def spend(thread: Thread, sent_ms: int, *, calls: int, answers: bool) -> list[int]:
    """Send the prompt: the response's five numbers, added to every sum."""
    rng = thread.rng
    size, prefix = thread.prompt.send(sent_ms)
    thought = rng.choice((0, 0, rng.randint(20, 180), rng.randint(180, 900)))
    output = thought + rng.randint(70, 260) * max(1, calls) + (rng.randint(90, 260) if answers else 0)
    last = [size, prefix, output, thought, size + output]
    for sums in thread.sums.values():
        sums[:] = [total + number for total, number in zip(sums, last, strict=True)]
    thread.prompt.size += output
    thread.turn_reasoning += thought
    thread.planted.add("codex input tokens", size)
    thread.planted.add("codex prefix tokens", prefix)
    return last


def reason(thread: Thread, sent_ms: int) -> None:
    """A reasoning item."""
    item_id = ids.hexadecimal(thread.rng, "rs_")
    thread.put("response_item", records.reasoning(item_id, ids.opaque(thread.rng, "gAAAAAB", 90)))
    if not thread.old:
        item = {"type": "Reasoning", "id": item_id, "summary_text": [], "raw_content": []}
        thread.item(item, sent_ms + 1100)


def say(thread: Thread, text: str, sent_ms: int, *, final: bool) -> None:
    """An assistant message."""
    phase = "final_answer" if final else "commentary"
    if thread.old:
        thread.put("event_msg", {"type": "agent_message", "message": text, "phase": phase})
    item_id = ids.hexadecimal(thread.rng, "msg_")
    thread.put("response_item", records.message("assistant", text, item_id, phase))
    if not thread.old:
        content = [{"type": "Text", "text": text}]
        thread.item(
            {"type": "AgentMessage", "id": item_id, "content": content, "phase": phase}, sent_ms + 1200
        )


def close(thread: Thread, last: list[int]) -> str:
    """The line that carries a response's usage."""
    response_id = ids.hexadecimal(thread.rng, "resp_")
    if thread.old:
        counted = records.token_count(thread.usage("count"), thread.tokens(last), thread.script.window_tokens)
        thread.put("event_msg", counted)
    else:
        numbers = (thread.tokens(last), thread.usage("turn"), thread.usage("thread"))
        thread.put("token_usage_record", records.usage_record(thread.turn, response_id, *numbers))
    return response_id
