"""The dbt project as a whole: it builds without a warning, and its unit tests pass."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def dbt_run(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, Path]:
    """`dbt build --warn-error` in the checkout, as a user types it, on a copy of the sample's warehouse."""
    folder = tmp_path_factory.mktemp("dbt")
    db = folder / "tracelab.duckdb"
    db.write_bytes(warehouse.read_bytes())
    env = {**os.environ, "TRACELAB_DB": str(db), "DBT_TARGET_PATH": str(folder / "target")}
    env["DBT_LOG_PATH"] = str(folder / "logs")
    dbt = Path(sys.executable).with_name("dbt")
    done = subprocess.run(
        [dbt, "--no-use-colors", "--warn-error", "build"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, folder / "target"


def test_dbt_build_passes_with_warnings_as_errors(dbt_run: tuple[int, str, Path]) -> None:
    code, output, _ = dbt_run
    assert code == 0, output[-4000:]


def test_every_column_of_every_model_is_described(dbt_run: tuple[int, str, Path]) -> None:
    nodes = json.loads((dbt_run[2] / "manifest.json").read_text())["nodes"].values()
    models = [node for node in nodes if node["resource_type"] in ("model", "seed")]
    bare = [node["name"] for node in models if not node["description"]]
    bare += [
        f"{node['name']}.{name}"
        for node in models
        for name, column in node["columns"].items()
        if not column["description"]
    ]
    assert not bare


def test_every_mart_and_summary_has_a_contract_and_names_its_grain(dbt_run: tuple[int, str, Path]) -> None:
    nodes = json.loads((dbt_run[2] / "manifest.json").read_text())["nodes"].values()
    tested = {
        node["attached_node"]
        for node in nodes
        if node["resource_type"] == "test" and (node.get("test_metadata") or {}).get("name") == "unique_grain"
    }
    public = [n for n in nodes if n["resource_type"] == "model" and n["fqn"][1] in ("marts", "summaries")]
    assert public
    assert [n["name"] for n in public if not n["config"]["contract"]["enforced"]] == []
    assert [n["name"] for n in public if n["unique_id"] not in tested] == []


def test_the_sources_file_says_what_the_schema_says() -> None:
    from tracelab.sources import sources_yml

    written = (ROOT / "models/staging/_sources.yml").read_text()
    assert written == sources_yml(), "run `make docs`"
