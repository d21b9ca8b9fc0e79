"""`tracelab audit`: what it finds, where it says so, and that a published dataset has nothing of it."""

import base64
import bz2
import gzip
import lzma
import os
import pwd
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from tests.conftest import Once
from tests.reference.corpora import SHARED, built, skip_unless_there
from tracelab.errors import TracelabError
from tracelab.publishing import Rules, pack, publish
from tracelab.publishing import audit as module
from tracelab.publishing.audit import audit
from tracelab.warehouse import connect

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
    data = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
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


def as_parquet(path: Path, leak: str = "claude-opus-4-8", options: str = "") -> Path:
    path = path / "rounds.parquet"
    with duckdb.connect() as engine:
        engine.execute(
            "copy (select 'claude' as provider, unnest(['claude-opus-4-8', ?]) as model)"
            f" to '{path}' (format parquet{options})",
            [leak],
        )
    return path


def as_duckdb(path: Path, leak: str = "claude-opus-4-8", *more: str) -> Path:
    path = path / "dataset.duckdb"
    with duckdb.connect(str(path)) as engine:
        engine.execute(
            "create table rounds as select 'claude' as provider, unnest(['claude-opus-4-8', ?]) as model",
            [leak],
        )
        for statement in more:
            engine.execute(statement)
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
    assert {row for row, _, _ in findings} <= {2, None}


@pytest.mark.parametrize(
    "hidden",
    [
        base64.b64encode(b"see /home/ada/loom").decode(),
        base64.b64encode(gzip.compress(b"see /home/ada/loom " * 20)).decode(),
        "/hоme/аda/loom",  # Cyrillic о and а
        "／home/ada/loom",
        base64.b64encode(base64.b64encode(b"see /home/ada/loom")).decode(),
        b"see /home/ada/loom".hex(),
        base64.b64encode("see /home/ada/loom".encode("utf-16")).decode(),
        "%2Fhome%2Fada%2Floom",
        "&#47;home&#x2f;ada",
        r"\u002fhome\u002fada",
        "/ho\u200bme/a\u200bda",
    ],
    ids=[
        "base64",
        "gzip in base64",
        "look-alikes",
        "wide letters",
        "base64 twice",
        "hex",
        "UTF-16 in base64",
        "percent",
        "entities",
        "backslashes",
        "letters without width",
    ],
)
def test_a_path_that_is_hidden_is_told(tmp_path: Path, hidden: str) -> None:
    path = lines(tmp_path / "rounds.jsonl", ROW, ROW | {"model": hidden})
    assert found(path) == [(2, "model", "a path")]


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
    assert (1, None, "a user of this machine") in found(tmp_path)
    assert (2, None, "a user of this machine") not in found(tmp_path)


def test_what_is_named_in_the_warehouse_is_found(warehouse: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as engine:
        [(session, project, call)] = engine.execute(
            "select any_value(session_id), any_value(project), any_value(tool_call_id)"
            " from sessions join tool_calls using (session_id) where sessions.provider = 'codex'"
        ).fetchall()
    for name in (session, session.removeprefix("codex:"), project, f"after {call}."):
        (tmp_path / "notes.txt").write_text(f"\n{name}\n")
        assert (2, None, "an identifier of the warehouse") in found(tmp_path, db=warehouse)
        assert (2, None, "an identifier of the warehouse") not in found(tmp_path)


NOT_LOOKED_AT = "not looked at: "


def test_what_cannot_be_read_is_a_finding_too(tmp_path: Path) -> None:
    (tmp_path / "rounds.jsonl.gz").write_bytes(gzip.compress(b"{}\n" * 1000, mtime=0)[:-20])
    (tmp_path / "rounds.parquet").write_bytes(b"PAR1" + b"x" * 100)
    (tmp_path / "dataset.duckdb").write_bytes(b"x" * 8 + b"DUCK" + b"x" * 20_000)
    os.mkfifo(tmp_path / "rounds.csv")
    told = {finding.file.name for finding in audit(tmp_path) if finding.what.startswith(NOT_LOOKED_AT)}
    assert told == {path.name for path in tmp_path.iterdir()}
    with pytest.raises(TracelabError, match="there is no file at"):
        found(tmp_path / "nowhere")


def as_tar(path: Path, data: bytes) -> bytes:
    (path / "x").write_bytes(data)
    with tarfile.open(path / "x.tar", "w") as file:
        file.add(path / "x", "x")
    return (path / "x.tar").read_bytes()


def as_zip(path: Path, data: bytes) -> bytes:
    with zipfile.ZipFile(path / "x.zip", "w") as file:
        file.writestr("x", data)
    return (path / "x.zip").read_bytes()


PACKED: dict[str, Callable[[Path, bytes], bytes]] = {
    "zip": as_zip,
    "tar": as_tar,
    "bz2": lambda _, data: bz2.compress(data),
    "xz": lambda _, data: lzma.compress(data),
    "zst": lambda _, data: zstandard.compress(data),
    "utf-16": lambda _, data: data.decode().encode("utf-16"),
    "utf-32": lambda _, data: data.decode().encode("utf-32"),
}


@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("name", ["rounds.jsonl", "rounds.jsonl.gz", "README.md", "data.bin", "rounds.csv"])
def test_what_is_packed_otherwise_than_it_is_published_is_not_passed(
    tmp_path: Path, packed: str, name: str
) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / name).write_bytes(PACKED[packed](tmp_path / "scratch", b"see /home/ada/loom\n"))
    assert found(tmp_path / name)


