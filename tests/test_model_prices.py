"""The price seeds against the genai-prices package: a step costs by their join what the package says."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import genai_prices
import polars as pl
import pytest
import yaml

from seeds.update_model_prices import UNDATED, VENDORS, names_of, update, vendors

ROOT = Path(__file__).parents[1]
SEEDS = ROOT / "seeds"
SHARED = ROOT.parent / "shared"
DAYS = {date(2024, 3, 1), date(2025, 7, 1), date(2026, 5, 1), date(2027, 1, 1)}
CONTEXTS = {0, 1, 40_000, 900_000}
NOT_PRICED_ON_PURPOSE = {"glm-4.7", "codex-auto-review"}
NO_MODEL = "<synthetic>"


class Step(NamedTuple):
    """The columns of a step that decide its cost."""

    provider: str
    model: str
    day: date
    tier: str
    prefix_tokens: int = 50_000
    append_tokens: int = 3_000
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 700
    web_searches: int = 0


SEED_COST = """
with
    named as (
        select
            *,
            prefix_tokens + append_tokens as context_tokens,
            regexp_replace(model, '-[0-9]{8}$', '') as name
        from steps
    ),
    resolved as (
        select named.*, coalesce(model_aliases.model, name) as priced_model
        from named
        left join model_aliases on model_aliases.provider = named.provider and alias = name
    ),
    priced as (
        select resolved.*, model_prices.* exclude (provider, model)
        from resolved
        left join model_prices
            on model_prices.provider = resolved.provider
            and model_prices.model = priced_model
            and price_tier in (tier, 'standard')
            and valid_from <= day
            and day < coalesce(valid_to, 'infinity'::date)
            and (above_input_tokens = 0 or above_input_tokens < context_tokens)
        qualify
            row_number() over (
                partition by step_no order by price_tier = 'standard', above_input_tokens desc
            ) = 1
    )
select
    (
        (append_tokens - cache_write_tokens) * input_usd_per_mtok
        + (cache_write_tokens - cache_write_1h_tokens)
        * coalesce(cache_write_5m_usd_per_mtok, input_usd_per_mtok)
        + cache_write_1h_tokens
        * coalesce(cache_write_1h_usd_per_mtok, cache_write_5m_usd_per_mtok, input_usd_per_mtok)
        + prefix_tokens * coalesce(cache_read_usd_per_mtok, input_usd_per_mtok)
        + output_tokens * output_usd_per_mtok
    )
    / 1000000
    + web_searches * coalesce(web_search_usd, 0)
from priced
order by step_no
"""


@pytest.fixture(scope="module")
def seeds() -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a database with the two seeds, of the types that their yml gives."""
    with duckdb.connect() as con:
        for seed in ("model_prices", "model_aliases"):
            [declared] = yaml.safe_load((SEEDS / f"{seed}.yml").read_text())["seeds"]
            con.read_csv(SEEDS / f"{seed}.csv", columns=declared["config"]["column_types"]).create(seed)
        yield con


def seed_costs(seeds: duckdb.DuckDBPyConnection, steps: list[Step]) -> list[float | None]:
    """Return what each step costs by the seeds, in USD; None where they have no price."""
    seeds.register("steps", pl.DataFrame(steps, schema=Step._fields, orient="row").with_row_index("step_no"))
    return [cost for (cost,) in seeds.execute(SEED_COST).fetchall()]


def package_cost(step: Step) -> float:
    """Return what a step costs by the package, in USD."""
    price = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=step.prefix_tokens + step.append_tokens,
            cache_read_tokens=step.prefix_tokens,
            cache_write_tokens=step.cache_write_tokens,
            cache_write_1h_tokens=step.cache_write_1h_tokens,
            output_tokens=step.output_tokens,
            web_searches=step.web_searches,
        ),
        step.model,
        provider_id=VENDORS[step.provider],
        genai_request_timestamp=datetime.combine(step.day, time(23, 59), UTC),
        price_context={"service_tier": step.tier, "speed": step.tier, "processing": step.tier},
    )
    return float(price.total_price)


