"""Plays a script of the sample as Codex writes it: one rollout a thread, spawned threads with their own."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from benchmarks import ids
from benchmarks import records_codex as records
from benchmarks import sample_codex_tools as tools
from benchmarks import sample_texts as texts
from benchmarks.records_codex import Record
from benchmarks.sample_codex_thread import (
    Thread,
    ask,
    begin,
    close,
    end,
    meta,
    reason,
    say,
    spend,
)
from benchmarks.sample_codex_tools import Started
from benchmarks.sample_model import (
    Move,
    Planted,
    Prompt,
    latency_ms,
    moves,
    pause_ms,
    result_tokens,
    unix_ms,
)
from benchmarks.sample_story import AGENTS, Agent, Script, Turn

LIFETIME_MS = 13 * 60_000
POLLS_MS = (120_000, 600_000)


def play(script: Script, planted: Planted) -> Thread:
    """The session's rollout, with those of the threads it spawns."""
    rng = random.Random(f"codex {script.name}")
    now_ms = unix_ms(script.start) + rng.randint(0, 30_000)
    thread_id = ids.uuid7(rng, now_ms)
    prompt = Prompt(
        rng.randint(54_000, 60_000), shared=49_920, lifetime_ms=LIFETIME_MS, grain=128, cold=5_888
    )
    turn = records.Turn(thread_id, thread_id, "", "")
    cwd = f"/home/dev/src/{script.project}"
    thread = Thread(script, rng, turn, prompt, now_ms, planted, script.model, cwd)
    thread.put("session_meta", meta(thread))
    for number, each in enumerate(script.turns):
        _turn(thread, each, first=number == 0)
    planted.add("codex sessions")
    return thread


def _turn(thread: Thread, turn: Turn, *, first: bool) -> None:
    thread.now_ms += 0 if first else pause_ms(thread.rng, turn.pause_s)
    if "compact" in turn.before:
        _compact(thread)
        thread.now_ms += 9000
    if thread.old:  # the reasoning of a finished turn leaves the prompt, and the cache ends where it stood
        thread.prompt.size -= thread.turn_reasoning
        thread.prompt.cached = min(thread.prompt.cached, thread.turn_size)
    thread.turn_reasoning = 0
    started_ms = thread.now_ms
    begin(thread)
    if first:
        context = (
            f"<environment_context>\n  <cwd>{thread.cwd}</cwd>\n  <shell>bash</shell>\n</environment_context>"
        )
        thread.put("response_item", records.message("user", context))
    ask(thread, turn.prompt)
    thread.planted.add("codex requests")
    interrupted = _run(thread, turn.plan)
    end(thread, started_ms, interrupted=interrupted)


def _run(thread: Thread, plan: str) -> bool:
    """Play the steps; true if the last one was interrupted."""
    for move in moves(plan):
        spawned = [call for call in move.calls if call.letter == "A"]
        handle = thread.rng.randint(1000, 99_999)
        for call in spawned:
            _spawn(thread, AGENTS[call.agent])
        left = None if spawned else _step(thread, move, handle)
        for yield_ms in POLLS_MS if not move.interrupted else ():
            if left is None:
                break
            left = _poll(thread, left, handle, yield_ms)
        if move.interrupted:
            return True
    return False


def _step(thread: Thread, move: Move, handle: int) -> Started | None:
    """A response and its calls; what is left of one that goes on in the background, if any."""
    started, searches = [], sum(call.letter == "S" for call in move.calls)
    for call in move.calls:
        if call.letter == "S":
            continue
        pick = (
            tools.script_call(thread.rng, call, thread.script.project)
            if thread.code
            else (tools.plain_call(thread.rng, call, thread.script.project, thread.cwd))
        )
        wall_ms = latency_ms(thread.rng, call.letter)
        text = tools.printed(thread.rng, call, thread.script.project, wall_ms)
        started.append(Started(*pick, wall_ms, text, fails=call.fails))
    texts_ = (
        [thread.rng.choice(texts.ANSWERS)]
        if move.answers
        else ([thread.rng.choice(texts.PREFACES)] if thread.rng.random() < 0.15 else [])
    )
    grown = sum(result_tokens(thread.rng, call.letter, thread.script.heft) for call in move.calls)
    left = None
    if move.interrupted:
        short = [replace(one, wall_ms=min(one.wall_ms, 14_200), text="", fails=True) for one in started]
        started = [replace(one, text=f"aborted by user after {one.wall_ms / 1000:.1f}s") for one in short]
    elif started and started[-1].wall_ms > tools.FIRST_YIELD_MS and started[-1].command:
        left = replace(started[-1], wall_ms=started[-1].wall_ms - tools.FIRST_YIELD_MS)
        started[-1] = replace(started[-1], wall_ms=tools.FIRST_YIELD_MS, running=True, fails=False)
    _respond(thread, texts_, started, handle, searches, answers=move.answers, interrupted=move.interrupted)
    thread.prompt.size += grown
    return left