BESIDE = {
    "comment on a table": "comment on table rounds is 'of ada'",
    "comment on a column": "comment on column rounds.model is 'of ada'",
    "macro": "create macro ada() as 'of ada'",
    "table macro": "create macro ada(x) as table select 'of ada'",
    "type": "create type mood as enum ('of ada')",
    "view": "create view v as select 'of ada'",
    "view of a listed name": "create view tool_calls as select 1 as round_pk, 'of ada' as x",
    "comment on a view": "create view v as select 1; comment on view v is 'of ada'",
    "schema": "create schema ada",
    "sequence": "create sequence of_ada",
    "index": "create index of_ada on rounds (model)",
    "default": "alter table rounds alter model set default 'of ada'",
    "generated column": "create table tool_calls (tool_index bigint, tool_name varchar as ('of ada'))",
    "check": "create table tool_calls (tool_index bigint check (tool_index <> 'of ada'))",
    "column type": "create table tool_calls (tool_index bigint, tool_name enum ('Bash', 'of ada'))",
    "nested type": "create table tool_calls as select {'of_ada': 1} as tool_index",
    "bytes": "create table tool_calls as select 'of ada'::blob as tool_name",
    "table": "create table of_ada (round_pk bigint)",
    "table in another schema": "create schema s; create table s.rounds as select 'of ada' as model",
    "table name in other letters": "create table ROUNDS_ (round_pk bigint)",
}


@pytest.mark.parametrize("beside", BESIDE)
def test_what_a_database_holds_beside_listed_columns_is_found(tmp_path: Path, beside: str) -> None:
    assert found(as_duckdb(tmp_path)) == []
    (tmp_path / "dataset.duckdb").unlink()
    assert found(as_duckdb(tmp_path, "gpt-5.5", *BESIDE[beside].split("; ")))


def test_what_stands_in_lists_is_found_and_so_is_what_comes_after_them(tmp_path: Path) -> None:
    listed = "create table a_list as select 1 as round_pk, ['see /home/ada/loom'] as tools"
    database, parquet = as_duckdb(tmp_path, "/home/ada/loom", listed), tmp_path / "rounds.parquet"
    with duckdb.connect(str(database)) as engine:
        engine.execute(f"copy a_list to '{parquet}' (format parquet)")
    assert {(1, "a_list.tools", "a path"), (2, "rounds.model", "a path")} <= set(found(database))
    assert (1, "tools", "a path") in found(parquet)
    assert not [what for path in (database, parquet) for *_, what in found(path) if "not looked at" in what]


