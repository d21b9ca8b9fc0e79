"""Write model_prices.csv and model_aliases.csv from the genai-prices package: offline, the same every time.

    .venv/bin/python seeds/update_model_prices.py

A development tool: nothing imports it at run time. The package's own price resolution is asked at each date
on which a price changes, so its rules are not written down twice. Prices added by hand stay: a row whose
source is not the package is kept as it is.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import genai_prices
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ClauseAnd,
    ClauseContains,
    ClauseEquals,
    ClauseOr,
    ClauseStartsWith,
    ConditionalPrice,
    MatchLogic,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    TieredPrices,
)

PACKAGE = f"genai-prices {genai_prices.__version__}"
VENDORS = {"claude": "anthropic", "codex": "openai"}
UNDATED = date(2000, 1, 1)
"""Where the package gives a price no first day."""

BILLABLE = {
    "input_mtok",
    "output_mtok",
    "cache_read_mtok",
    "cache_write_mtok",
    "cache_write_5m_mtok",
    "cache_write_1h_mtok",
    "web_searches_kcount",
    "storage_searches_kcount",
}
"""The package's price keys that a coding agent's model may have; one with others bills sound or images."""

NAME = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")
"""A model's whole name: no gateway's (`:beta`), no prefix of fine-tuned ones (`ft:`, a trailing `-`)."""

PLAIN_DATE = re.compile(r"-\d{8}$")
"""What is taken off a logged name before it is looked up: no alias needs it."""

SNAPSHOT_DATE = re.compile(r"-(20\d{2})-?(\d{2})-?(\d{2})$")
CUT_SHORT = re.compile(r"(-20\d{2})?[-@]?$")
"""What a prefix ends with when a date is to follow."""

CLAUDE_SUFFIXES = ("-latest", "[1m]")
"""The newest snapshot, and Claude Code's mark of the long context window."""


class PriceRow(NamedTuple):
    """A row of model_prices.csv, as text; '' is null."""

    provider: str
    model: str
    price_tier: str
    valid_from: str
    valid_to: str
    above_input_tokens: str
    input_usd_per_mtok: str
    output_usd_per_mtok: str
    cache_read_usd_per_mtok: str
    cache_write_5m_usd_per_mtok: str
    cache_write_1h_usd_per_mtok: str
    web_search_usd: str
    source: str

    def key(self) -> tuple[str, str, str, str, int]:
        return self.provider, self.model, self.price_tier, self.valid_from, int(self.above_input_tokens)


class AliasRow(NamedTuple):
    """A row of model_aliases.csv."""

    provider: str
    alias: str
    model: str


def update(folder: Path) -> None:
    """Write both files into a folder, keeping the prices by hand that stand there."""
    prices = folder / "model_prices.csv"
    rows = sorted([*package_prices(), *prices_by_hand(prices)], key=PriceRow.key)
    write_csv(prices, PriceRow._fields, rows)
    write_csv(folder / "model_aliases.csv", AliasRow._fields, sorted(package_aliases()))


def prices_by_hand(path: Path) -> Iterator[PriceRow]:
    """Yield the rows of a file that are not the package's, of any version."""
    if not path.exists():
        return
    with path.open(encoding="utf-8", newline="") as lines:
        for record in csv.DictReader(lines):
            if not record["source"].startswith("genai-prices "):
                yield PriceRow(**record)


def package_prices() -> Iterator[PriceRow]:
    """Yield a row per provider, model, tier, period and long-context limit."""
    for provider, vendor in vendors().items():
        source = f"{PACKAGE}: {(vendor.pricing_urls or [''])[0]}"
        for model in priced_models(vendor):
            for tier, context in tiers(model).items():
                for start, end, price in periods(model, context):
                    for above in limits(price):
                        yield price_row(provider, model.id, tier, start, end, above, price, source)


def package_aliases() -> Iterator[AliasRow]:
    """Yield the other names under which the package finds a model that has a price."""
    for provider, vendor in vendors().items():
        models = {model.id for model in priced_models(vendor)}
        for name in spellings(vendor):
            found = vendor.find_model(name)
            if found and found.id in models and name not in models:
                yield AliasRow(provider, name, found.id)


def vendors() -> dict[str, Provider]:
    """Return the vendor of each client's models."""
    known = {provider.id: provider for provider in get_snapshot().providers}
    return {client: known[vendor] for client, vendor in VENDORS.items()}


def priced_models(vendor: Provider) -> Iterator[ModelInfo]:
    """Yield the models that are billed by text tokens in and out, and found under their own name."""
    for model in vendor.models:
        dated = model.prices if isinstance(model.prices, list) else [ConditionalPrice(prices=model.prices)]
        keys = {key for each in dated for key, value in vars(each.prices).items() if value is not None}
        if {"input_mtok", "output_mtok"} <= keys <= BILLABLE and NAME.fullmatch(model.id):
            yield model