def _poll(thread: Thread, left: Started, handle: int, yield_ms: int) -> Started | None:
    """Wait for a background command; what is left of it, if it still runs."""
    running = left.wall_ms > yield_ms and yield_ms != POLLS_MS[-1]
    call = tools.poll(thread.rng, handle, code=thread.code, yield_ms=yield_ms)
    here = replace(left, item=call, wall_ms=yield_ms if running else left.wall_ms, running=running)
    _respond(thread, [], [here], handle)
    thread.prompt.size += 240
    thread.planted.add("codex polls")
    return replace(left, wall_ms=left.wall_ms - yield_ms) if running else None


def _respond(
    thread: Thread,
    said: list[str],
    started: list[Started],
    handle: int = 0,
    searches: int = 0,
    *,
    answers: bool = False,
    interrupted: bool = False,
) -> None:
    """The lines of one response, its usage, its outputs and the echo, in the era's order."""
    rng, sent_ms = thread.rng, thread.now_ms
    last = spend(thread, sent_ms, calls=len(started) + searches, answers=answers)
    first_ms, token_ms = sent_ms + rng.randint(1200, 3400), rng.randint(13, 19)
    thread.now_ms = first_ms + last[3] * token_ms
    if last[3]:
        reason(thread, sent_ms)
    thread.now_ms = first_ms + last[2] * token_ms
    for _ in range(searches):
        action = {"type": "search", "query": "inotify moved_from rename follow"}
        item: Record = {"type": "web_search_call", "id": ids.hexadecimal(rng, "ws_"), "status": "completed"}
        thread.put("response_item", {**item, "action": action})
        thread.planted.add("codex hosted searches")
    for text in said:
        say(thread, text, sent_ms, final=answers)
    for one in started:
        thread.put("response_item", one.item)
        thread.now_ms += 30
    thread.planted.add("codex steps")
    thread.planted.add("codex tool calls", len(started))
    close(thread, last)
    begun_ms = thread.now_ms
    for one in sorted(started, key=lambda one: one.wall_ms):
        thread.now_ms = max(thread.now_ms, begun_ms + one.wall_ms)
        if (
            not thread.old
            and not one.running
            and not interrupted
            and (one.command or one.item["name"] != "wait")
        ):
            thread.item(tools.mirror(rng, one, thread.cwd, thread.now_ms), begun_ms)
        shown = tools.output_of(rng, one, handle, old=thread.old)
        thread.planted.add("codex tool errors", one.fails and not one.running)
        thread.put("response_item", shown)
    if (started and not interrupted) or not thread.old:
        counted = records.token_count(thread.usage("count"), thread.tokens(last), thread.script.window_tokens)
        thread.put("event_msg", counted)
    thread.now_ms += 8


def _compact(thread: Thread) -> None:
    """A compaction: a response of its own, which no `token_count` counts, then the marker."""
    begin(thread)
    before_ms, counted = thread.now_ms, list(thread.sums["count"])
    last = spend(thread, thread.now_ms, calls=1, answers=False)
    thread.sums["count"] = counted
    thread.now_ms += 21_400
    response_id = close(thread, last)
    record = thread.lines[-1]["payload"]
    first, previous, new = (ids.uuid7(thread.rng, thread.now_ms - gap) for gap in (9, 5, 0))
    thread.window += 1
    windows = {
        "window_number": thread.window,
        "first_window_id": first,
        "previous_window_id": previous,
        "window_id": new,
    }
    links = {"compaction_response_id": response_id, "latest_token_usage_record": record}
    history = [records.message("user", "Summary so far: the index is built behind a flag; tests pass.")]
    thread.put("compacted", {"message": "", "replacement_history": history, **windows, **links})
    thread.item({"type": "ContextCompaction", "id": ids.uuid7(thread.rng, thread.now_ms)}, before_ms)
    thread.prompt.size = thread.rng.randint(62_000, 66_000)
    thread.prompt.cached = thread.prompt.shared
    estimate = thread.tokens([0, 0, 0, 0, thread.prompt.size])
    thread.put("event_msg", records.token_count(thread.usage("count"), estimate, thread.script.window_tokens))
    end(thread, before_ms, interrupted=False)
    thread.planted.add("codex compactions")
    thread.planted.add("codex compaction steps")


