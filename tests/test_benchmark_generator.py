"""The benchmark's generator: same arguments, same bytes; every line JSON; as many steps as asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.generate import generate, giant_file, giant_line, parse_size

STEPS = 1500


def log_bytes(home: Path) -> dict[str, bytes]:
    return {str(path.relative_to(home)): path.read_bytes() for path in sorted(home.rglob("*.jsonl"))}


def records(files: dict[str, bytes]) -> dict[str, list[dict[str, Any]]]:
    return {name: [json.loads(line) for line in data.splitlines()] for name, data in files.items()}


def metered_responses(rows: list[dict[str, Any]]) -> set[str]:
    """The responses of one file: by message id, by response id, or by a new total of an older rollout."""
    found: set[str] = set()
    for row in rows:
        payload = row.get("payload", {})
        if row["type"] == "assistant":
            found.add(row["message"]["id"])
        elif row["type"] == "token_usage_record":
            found.add(payload["response_id"])
        elif payload.get("type") == "token_count" and "ordinal" not in row:
            info = payload["info"]
            if info["last_token_usage"]["input_tokens"]:
                found.add(json.dumps(info["total_token_usage"]))
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("generated")
    generate(out, steps=STEPS, bytes_per_step=4700, seed=7)
    return out


def test_the_same_arguments_give_the_same_bytes_and_another_seed_others(home: Path, tmp_path: Path) -> None:
    generate(tmp_path / "again", steps=STEPS, bytes_per_step=4700, seed=7)
    generate(tmp_path / "other", steps=STEPS, bytes_per_step=4700, seed=8)
    assert log_bytes(tmp_path / "again") == log_bytes(home)
    assert log_bytes(tmp_path / "other").keys().isdisjoint(log_bytes(home))


def test_every_line_is_a_json_object_and_every_file_ends_in_a_newline(home: Path) -> None:
    files = log_bytes(home)
    assert all(data.endswith(b"\n") for data in files.values())
    assert all(isinstance(row, dict) and row["type"] for rows in records(files).values() for row in rows)


def test_the_files_hold_the_steps_asked_for_and_about_the_bytes(home: Path) -> None:
    files = log_bytes(home)
    steps = sum(len(metered_responses(rows)) for rows in records(files).values())
    assert steps == pytest.approx(STEPS, rel=0.03)
    assert sum(map(len, files.values())) == pytest.approx(STEPS * 4700, rel=0.4)


def test_the_stats_are_those_of_the_files(tmp_path: Path) -> None:
    stats = generate(tmp_path, steps=300, bytes_per_step=4700, seed=3)
    files = log_bytes(tmp_path)
    assert (stats.files, stats.bytes) == (len(files), sum(map(len, files.values())))
    assert stats.lines == sum(data.count(b"\n") for data in files.values())
    assert stats.steps.total() == 300


def test_both_clients_both_codex_eras_and_subagents_are_there(home: Path) -> None:
    parsed = records(log_bytes(home))
    assert any("/subagents/agent-" in name for name in parsed)
    kinds = {row["type"] for rows in parsed.values() for row in rows}
    assert {"user", "assistant", "session_meta", "token_usage_record"} <= kinds
    versions = {
        rows[0]["payload"]["cli_version"] for rows in parsed.values() if rows[0]["type"] == "session_meta"
    }
    assert versions == {"0.121.0", "0.158.0"}


def test_every_tool_result_answers_a_call_of_its_file(home: Path) -> None:
    for rows in records(log_bytes(home)).values():
        calls: set[str] = set()
        for row in rows:
            payload = row.get("payload", {})
            content = row.get("message", {}).get("content")
            block = content[0] if isinstance(content, list) else {}
            if block.get("type") == "tool_use":
                calls.add(block["id"])
            elif block.get("type") == "tool_result":
                assert block["tool_use_id"] in calls
            elif payload.get("type") in {"function_call", "custom_tool_call"}:
                calls.add(payload["call_id"])
            elif str(payload.get("type")).endswith("_call_output"):
                assert payload["call_id"] in calls


def test_a_giant_file_has_about_the_size_asked_for(tmp_path: Path) -> None:
    stats = giant_file(tmp_path, seed=1, size=2_000_000)
    (data,) = log_bytes(tmp_path).values()
    assert stats.files == 1
    assert len(data) == pytest.approx(2_000_000, rel=0.5)
    assert all(json.loads(line) for line in data.splitlines())


def test_a_giant_line_is_one_result_twice_the_size_asked_for(tmp_path: Path) -> None:
    giant_line(tmp_path, seed=1, chars=3_000_000)
    (data,) = log_bytes(tmp_path).values()
    longest = max(data.splitlines(), key=len)
    row = json.loads(longest)
    assert len(longest) == pytest.approx(6_000_000, rel=0.2)
    assert row["message"]["content"][0]["content"] == row["toolUseResult"]["file"]["content"]


@pytest.mark.parametrize(
    ("text", "size"), [("1.4GB", 1_400_000_000), ("300 mb", 300_000_000), ("5000", 5000)]
)
def test_a_size_is_read_in_decimal_units(text: str, size: int) -> None:
    assert parse_size(text) == size
