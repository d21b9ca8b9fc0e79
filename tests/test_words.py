"""How charts and pages put numbers into words."""

import polars as pl
import pytest

from tracelab.charts.theme import time_domain
from tracelab.charts.words import duration, percent, population, shortened, spend, tokens


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"), (0.0004, "0.4 ms"), (0.9994, "999 ms"), (0.9996, "1.0 s"), (2, "2 s"), (4.24, "4.2 s"),
        (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.7, "1.0 min"), (3599, "1.0 h"),
        (86_399, "1.0 d"), (864_000_000, "10,000 d"),
    ],
)  # fmt: skip
def test_a_time_is_said_in_the_unit_that_it_rounds_to(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0"), (0.4, "0"), (999, "999"), (999.7, "1.0k"), (1000, "1k"), (9_960, "10k"), (999_499, "999k"),
        (999_700, "1.0M"), (5_440_000, "5.4M"), (999_700_000, "1.0G"), (1_300_000_000_000, "1,300G"),
    ],
)  # fmt: skip
def test_a_token_count_has_at_most_three_digits(number: float, said: str) -> None:
    assert tokens(number) == said


def test_a_share_of_nearly_a_tenth_has_no_decimal_that_a_tenth_has_not() -> None:
    assert [percent(share) for share in (0.0996, 0.1, 0.0994)] == ["10%", "10%", "9.9%"]


def test_a_long_name_keeps_its_end_which_tells_tools_of_a_server_apart() -> None:
    names = [f"mcp__playwright__browser_{what}" for what in ("click", "snapshot", "take_screenshot")]
    shown = [shortened(name, 25) for name in names]
    assert [name[-5:] for name in shown] == ["click", "pshot", "nshot"]
    assert {len(name) for name in shown} == {25}
    assert shortened("Bash", 25) == "Bash"


def test_no_price_is_no_amount() -> None:
    assert [spend(amount) for amount in (None, 0, 3.75)] == ["no price", "$0", "$3.75"]


@pytest.mark.parametrize("high_s", [0.3, 604_801.0, 1_037_000.0, 9_000_000.0])
def test_an_axis_of_time_reaches_the_threshold_below_which_everything_lies(high_s: float) -> None:
    whole_s = next(threshold for k in range(-48, 113) if (threshold := 10 ** (k / 16)) > high_s)
    assert time_domain(0.001, high_s)[1] >= whole_s


def test_the_days_of_a_picture_are_named_as_utc() -> None:
    def said(first_s: float, last_s: float) -> str:
        numbers = {"sessions": 1.0, "steps": 2.0, "first_at_epoch_s": first_s, "last_at_epoch_s": last_s}
        overview = pl.DataFrame({"name": list(numbers), "value": list(numbers.values())})
        return population(overview.with_columns(provider=pl.lit("all")))

    assert said(1_791_244_000, 1_791_245_000) == "1 session · 2 steps · 2026-10-05 to 2026-10-06 UTC"
    assert said(1_791_244_000, 1_791_244_799) == "1 session · 2 steps · 2026-10-05 UTC"