def test_rows_that_were_deleted_from_a_database_are_not_passed(tmp_path: Path) -> None:
    path = as_duckdb(tmp_path, "of ada", "delete from rounds where model = 'of ada'")
    assert any(what.startswith(NOT_LOOKED_AT) for _, _, what in found(path))
    path.unlink()
    rows = "insert into rounds select 'claude', 'of ada ' || i from range(300000) as r(i)"
    path = as_duckdb(tmp_path, "gpt-5.5", rows, "checkpoint", "create table kept as from rounds limit 1",
                     "drop table rounds", "alter table kept rename to rounds")  # fmt: skip
    assert any(what.startswith(NOT_LOOKED_AT) for _, _, what in found(path))


def test_a_database_that_was_written_to_again_is_not_passed(tmp_path: Path) -> None:
    path = as_duckdb(tmp_path, "of ada")
    with duckdb.connect(str(path)) as mending:
        mending.execute("update rounds set model = 'gpt-5.5'")
    assert b"of ada" in path.read_bytes(), "what was there still is"
    [(_, _, what)] = found(path)
    assert what == f"{NOT_LOOKED_AT}written to after it was made: copy it into a new file"
    (tmp_path / "copy").mkdir()
    copy = tmp_path / "copy/dataset.duckdb"
    with duckdb.connect() as engine:
        engine.execute(f"attach '{path}' as mended (read_only)")
        engine.execute(f"attach '{copy}' as copied")
        engine.execute("copy from database mended to copied")
    assert found(copy) == []
    assert b"of ada" not in copy.read_bytes()


def rewritten(path: Path, **named: Any) -> Path:
    table = pq.read_table(path)
    pq.write_table(named.pop("change", lambda each: each)(table), path, store_schema=False, **named)
    return path


def test_what_a_parquet_file_says_beside_its_values_is_found(tmp_path: Path) -> None:
    assert found(as_parquet(tmp_path)) == []
    assert (None, None, "metadata") in found(as_parquet(tmp_path, options=", kv_metadata {note: 'of ada'}"))

    def noted(table: Any) -> Any:
        field = pa.field("model", pa.string(), metadata={"note": "of ada"})
        return table.cast(pa.schema([table.schema.field(0), field]))

    path = rewritten(as_parquet(tmp_path), change=noted)
    assert found(path)

    def unused(table: Any) -> Any:
        model = pa.DictionaryArray.from_arrays(pa.array([0, 0]), pa.array(["gpt-5.5", "ada@example.org"]))
        return table.set_column(1, "model", model)

    path = rewritten(as_parquet(tmp_path), change=unused)
    assert (None, "model", "an e-mail address") in found(path)
    data = as_parquet(tmp_path).read_bytes()
    footer = int.from_bytes(data[-8:-4], "little") + 8
    path.write_bytes(data[:-footer] + b"of ada" + data[-footer:])
    assert found(path) == [(None, None, "not looked at: bytes between its parts")]


def test_bytes_that_no_reader_sees_are_searched(tmp_path: Path) -> None:
    path = tmp_path / "rounds.parquet"
    with duckdb.connect() as engine:
        engine.execute(f"copy (select 'gpt-5.5' as model from range(1000)) to '{path}' (format parquet)")
    assert found(path) == []
    chunk = pq.read_metadata(path).row_group(0).column(0)
    end = chunk.bloom_filter_offset + chunk.bloom_filter_length
    data = bytearray(path.read_bytes())
    data[end - 24 : end] = b"mail to: ada@example.org"
    path.write_bytes(data)
    assert found(path) == [(None, None, "an e-mail address, in bytes beside its values")]


HIDDEN_LINES = {
    "key twice": b'{"provider":"claude","model":"of ada","model":"gpt-5.5"}',
    "no JSON": b"of ada",
    "no object": b'["of ada"]',
    "text after it": b'{"provider":"claude"} of ada',
    "spaces": b'{"provider":"claude" \t \t\t  \t}',
    "escapes": b'{"provider":"cl\\u0061ude"}',
    "bad bytes": b'{"provider":"claude"}\xff',
    "a table that is none": b'{"timing_events":["of ada"]}',
    "a value that is an object": b'{"model":{"of":"ada"}}',
    "a digit of another script": '{"x_client_version":"2.١.3"}'.encode(),
    "a number too large": b'{"output_tokens":466843209829}' + b"0" * 9,
    "a number with a point": b'{"output_tokens":1.6165}',
    "a nested column": b'{"tools":[{"of_ada":1}]}',
    "a truth for a number": b'{"output_tokens":true}',
}


