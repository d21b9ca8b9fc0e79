# ruff: noqa: E501 - a record a line
"""Nothing that a person wrote or a tool printed is in the bytes of the warehouse, or of what is made of it."""

import base64
import gzip
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from tracelab.load import load
from tracelab.publishing.audit import audit

SESSION = "aaaaaaaa-0000-4000-8000-000000000001"
THREAD = "019b0000-0000-7000-8000-000000000001"
PROJECT = "shown-project"
MARTS = ("steps", "tool_calls", "idle_gaps", "cache_reuse", "requests", "sessions", "compactions")


class Marks:
    """Hands out a new mark for each text-bearing place, so that a leak says where it came from."""

    def __init__(self) -> None:
        self.planted: list[str] = []

    def __call__(self, place: str) -> str:
        mark = f"MARK{len(self.planted):03d}{place}KRAM"
        self.planted.append(mark)
        return mark


def claude_log(mark: Marks) -> list[dict[str, Any]]:
    common = {
        "sessionId": SESSION,
        "cwd": f"/home/{mark('cwd')}/{mark('folder')}",
        "gitBranch": mark("branch"),
        "version": "2.1.280",
        "slug": mark("slug"),
        "userType": "external",
        "env": {"HOME": mark("env"), mark("envname"): "1"},
        "packed": base64.b64encode(mark("packed").encode()).decode(),
        "lookalike": mark("lооk"),  # Cyrillic о
    }
    usage = {"input_tokens": 3, "cache_read_input_tokens": 5, "output_tokens": 40}

    def row(kind: str, number: int, **fields: Any) -> dict[str, Any]:
        return {
            **common,
            "type": kind,
            "uuid": f"00000000-0000-4000-8000-{number:012d}",
            "parentUuid": f"00000000-0000-4000-8000-{number - 1:012d}" if number else None,
            "timestamp": f"2026-10-01T10:00:{number:02d}.000Z",
            **fields,
        }

    def said(content: Any) -> dict[str, Any]:
        return {
            "id": "msg_01AAAAAAAAAAAAAAAAAAAAAA",
            "role": "assistant",
            "model": "claude-opus-4-8",
            "content": content,
            "usage": usage,
            "stop_reason": "tool_use",
        }

    tool = {"type": "tool_use", "id": "toolu_01AAAAAAAAAAAAAAAAAAAAAA", "name": "Bash"}
    result = {"type": "tool_result", "tool_use_id": tool["id"]}
    return [
        {"type": "summary", "summary": mark("title"), "leafUuid": "x"},
        {"type": "ai-title", "aiTitle": mark("aititle"), "sessionId": SESSION},
        {"type": "last-prompt", "lastPrompt": mark("lastprompt"), "sessionId": SESSION},
        {"type": "queue-operation", "operation": "enqueue", "content": mark("queued"), "sessionId": SESSION},
        row("user", 0, message={"role": "user", "content": mark("prompt")}),
        row(
            "assistant",
            1,
            message=said([{"type": "thinking", "thinking": mark("thinking"), "signature": mark("sig")}]),
        ),
        row("assistant", 2, message=said([{"type": "text", "text": mark("answer")}])),
        row(
            "assistant",
            3,
            message=said([{**tool, "input": {"command": mark("command"), "description": mark("why")}}]),
            wireToolInputs={tool["id"]: {"command": mark("wire")}},
        ),
        row(
            "user",
            4,
            message={"role": "user", "content": [{**result, "content": mark("output"), "is_error": True}]},
            toolUseResult={"stdout": mark("stdout"), "stderr": mark("stderr"), "durationMs": 12},
        ),
        row(
            "user",
            5,
            message={"role": "user", "content": f"<command-name>{mark('slash')}</command-name>"},
        ),
        row(
            "attachment",
            6,
            attachment={"type": "queued_command", "prompt": mark("attached"), "rendered": mark("seen")},
        ),
        row("system", 7, subtype="api_error", error={"message": mark("apierror")}),
        row("user", 8, isCompactSummary=True, message={"role": "user", "content": mark("compacted")}),
        row("progress", 9, data={"type": "bash_progress", "output": mark("progress")}),
    ]


