"""Prices against the genai-prices package: steps of built marts cost what the package says."""

import json
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from seeds.update_model_prices import UNDATED, names_of, update, vendors
from tests import builders_claude as claude
from tests import builders_codex as codex
from tests.repricing import (
    Cost,
    Step,
    agree,
    built_steps,
    calls_behind,
    mispriced,
    package_cost,
    same,
)

ROOT = Path(__file__).parents[1]
SEEDS = ROOT / "seeds"
SHARED = ROOT.parent / "shared"
DAY = date(2026, 6, 1)
DAYS = {date(2024, 3, 1), date(2025, 7, 1), date(2026, 5, 1), date(2027, 1, 1)}
CONTEXTS = {0, 1, 40_000, 900_000}
NOT_PRICED_ON_PURPOSE = {"glm-4.7", "codex-auto-review"}
NO_MODEL = "<synthetic>"
DATED = {f"{name}-20250807": name for name in ("claude-haiku-4-5", "claude-opus-4", "claude-3-5-haiku")}
STRANGERS = [
    ("claude", "glm-4.7"),
    ("claude", "gpt-5.5"),
    ("claude", "claude-opus-4-8-large"),
    ("claude", "opus"),
    ("codex", "codex-auto-review"),
    ("codex", "gpt-5.5-codex-spark"),
    ("codex", "gpt-5.99"),
]
COLLECTIONS = {"real": NOT_PRICED_ON_PURPOSE, "corpus/home": set[str]()}

Costs = dict[Step, Cost]


@pytest.fixture(scope="module")
def seeds() -> duckdb.DuckDBPyConnection:
    """A database with the two seeds, of the types that their yml gives."""
    con = duckdb.connect()
    for seed in ("model_prices", "model_aliases"):
        [declared] = yaml.safe_load((SEEDS / f"{seed}.yml").read_text())["seeds"]
        con.read_csv(SEEDS / f"{seed}.csv", columns=declared["config"]["column_types"]).create(seed)
    return con


