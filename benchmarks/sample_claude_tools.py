"""Claude Code's tools in the sample: each call's name and input, and what comes back."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from benchmarks import sample_texts as texts
from benchmarks.records_claude import Record
from benchmarks.sample_model import Call, result_tokens
from benchmarks.sample_story import AGENTS

DENIED = "The user doesn't want to proceed with this tool use. The tool use was rejected."


@dataclass(frozen=True)
class Outcome:
    """A call's wall time, the result's content, the client's own copy, the tokens it adds to the context."""

    wall_ms: int
    content: Any
    result: Any
    tokens: int
    is_error: bool = False
    web_searches: int = 0
    notice: str = ""


def tool_call(rng: random.Random, call: Call, project: str, cwd: str) -> tuple[str, Record]:
    """The tool's name and its input."""
    language, files, test = texts.PROJECTS[project]
    path, line = f"{cwd}/{rng.choice(files)}", rng.choice(texts.CODE[language])
    match call.letter:
        case "R":
            return "Read", {"file_path": path}
        case "G":
            return "Grep", {
                "pattern": line.split("(")[0].strip() or "TODO",
                "path": cwd,
                "output_mode": "content",
            }
        case "E":
            return "Edit", {"file_path": path, "old_string": line, "new_string": f"{line}  # zone-aware"}
        case "W":
            return "Write", {
                "file_path": path,
                "content": "\n".join(rng.choices(texts.CODE[language], k=6)) + "\n",
            }
        case "B":
            return "Bash", {"command": "git diff --stat", "description": "Show what changed"}
        case "T":
            return "Bash", {"command": test, "description": "Run the tests", "timeout": 600_000}
        case "D":
            statuses = rng.choice((("in_progress", "pending"), ("completed", "completed")))
            todos = zip(texts.PLAN, ("completed", *statuses), strict=True)
            return "TodoWrite", {"todos": [{"content": text, "status": status} for text, status in todos]}
        case "Q":
            return "AskUserQuestion", {
                "questions": [{"question": "Which way?", "header": "Way", "options": []}]
            }
        case "P":
            return "ExitPlanMode", {"plan": "1. Cache the lookups\n2. Invalidate on import\n3. Test both"}
        case "S":
            return "WebSearch", {"query": "harbour tide feed schema v3 changes"}
        case "F":
            return "WebFetch", {
                "url": "https://feeds.example.org/harbour/v3",
                "prompt": "List the renamed fields",
            }
        case "M":
            return "mcp__staging__query", {"sql": "select station, count(*) from rejects group by 1"}
        case "L":
            return "Bash", {
                "command": "python -m tidewater.backfill --since yesterday",
                "run_in_background": True,
            }
        case _:
            agent = AGENTS[call.agent]
            return "Agent", {"subagent_type": agent.kind, "description": agent.task, "prompt": agent.prompt}


def outcome(
    rng: random.Random, call: Call, project: str, wall_ms: int, heft: float, *, interrupted: bool
) -> Outcome:
    """What a call of any tool but `Agent` leads to."""
    tokens = result_tokens(rng, call.letter, heft)
    if interrupted:
        return Outcome(min(wall_ms, 23_000), DENIED, f"Error: {DENIED}", 60, is_error=True)
    text, chars = "", min(tokens * 3, rng.randint(40, 220))
    language, files, _ = texts.PROJECTS[project]
    match call.letter:
        case "R":
            text = texts.listing(rng, language, chars)
            shown: Record = {
                "filePath": files[0],
                "content": text,
                "numLines": text.count("\n") + 1,
                "startLine": 1,
            }
            result: Any = {"type": "text", "file": shown}
        case "G":
            text = texts.matches(rng, project, chars)
            result = {
                "mode": "content",
                "numFiles": 0,
                "filenames": [],
                "content": text,
                "numLines": text.count("\n"),
            }
        case "E" | "W":
            text = f"The file {files[0]} has been updated successfully."
            result = {"filePath": files[0], "structuredPatch": [], "userModified": False}
        case "D":
            text, result = "Todos have been modified successfully.", {"oldTodos": [], "newTodos": []}
        case "Q":
            text = 'User has answered your questions: "Which way?"="An adapter".'
            result = {"questions": [], "answers": {"Which way?": "An adapter"}}
        case "P":
            text, result = (
                "User has approved your plan. You can now start coding.",
                {"plan": "…", "isAgent": False},
            )
        case "S":
            searches = rng.randint(1, 3)
            text = "Web search results: three pages describe the change from v2 to v3."
            found = {
                "query": "…",
                "results": [],
                "durationSeconds": wall_ms / 1000 - 0.04,
                "searchCount": searches,
            }
            return Outcome(wall_ms, text, found, tokens, web_searches=searches)
        case "F":
            text = "Renamed: level to level_cm, time to observed_at. Removed: quality."
            result = {"bytes": 48_211, "code": 200, "codeText": "OK", "durationMs": wall_ms - 30, "url": "…"}
        case "M":
            text = '{"rows":[["north-pier",41],["old-lock",7]]}'
            return Outcome(
                wall_ms, [{"type": "text", "text": text}], [{"type": "text", "text": text}], tokens
            )
        case "L":
            text = "Command running in background with ID: b7k2m4."
            notice = "<task-notification>\n<task-id>b7k2m4</task-id>\n</task-notification>"
            result = {"stdout": "", "stderr": "", "interrupted": False, "backgroundTaskId": "b7k2m4"}
            return Outcome(wall_ms, text, result, tokens, notice=notice)
        case _:
            text = (
                texts.test_output(rng, wall_ms / 1000, call.fails, chars // 2)
                if call.letter == "T"
                else (texts.matches(rng, project, chars))
            )
            result = {
                "stdout": text,
                "stderr": "",
                "interrupted": False,
                "isImage": False,
                "noOutputExpected": False,
            }
    if call.fails:
        failure = text if call.letter == "T" else rng.choice(texts.FAILURES)
        if call.letter == "E":
            failure = "<tool_use_error>String to replace not found in file.</tool_use_error>"
        text = failure if call.letter == "E" else f"Exit code 1\n{failure}"
        result = f"Error: {text}"
    return Outcome(wall_ms, text, result, tokens, is_error=call.fails)