def codex_log(mark: Marks) -> list[dict[str, Any]]:
    usage = {"input_tokens": 90, "cached_input_tokens": 60, "output_tokens": 9, "total_tokens": 99}

    def line(second: int, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        return {"timestamp": f"2026-10-02T10:00:{second:02d}.000Z", "type": kind, "payload": payload}

    def item(second: int, **payload: Any) -> dict[str, Any]:
        return line(second, "response_item", payload)

    return [
        line(
            0,
            "session_meta",
            {
                "id": THREAD,
                "cwd": f"/home/{mark('home')}/{PROJECT}",
                "cli_version": "0.155.0",
                "source": "cli",
                "instructions": mark("instructions"),
                "base_instructions": {"text": mark("base")},
                "git": {"branch": mark("branch"), "repository_url": mark("repository"), "commit_hash": mark("commit")},
            },
        ),
        line(0, "turn_context", {"turn_id": "t1", "model": "gpt-5.5", "cwd": f"/{mark('turncwd')}/{PROJECT}"}),
        line(1, "event_msg", {"type": "user_message", "message": mark("prompt")}),
        item(1, type="message", role="user", content=[{"type": "input_text", "text": mark("echoed")}]),
        item(2, type="message", role="developer", content=[{"type": "input_text", "text": mark("developer")}]),
        item(3, type="reasoning", summary=[{"type": "summary_text", "text": mark("summary")}], encrypted_content=mark("enc")),
        item(4, type="message", role="assistant", content=[{"type": "output_text", "text": mark("answer")}]),
        item(
            5,
            type="function_call",
            name="exec_command",
            call_id="call_AAAAAAAAAAAAAAAAAAAAAAAA",
            arguments=json.dumps({"cmd": mark("command"), "workdir": mark("workdir")}),
        ),
        item(5, type="function_call", name="shell", call_id="call_BBBBBBBBBBBBBBBBBBBBBBBB", arguments="{}"),
        line(
            6,
            "token_usage_record",
            {"thread_id": THREAD, "turn_id": "t1", "session_id": THREAD, "response_id": "resp_1", "usage": usage},
        ),
        item(
            7,
            type="function_call_output",
            call_id="call_AAAAAAAAAAAAAAAAAAAAAAAA",
            output=f"Wall time: 0.5 seconds\nProcess exited with code 1\nOutput:\n{mark('output')}",
        ),
        item(
            7,
            type="function_call_output",
            call_id="call_BBBBBBBBBBBBBBBBBBBBBBBB",
            output=json.dumps({"agent_id": mark("agentid")}),
        ),
        line(8, "event_msg", {"type": "agent_message", "message": mark("displayed")}),
        line(8, "event_msg", {"type": "item_completed", "thread_id": THREAD, "turn_id": "t1", "item": {"type": "CommandExecution", "id": "exec-1", "command": [mark("nested")], "aggregated_output": mark("nestedout"), "cwd": mark("nestedcwd"), "exit_code": 0}}),
        line(9, "compacted", {"message": mark("history"), "replacement_history": [{"role": "user", "content": [{"type": "input_text", "text": mark("replaced")}]}], "window_id": "w2"}),
        line(9, "world_state", {"state": mark("world")}),
        line(9, "event_msg", {"type": "error", "message": mark("error")}),
        line(9, "some_new_type", {"text": mark("unknown")}),
    ]  # fmt: skip


def write(path: Path, records: list[dict[str, Any]], extra: str = "") -> None:
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records) + extra)


@pytest.fixture
def marked(tmp_path: Path) -> tuple[Path, list[str]]:
    mark = Marks()
    home = tmp_path / "home"
    write(
        home / ".claude/projects" / PROJECT / f"{SESSION}.jsonl",
        claude_log(mark),
        f'{{"type": "{mark("badline")}\n',
    )
    write(home / f".codex/sessions/2026/10/02/rollout-2026-10-02T10-00-00-{THREAD}.jsonl", codex_log(mark))
    write(tmp_path / "home/.claude/projects/other/notes.jsonl", [{"note": mark("notalog")}])
    db = tmp_path / "tracelab.duckdb"
    load([home], db=db)
    return db, mark.planted