@pytest.fixture(scope="module")
def costs(seeds: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> Costs:
    """What every step of these tests costs by the marts: logged, loaded and built."""
    from tracelab.build import build
    from tracelab.load import load
    from tracelab.warehouse import open_read_only

    folder = tmp_path_factory.mktemp("priced")
    steps = dict.fromkeys(
        [
            *steps_on_each_side_of_each_limit(seeds),
            *searching_steps(seeds),
            *spelled_steps(seeds),
            *alias_steps(seeds),
            *(Step("claude", name, DAY) for name in [*DATED, *DATED.values()]),
            *(Step(provider, name, DAY) for provider, name in STRANGERS),
            *(step for collection in COLLECTIONS for step in logged_steps(SHARED / collection)),
        ]
    )
    for provider, lines in (("claude", claude_lines), ("codex", codex_lines)):
        log = lines([step for step in steps if step.provider == provider])
        (folder / f"{provider}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log))
    db = folder / "tracelab.duckdb"
    load([folder], db=db)
    build(db, select=["+path:models/marts"], timezone="UTC")
    with open_read_only(db) as warehouse:
        return {each.step: each.cost for each in built_steps(warehouse, most=len(steps))}


def claude_lines(steps: list[Step]) -> Iterator[claude.Json]:
    """Yield a log with these steps."""
    for number, step in enumerate(steps):
        stamp = {"timestamp": f"{step.day}T23:59:00.000Z"}
        fresh = step.append_tokens - step.cache_write_tokens
        told = claude.usage(fresh, step.cache_write_tokens, step.prefix_tokens, step.output_tokens)
        told["cache_creation"] = {"ephemeral_1h_input_tokens": step.cache_write_1h_tokens}
        told |= {"speed": "fast"} if step.tier == "fast" else {"service_tier": step.tier}
        block = claude.use(claude.toolu(number), "WebSearch") if step.web_searches else claude.text("x")
        yield claude.assistant(
            2 * number, 0, claude.msg(number), block, usage=told, stop="end_turn", model=step.model, **stamp
        )
        if step.web_searches:
            found = {"toolUseResult": {"searchCount": step.web_searches}}
            yield claude.user(2 * number + 1, 0, [claude.result(claude.toolu(number))], **found, **stamp)


def codex_lines(steps: list[Step]) -> Iterator[codex.Json]:
    """Yield a log with these steps."""
    yield codex.meta()
    for number, step in enumerate(steps):
        stamp = {"timestamp": f"{step.day}T23:59:00.000Z"}
        size = step.prefix_tokens + step.append_tokens
        counts = (size, step.prefix_tokens, step.output_tokens, 0, step.cache_write_tokens)
        asked = {"model": step.model, "service_tier": step.tier}
        yield codex.event(0, "thread_settings_applied", thread_settings=asked) | stamp
        yield codex.says(0) | stamp
        yield codex.recorded(0, codex.resp(number), counts) | stamp


def wrong(costs: Costs, steps: list[Step]) -> list[tuple[Step, Cost, Cost]]:
    """Return those of some steps that do not cost what the package says."""
    compared = ((step, costs[step], package_cost(step)) for step in steps)
    return [each for each in compared if not agree(each[1], each[2])]


def package_rows(seeds: duckdb.DuckDBPyConnection, columns: str) -> list[tuple[Any, ...]]:
    return seeds.execute(
        f"select {columns} from model_prices where source like 'genai-prices %' group by all order by all"
    ).fetchall()


def steps_on_each_side_of_each_limit(seeds: duckdb.DuckDBPyConnection) -> Iterator[Step]:
    """Yield, for each model, steps of every tier on both sides of its dates and long-context limits."""
    tiers = [*(tier for (tier,) in package_rows(seeds, "price_tier")), "default", "a tier to come"]
    for provider, model, starts, limits in package_rows(
        seeds, "provider, model, list(distinct valid_from), list(distinct above_input_tokens)"
    ):
        days = sorted(
            DAYS | {max(start - timedelta(days=back), UNDATED) for start in starts for back in (0, 1)}
        )
        contexts = sorted(CONTEXTS | {limit + more for limit in limits for more in (0, 1)})
        for day, tier, context in product(days, tiers, contexts):
            append = context // 3
            written = append * 3 // 4
            for hourly in (0, written // 3) if provider == "claude" else (0,):
                yield Step(provider, model, day, tier, context - append, append, written, hourly)


def searching_steps(seeds: duckdb.DuckDBPyConnection) -> list[Step]:
    """Return steps with searches: of Claude's models, as Codex logs none of its own."""
    return [
        Step("claude", model, DAY, tier, web_searches=7)
        for provider, model in package_rows(seeds, "provider, model")
        if provider == "claude"
        for tier in ("standard", "batch")
    ]


def spelled_steps(seeds: duckdb.DuckDBPyConnection) -> list[Step]:
    """Return a step of every name that the package's match rules spell out and that has a price."""
    priced = set(package_rows(seeds, "provider, model"))
    return [
        Step(provider, name, DAY)
        for provider, vendor in vendors().items()
        for name in names_of([vendor])
        if (found := vendor.find_model(name)) and (provider, found.id) in priced
    ]


def alias_steps(seeds: duckdb.DuckDBPyConnection) -> list[Step]:
    aliases = seeds.execute("select provider, alias from model_aliases").fetchall()
    return [Step(provider, alias, DAY) for provider, alias in aliases]


def test_every_priced_model_costs_what_the_package_says(
    seeds: duckdb.DuckDBPyConnection, costs: Costs
) -> None:
    steps = list(steps_on_each_side_of_each_limit(seeds))
    assert {step[:2] for step in steps} == set(package_rows(seeds, "provider, model"))
    assert wrong(costs, steps) == []


def test_web_searches_cost_what_the_package_says(seeds: duckdb.DuckDBPyConnection, costs: Costs) -> None:
    steps = searching_steps(seeds)
    assert any(costs[step].web for step in steps)
    assert wrong(costs, steps) == []


def test_every_name_that_the_package_spells_out_finds_its_model(
    seeds: duckdb.DuckDBPyConnection, costs: Costs
) -> None:
    steps = spelled_steps(seeds)
    assert len(steps) > len(package_rows(seeds, "provider, model"))
    assert wrong(costs, steps) == []


def test_every_alias_finds_the_model_that_the_package_finds(
    seeds: duckdb.DuckDBPyConnection, costs: Costs
) -> None:
    assert wrong(costs, alias_steps(seeds)) == []


def test_a_name_may_bear_the_date_of_its_snapshot(costs: Costs) -> None:
    for dated, plain in DATED.items():
        cost = costs[Step("claude", dated, DAY)]
        assert cost == costs[Step("claude", plain, DAY)]
        assert cost.total is not None


@pytest.mark.parametrize(("provider", "model"), STRANGERS)
def test_no_model_is_priced_as_another_of_its_family(costs: Costs, provider: str, model: str) -> None:
    assert costs[Step(provider, model, DAY)].total is None


def test_steps_of_the_sample_cost_what_the_package_says(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as con:
        steps, extra = built_steps(con), calls_behind(con)
        models = {model for (model,) in con.execute("select distinct model from steps").fetchall()}
    assert {each.step.model for each in steps if each.cost.total is not None} == models
    assert mispriced(steps) == []
    assert [pair for pair in extra if not same(*pair)] == []


def test_the_seeds_are_what_the_script_writes(tmp_path: Path) -> None:
    shutil.copy(SEEDS / "model_prices.csv", tmp_path)
    update(tmp_path)
    for name in ("model_prices.csv", "model_aliases.csv"):
        assert (tmp_path / name).read_bytes() == (SEEDS / name).read_bytes(), (
            f"run {SEEDS}/update_model_prices.py"
        )


def test_a_price_by_hand_survives_the_script(tmp_path: Path) -> None:
    by_hand = "claude,own-model,standard,2026-01-01,,0,1,2,,,,,a price list of our own"
    path = tmp_path / "model_prices.csv"
    path.write_text((SEEDS / "model_prices.csv").read_text() + by_hand + "\n")
    update(tmp_path)
    assert sorted(path.read_text().splitlines()) == sorted(
        [*(SEEDS / "model_prices.csv").read_text().splitlines(), by_hand]
    )


@pytest.mark.parametrize(("collection", "not_priced"), COLLECTIONS.items(), ids=list(COLLECTIONS))
def test_every_model_of_the_reference_logs_is_priced(
    costs: Costs, collection: str, not_priced: set[str]
) -> None:
    if not (SHARED / collection).is_dir():
        pytest.skip(f"no {SHARED / collection}")
    steps = logged_steps(SHARED / collection)
    assert len(steps) > len(not_priced)
    assert {step.model for step in steps if costs[step].total is None} == not_priced


def logged_steps(folder: Path) -> list[Step]:
    """Return a step of each model that is named in a folder's logs; none where that is not there."""
    models = sorted(logged_models(folder) - {("claude", NO_MODEL)})
    return [Step(provider, name, DAY) for provider, name in models]


def logged_models(folder: Path) -> set[tuple[str, str]]:
    """Return provider and model of the answers in a folder's logs, but those of other agents."""
    return {
        model
        for path in folder.rglob("*.jsonl")
        if "other" not in path.relative_to(folder).parts
        for record in records(path)
        for model in answering_models(record)
    }


def records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a log that name a model, without its broken lines."""
    for line in path.read_bytes().splitlines():
        if b'"model"' in line:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record


def answering_models(value: object) -> Iterator[tuple[str, str]]:
    """Yield the models of a record's answers, at any depth: subagents and advisors answer inside others."""
    match value:
        case {"type": "turn_context", "payload": {"model": str(model)}}:
            yield "codex", model
        case {"type": "thread_settings_applied", "thread_settings": {"model": str(model)}}:
            yield "codex", model
        case {"model": str(model), "role": "assistant"} | {"model": str(model), "input_tokens": int()}:
            yield "claude", model
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from answering_models(each)
