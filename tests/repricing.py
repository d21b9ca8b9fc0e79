"""Steps priced anew by the genai-prices package, to hold against what the marts say they cost."""

import math
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import NamedTuple

import duckdb
import genai_prices
from genai_prices.types import PriceCalculation

from seeds.update_model_prices import VENDORS


class Step(NamedTuple):
    """The columns of a step, or of a call behind it, that decide its cost."""

    provider: str
    model: str | None
    day: date
    tier: str = "standard"
    prefix_tokens: int = 50_000
    append_tokens: int = 3_000
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 700
    web_searches: int = 0


class Cost(NamedTuple):
    """What a step costs, in USD: in all, its three parts, and its searches apart; None where unpriced."""

    total: Decimal | None
    append: Decimal | None
    prefix: Decimal | None
    output: Decimal | None
    web: Decimal | None


class Built(NamedTuple):
    """A step of a built warehouse, and what the marts say it costs."""

    message_id: str
    step: Step
    cost: Cost


_STEPS = """
with
    metered as (
        select
            *,
            if(speed = 'fast', 'fast', coalesce(service_tier, 'standard')) as tier,
            coalesce(last_output_at, last_event_at, '9999-12-31')::date as priced_on
        from steps
        where input_tokens is not null
    )
select
    message_id,
    (
        provider, model, priced_on, tier, prefix_tokens, append_tokens, coalesce(cache_write_tokens, 0),
        coalesce(cache_write_1h_tokens, 0), coalesce(output_tokens, 0), web_searches
    ),
    (cost_usd, append_cost_usd, prefix_cost_usd, output_cost_usd, web_cost_usd)
from metered
qualify
    row_number() over (
        partition by
            provider, model, tier, priced_on, context_tokens > 200000,
            cache_write_1h_tokens > 0, web_searches > 0
        order by md5(step_id || 'a seed')
    )
    <= $most
order by step_id
"""

_CALLS_BEHIND = """
select
    any_value(extra_cost_usd),
    list(
        (
            calls.provider, calls.model, coalesce(last_output_at, last_event_at, '9999-12-31')::date,
            if(speed = 'fast', 'fast', coalesce(service_tier, 'standard')), calls.prefix_tokens,
            calls.append_tokens, coalesce(calls.cache_write_tokens, 0),
            coalesce(calls.cache_write_1h_tokens, 0), calls.output_tokens, 0
        )
    )
from staging.stg_extra_calls as calls
inner join steps using (step_id)
group by step_id
"""


def built_steps(warehouse: duckdb.DuckDBPyConnection, most: int = 5) -> list[Built]:
    """Return a seeded sample of the metered steps: of every model, tier, day and size so many."""
    rows = warehouse.execute(_STEPS, {"most": most}).fetchall()
    return [Built(message_id, Step(*step), Cost(*cost)) for message_id, step, cost in rows]


def mispriced(built: list[Built]) -> list[tuple[Built, Cost]]:
    """Return the priced steps of which any cost is not the package's to 1e-9, with the package's."""
    priced = [(each, package_cost(each.step)) for each in built if each.cost.total is not None]
    return [(each, theirs) for each, theirs in priced if not agree(each.cost, theirs)]


def calls_behind(warehouse: duckdb.DuckDBPyConnection) -> list[tuple[Decimal | None, Decimal | None]]:
    """Return what the calls behind each step cost, ours and the package's; None where a call has no model."""
    rows = warehouse.execute(_CALLS_BEHIND).fetchall()
    return [(cost, _total([Step(*call) for call in calls])) for cost, calls in rows]


def _total(calls: list[Step]) -> Decimal | None:
    if not all(call.model for call in calls):
        return None
    return sum((package_cost(call).total for call in calls), Decimal(0))


def agree(ours: Cost, theirs: Cost) -> bool:
    """Say whether two costs are the same to 1e-9 in all and in each part.

    The package bills nothing for searches of a model without a price for them; to us that is unknown.
    """
    web_is_unknown = ours.web is None and not theirs.web
    return all(map(same, ours[:-1], theirs[:-1])) and (web_is_unknown or same(ours.web, theirs.web))


def same(ours: Decimal | None, theirs: Decimal | None) -> bool:
    """Say whether two amounts are the same to 1e-9, or both unknown."""
    if ours is None or theirs is None:
        return ours is theirs
    return math.isclose(ours, theirs, rel_tol=1e-9)


def package_cost(step: Step) -> Cost:
    """Return what a step costs by the package.

    The package tells input and output apart, not the parts of the input: the part read from the cache is its
    share of an input of the same size that is read whole.
    """
    size = step.prefix_tokens + step.append_tokens
    priced = _priced(
        step,
        input_tokens=size,
        cache_read_tokens=step.prefix_tokens,
        cache_write_tokens=step.cache_write_tokens,
        cache_write_1h_tokens=step.cache_write_1h_tokens,
        output_tokens=step.output_tokens,
    )
    read_whole = _priced(step, input_tokens=size, cache_read_tokens=size).input_price
    prefix = read_whole * step.prefix_tokens / size if size else Decimal(0)
    web = _priced(step, web_searches=step.web_searches).total_price if step.web_searches else Decimal(0)
    return Cost(priced.total_price, priced.input_price - prefix, prefix, priced.output_price, web)


def _priced(step: Step, **counts: int) -> PriceCalculation:
    return genai_prices.calc_price(
        genai_prices.Usage(**counts),
        step.model or "",
        provider_id=VENDORS[step.provider],
        genai_request_timestamp=datetime.combine(step.day, time(23, 59), UTC),
        price_context={"service_tier": step.tier, "speed": step.tier, "processing": step.tier},
    )
