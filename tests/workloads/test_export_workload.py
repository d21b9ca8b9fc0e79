"""`tracelab export --workload`: one call writes a workload whole, or says why not."""

import gzip
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest

from tests.workloads import formats
from tracelab.errors import TracelabError
from tracelab.workloads import FORMATS, as_text, export_workload
from tracelab.workloads.selection import Filters


def tracelab(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tracelab", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_the_command_prints_what_it_wrote(warehouse: Path, tmp_path: Path) -> None:
    done = tracelab("--db", warehouse, "export", "--workload", "mooncake", "--out", "m.jsonl", cwd=tmp_path)
    assert done.stdout.split() == ["m.jsonl", "m.jsonl.waits.csv", "m.jsonl.manifest.json"]
    rows = [json.loads(line) for line in (tmp_path / "m.jsonl").read_text().splitlines()]
    tokens = [f"{sum(row[f'{part}_length'] for row in rows):,} {part}" for part in ("input", "output")]
    told = f"{len(rows)} steps: {' and '.join(tokens)} tokens"
    assert told in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == set(done.stdout.split())


def test_the_command_line_offers_each_format() -> None:
    from tracelab.cli import WorkloadFormat

    assert [format.value for format in WorkloadFormat] == list(FORMATS)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--workload", "replay"], "needs --out"),
        (["steps", "--workload", "replay", "--out", "r"], "takes no NAME"),
        (["--format", "csv", "--workload", "replay", "--out", "r"], "no --format"),
        (["--since", "2026-10-01"], "are for a --workload"),
        (["steps", "--format", "duckdb"], "name no table"),
        (["--workload", "vllm-synthetic", "--out", "v"], "name one with --text-file"),
        (["--workload", "replay", "--out", "r", "--text-file", "book.txt"], "name one with --text-file"),
        (["--workload", "replay", "--out", "."], "is a folder"),
        (["--workload", "mooncake", "--out", "m.gz"], "without .gz"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    warehouse: Path, tmp_path: Path, arguments: list[str], why: str
) -> None:
    done = tracelab("--db", warehouse, "export", *arguments, cwd=tmp_path)
    assert done.returncode != 0
    assert why in " ".join(done.stderr.replace("│", " ").split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_warehouse_gives_the_same_bytes(warehouse: Path, tmp_path: Path, format: str) -> None:
    texts = [Path("book.txt")] if format == "vllm-synthetic" else []
    bytes_of = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        export_workload(warehouse, format, tmp_path / name / "out", text_files=texts)
        found = (path for path in (tmp_path / name).rglob("*") if path.is_file())
        bytes_of.append({path.relative_to(tmp_path / name): path.read_bytes() for path in found})
    assert bytes_of[0] == bytes_of[1]
    assert len(bytes_of[0]) > 1


def test_filters_are_kept_in_the_manifest_without_naming_sessions(warehouse: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as marts:
        [(session, steps)] = marts.execute(
            "select session_id, steps from sessions where session_kind = 'main' order by steps desc limit 1"
        ).fetchall()
    out = tmp_path / "one"
    written = export_workload(
        warehouse, "replay", out, filters=Filters([session], since=datetime(2026, 10, 1, microsecond=500_000))
    )
    about = formats.manifest(out)
    assert about == written.manifest
    assert about["filters"] == {"sessions": 1, "since": "2026-10-01T00:00:00.500000Z", "until": None}
    assert about["conversations"] == 1
    assert len(formats.steps("replay", out)) == about["steps"] >= steps
    assert session.partition(":")[2].encode() not in b"".join(path.read_bytes() for path in written.files)


def test_an_instant_with_a_zone_is_that_instant_wherever_it_is_asked(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as marts:
        [(last,)] = marts.execute("select max(started_at) from sessions").fetchall()
    after = (last + timedelta(seconds=1)).replace(microsecond=0, tzinfo=UTC)
    asked = after.astimezone(timezone(timedelta(hours=2))).isoformat()
    monkeypatch.setenv("TZ", "America/New_York")
    arguments = ("--db", warehouse, "export", "--workload", "replay", "--out", "r")
    assert "no step with usage is left" in tracelab(*arguments, "--since", asked, cwd=tmp_path).stderr
    assert tracelab(*arguments, "--until", asked, cwd=tmp_path).returncode == 0
    assert formats.manifest(tmp_path / "r")["filters"]["until"] == f"{after:%Y-%m-%dT%H:%M:%SZ}"


def test_a_name_that_ends_in_gz_is_packed(warehouse: Path, tmp_path: Path) -> None:
    for name in ("rows.jsonl", "rows.jsonl.gz"):
        export_workload(warehouse, "tracelab", tmp_path / name)
    assert (
        gzip.decompress((tmp_path / "rows.jsonl.gz").read_bytes()) == (tmp_path / "rows.jsonl").read_bytes()
    )


def test_a_file_is_replaced_and_a_folder_with_something_in_it_is_not(warehouse: Path, tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    export_workload(warehouse, "replay", tmp_path / "old")
    assert (tmp_path / "old").read_text() != "old"
    (tmp_path / "weka").mkdir()
    export_workload(warehouse, "weka", tmp_path / "weka")
    kept = sorted(path.name for path in (tmp_path / "weka").iterdir())
    with pytest.raises(TracelabError, match="no empty folder"):
        export_workload(warehouse, "weka", tmp_path / "weka")
    assert sorted(path.name for path in (tmp_path / "weka").iterdir()) == kept


def test_a_folder_in_the_place_of_what_stands_beside_leaves_nothing(warehouse: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.manifest.json").mkdir()
    with pytest.raises(TracelabError, match=r"rows\.manifest\.json is a folder"):
        export_workload(warehouse, "mooncake", tmp_path / "rows")
    assert [path.name for path in tmp_path.iterdir()] == ["rows.manifest.json"]


def test_a_manifest_does_not_take_the_place_of_the_warehouse(warehouse: Path, tmp_path: Path) -> None:
    db = tmp_path / "rows.manifest.json"
    db.write_bytes(warehouse.read_bytes())
    with pytest.raises(TracelabError, match="is the warehouse itself"):
        export_workload(db, "mooncake", tmp_path / "rows")
    assert db.read_bytes() == warehouse.read_bytes()


def test_what_a_run_that_was_cut_off_left_is_cleared_away(warehouse: Path, tmp_path: Path) -> None:
    left = tmp_path / ".weka.partial" / "weka"
    left.mkdir(parents=True)
    (left / "half.json").write_text("{")
    export_workload(warehouse, "weka", tmp_path / "weka")
    assert {path.name for path in tmp_path.iterdir()} == {"weka", "weka.waits.csv", "weka.manifest.json"}
    assert not (tmp_path / "weka" / "half.json").exists()


def test_a_view_of_a_foreign_warehouse_reads_no_file_beside_the_workload(
    warehouse: Path, tmp_path: Path
) -> None:
    secret, foreign = tmp_path / "secret.csv", tmp_path / "foreign.duckdb"
    secret.write_text("user_name\nada\n")
    foreign.write_bytes(warehouse.read_bytes())
    with duckdb.connect(str(foreign)) as tables:
        tables.execute("alter table cache_reuse rename to reuse")
        tables.execute(f"create view cache_reuse as select reuse.* from reuse, read_csv('{secret}')")
    with pytest.raises(duckdb.PermissionException, match="disabled"):
        export_workload(foreign, "replay", tmp_path / "out.csv")
    assert {path.name for path in tmp_path.iterdir()} == {"secret.csv", "foreign.duckdb"}


def test_the_warehouse_itself_is_not_written_over(warehouse: Path) -> None:
    with pytest.raises(TracelabError, match="the warehouse itself"):
        export_workload(warehouse, "replay", warehouse)


def test_a_folder_that_is_not_there_is_made(warehouse: Path, tmp_path: Path) -> None:
    written = export_workload(warehouse, "replay", tmp_path / "new" / "deep" / "replay.csv")
    assert {path.parent for path in written.files} == {tmp_path / "new" / "deep"}
    assert all(path.stat().st_size for path in written.files)


def test_tables_older_than_the_load_are_refused(warehouse: Path, tmp_path: Path) -> None:
    stale = tmp_path / "stale.duckdb"
    stale.write_bytes(warehouse.read_bytes())
    with duckdb.connect(str(stale)) as tables:
        tables.execute("update raw.files set loaded_at = loaded_at + interval 1 day")
    with pytest.raises(TracelabError, match="older than what is loaded"):
        export_workload(stale, "replay", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["stale.duckdb"]


def test_fits_are_printed_with_how_far_they_are_off(warehouse: Path, tmp_path: Path) -> None:
    said = as_text(
        export_workload(warehouse, "vllm-synthetic", tmp_path / "v.json", text_files=[Path("book.txt")])
    )
    line = next(line for line in said.splitlines() if line.startswith("prompt_output.num_tokens"))
    assert "lognormal mean 5.7" in line
    assert 0 < float(line.split()[-1]) < 0.2