def tiers(model: ModelInfo) -> dict[str, dict[str, str]]:
    """Return the package's context for each tier: what the request said of its speed or service."""
    contexts = [variant.when for variant in model.price_variants or ()]
    if any(len(context) > 1 for context in contexts):
        raise ValueError(f"{model.id}: a price depends on two conditions at once")
    return {"standard": {}} | {tier: context for context in contexts for tier in context.values()}


def periods(model: ModelInfo, context: Mapping[str, str]) -> Iterator[tuple[date, date | None, ModelPrice]]:
    """Yield first day, day after the last and price of a tier, where it differs from the standard one."""
    for start, end in pairwise([*price_changes(model, context), None]):
        assert start is not None
        moment = datetime.combine(start, time())
        price = model.get_prices(moment, context)
        if not context or price != model.get_prices(moment):
            yield start, end, price


def price_changes(model: ModelInfo, context: Mapping[str, str]) -> list[date]:
    """Return the days from which a tier's price may be another."""
    constraints = [each.constraint for each in model.prices] if isinstance(model.prices, list) else []
    constraints += [variant.constraint for variant in model.price_variants or () if variant.when == context]
    days = {UNDATED}
    for constraint in constraints:
        if isinstance(constraint, StartDateConstraint):
            days.add(constraint.start_date)
        elif constraint is not None:
            raise ValueError(f"{model.id}: a price depends on more than the day")
    return sorted(days)


def limits(price: ModelPrice) -> list[int]:
    """Return the input sizes above which another price holds, 0 first."""
    tiered = [value for value in vars(price).values() if isinstance(value, TieredPrices)]
    return sorted({0, *(tier.start for value in tiered for tier in value.tiers)})


def price_row(
    provider: str,
    model: str,
    tier: str,
    start: date,
    end: date | None,
    above: int,
    price: ModelPrice,
    source: str,
) -> PriceRow:
    def usd(*keys: str, per: int = 1) -> str:
        values = [getattr(price, key) for key in keys]
        value = next((at_limit(value, above) for value in values if value is not None), None)
        return "" if value is None else f"{(value / per).normalize():f}"

    return PriceRow(
        provider,
        model,
        tier,
        start.isoformat(),
        end.isoformat() if end else "",
        str(above),
        input_usd_per_mtok=usd("input_mtok"),
        output_usd_per_mtok=usd("output_mtok"),
        cache_read_usd_per_mtok=usd("cache_read_mtok"),
        cache_write_5m_usd_per_mtok=usd("cache_write_5m_mtok", "cache_write_mtok"),
        cache_write_1h_usd_per_mtok=usd("cache_write_1h_mtok"),
        web_search_usd=usd("web_searches_kcount", per=1000),
        source=source,
    )


def at_limit(value: Decimal | TieredPrices, above: int) -> Decimal:
    """Return what a price is for inputs just above a limit."""
    if isinstance(value, Decimal):
        return value
    return next((tier.price for tier in reversed(value.tiers) if tier.start <= above), value.base)


def spellings(vendor: Provider) -> set[str]:
    """Return the names under which a vendor's models may be logged, without those that end in a plain date.

    They are what its match rules spell out, those with Claude's suffixes, and the dated snapshots that the
    package knows from any provider, with dashes in the date.
    """
    own, known = names_of([vendor]), names_of(get_snapshot().providers)
    suffixed = {name + suffix for name in own for suffix in CLAUDE_SUFFIXES if vendor.id == "anthropic"}
    dated = {SNAPSHOT_DATE.sub(r"-\1-\2-\3", name) for name in known if SNAPSHOT_DATE.search(name)}
    return {name for name in own | suffixed | dated if not PLAIN_DATE.search(name)}


def names_of(providers: Iterable[Provider]) -> set[str]:
    rules = [model.match for provider in providers for model in provider.models]
    return {name for rule in rules for name in spelled_out(rule)}


def spelled_out(rule: MatchLogic) -> Iterator[str]:
    """Yield the whole names that a match rule compares with, less any gateway's part before a slash."""
    match rule:
        case ClauseEquals(equals=text) | ClauseStartsWith(starts_with=text) | ClauseContains(contains=text):
            name = CUT_SHORT.sub("", text.rpartition("/")[2])
            if NAME.fullmatch(name):
                yield name
        case ClauseOr(or_=rules) | ClauseAnd(and_=rules):
            for each in rules:
                yield from spelled_out(each)


def write_csv(path: Path, header: Iterable[str], rows: Iterable[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    update(Path(__file__).parent)
