"""`tracelab audit`: what it finds, where it says so, and that a published dataset has nothing of it."""

import base64
import gzip
import json
import os
import pwd
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tracelab.errors import TracelabError
from tracelab.publishing import audit as module
from tracelab.publishing import publish
from tracelab.publishing.audit import audit

PSEUDONYM = "0123456789abcdef01234567"
ROW = {
    "provider": "claude",
    "user": "user_none",
    "session_id": f"claude:{PSEUDONYM}",
    "model": "claude-opus-4-8",
    "output_tokens": 40,
    "tools": [{"tool_index": 0, "tool_name": "Bash", "emitted_at": "2026-09-20T10:00:00.000Z"}],
}
LEAKS = {
    "a path": ["/home/ada/loom", "see ~/notes", "C:\\Users\\ada", "-home-ada-loom", "file:///x"],
    "an e-mail address": ["ada@example.org"],
    "a secret": [
        "sk-ant-" + "a1B2" * 6,
        "ghp_" + "a1B2" * 9,
        "AKIA" + "A1B2" * 4,
        "password = hunter2hunter2",
        "https://ada:hunter2@example.org",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0",
    ],
    "free text": ["fix the loom before the weekend comes please", "x" * 101, "café"],
}
EACH = [(what, leak) for what, leaks in LEAKS.items() for leak in leaks]


def found(path: Path, **named: Any) -> list[tuple[int | None, str | None, str]]:
    return [(finding.row, finding.column, finding.what) for finding in audit(path, **named)]


def lines(path: Path, *rows: dict[str, Any]) -> Path:
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["rounds.jsonl", "rounds.jsonl.gz"])
@pytest.mark.parametrize(("what", "leak"), EACH)
def test_a_leak_in_json_lines_is_found_with_row_and_column(
    tmp_path: Path, name: str, what: str, leak: str
) -> None:
    leaky = ROW | {"tools": [*ROW["tools"], {"tool_name": leak}]}  # type: ignore[misc]
    path = lines(tmp_path / name, ROW, leaky, ROW)
    assert (2, "tools.tool_name", what) in found(path)
    assert {row for row, _, _ in found(path)} == {2}


def as_csv(path: Path, leak: str) -> Path:
    path = path / "rounds.csv"
    path.write_text(f'provider,model\nclaude,claude-opus-4-8\nclaude,"{leak}"\n')
    return path


def as_parquet(path: Path, leak: str) -> Path:
    path = path / "rounds.parquet"
    with duckdb.connect() as engine:
        engine.execute(
            f"copy (select 'claude' as provider, unnest(['claude-opus-4-8', ?]) as model) to '{path}'", [leak]
        )
    return path


def as_duckdb(path: Path, leak: str) -> Path:
    path = path / "dataset.duckdb"
    with duckdb.connect(str(path)) as engine:
        engine.execute(
            "create table rounds as select 'claude' as provider, unnest(['claude-opus-4-8', ?]) as model",
            [leak],
        )
    return path


@pytest.mark.parametrize(
    ("write", "column"), [(as_csv, "model"), (as_parquet, "model"), (as_duckdb, "rounds.model")]
)
@pytest.mark.parametrize(("what", "leak"), EACH)
def test_a_leak_in_a_table_is_found_with_row_and_column(
    tmp_path: Path, write: Callable[[Path, str], Path], column: str, what: str, leak: str
) -> None:
    findings = found(write(tmp_path, leak))
    assert (2, column, what) in findings
    assert {row for row, _, _ in findings} == {2}


@pytest.mark.parametrize(
    "hidden",
    [
        base64.b64encode(b"see /home/ada/loom").decode(),
        base64.b64encode(gzip.compress(b"see /home/ada/loom " * 20)).decode(),
        "/hоme/аda/loom",  # Cyrillic о and а
        "／home/ada/loom",
    ],
    ids=["base64", "gzip in base64", "look-alikes", "wide letters"],
)
def test_a_path_that_is_hidden_is_found(tmp_path: Path, hidden: str) -> None:
    (tmp_path / "page.html").write_text(f"<p>\n<script>{hidden}</script>")
    assert found(tmp_path) == [(2, None, "a path")]