def differences(
    seeds: duckdb.DuckDBPyConnection, steps: list[Step]
) -> list[tuple[Step, float | None, float]]:
    costs = zip(steps, seed_costs(seeds, steps), map(package_cost, steps), strict=True)
    return [
        (step, ours, theirs) for step, ours, theirs in costs if ours != pytest.approx(theirs, rel=1e-9, abs=0)
    ]


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


def test_every_priced_model_costs_what_the_package_says(seeds: duckdb.DuckDBPyConnection) -> None:
    steps = list(steps_on_each_side_of_each_limit(seeds))
    assert {step[:2] for step in steps} == set(package_rows(seeds, "provider, model"))
    assert differences(seeds, steps) == []


def test_web_searches_cost_what_the_package_says(seeds: duckdb.DuckDBPyConnection) -> None:
    models = package_rows(seeds, "provider, model")
    steps = [
        Step(provider, model, date(2026, 11, 1), tier, web_searches=7)
        for provider, model in models
        for tier in ("standard", "batch")
    ]
    assert differences(seeds, steps) == []


def test_every_name_that_the_package_spells_out_finds_its_model(seeds: duckdb.DuckDBPyConnection) -> None:
    priced = set(package_rows(seeds, "provider, model"))
    steps = [
        Step(provider, name, date(2026, 6, 1), "standard")
        for provider, vendor in vendors().items()
        for name in names_of([vendor])
        if (found := vendor.find_model(name)) and (provider, found.id) in priced
    ]
    assert len(steps) > len(priced)
    assert differences(seeds, steps) == []


def test_every_alias_finds_the_model_that_the_package_finds(seeds: duckdb.DuckDBPyConnection) -> None:
    aliases = seeds.execute("select provider, alias from model_aliases").fetchall()
    steps = [Step(provider, alias, date(2026, 6, 1), "standard") for provider, alias in aliases]
    assert differences(seeds, steps) == []


def test_a_name_may_bear_the_date_of_its_snapshot(seeds: duckdb.DuckDBPyConnection) -> None:
    names = ["claude-haiku-4-5", "claude-opus-4", "claude-3-5-haiku"]
    dated = [Step("claude", f"{name}-20250807", date(2026, 6, 1), "standard") for name in names]
    plain = [step._replace(model=name) for step, name in zip(dated, names, strict=True)]
    assert seed_costs(seeds, dated) == seed_costs(seeds, plain) != [None] * len(names)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("claude", "glm-4.7"),
        ("claude", "gpt-5.5"),
        ("claude", "claude-opus-4-8-large"),
        ("claude", "opus"),
        ("codex", "codex-auto-review"),
        ("codex", "gpt-5.5-codex-spark"),
        ("codex", "gpt-5.99"),
    ],
)
def test_no_model_is_priced_as_another_of_its_family(
    seeds: duckdb.DuckDBPyConnection, provider: str, model: str
) -> None:
    assert seed_costs(seeds, [Step(provider, model, date(2026, 6, 1), "standard")]) == [None]


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


@pytest.mark.parametrize(
    ("collection", "not_priced"),
    [("real", NOT_PRICED_ON_PURPOSE), ("corpus/home", set())],
    ids=["real", "corpus"],
)
def test_every_model_of_the_reference_logs_is_priced(
    seeds: duckdb.DuckDBPyConnection, collection: str, not_priced: set[str]
) -> None:
    if not (SHARED / collection).is_dir():
        pytest.skip(f"no {SHARED / collection}")
    models = sorted(logged_models(SHARED / collection) - {("claude", NO_MODEL)})
    costs = seed_costs(
        seeds, [Step(provider, name, date(2026, 6, 1), "standard") for provider, name in models]
    )
    assert len(models) > len(not_priced)
    assert {name for (_, name), cost in zip(models, costs, strict=True) if cost is None} == not_priced


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
