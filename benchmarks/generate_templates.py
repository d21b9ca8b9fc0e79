"""Log lines as %-templates, compiled once from the record builders so that a line costs one formatting."""

from __future__ import annotations

import json
import re
from typing import Any

from benchmarks import records_claude as claude
from benchmarks import records_codex as codex
from benchmarks.records_claude import Origin, Stamp

_NUMBER = re.compile('"⟦#(\\w+)⟧"')
_STRING = re.compile("⟦(\\w+)⟧")
TOKENS = ("input", "cached", "output", "reasoning", "total")


def string(name: str) -> str:
    """A slot inside a string: its value must be escaped already."""
    return f"⟦{name}⟧"


def number(name: str) -> str:
    """A slot in place of a whole value: a number, `null`, or a string with its quotes."""
    return f"⟦#{name}⟧"


def compile_line(record: Any) -> str:
    """The template of a line, newline included."""
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":")).replace("%", "%%")
    return _STRING.sub(r"%(\1)s", _NUMBER.sub(r"%(\1)s", text)) + "\n"


STAMP = Stamp(string("uuid"), number("parent"), string("at"))
CLAUDE_INPUTS: dict[str, Any] = {
    "Bash": {"command": string("command"), "description": "Run it"},
    "Read": {"file_path": "/home/dev/src/settle/settle.py"},
    "Grep": {"pattern": "settle", "path": "/home/dev/src", "output_mode": "content"},
    "Edit": {
        "file_path": "/home/dev/src/settle.py",
        "old_string": string("old"),
        "new_string": string("new"),
    },
    "TodoWrite": {"todos": [{"content": "Settle the copies", "status": "in_progress"}]},
    "WebSearch": {"query": "duplicate rows"},
    "mcp__tracker__search": {"query": "open issues"},
    "Agent": {"subagent_type": "Explore", "description": "Look around", "prompt": string("old")},
}
CLAUDE_RESULTS: dict[str, Any] = {
    "Bash": {"stdout": string("text"), "stderr": "", "interrupted": False, "isImage": False},
    "Read": {"type": "text", "file": {"filePath": "settle.py", "content": string("text"), "numLines": 40}},
    "Grep": {"mode": "content", "numFiles": 3, "filenames": [], "content": string("text")},
    "Edit": {"filePath": "settle.py", "oldString": "…", "structuredPatch": [], "userModified": False},
    "TodoWrite": {"oldTodos": [], "newTodos": []},
    "WebSearch": {"query": "…", "results": [string("text")], "durationSeconds": 3.2, "searchCount": 1},
    "mcp__tracker__search": [{"type": "text", "text": string("text")}],
    "Agent": {
        "status": "completed",
        "agentId": string("child"),
        "totalDurationMs": number("took"),
        "totalTokens": 0,
    },
}


def claude_templates(agent: bool) -> dict[str, str]:
    """The lines of a Claude Code file, of a session or of a subagent."""
    origin = Origin(
        string("session"), string("cwd"), string("version"), agent_id=string("agent") if agent else None
    )
    usage = claude.usage(
        prefix=number("prefix"),
        uncached=number("uncached"),
        write_5m=number("write_5m"),
        write_1h=number("write_1h"),
        written=number("written"),
        output=number("output"),
        thinking=number("thought"),
    )
    blocks = {
        "thinking": claude.thinking("", string("signature")),
        "text": claude.text(string("text")),
        **{
            name: claude.tool_use(string("tool"), name, tool_input)
            for name, tool_input in CLAUDE_INPUTS.items()
        },
    }
    names = {"message_id": string("message"), "request_id": string("request"), "model": string("model")}
    lines = {
        f"say {kind}": claude.assistant(
            origin, STAMP, block=block, usage=usage, stop_reason=number("stop"), **names
        )
        for kind, block in blocks.items()
    }
    for name, result in CLAUDE_RESULTS.items():
        lines[f"result {name}"] = _claude_result(origin, result, None)
        lines[f"error {name}"] = _claude_result(origin, "Error: " + string("text"), True)
    lines["prompt"] = claude.typed(origin, STAMP, string("text"), string("prompt"))
    lines["duration"] = claude.system(
        origin, STAMP, "turn_duration", durationMs=number("took"), messageCount=9
    )
    lines["reminder"] = claude.attachment(origin, STAMP, "task_reminder", content=[], itemCount=0)
    metadata = {"trigger": "auto", "preTokens": number("before"), "postTokens": number("after")}
    lines["boundary"], lines["summary"] = claude.compaction(
        origin, STAMP, Stamp(string("uuid"), number("parent"), string("at")), metadata, string("text")
    )
    lines["summary"]["parentUuid"] = number("parent")
    return {name: compile_line(line) for name, line in lines.items()}


def _claude_result(origin: Origin, result: Any, is_error: bool | None) -> Any:
    return claude.tool_result(
        origin,
        STAMP,
        prompt_id=string("prompt"),
        tool_id=string("tool"),
        content=string("text"),
        result=result,
        caller=string("caller"),
        is_error=is_error,
    )


def codex_templates(paginated: bool) -> dict[str, str]:
    """The lines of a Codex rollout of the paginated or the usage-last era."""
    lines = {**_codex_turns(paginated), **_codex_items(), **_codex_calls(), **_codex_usage(paginated)}
    ordinal = number("ordinal") if paginated else None
    return {
        name: compile_line(codex.line(string("at"), kind, payload, ordinal))
        for name, (kind, payload) in lines.items()
    }