@pytest.mark.parametrize("hidden", HIDDEN_LINES)
def test_a_line_that_is_not_published_so_is_found(tmp_path: Path, hidden: str) -> None:
    path = lines(tmp_path / "rounds.jsonl", ROW)
    path.write_bytes(path.read_bytes() + HIDDEN_LINES[hidden] + b"\n")
    assert {row for row, _, _ in found(path)} == {2}


TREATED = [
    {"model": "acme-7b"},
    {"x_client_version": "2.1.3-acme.7"},
    {"x_agent_type": "acme-deployer"},
    {"x_stop_reason": "acme"},
    {"session_id": "claude:0123456789ABCDEF01234567"},
    {"project": "project_acme"},
    {"x_replayed_steps": -1},
    {"tools": [{"x_exit_code": 256}]},
    {"tools": [{"tool_name": "mcp__acme__deploy"}]},
    {"tools": [{"tool_name": "acme_tool"}]},
    {"tools": [{"emitted_at": "yesterday, acme"}]},
    {"tools": [{"is_error": "acme"}]},
]


@pytest.mark.parametrize("treated", TREATED)
def test_a_value_that_its_treatment_never_yields_is_found(tmp_path: Path, treated: dict[str, Any]) -> None:
    [(row, _, what)] = found(lines(tmp_path / "rounds.jsonl", ROW, ROW | treated))
    assert row == 2 and what.startswith("not as such a column leaves")


def test_names_of_files_and_folders_and_what_hangs_on_them_are_found(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    (shared / "of-ada").mkdir(parents=True)
    lines(shared / "rounds.jsonl", ROW)
    lines(shared / "of-ada.jsonl", ROW)
    (shared / "rounds.csv").symlink_to("/home/ada/rounds.csv")
    assert {(finding.file.name, finding.what) for finding in audit(shared)} == {
        ("of-ada", "a name that `tracelab publish` does not give"),
        ("of-ada.jsonl", "a name that `tracelab publish` does not give"),
        ("rounds.csv", "not looked at: no file"),
    }
    mail = lines(tmp_path / "ada@example.org.jsonl", ROW)
    assert found(mail) == [(None, None, "an e-mail address")]


def test_what_a_gzip_file_holds_beside_its_lines_is_not_passed(tmp_path: Path) -> None:
    path = lines(tmp_path / "rounds.jsonl.gz", ROW)
    plain = path.read_bytes()
    assert found(path) == []
    named = plain[:3] + b"\x08" + plain[4:10] + b"of ada\0" + plain[10:]
    for beside in (named, plain + gzip.compress(b""), plain[:4] + b"ada!" + plain[8:]):
        path.write_bytes(beside)
        assert any(what.startswith(NOT_LOOKED_AT) for _, _, what in found(path))


def test_many_findings_of_a_kind_are_counted(tmp_path: Path) -> None:
    path = lines(tmp_path / "rounds.jsonl", *[ROW | {"cwd": "x"}] * 1_234)
    assert found(path)[-1] == (None, "cwd", "a column that may not leave: 1,224 more")
    assert len(found(path)) == 11


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (ROW | {"/home/ada": 1}, "a path"),
        (ROW | {"tools": [{"tool_name": "Bash", "a1B2" * 16: 1}]}, None),
        (ROW | {"tools": [{"tool_name": "Bash", "a1b2" * 16: 1}]}, "a secret"),
    ],
    ids=["path", "word", "key"],
)
def test_the_name_of_a_column_that_is_itself_a_leak_is_not_said(
    tmp_path: Path, row: dict[str, Any], what: str | None
) -> None:
    path = lines(tmp_path / "rounds.jsonl", row)
    name = "a column whose name is not shown" if what else f"tools.{'a1B2' * 16}"
    assert {str(finding) for finding in audit(path)} == {
        f"{path}, row 1, {name}: {each}" for each in ("a column that may not leave", what) if each
    }