def all_bytes(folder: Path) -> bytes:
    """Every file below a folder, and again as it reads unpacked: gzip, Parquet, DuckDB, a page's own data."""
    content = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        data = path.read_bytes()
        gzipped = re.findall(rb"H4sI[A-Za-z0-9+/=]+", data)  # in base64, as the report has it
        content += [data, *(gzip.decompress(base64.b64decode(packed)) for packed in gzipped)]
        if path.suffix == ".gz":
            content.append(gzip.decompress(data))
        elif path.suffix == ".parquet":
            content.append(str(pq.read_table(path).to_pylist()).encode())
        elif path.suffix == ".duckdb":
            content.append(as_plain_bytes(path))
    return b"\n".join(content)


def as_plain_bytes(db: Path) -> bytes:
    """The whole database copied without compression: a text in any block is then readable."""
    plain = db.with_name("plain.duckdb")
    with duckdb.connect() as connection:
        connection.execute("set force_compression = 'uncompressed'")
        connection.execute(f"attach '{db}' as packed (read_only)")
        connection.execute(f"attach '{plain}' as plain")
        connection.execute("copy from database packed to plain")
    content = plain.read_bytes()
    plain.unlink()
    return content


def test_no_text_of_a_session_reaches_the_database(marked: tuple[Path, list[str]]) -> None:
    db, planted = marked
    content = db.read_bytes() + as_plain_bytes(db)
    assert PROJECT.encode() in content, "the search itself finds what is stored"
    leaked = [mark for mark in planted if mark.encode() in content]
    assert not leaked


def forms(mark: str) -> list[bytes]:
    """A mark as it may hide: as it is, in base64 at each of three places, in hex, in UTF-16, reversed, folded."""
    packed = [base64.b64encode(b" " * shift + mark.encode())[4:-4] for shift in range(3)]
    return [
        mark.encode(), mark.lower().encode(), mark[::-1].encode(), mark.encode().hex().encode(),
        mark.encode("utf-16-le"), *packed,
    ]  # fmt: skip


def test_no_text_of_a_session_reaches_anything_that_is_made_of_it(
    marked: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    db, planted = marked
    made = db.parent / "made"
    made.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(made / "cache"))
    command = [sys.executable, "-m", "tracelab", "--db", str(db)]
    said = b""
    for arguments in (
        ["build"], ["status"], ["status", "--json"], ["compare"], ["export", "--out", str(made / "csv")],
        ["export", "--out", str(made / "marts"), *MARTS], ["chart", "--out", str(made / "charts")],
        ["report", "--output", str(made / "report.html")], ["publish", str(made / "shared")],
        ["sql", "from sessions", "--format", "csv"], ["load", "--json", str(db.parent / "home")],
    ):  # fmt: skip
        done = subprocess.run([*command, *arguments], capture_output=True, check=True)
        said += done.stdout + done.stderr
    content = (said + all_bytes(made)).replace(str(db.parent).encode(), b"")
    assert content.count(b"claude-opus-4-8") > 10, "the search itself finds what is stored"
    leaked = [mark for mark in planted if any(form in content for form in forms(mark))]
    assert not leaked
    published = all_bytes(made / "shared")
    for private in (
        PROJECT,
        SESSION,
        THREAD,
        "call_AAAAAAAAAAAAAAAAAAAAAAAA",
        "toolu_01AAAAAAAAAAAAAAAAAAAAAA",
    ):
        assert not any(form in published for form in forms(private)), private
    assert not any(audit(made / "shared", db=db))


def test_the_marked_sessions_are_loaded_whole(marked: tuple[Path, list[str]]) -> None:
    db, _ = marked
    with duckdb.connect(str(db), read_only=True) as connection:
        steps = connection.sql(
            "select provider, count(*) from raw.steps group by all order by all"
        ).fetchall()
        reasons = connection.sql("select reason from raw.load_issues order by all").fetchall()
        places = connection.sql("select count(place) from loader.bookmarks").fetchall()
    assert steps == [("claude", 1), ("codex", 1)]
    assert reasons == [("bad_line",), ("not_a_log",)]
    assert places == [(2,)], "what is kept to go on with them is searched for texts too"