TURN = codex.Turn(string("thread"), string("thread"), string("turn"), string("turn"))
RESPONSE_ID, CALL_ID, ITEM_ID = "resp_" + string("response"), "call_" + string("tool"), string("item")
WINDOW_TOKENS = 258_400
Lines = dict[str, tuple[str, Any]]  # by name: the line's type and its payload


def _codex_turns(paginated: bool) -> Lines:
    """The header, and what opens and closes a turn."""
    paging = {"session_id": string("thread"), "history_mode": "paginated", "thread_source": "user"}
    fields = paging if paginated else {}
    meta = codex.session_meta(string("thread"), string("at"), string("cwd"), string("version"), **fields)
    settings = codex.thread_settings(string("thread"), string("cwd"), string("model"))
    started = {"type": "task_started", "turn_id": string("turn"), "model_context_window": WINDOW_TOKENS}
    complete = {"type": "task_complete", "turn_id": string("turn"), "duration_ms": number("took")}
    return {
        "meta": ("session_meta", meta),
        "settings": ("event_msg", settings),
        "started": ("event_msg", started),
        "context": ("turn_context", codex.turn_context(string("turn"), string("cwd"), string("model"))),
        "complete": ("event_msg", complete),
    }


def _codex_items() -> Lines:
    """Prompts, reasoning, messages, and what repeats them."""
    content = [{"type": "text", "text": string("text")}]
    asked = {"type": "UserMessage", "id": ITEM_ID, "content": content}
    said = codex.message("assistant", string("text"), f"msg_{ITEM_ID}", "commentary")
    reasoning = codex.reasoning(f"rs_{ITEM_ID}", "gAAAAAB" + string("signature"))
    return {
        "prompt": ("response_item", codex.message("user", string("text"))),
        "user": ("event_msg", {"type": "user_message", "message": string("text"), "images": []}),
        "asked": ("event_msg", codex.item_completed(TURN, asked, number("begun"), number("done"))),
        "reasoning": ("response_item", reasoning),
        "said": ("response_item", said),
        "echo": ("event_msg", {"type": "agent_message", "message": string("text")}),
    }


def _codex_calls() -> Lines:
    """Calls, their outputs, and the mirror of a command."""
    arguments = {"cmd": string("command"), "workdir": "/home/dev/src/settle", "yield_time_ms": 10_000}
    change = f"-{string('old')}\n+{string('new')}"
    patch = f"*** Begin Patch\n*** Update File: src/settle.py\n@@\n{change}\n*** End Patch"
    script = f"text(await tools.exec_command({{cmd:'{string('command')}'}}));"
    header = (
        f"Chunk ID: 9f3a1c\nWall time: {string('wall')} seconds\nProcess exited with code {string('code')}\n"
    )
    shown = f"{header}Original token count: 120\nOutput:\n{string('text')}"
    patched = f"Exit code: 0\nWall time: 0.1 seconds\nOutput:\n{string('text')}"
    printed = codex.script_output("completed", string("wall"), string("text"))
    command = {
        "type": "CommandExecution",
        "id": f"exec-{ITEM_ID}",
        "command": ["bash", "-lc", string("command")],
        "cwd": string("cwd"),
        "status": "completed",
        "exit_code": number("code"),
        "duration": {"secs": number("secs"), "nanos": 0},
    }
    payloads = {
        "exec_command": codex.function_call(f"fc_{ITEM_ID}", CALL_ID, "exec_command", json.dumps(arguments)),
        "apply_patch": codex.custom_call(f"ctc_{ITEM_ID}", CALL_ID, "apply_patch", patch),
        "exec": codex.custom_call(f"ctc_{ITEM_ID}", CALL_ID, "exec", script),
        "exec_command output": codex.output(CALL_ID, shown),
        "apply_patch output": codex.output(CALL_ID, patched, custom=True),
        "exec output": codex.output(CALL_ID, printed, custom=True),
    }
    mirror = codex.item_completed(TURN, command, number("begun"), number("done"))
    return {
        **{name: ("response_item", payload) for name, payload in payloads.items()},
        "mirror": ("event_msg", mirror),
    }


def _codex_usage(paginated: bool) -> Lines:
    """What carries usage, and a compaction: older files name no response in it."""
    sums = {name: _codex_tokens(name, paginated) for name in ("last", "turn", "thread", "count")}
    record = codex.usage_record(TURN, RESPONSE_ID, sums["last"], sums["turn"], sums["thread"])
    estimate = codex.tokens(
        input_=0, cached=0, output=0, reasoning=0, total=number("after"), paginated=paginated
    )
    links = {"compaction_response_id": RESPONSE_ID, "latest_token_usage_record": record}
    windows = {"window_number": 2, "window_id": ITEM_ID, **links} if paginated else {}
    return {
        "record": ("token_usage_record", record),
        "count": ("event_msg", codex.token_count(sums["count"], sums["last"], WINDOW_TOKENS)),
        "compacted": ("compacted", {"message": "", "replacement_history": [], **windows}),
        "estimate": ("event_msg", codex.token_count(sums["count"], estimate, WINDOW_TOKENS)),
        "context_compacted": ("event_msg", {"type": "context_compacted"}),
    }


def _codex_tokens(name: str, paginated: bool) -> Any:
    return codex.tokens(
        input_=number(f"{name}_input"),
        cached=number(f"{name}_cached"),
        output=number(f"{name}_output"),
        reasoning=number(f"{name}_reasoning"),
        total=number(f"{name}_total"),
        paginated=paginated,
    )