LICENCE = "Creative Commons Attribution 4.0, and not by one secret span or in multiples of 77 seconds"
RULES = {
    "": Rules(),
    "shifted": Rules(shift_times=True),
    "rounded": Rules(round_times_s=3600),
    "generalised": Rules(min_users=1, round_times_s=60, shift_times=True),
}


@pytest.mark.parametrize("rules", RULES)
def test_a_published_dataset_has_nothing_of_it(warehouse: Path, tmp_path: Path, rules: str) -> None:
    db = tmp_path / "tracelab.duckdb"
    db.write_bytes(warehouse.read_bytes())
    publish(db, tmp_path / "shared", RULES[rules], licence=LICENCE)
    assert list(audit(tmp_path / "shared", db=db)) == []
    [key] = tmp_path.glob("*.publish-key")
    assert (1, None, "a secret") in found(key)


def test_a_published_dataset_of_any_size_is_written_once(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = tmp_path / "tracelab.duckdb"
    db.write_bytes(warehouse.read_bytes())
    publish(db, tmp_path / "shared")
    dataset = tmp_path / "shared" / "dataset.duckdb"
    dataset.unlink()
    # as DuckDB does on its own for much larger tables
    often = {"checkpoint_threshold": "1KB"}
    monkeypatch.setattr(pack, "connect", lambda path, settings: connect(path, settings | often))
    pack.pack(tmp_path / "shared")
    assert found(dataset) == []


def test_a_warehouse_without_raw_tables_names_nothing(tmp_path: Path) -> None:
    path, db = lines(tmp_path / "rounds.jsonl", ROW), tmp_path / "tracelab.duckdb"
    with duckdb.connect(str(db)) as other:
        other.execute("create table mine as select 1 as x")
    assert list(audit(path, db=db)) == []


def test_the_corpus_published_has_nothing_of_it(once: Once, tmp_path: Path) -> None:
    skip_unless_there(SHARED / "corpus")
    db = tmp_path / "tracelab.duckdb"
    shutil.copyfile(built(SHARED / "corpus", once), db)
    publish(db, tmp_path / "shared")
    assert list(audit(tmp_path / "shared", db=db)) == []


def test_a_readme_says_what_publish_writes_of_these_files_and_no_more(
    warehouse: Path, tmp_path: Path
) -> None:
    db = tmp_path / "tracelab.duckdb"
    db.write_bytes(warehouse.read_bytes())
    shared = tmp_path / "shared"
    publish(db, shared, Rules(allowed_models=["acme-7b"]), licence="see /home/ada/licence")
    assert found(shared, allowed_models=["acme-7b"]) == [(None, "licence", "a path")]
    assert (None, "allowed models", "not as such a column leaves (name)") in found(shared)
    readme = shared / "README.md"
    readme.write_text(readme.read_text().replace("see /home/ada/licence", "MIT") + "Thanks, ada\n")
    [(row, _, what)] = found(shared, allowed_models=["acme-7b"])
    assert row == readme.read_text().count("\n") and what == "not as `tracelab publish` writes it"
    readme.write_text(readme.read_text().removesuffix("Thanks, ada\n"))
    assert found(shared, allowed_models=["acme-7b"]) == []
    with gzip.open(shared / "rounds.jsonl.gz") as file:
        data = file.read()
    (shared / "rounds.jsonl.gz").write_bytes(gzip.compress(data, 1, mtime=0))
    assert {what for _, _, what in found(shared, allowed_models=["acme-7b"])} == {
        "not as `tracelab publish` writes it"
    }, "the sum in the README is of another file"


def test_the_command_names_places_and_no_content_and_exits_with_1(tmp_path: Path) -> None:
    path = lines(tmp_path / "rounds.jsonl", ROW, ROW | {"model": "ada@example.org"})
    command = [sys.executable, "-m", "tracelab", "--db", str(tmp_path / "none.duckdb"), "audit", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert (done.returncode, done.stdout) == (1, f"{path}, row 2, model: an e-mail address\n")
    assert re.search("1 finding: ", done.stderr)
    lines(path, ROW)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert (done.returncode, done.stdout) == (0, f"nothing found in {path}\n")
    assert f"no warehouse at {tmp_path}/none.duckdb" in done.stderr