def _spawn(thread: Thread, agent: Agent) -> None:
    """A spawned thread: the call that starts it, its own rollout, the wait for it, its message."""
    rng, path = thread.rng, "/root/trace_callers"
    arguments = {"agent_type": agent.kind, "task_name": "trace_callers", "message": agent.prompt}
    call = _agent_call(thread, "spawn_agent", arguments)
    _respond(thread, [], [Started(call, "", 310, tools.compact_json({"task_name": path}))])
    child = _child(thread, agent, path)
    call = _agent_call(thread, "wait_agent", {"timeout_ms": 300_000})
    waited_ms = max(5000, child.now_ms - thread.now_ms - 4000)
    _respond(
        thread,
        [],
        [
            Started(
                call, "", waited_ms, tools.compact_json({"message": "Wait completed.", "timed_out": False})
            )
        ],
    )
    mail = {
        "type": "agent_message",
        "id": ids.hexadecimal(rng, "amsg_", 24),
        "author": path,
        "recipient": "/root",
    }
    content = [{"type": "input_text", "text": "Message Type: MESSAGE\nSender: " + path}]
    thread.put("response_item", {**mail, "content": content})
    thread.prompt.size += 420
    thread.planted.add("codex polls")


def _agent_call(thread: Thread, name: str, arguments: Record) -> Record:
    item_id, call_id = ids.hexadecimal(thread.rng, "fc_"), ids.opaque(thread.rng, "call_", 24)
    return records.function_call(
        item_id, call_id, name, tools.compact_json(arguments), namespace="collaboration"
    )


def _child(parent: Thread, agent: Agent, path: str) -> Thread:
    """The spawned thread's rollout: a copy of the parent's items, then its own part."""
    rng = random.Random(f"codex agent {agent.task}")
    turn = replace(parent.turn, thread_id=ids.uuid7(rng, parent.now_ms))
    held = parent.prompt
    prompt = Prompt(held.size, held.shared, LIFETIME_MS, held.grain, cached=held.cached, used_at=held.used_at)
    child = Thread(parent.script, rng, turn, prompt, parent.now_ms, parent.planted, agent.model, parent.cwd)
    kinds = {"session_meta", "turn_context", "response_item"}
    copied = [line for line in parent.lines if line["type"] in kinds]
    spawn = {
        "parent_thread_id": parent.turn.thread_id,
        "depth": 1,
        "agent_path": path,
        "agent_role": agent.kind,
    }
    fields = {"forked_from_id": parent.turn.thread_id, "parent_thread_id": parent.turn.thread_id}
    source = {"source": {"subagent": {"thread_spawn": spawn}}, "thread_source": "subagent"}
    own = meta(child, **fields, **source, subagent_history_start_ordinal=len(copied) + 1)
    child.put("session_meta", own)
    for line in copied:
        child.put(line["type"], line["payload"])
    child.now_ms += 240
    started_ms = child.now_ms
    begin(child, root_turn_id=parent.turn.root_turn_id)
    ask(child, agent.prompt)
    _run(child, agent.plan)
    end(child, started_ms, interrupted=False)
    parent.children.append(child)
    parent.planted.add("codex agents")
    return child


def files(thread: Thread) -> Iterator[tuple[str, list[Record]]]:
    """The rollouts below the client's home: (relative path, lines)."""
    for one in (thread, *thread.children):
        at = datetime.fromisoformat(one.lines[0]["timestamp"]).astimezone(UTC)
        folder = "archived_sessions" if "archived" in one.script.mode else f"sessions/{at:%Y/%m/%d}"
        yield f"{folder}/rollout-{at:%Y-%m-%dT%H-%M-%S}-{one.turn.thread_id}.jsonl", one.lines
