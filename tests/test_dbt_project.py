"""The dbt project as a whole: it builds without a warning, and its unit tests pass."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.reference.settling import compiled_models
from tracelab.build import SCHEMAS

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def dbt_run(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, Path]:
    """`dbt build --warn-error` in the checkout, as a user types it, on a copy of the sample's warehouse."""
    folder = tmp_path_factory.mktemp("dbt")
    (folder / "tracelab.duckdb").write_bytes(warehouse.read_bytes())
    return *dbt(folder, "--warn-error", "build"), folder / "target"


def dbt(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run dbt in the checkout on a folder's warehouse; return its exit status and what it printed."""
    env = {**os.environ, "TRACELAB_DB": str(folder / "tracelab.duckdb"), "DBT_LOG_PATH": str(folder / "logs")}
    env["DBT_TARGET_PATH"] = str(folder / "target")
    command = [Path(sys.executable).with_name("dbt"), "--no-use-colors", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_dbt_build_passes_with_warnings_as_errors(dbt_run: tuple[int, str, Path]) -> None:
    code, output, _ = dbt_run
    assert code == 0, output[-4000:]


def test_dbt_without_a_warehouse_says_what_to_do_and_builds_nothing(
    dbt_run: tuple[int, str, Path],
) -> None:
    folder = dbt_run[2].parent  # where the project is parsed already
    warehouse, aside = folder / "tracelab.duckdb", folder / "aside.duckdb"
    warehouse.rename(aside)
    code, output = dbt(folder, "build", "--select", "bins")
    aside.replace(warehouse)
    assert code == 2
    assert f"nothing is loaded in {warehouse}: run `tracelab load` first" in output
    assert "seeds.bins" not in output


def test_docs_generate_describes_every_table_and_column_there_is(dbt_run: tuple[int, str, Path]) -> None:
    target = dbt_run[2]
    code, output = dbt(target.parent, "docs", "generate")
    assert code == 0, output[-4000:]
    manifest = json.loads((target / "manifest.json").read_text())
    catalog = json.loads((target / "catalog.json").read_text())
    told = manifest["nodes"] | manifest["sources"]
    built = catalog["nodes"] | catalog["sources"]
    tables = {key for key, node in told.items() if node["resource_type"] in ("model", "seed", "source")}
    assert tables == built.keys()
    bare = [told[table]["name"] for table in tables if not told[table]["description"]]
    bare += [
        f"{told[table]['name']}.{column}"
        for table in tables
        for column in built[table]["columns"]
        if not told[table]["columns"].get(column, {}).get("description")
    ]
    assert not bare


def test_a_build_knows_where_its_tables_lie(dbt_run: tuple[int, str, Path]) -> None:
    nodes = json.loads((dbt_run[2] / "manifest.json").read_text())["nodes"].values()
    assert {node["schema"] for node in nodes if node["resource_type"] in ("model", "seed")} == set(SCHEMAS)


def test_every_mart_and_summary_has_a_contract(dbt_run: tuple[int, str, Path]) -> None:
    nodes = json.loads((dbt_run[2] / "manifest.json").read_text())["nodes"].values()
    public = [
        n for n in nodes if n["resource_type"] == "model" and n["fqn"][1] in ("marts", "summaries", "compare")
    ]
    assert public
    assert [n["name"] for n in public if not n["config"]["contract"]["enforced"]] == []


def test_every_table_names_its_grain_and_is_held_to_it(dbt_run: tuple[int, str, Path]) -> None:
    nodes = json.loads((dbt_run[2] / "manifest.json").read_text())["nodes"]
    kinds = {
        name: node["config"] for name, node in nodes.items() if node["resource_type"] in ("model", "seed")
    }
    named = {name for name, config in kinds.items() if config["meta"].get("grain")}
    (test,) = [node for node in nodes.values() if node["name"] == "assert_every_row_is_named_once"]
    assert {kinds[name]["materialized"] for name in kinds.keys() - named} == {"view"}
    assert set(test["depends_on"]["nodes"]) == named


def test_a_table_that_is_made_in_parts_has_every_row(dbt_run: tuple[int, str, Path], tmp_path: Path) -> None:
    nodes = json.loads((dbt_run[2] / "manifest.json").read_text())["nodes"].values()
    names = [node["name"] for node in nodes if node["config"]["meta"].get("parts")]
    assert "summary_overview" in names
    db = dbt_run[2].parent / "tracelab.duckdb"  # compiling locks it
    models = compiled_models(db, tmp_path, " ".join(names))
    with duckdb.connect() as connection:
        connection.execute(f"attach '{db}' as {models[0].database} (read_only); set timezone = 'UTC'")
        for model in models:
            connection.execute(f"create or replace temp table whole as {model.sql}")
            apart = "(from {} except all from {})"
            for pair in (("whole", model.relation), (model.relation, "whole")):
                query = "from " + apart.format(*pair)
                assert connection.execute(query).fetchall() == [], model.relation


def test_the_sources_file_says_what_the_schema_says() -> None:
    from tracelab.sources import sources_yml

    written = (ROOT / "models/staging/_sources.yml").read_text()
    assert written == sources_yml(), "run `make docs`"


def test_the_pages_of_tables_and_figures_say_what_the_models_and_charts_say(
    dbt_run: tuple[int, str, Path],
) -> None:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs/reference.py")
    assert spec and spec.loader
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    manifest = json.loads((dbt_run[2] / "manifest.json").read_text())
    assert (ROOT / "docs/tables.md").read_text() == reference.tables_md(manifest), "run `make docs`"
    assert (ROOT / "docs/figures.md").read_text() == reference.figures_md(), "run `make docs`"
    assert (ROOT / "docs/published.md").read_text() == reference.published_md(), "run `make docs`"
