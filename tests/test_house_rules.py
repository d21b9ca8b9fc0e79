"""The layout of the project as assertions: who may read whom, and what a model may not hold."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SIMULATIONS = sorted((ROOT / "models" / "simulations").glob("*.py"))
MODELS = sorted([*(ROOT / "models").rglob("*.sql"), *SIMULATIONS])
MAY_READ = {
    "staging": {"source", "staging"},
    "intermediate": {"staging", "intermediate", "marts", "seeds"},
    "marts": {"staging", "intermediate", "marts", "seeds"},
    "simulations": {"marts", "simulations"},
    "summaries": {"marts", "simulations", "seeds"},
    "audits": {"staging", "intermediate", "marts"},
    "compare": {"summaries", "simulations", "marts", "seeds"},
}
MAY_READ_SUMMARIES = {"summary_paper_headlines": {"summaries"}}
SEEDS = {path.stem for path in (ROOT / "seeds").glob("*.csv")}
LAYER = {path.stem: path.relative_to(ROOT / "models").parts[0] for path in MODELS} | dict.fromkeys(
    SEEDS, "seeds"
)


def reads(sql: str) -> set[str]:
    refs = {LAYER[name] for name in re.findall(r"ref\(\s*[\"']([a-z_0-9]+)[\"']", sql)}
    return refs | ({"source"} if "source(" in sql else set())


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_a_model_reads_only_the_layers_below_it(model: Path) -> None:
    layer = LAYER[model.stem]
    assert reads(model.read_text()) - MAY_READ_SUMMARIES.get(model.stem, set()) <= MAY_READ[layer]


def test_contributing_says_once_what_summaries_read() -> None:
    guide = " ".join((ROOT / "CONTRIBUTING.md").read_text().split())
    [(layers, readers)] = re.findall(r"summaries read ([a-z, ]+), and only ([^.]+) read summaries", guide)
    assert guide.count("ummaries read") == 1
    assert set(re.split(", | and ", layers)) == MAY_READ["summaries"]
    assert set(re.findall("`(.+?)`", readers)) == {
        model.stem for model in MODELS if "summaries" in reads(model.read_text())
    }


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_a_model_has_its_yml_beside_it_under_its_own_name(model: Path) -> None:
    assert f"name: {model.stem}\n" in model.with_suffix(".yml").read_text()


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_a_model_states_its_grain_first_and_holds_no_control_flow(model: Path) -> None:
    sql = model.read_text()
    grain = r"(\{\{ config\(.*?\) \}\}\n)?(-- |\"\"\")One row per "
    assert re.match(grain, sql), "say the grain in the first line"
    assert not re.search(r"\{%-?\s*(if|for|set)\b", sql)


@pytest.mark.parametrize(
    "model",
    [path for path in MODELS if LAYER[path.stem] != "summaries"],
    ids=lambda p: p.stem,
)
def test_no_provider_is_named_below_the_summaries(model: Path) -> None:
    assert not re.search(r"'(claude|codex)", model.read_text())


def test_python_models_are_simulations_alone() -> None:
    assert set((ROOT / "models").rglob("*.py")) == set(SIMULATIONS)


@pytest.mark.parametrize("model", SIMULATIONS, ids=lambda path: path.stem)
def test_a_python_model_hands_frames_to_one_algorithm(model: Path) -> None:
    code = model.read_text()
    assert len(code.splitlines()) <= 15
    assert len(re.findall(r"^ *(?:import|from) ", code, re.MULTILINE)) == 1
    assert re.search(r"^    from tracelab\.algorithms\.(\w+) import (\w+)$", code, re.MULTILINE)
    assert re.search(r"^    return \w+\(", code, re.MULTILINE)
    assert not re.search(r"^ *(if|for|while|with|try)\b", code, re.MULTILINE)


def test_a_test_that_warns_says_what_that_means() -> None:
    for test in (ROOT / "tests/dbt").glob("*.sql"):
        assert ('severity="warn"' in test.read_text()) == ('"advice":' in test.read_text()), test.name


def test_yml_keys_are_known_to_dbt(tmp_path: Path) -> None:
    """dbt-duckdb switches dbt's own check of yml keys off: a misspelt key would pass in silence."""
    import dbt.jsonschemas.jsonschemas as checks
    from dbt.cli.main import dbtRunner

    checks._JSONSCHEMA_SUPPORTED_ADAPTERS.add("duckdb")
    try:
        result = dbtRunner().invoke(
            [
                "--quiet", "--warn-error", "--log-level-file", "none", "parse",
                "--no-partial-parse", "--show-all-deprecations",
                "--project-dir", str(ROOT), "--profiles-dir", str(ROOT),
                "--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs"),
            ]
        )  # fmt: skip
    finally:
        checks._JSONSCHEMA_SUPPORTED_ADAPTERS.discard("duckdb")
    assert result.success, result.exception
