"""A published dataset holds what the allow-list names, under pseudonyms, and nothing else."""

import errno
import gzip
import hashlib
import hmac
import importlib
import json
import re
import shutil
import stat
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from tests.published_rows import Row, session, write_lines
from tracelab.build import build
from tracelab.errors import TracelabError
from tracelab.load import load
from tracelab.providers import published_row
from tracelab.publishing import Rules, publish
from tracelab.publishing.columns import COLUMNS
from tracelab.publishing.keys import key_path

module = importlib.import_module("tracelab.publishing.publish")
STRUCTS = {
    "timing_events": published_row.PublishedEvent,
    "tool_calls": published_row.PublishedCall,
    "x_compactions": published_row.PublishedCompaction,
    "x_extra_calls": published_row.PublishedExtraCall,
}
LISTS = {"timing_events", "tools", "x_events_without_step", "x_compactions", "x_extra_calls"}


@pytest.fixture
def db(warehouse: Path, tmp_path: Path) -> Path:
    """The sample's warehouse, in a folder of its own."""
    copy = tmp_path / "tracelab.duckdb"
    copy.write_bytes(warehouse.read_bytes())
    return copy


def lines(out: Path) -> list[Row]:
    with gzip.open(out / "rounds.jsonl.gz") as file:
        return [json.loads(line) for line in file]


def query(file: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(file), read_only=True) as database:
        return database.execute(sql).fetchall()


def texts(out: Path) -> Iterator[str]:
    """Everything a dataset's files hold, unpacked."""
    for path in sorted(out.iterdir()):
        yield path.read_bytes().decode("latin-1")
        if path.suffix == ".gz":
            yield gzip.decompress(path.read_bytes()).decode()
        if path.suffix == ".parquet":
            yield str(duckdb.read_parquet(str(path)).fetchall())


# The allow-list


def test_the_published_row_has_the_listed_columns_and_no_other() -> None:
    for table, struct in STRUCTS.items():
        assert {"round_pk", *struct.__struct_fields__} == COLUMNS[table].keys(), table
    assert COLUMNS["x_events_without_step"].keys() == COLUMNS["timing_events"].keys() - {"source"}
    row = set(published_row.PublishedRow.__struct_fields__)
    assert {"round_pk", *row} - LISTS == COLUMNS["rounds"].keys()


