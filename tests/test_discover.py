"""Which files are taken for session logs, and whose they are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tracelab.discover import Skipped, discover, nothing_found, sample_home
from tracelab.errors import TracelabError

CLAUDE = ".claude/projects/-home-ada-loom/s.jsonl"
CODEX = ".codex/sessions/2026/09/20/rollout-x.jsonl"


def touch(*paths: Path) -> None:
    """Make files of different content: two that are the same file on disk would be one."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(path))


def names(root: Path, *paths: Path) -> list[str]:
    return [os.path.relpath(log.path, root) for log in discover(list(paths) or [root]).files]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home of the user who runs this."""
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "ada"))
    monkeypatch.setenv("LOGNAME", "ada")
    (tmp_path / "ada").mkdir()
    return tmp_path / "ada"


def test_without_paths_this_users_stores_are_searched(home: Path) -> None:
    session = "-p/11111111-1111-4111-8111-111111111111"
    stores = {
        f".claude/projects/{session}.jsonl": ".claude/projects",
        f".claude/projects/{session}/subagents/agent-1.jsonl": ".claude/projects",
        f".claude/projects/{session}/subagents/workflows/wf_1/agent-2.jsonl": ".claude/projects",
        ".claude.back/projects/-p/b.jsonl": ".claude.back/projects",
        ".config/claude/projects/-p/c.jsonl": ".config/claude/projects",
        ".codex/archived_sessions/rollout-y.jsonl": ".codex/archived_sessions",
        CODEX: ".codex/sessions",
    }
    touch(*(home / path for path in stores), home / "elsewhere.jsonl", home / ".codex/history.jsonl")
    found = discover()
    assert {os.path.relpath(log.path, home): log.store for log in found.files} == stores
    assert {log.user_name for log in found.files} == {"ada"}
    assert list(found.files) == sorted(found.files, key=lambda log: os.fsencode(log.path))


def test_folders_that_the_clients_settings_name_are_searched(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(
        home / CLAUDE,
        home / CODEX,
        tmp_path / "work/projects/-p/a.jsonl",
        home / "play/projects/-p/b.jsonl",
        tmp_path / "xdg/claude/projects/-p/c.jsonl",
        tmp_path / "cx/sessions/rollout-z.jsonl",
    )
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", f"{tmp_path / 'work'}, ~/play")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "cx"))
    found = {os.path.relpath(log.path, tmp_path): log.store for log in discover().files}
    assert found == {
        f"ada/{CLAUDE}": ".claude/projects",
        "ada/play/projects/-p/b.jsonl": "play/projects",
        "cx/sessions/rollout-z.jsonl": "cx/sessions",
        "work/projects/-p/a.jsonl": "work/projects",
        "xdg/claude/projects/-p/c.jsonl": ".config/claude/projects",
    }


def test_a_persons_home_by_hand_gives_its_stores_and_no_user(home: Path) -> None:
    touch(home / CLAUDE, home / CODEX, home / "data.jsonl", home / ".claude/x.jsonl")
    assert names(home) == [CLAUDE, CODEX]
    assert {log.user_name for log in discover([home]).files} == {None}
    (beside,) = {log.user_name for log in discover([home], home_root=home.parent).files}
    assert beside is None


def test_a_home_without_stores_is_walked_whole(home: Path) -> None:
    touch(home / "data.jsonl", home / ".claude/settings.json")
    assert names(home) == ["data.jsonl"]


def test_a_file_in_a_stores_place_is_no_log(home: Path) -> None:
    touch(home / CLAUDE, home / ".codex/sessions", home / ".config/claude")
    assert names(home) == [CLAUDE]
    assert [log.path for log in discover().files] == [str(home / CLAUDE)]


def test_another_folder_that_holds_stores_is_walked_whole(tmp_path: Path) -> None:
    touch(tmp_path / CLAUDE, tmp_path / CODEX, tmp_path / "fixtures/data.jsonl")
    assert names(tmp_path) == sorted([CLAUDE, CODEX, "fixtures/data.jsonl"])


def test_a_folder_by_hand_is_walked_whole_hidden_folders_too(tmp_path: Path) -> None:
    touch(tmp_path / "a.jsonl", tmp_path / ".x/.y/b.jsonl.gz", tmp_path / "z/c.jsonl.zst")
    touch(tmp_path / "notes.json", tmp_path / "agent-1.meta.json", tmp_path / "d.jsonl.bak")
    assert names(tmp_path) == [".x/.y/b.jsonl.gz", "a.jsonl", "z/c.jsonl.zst"]


def test_a_folder_inside_a_store_still_tells_its_store(tmp_path: Path) -> None:
    touch(tmp_path / CODEX)
    (log,) = discover([tmp_path / ".codex/sessions/2026"]).files
    assert log.store == ".codex/sessions"


def test_a_settings_folder_alone_makes_no_home(tmp_path: Path) -> None:
    touch(tmp_path / ".claude/settings.json", tmp_path / "logs/a.jsonl")
    assert names(tmp_path) == ["logs/a.jsonl"]


def test_files_that_are_no_sessions_are_passed_over_by_name(tmp_path: Path) -> None:
    touch(
        tmp_path / "history.jsonl", tmp_path / "s/subagents/journal.jsonl", tmp_path / "session_index.jsonl"
    )
    touch(tmp_path / "file-history/s/a.jsonl", tmp_path / "s/tool-results/b.jsonl", tmp_path / "keep.jsonl")
    assert names(tmp_path) == ["keep.jsonl"]


def test_a_file_by_hand_is_taken_whatever_its_name(tmp_path: Path) -> None:
    touch(tmp_path / "history.jsonl", tmp_path / "log.txt")
    assert names(tmp_path, tmp_path / "log.txt", tmp_path / "history.jsonl") == ["history.jsonl", "log.txt"]


def test_of_one_log_the_plain_file_counts(tmp_path: Path) -> None:
    touch(*(tmp_path / f"a.jsonl{packed}" for packed in ("", ".gz", ".zst")))
    touch(*(tmp_path / f"b.jsonl{packed}" for packed in (".gz", ".zst")))
    assert names(tmp_path) == ["a.jsonl", "b.jsonl.zst"]


def test_a_leftover_counts_only_if_its_original_is_missing(tmp_path: Path) -> None:
    touch(
        tmp_path / "agent-1.jsonl",
        tmp_path / "agent-1.orphaned.jsonl",
        tmp_path / "agent-1.jsonl.superseded-2",
    )
    touch(tmp_path / "agent-2.orphaned-9.jsonl", tmp_path / "agent-3.jsonl.orphaned")
    assert names(tmp_path) == ["agent-1.jsonl", "agent-2.orphaned-9.jsonl", "agent-3.jsonl.orphaned"]


def test_one_file_under_several_names_is_one_log(tmp_path: Path) -> None:
    touch(tmp_path / "b.jsonl")
    (tmp_path / "a.jsonl").symlink_to(tmp_path / "b.jsonl")
    (tmp_path / "c.jsonl").hardlink_to(tmp_path / "b.jsonl")
    assert names(tmp_path) == ["a.jsonl"]
    assert names(tmp_path, tmp_path, tmp_path / "b.jsonl") == ["a.jsonl"]


def test_linked_folders_are_followed_and_loops_end(tmp_path: Path) -> None:
    touch(tmp_path / "store/p/a.jsonl", tmp_path / "moved/q/b.jsonl")
    (tmp_path / "store/q").symlink_to(tmp_path / "moved/q")
    (tmp_path / "store/p/up").symlink_to(tmp_path / "store")
    (tmp_path / "store/self").symlink_to(tmp_path / "store/self")
    assert names(tmp_path, tmp_path / "store") == ["store/p/a.jsonl", "store/q/b.jsonl"]


def test_a_pipe_is_never_opened(tmp_path: Path) -> None:
    touch(tmp_path / "a.jsonl")
    os.mkfifo(tmp_path / "b.jsonl")
    assert names(tmp_path) == ["a.jsonl"]
    with pytest.raises(TracelabError, match="neither a folder nor a regular file"):
        discover([tmp_path / "b.jsonl"])


def test_names_that_are_no_utf8_are_found(tmp_path: Path) -> None:
    touch(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jsonl")))
    (log,) = discover([tmp_path]).files
    assert os.fsencode(log.path).endswith(b"caf\xe9.jsonl")


def test_the_key_of_a_file_comes_from_its_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path / "x/a.jsonl")
    monkeypatch.chdir(tmp_path / "x")
    (relative,) = discover([Path("../x/a.jsonl")]).files
    (absolute,) = discover([tmp_path / "x/a.jsonl"]).files
    assert relative == absolute
    assert len(relative.file_id) == 16


def test_so_it_does_where_settings_and_the_root_of_homes_are_relative(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(home / CLAUDE, home / ".config/claude/projects/-p/c.jsonl", home / CODEX)
    monkeypatch.chdir(tmp_path)
    everybodys = discover(all_users=True, home_root=tmp_path)
    assert discover(all_users=True, home_root=Path()) == everybodys
    monkeypatch.setenv("HOME", "/nowhere")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", "ada/.claude")
    monkeypatch.setenv("XDG_CONFIG_HOME", "ada/.config")
    monkeypatch.setenv("CODEX_HOME", "ada/.codex")
    assert discover().files == everybodys.files


def test_all_users_are_found_and_named_after_their_homes(tmp_path: Path) -> None:
    touch(tmp_path / "ada" / CLAUDE, tmp_path / "bob" / CODEX, tmp_path / "eve/.bashrc")
    found = discover(all_users=True, home_root=tmp_path)
    assert [(log.user_name, log.store) for log in found.files] == [
        ("ada", ".claude/projects"),
        ("bob", ".codex/sessions"),
    ]
    assert found.skipped == ()


def test_homes_and_folders_that_may_not_be_read_are_skipped_and_named(tmp_path: Path) -> None:
    touch(*(tmp_path / log for log in (f"ada/{CLAUDE}", f"bob/{CODEX}", f"eve/{CLAUDE}", f"fay/{CLAUDE}")))
    closed = [tmp_path / "bob", tmp_path / "eve/.claude/projects", tmp_path / "fay/.claude"]
    for folder in closed:
        folder.chmod(0)
    script = (
        "import os, sys; from pathlib import Path; from tracelab.discover import discover\n"
        "if os.getuid() == 0: os.setuid(65534)  # root may read everything\n"
        "Path.is_dir = os.path.isdir  # as from Python 3.14 on: false of what may not be looked at\n"
        "found = discover(all_users=True, home_root=Path(sys.argv[1]))\n"
        "print([log.user_name for log in found.files])\n"
        "print([(str(path.relative_to(sys.argv[1])), reason) for path, reason in found.skipped])"
    )
    for folder in (tmp_path, *tmp_path.parents):
        is_ours = folder.name.startswith(("pytest-", "popen-", tmp_path.name))
        if is_ours and folder.stat().st_uid == os.getuid():
            folder.chmod(0o755)
    try:
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
        )
    finally:
        for folder in closed:
            folder.chmod(0o700)
    skipped = ("bob", "eve/.claude/projects", "fay/.claude/projects")
    assert done.stdout.splitlines() == ["['ada']", str([(place, "permission denied") for place in skipped])]


def test_nothing_found_says_where_it_looked_and_how_to_try_the_sample(home: Path) -> None:
    message = str(nothing_found(discover()))
    assert str(home / ".claude/projects") in message
    assert str(home / ".codex/archived_sessions") in message
    assert f"tracelab run {sample_home()}" in message
    assert "\n" not in message


def test_nothing_found_of_all_users_says_where_their_homes_were_looked_for(tmp_path: Path) -> None:
    touch(tmp_path / "eve/.bashrc")
    message = str(nothing_found(discover(all_users=True, home_root=tmp_path)))
    assert message.startswith(f"no session log found; looked in {tmp_path}. Name a home")


@pytest.mark.parametrize("name", ["dataset.duckdb", "rounds.parquet"])
def test_nothing_found_beside_a_database_or_parquet_says_how_a_dataset_is_loaded(
    tmp_path: Path, name: str
) -> None:
    touch(tmp_path / name)
    assert ". A dataset is loaded by its lines (.jsonl.gz), or by" in str(nothing_found(discover([tmp_path])))


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TracelabError, match=r"cannot load .*nowhere: no such file or directory"):
        discover([tmp_path / "nowhere"])


def test_the_home_of_nobody_known_is_not_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TracelabError, match=r"cannot load .*/~nobody-known/logs: no such file or directory"):
        discover([Path("~nobody-known/logs")])
    touch(home / CLAUDE)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", "~nobody-known/.claude")
    assert [log.path for log in discover().files] == [str(home / CLAUDE)]


def test_a_setting_that_names_no_folder_is_told(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(home / CLAUDE, tmp_path / "work/projects/-p/a.jsonl")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", f"{tmp_path / 'work'},{tmp_path / 'wrok'},")
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codx"))
    found = discover()
    assert len(found.files) == 2
    assert found.skipped == (
        Skipped(tmp_path / "wrok", "no folder, though CLAUDE_CONFIG_DIR names it"),
        Skipped(tmp_path / "codx", "no folder, though CODEX_HOME names it"),
    )


def test_a_home_root_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TracelabError, match="--home-root"):
        discover(all_users=True, home_root=tmp_path / "nowhere")