def test_what_may_not_leave_is_found_by_its_column_and_by_how_it_leaves(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "rounds.jsonl",
        ROW | {"cwd": "x"},
        ROW | {"provider": "other"},
        ROW | {"session_id": "claude:aaaaaaaa-0000-4000-8000-000000000001"},
        ROW | {"user": "ada-l"},
        ROW | {"output_tokens": "many"},
    )
    assert found(path) == [
        (1, "cwd", "a column that may not leave"),
        (2, "provider", "not as such a column leaves (word)"),
        (3, "session_id", "not as such a column leaves (key)"),
        (4, "user", "not as such a column leaves (key)"),
        (5, "output_tokens", "not as such a column leaves (number)"),
    ]
    with duckdb.connect(str(tmp_path / "d.duckdb")) as engine:
        engine.execute("create table rounds as select 'claude' as provider, 'x' as cwd")
    assert found(tmp_path / "d.duckdb") == [(None, "rounds.cwd", "a column that may not leave")]


def test_a_user_of_this_machine_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = pwd.struct_passwd(("grace-h", "x", 1000, 1000, "", "/home/grace-h", "/bin/sh"))
    monkeypatch.setattr(module.pwd, "getpwall", lambda: [here])
    (tmp_path / "README.md").write_text("Made by Grace-H.\nNot by disgrace-hx.\n")
    assert found(tmp_path) == [(1, None, "a user of this machine")]


def test_what_is_named_in_the_warehouse_is_found(warehouse: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as engine:
        [(session, project, call)] = engine.execute(
            "select any_value(session_id), any_value(project), any_value(tool_call_id)"
            " from sessions join tool_calls using (session_id) where sessions.provider = 'codex'"
        ).fetchall()
    for name in (session, session.removeprefix("codex:"), project, f"after {call}."):
        (tmp_path / "notes.txt").write_text(f"\n{name}\n")
        if name == project:
            assert (2, None, "an identifier of the warehouse") in found(tmp_path, db=warehouse)
        else:
            assert found(tmp_path, db=warehouse) == [(2, None, "an identifier of the warehouse")]


def test_what_cannot_be_read_is_a_finding_too(tmp_path: Path) -> None:
    (tmp_path / "rounds.jsonl.gz").write_bytes(gzip.compress(b"{}\n" * 1000)[:-20])
    (tmp_path / "x.parquet").write_bytes(b"PAR1" + b"x" * 100)
    assert {what for _, _, what in found(tmp_path)} == {"cannot be read: nothing is known of it"}
    with pytest.raises(TracelabError, match="there is no file at"):
        found(tmp_path / "nowhere")


def test_a_published_dataset_has_nothing_of_it_and_its_key_would_be_found(
    warehouse: Path, tmp_path: Path
) -> None:
    db = tmp_path / "tracelab.duckdb"
    db.write_bytes(warehouse.read_bytes())
    publish(db, tmp_path / "shared")
    assert list(audit(tmp_path / "shared", db=db)) == []
    [key] = tmp_path.glob("*.publish-key")
    assert found(key) == [(1, None, "a secret")]


def test_the_command_names_places_and_no_content_and_exits_with_1(tmp_path: Path) -> None:
    path = lines(tmp_path / "rounds.jsonl", ROW, ROW | {"model": "ada@example.org"})
    command = [sys.executable, "-m", "tracelab", "--db", str(tmp_path / "none.duckdb"), "audit", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert (done.returncode, done.stdout) == (1, f"{path}, row 2, model: an e-mail address\n")
    assert re.search("1 finding: ", done.stderr)
    lines(path, ROW)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert (done.returncode, done.stdout) == (0, f"nothing found in {path}\n")