def test_each_form_holds_the_listed_columns_alone(db: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    publish(db, out)
    listed = {table: list(columns) for table, columns in COLUMNS.items()}
    columns = "select column_name from duckdb_columns() where table_name = '{}' order by column_index"
    for table, names in listed.items():
        assert [name for (name,) in query(out / "dataset.duckdb", columns.format(table))] == names
        assert duckdb.read_parquet(str(out / f"{table}.parquet")).columns == names
    assert {name for (name,) in query(out / "dataset.duckdb", "show tables")} == set(COLUMNS)
    for row in lines(out):
        assert row.keys() - LISTS <= COLUMNS["rounds"].keys()
        msgspec.convert(row, published_row.PublishedRow)


def test_no_identifier_path_project_or_name_of_the_warehouse_leaves(db: Path, tmp_path: Path) -> None:
    private = {
        text
        for sql in (
            "select distinct regexp_extract(session_id, '[^:/]+$') from sessions",
            "select distinct message_id from steps",
            "select distinct turn_id from steps",
            "select distinct tool_call_id from tool_calls",
            "select distinct project from sessions",
            "select distinct path from raw.files",
            "select distinct file_id from raw.files",
            "select distinct event_id from raw.events",
            "select distinct mcp_server from tool_calls where tool_name not in"
            " (select tool_name from seeds.tool_categories)",
        )
        for (text,) in query(db, sql)
        if text
    }
    assert len(private) > 500
    out = tmp_path / "out"
    publish(db, out)
    held = "\n".join(texts(out))
    assert not {text for text in private if text in held}


# Pseudonyms


def test_a_pseudonym_is_an_hmac_in_the_domain_of_its_kind_and_keeps_the_prefix(
    db: Path, tmp_path: Path
) -> None:
    publish(db, tmp_path / "out")
    key = bytes.fromhex(key_path(db).read_text())

    def digest(domain: str, value: str) -> str:
        return hmac.new(key, f"{domain}\0{value}".encode(), hashlib.sha256).hexdigest()[:24]

    rows = lines(tmp_path / "out")
    sessions = {name for (name,) in query(db, "select session_id from sessions where steps > 0")}
    expected = {f"{name.partition(':')[0]}:{digest('session', name)}" for name in sessions}
    assert {row["session_id"] for row in rows} == expected
    messages = {name for (name,) in query(db, "select message_id from steps where provider = 'claude'")}
    assert {row["round_id"] for row in rows if row["provider"] == "claude"} == {
        f"msg_{digest('message', name)}" for name in messages
    }
    assert {row["user"] for row in rows} == {"user_none"}


def test_the_key_lies_beside_the_warehouse_for_its_owner_alone(db: Path, tmp_path: Path) -> None:
    publish(db, tmp_path / "out")
    key = key_path(db)
    assert key.parent == db.parent and stat.S_IMODE(key.stat().st_mode) == 0o600
    secret = bytes.fromhex(key_path(db).read_text())
    assert len(secret) == 32
    assert not any(
        secret.hex() in text or secret.decode("latin-1") in text for text in texts(tmp_path / "out")
    )


def test_pseudonyms_are_the_same_in_each_release_until_the_key_is_fresh(db: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        publish(db, tmp_path / name)
    publish(db, tmp_path / "third", fresh_key=True)
    first, second, third = (lines(tmp_path / name) for name in ("first", "second", "third"))
    assert first == second
    one, other = ({row["round_id"] for row in rows} for rows in (first, third))
    assert len(one) == len(other) and not one & other


@pytest.mark.parametrize("refused", ["too few users", "not moved", "not packed"])
def test_a_fresh_key_takes_the_place_of_the_old_one_only_with_a_release(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    publish(db, tmp_path / "out")
    key = key_path(db).read_text()
    users = 99 if refused == "too few users" else 1
    (tmp_path / "refused").mkdir()
    if refused == "not packed":
        monkeypatch.setattr(module, "_pack", raising)
    if refused == "not moved":
        monkeypatch.setattr(module, "_move", raising)
    with pytest.raises(TracelabError):
        publish(db, tmp_path / "refused", Rules(min_users=users), fresh_key=True)
    assert key_path(db).read_text() == key
    assert list((tmp_path / "refused").iterdir()) == []
    assert [path.name for path in tmp_path.iterdir() if ".publish-key." in path.name] == []


def raising(*_: object) -> None:
    raise OSError(errno.EXDEV, "Invalid cross-device link")


def test_a_release_keeps_the_fresh_key_of_another_that_ended_before(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(db, tmp_path / "first")
    pack = module._pack

    def meanwhile(folder: Path) -> None:
        monkeypatch.setattr(module, "_pack", pack)
        publish(db, tmp_path / "fresh", fresh_key=True)
        pack(folder)

    monkeypatch.setattr(module, "_pack", meanwhile)
    publish(db, tmp_path / "slow")
    monkeypatch.setattr(module, "_pack", pack)
    publish(db, tmp_path / "last")
    assert lines(tmp_path / "last") == lines(tmp_path / "fresh") != lines(tmp_path / "slow")


def test_a_folder_in_which_something_came_to_be_is_left_as_it_is(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    pack = module._pack

    def meanwhile(folder: Path) -> None:
        pack(folder)
        (tmp_path / "out" / "mine").touch()

    monkeypatch.setattr(module, "_pack", meanwhile)
    with pytest.raises(TracelabError, match="is there already"):
        publish(db, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_a_key_that_others_may_read_is_not_used(db: Path, tmp_path: Path) -> None:
    publish(db, tmp_path / "out")
    key_path(db).chmod(0o644)
    with pytest.raises(TracelabError, match="others may read"):
        publish(db, tmp_path / "again")
    assert not (tmp_path / "again").exists()


# Values


def own(name: str, steps: int, user: str | None = None, tool: str | None = None, **more: Any) -> list[Row]:
    """Rows with keys of ours, to make a warehouse of."""
    rows = session(name, steps)
    for row in rows:
        row.update(user=user, x_session_kind="main", x_calls=1, x_usage_is_final=True, **more)
        row["timing_events"][0]["x_message_kind"] = "human"
        if tool:
            for call in row["tools"]:
                call["tool_name"] = tool
    return rows


def warehouse_of(tmp_path: Path, rows: list[Row]) -> Path:
    db = tmp_path / "private.duckdb"
    load([write_lines(tmp_path / "private.jsonl", rows)], db=db)
    build(db, select=["+sessions", "+tool_calls"], timezone="UTC")
    return db


def test_tables_that_are_older_than_what_is_loaded_are_not_published(warehouse: Path, tmp_path: Path) -> None:
    db = tmp_path / "private.duckdb"
    shutil.copyfile(warehouse, db)
    with duckdb.connect(str(db)) as changed:
        changed.execute("update raw.files set loaded_at = loaded_at + interval 1 second")
    with pytest.raises(TracelabError, match="older than what is loaded: run `tracelab build`"):
        publish(db, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_only_what_is_publicly_known_keeps_its_name(tmp_path: Path) -> None:
    secret = {
        "x_agent_type": "acme-deployer",
        "x_entrypoint": "/home/jane/run",
        "x_stop_reason": "jane stopped it",
        "x_service_tier": "acme",
        "x_client_version": "2.1.3-acme.7",
        "x_session_client_version": "2.1.3-acme.7",
    }
    rows = own("a", 2, "jane", "mcp__acme__deploy", **secret, model="acme-7b")
    rows += own("b", 2, "jane", "acme_tool", x_agent_type="Explore", model="claude-opus-4-8")
    rows[0]["tools"][0]["x_exit_code"] = 4_711
    rows[2]["tools"][0]["x_exit_code"] = 127
    out = tmp_path / "out"
    publish(warehouse_of(tmp_path, rows), out)
    assert not any("acme" in text or "jane" in text for text in texts(out))
    published = sorted(lines(out), key=lambda row: row["model"])
    known, unknown = published[0], published[2]
    assert (known["model"], known["x_agent_type"]) == ("claude-opus-4-8", "Explore")
    assert re.fullmatch(r"custom_[0-9a-f]{24}", known["tools"][0]["tool_name"])
    assert known["tools"][0]["x_exit_code"] == 127
    assert re.fullmatch(r"model_[0-9a-f]{24}", unknown["model"])
    assert re.fullmatch(r"custom_[0-9a-f]{24}", unknown["x_agent_type"])
    assert re.fullmatch(r"mcp__[0-9a-f]{24}__[0-9a-f]{24}", unknown["tools"][0]["tool_name"])
    assert unknown["x_client_version"] == unknown["x_session_client_version"] == "2.1.3"
    absent = {"x_entrypoint", "x_stop_reason", "x_service_tier"}
    assert not absent & unknown.keys() and "x_exit_code" not in unknown["tools"][0]


def test_what_marts_and_summaries_tell_of_a_tool_by_its_name_survives(tmp_path: Path) -> None:
    published = {
        "mcp__acme__do\nit": "mcp__{}__{}",
        "mcp__ac\nme__do": "mcp_{}",
        "mcp__acme": "mcp_{}",
        "mcp_acme": "mcp_{}",
        "not_mcp__acme__do": "custom_{}",
    }
    # each has another number of calls, by which it is found again
    rows = [row for n, name in enumerate(published) for row in own(f"s{n}", 30 + 2 * n, "jane", name)]
    db, again = warehouse_of(tmp_path, rows), tmp_path / "again.duckdb"
    publish(db, tmp_path / "out")
    load([tmp_path / "out"], db=again)
    for each in (db, again):
        build(each, select=["+summary_tool_counts"], timezone="UTC")
    known = query(again, "select tool_name from tool_calls group by all order by count(*)")
    for (name,), pattern in zip(known, published.values(), strict=True):
        assert re.fullmatch(pattern.format(*["[0-9a-f]{24}"] * 2), name)
    told = (
        "select tool_category, mcp_server is null, count(*) from tool_calls"
        " group by tool_name, tool_category, mcp_server order by all"
    )
    assert query(db, told) == query(again, told)
    groups = "select distinct tool_group = 'mcp' as is_mcp, tool_calls from summary_tool_counts order by all"
    assert query(db, groups) == query(again, groups)


def test_a_tier_or_speed_that_is_not_published_is_unknown_before_too(tmp_path: Path) -> None:
    tiers = [*COLUMNS["rounds"]["x_service_tier"].words, "acme", None]
    speeds = [*COLUMNS["rounds"]["x_speed"].words, "acme", None]
    rows = [
        row
        for number, (tier, speed) in enumerate(product(tiers, speeds))
        for row in own(f"s{number}", 1, "jane", x_service_tier=tier, x_speed=speed)
    ]
    db, again = warehouse_of(tmp_path, rows), tmp_path / "again.duckdb"
    publish(db, tmp_path / "out")
    load([tmp_path / "out"], db=again)
    unknown = "select distinct value from summary_overview where name = 'unknown_tier_steps' order by all"
    for each in (db, again):
        build(each, select=["+summary_overview"], timezone="UTC")
    assert query(db, unknown) == query(again, unknown) == [(4,)]
    unpriced = unknown.replace("unknown", "unpriced")
    assert query(db, unpriced) == query(again, unpriced) != [(0,)]


def test_a_model_may_be_allowed_by_name(tmp_path: Path) -> None:
    db = warehouse_of(tmp_path, own("a", 2, model="open-weights-7b"))
    publish(db, tmp_path / "out", Rules(allowed_models=["open-weights-7b"]))
    assert {row["model"] for row in lines(tmp_path / "out")} == {"open-weights-7b"}


def test_a_project_is_keyed_with_its_user(tmp_path: Path) -> None:
    rows = own("a", 1, "jane", project="site") + own("b", 1, "joe", project="site")
    db = warehouse_of(tmp_path, [*rows, *own("c", 1, "joe", project=None)])
    publish(db, tmp_path / "out")
    found = lines(tmp_path / "out")
    assert len({row["user"] for row in found}) == 2
    assert len({row["project"] for row in found}) == 3
    assert "project_none" in {row["project"] for row in found}


def test_times_of_a_user_move_by_one_secret_span_and_tokens_and_durations_stay(tmp_path: Path) -> None:
    db = warehouse_of(tmp_path, own("a", 3, "jane") + own("b", 3, "jane") + own("c", 3, "joe"))
    publish(db, tmp_path / "exact")
    publish(db, tmp_path / "moved", Rules(shift_times=True))
    times = (
        'select round_pk, "user", epoch_ms(timestamp), output_tokens from timing_events'
        " join rounds using (round_pk) order by round_pk, event_index"
    )
    exact, moved = (query(tmp_path / name / "dataset.duckdb", times) for name in ("exact", "moved"))
    assert [row[3] for row in exact] == [row[3] for row in moved]
    spans: dict[str, set[int]] = {}
    for before, after in zip(exact, moved, strict=True):
        spans.setdefault(before[1], set()).add(before[2] - after[2])
    assert [len(found) for found in spans.values()] == [1, 1]
    assert len(set().union(*spans.values())) == 2
    assert all(0 < span < 2 * 365 * 86_400_000 for found in spans.values() for span in found)


def test_times_are_cut_to_multiples(tmp_path: Path) -> None:
    db = warehouse_of(tmp_path, own("a", 3))
    publish(db, tmp_path / "out", Rules(round_times_s=60))
    found = query(
        tmp_path / "out" / "dataset.duckdb",
        "select distinct epoch_ms(timestamp) % 60000 from timing_events union"
        " select distinct epoch_ms(emitted_at) % 60000 from tool_calls where emitted_at is not null",
    )
    assert found == [(0,)]


def test_names_of_few_users_are_generalised(tmp_path: Path) -> None:
    rows = own("a", 2, "jane", "Bash", model="claude-opus-4-8", x_client_version="2.1.1")
    rows += own("b", 2, "joe", "Bash", model="claude-opus-4-8", x_client_version="2.1.1")
    rows += own("c", 2, "joe", "mcp__acme__deploy", model="claude-haiku-4-5", x_client_version="2.1.2")
    publish(warehouse_of(tmp_path, rows), tmp_path / "out", Rules(min_users=2))
    found = {
        (row["model"], row.get("x_client_version"), *(call["tool_name"] for call in row["tools"]))
        for row in lines(tmp_path / "out")
        if row["tools"]
    }
    assert found == {("claude-opus-4-8", "2.1.1", "Bash"), ("model_rare", None, "mcp__rare__rare")}


def test_too_few_users_publish_nothing(tmp_path: Path) -> None:
    db = warehouse_of(tmp_path, own("a", 1, "jane") + own("b", 1, "joe"))
    with pytest.raises(TracelabError, match="2 users, fewer than the 3"):
        publish(db, tmp_path / "out", Rules(min_users=3))
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]


# The folder


def test_a_folder_that_holds_anything_is_left_as_it_is(db: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    publish(db, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(TracelabError, match="is there already"):
        publish(db, out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_an_empty_folder_is_filled_where_it_is(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "there")
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert len(publish(db, Path()).files) == len(publish(db, tmp_path / "linked").files) == 9
    here, there = ({path.name for path in folder.iterdir()} for folder in (Path(), tmp_path / "there"))
    assert here == there and len(here) == 9


@pytest.mark.parametrize(
    ("allowed", "licence"),
    [((), "CC-BY-4.0\nNo rules"), (("a\nb",), None), (("a, b",), None), (("",), None)],
)
def test_what_the_readme_could_not_tell_again_is_refused(
    db: Path, tmp_path: Path, allowed: tuple[str, ...], licence: str | None
) -> None:
    with pytest.raises(TracelabError, match=r"the README has one line|say --allow once"):
        publish(db, tmp_path / "out", Rules(allowed_models=allowed), licence=licence)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_another_run_is_writing_is_left_as_it_is(db: Path, tmp_path: Path) -> None:
    (tmp_path / ".out.partial").mkdir()
    (tmp_path / ".out.partial" / "rounds.parquet").touch()
    before = {*tmp_path.rglob("*"), key_path(db)}
    publish(db, tmp_path / "out")
    assert {*tmp_path.rglob("*")} - before == {tmp_path / "out", *(tmp_path / "out").iterdir()}
    assert before <= {*tmp_path.rglob("*")}


def test_the_readme_says_counts_sums_licence_and_rules(db: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = publish(db, out, Rules(shift_times=True), licence="CC-BY-4.0")
    text = (out / "README.md").read_text()
    assert "Licence: CC-BY-4.0" in text and "moved back by one secret span" in text
    [(steps, calls)] = query(db, "select (select count(*) from steps), (select count(*) from tool_calls)")
    assert (done.steps, done.tool_calls) == (steps, calls) == (len(lines(out)), calls)
    assert f"| steps | {steps:,} |" in text and f"| tool calls | {calls:,} |" in text
    sums = dict(re.findall(r"\| `([\w.]+)` \| [\d,]+ \| `([0-9a-f]{64})` \|", text))
    files = {path.name: path.read_bytes() for path in out.iterdir() if path.name != "README.md"}
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    assert all(f"| `{column}` |" in text for columns in COLUMNS.values() for column in columns)


def test_a_warehouse_without_tables_is_not_published(tmp_path: Path) -> None:
    db = tmp_path / "tracelab.duckdb"
    load([write_lines(tmp_path / "rows.jsonl", session("a", 1))], db=db)
    with pytest.raises(TracelabError, match="run `tracelab build`"):
        publish(db, tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("alter table staging.stg_steps drop column speed", "of another version: run `tracelab build`"),
        ("delete from raw.files where file_id = (select min(file_id) from raw.files)", "tracelab build"),
    ],
    ids=["another version's", "of what was pruned"],
)
def test_tables_that_are_not_of_what_is_loaded_and_of_today_are_not_published(
    db: Path, tmp_path: Path, change: str, told: str
) -> None:
    with duckdb.connect(str(db)) as warehouse:
        warehouse.execute(change)
    with pytest.raises(TracelabError, match=told):
        publish(db, tmp_path / "shared")
    assert not (tmp_path / "shared").exists()
