"""Codex's tools in the sample: each call as plain tools or as a code mode script, and what comes back."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

from benchmarks import ids, records_codex
from benchmarks import sample_texts as texts
from benchmarks.records_codex import Record
from benchmarks.sample_model import Call

FIRST_YIELD_MS = 10_000  # a command that runs longer goes on in the background and is polled


@dataclass(frozen=True)
class Started:
    """A call in flight: its item, the command behind it, its time, whether it goes on in the background."""

    item: Record
    command: str
    wall_ms: int
    text: str
    fails: bool = False
    running: bool = False


def command(rng: random.Random, call: Call, project: str) -> str:
    """The shell command that does what a plan's letter says."""
    _, files, test = texts.PROJECTS[project]
    match call.letter:
        case "R":
            return f"sed -n '1,80p' {rng.choice(files)}"
        case "G":
            return f"rg -n 'since' {files[0]}"
        case "T":
            return test
        case _:
            return rng.choice(
                (f"rg -n 'width' {rng.choice(files)}", "git status --short", f"cat {rng.choice(files)}")
            )


def patch(rng: random.Random, project: str) -> str:
    """A patch in the client's own form."""
    language, files, _ = texts.PROJECTS[project]
    lines = [rng.choice(texts.CODE[language]).strip() for _ in range(3)]
    body = f" {lines[0]}\n-{lines[1]}\n+{lines[2]}"
    return f"*** Begin Patch\n*** Update File: {rng.choice(files)}\n@@\n{body}\n*** End Patch"


def plain_call(rng: random.Random, call: Call, project: str, cwd: str) -> tuple[Record, str]:
    """A call of one of the plain tools: (item, shell command if it runs one)."""
    item_id, call_id = ids.hexadecimal(rng, "fc_"), ids.opaque(rng, "call_", 24)
    match call.letter:
        case "E" | "W":
            return records_codex.custom_call(item_id, call_id, "apply_patch", patch(rng, project)), ""
        case "D":
            steps = [{"step": step, "status": "in_progress"} for step in texts.PLAN]
            return records_codex.function_call(
                item_id, call_id, "update_plan", compact_json({"plan": steps})
            ), ""
        case "M":
            arguments = compact_json({"theme": "dark", "level": "AA"})
            return records_codex.function_call(item_id, call_id, "mcp__contrast__check", arguments), ""
    shell = command(rng, call, project)
    arguments = compact_json({"cmd": shell, "workdir": cwd, "yield_time_ms": FIRST_YIELD_MS})
    return records_codex.function_call(item_id, call_id, "exec_command", arguments), shell


def script_call(rng: random.Random, call: Call, project: str) -> tuple[Record, str]:
    """A call in code mode: one script, whatever it does."""
    item_id, call_id = ids.hexadecimal(rng, "ctc_"), ids.opaque(rng, "call_", 24)
    if call.letter in "EW":
        script = f"const r = await tools.apply_patch({compact_json(patch(rng, project))});\ntext(r);"
        return records_codex.custom_call(item_id, call_id, "exec", script), ""
    shell = command(rng, call, project)
    options = f"{{cmd:{compact_json(shell)},yield_time_ms:{FIRST_YIELD_MS}}}"
    script = f"const r = await tools.exec_command({options});\ntext(r.output);"
    return records_codex.custom_call(item_id, call_id, "exec", script), shell


def printed(rng: random.Random, call: Call, project: str, wall_ms: int) -> str:
    """What the command prints."""
    chars = rng.randint(60, 260)
    if call.letter == "T":
        return texts.test_output(rng, wall_ms / 1000, call.fails, chars // 2)
    if call.letter == "M":
        return '{"fails":[{"pair":"caption on paper","ratio":3.9}]}'
    if call.letter in "EW":
        return f"Success. Updated the following files:\nM {texts.PROJECTS[project][1][0]}"
    return f"error: {rng.choice(texts.FAILURES)}" if call.fails else texts.matches(rng, project, chars)


def poll(rng: random.Random, handle: int, *, code: bool, yield_ms: int) -> Record:
    """A call that waits for something already running."""
    name, arguments = "write_stdin", {"session_id": handle, "chars": "", "yield_time_ms": yield_ms}
    if code:
        name, arguments = "wait", {"cell_id": str(handle), "yield_time_ms": yield_ms}
    return records_codex.function_call(
        ids.hexadecimal(rng, "fc_"), ids.opaque(rng, "call_", 24), name, compact_json(arguments)
    )


def output_of(rng: random.Random, started: Started, handle: int, *, old: bool) -> Record:
    """A call's output item, in the form that its tool and era write."""
    name, call_id = started.item["name"], started.item["call_id"]
    custom, seconds = started.item["type"] == "custom_tool_call", started.wall_ms / 1000
    value: Any = started.text
    if name in {"exec", "wait"}:
        done = "failed" if started.fails else "completed"
        status = f"running with cell ID {handle}" if started.running else done
        value = records_codex.script_output(status, f"{seconds:.1f}", "" if started.running else started.text)
    elif name == "apply_patch":
        value = f"Exit code: 0\nWall time: {seconds:.1f} seconds\nOutput:\n{started.text}\n"
        if old:
            metadata = {"exit_code": 0, "duration_seconds": round(seconds, 1)}
            value = compact_json({"output": started.text + "\n", "metadata": metadata})
    elif name == "update_plan":
        value = "Plan updated"
    elif name in {"exec_command", "write_stdin"} and not started.text.startswith("aborted by user"):
        ended = (
            f"Process running with session ID {handle}"
            if started.running
            else (f"Process exited with code {int(started.fails)}")
        )
        header = f"Chunk ID: {rng.getrandbits(24):06x}\nWall time: {seconds:.4f} seconds\n{ended}\n"
        text = "" if started.running else started.text
        value = f"{header}Original token count: {len(text) // 4}\nOutput:\n{text}"
    return records_codex.output(call_id, value, custom=custom)


def mirror(rng: random.Random, started: Started, cwd: str, at_ms: int) -> Record:
    """The item that mirrors what a call ran: a command, or the files a patch changed."""
    if not started.command:
        item_id = ids.uuid7(rng, at_ms)
        return {
            "type": "FileChange",
            "id": item_id,
            "changes": {"…": {"type": "update"}},
            "status": "completed",
        }
    whole, rest = divmod(started.wall_ms, 1000)
    return {
        "type": "CommandExecution",
        "id": f"exec-{ids.uuid7(rng, at_ms)}",
        "command": ["bash", "-lc", started.command],
        "cwd": cwd,
        "source": "unified_exec_startup",
        "status": "failed" if started.fails else "completed",
        "exit_code": int(started.fails),
        "duration": {"secs": whole, "nanos": rest * 1_000_000},
    }


def compact_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
