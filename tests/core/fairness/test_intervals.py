"""Intervals against published values, 60-digit arithmetic, and the cases that have none."""

from __future__ import annotations

from decimal import Decimal, localcontext
from math import inf

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.core.fairness.intervals import (
    miettinen_nurminen,
    newcombe,
    people_needed,
    quantile,
    wilson,
)
from app.core.fairness.rates import Rate

LEVEL = 0.95
NAT_AM_WOMEN, WHITE_MEN, BLACK_MEN = Rate(7, 17), Rate(215, 412), Rate(95, 226)


def as_printed(bounds: tuple[float, float] | None, places: int) -> tuple[float, float]:
    assert bounds is not None
    return round(bounds[0], places), round(bounds[1], places)


def test_the_normal_quantile_is_the_textbook_one() -> None:
    assert quantile(0.95) == pytest.approx(1.959963984540054, rel=1e-15)


def test_wilson_of_seven_of_seventeen() -> None:
    assert as_printed(wilson(NAT_AM_WOMEN, LEVEL), 4) == (0.2161, 0.6399)


# Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3.
@pytest.mark.parametrize(
    ("x", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_newcombes_table_of_single_proportions(
    x: int, n: int, low: float, high: float
) -> None:
    assert as_printed(wilson(Rate(x, n), LEVEL), 4) == (low, high)


# Newcombe, Statistics in Medicine 17 (1998), 873-890, table II, method 10.
@pytest.mark.parametrize(
    ("a", "b", "low", "high"),
    [
        (Rate(56, 70), Rate(48, 80), 0.0524, 0.3339),
        (Rate(9, 10), Rate(3, 10), 0.1705, 0.8090),
        (Rate(5, 56), Rate(0, 29), -0.0381, 0.1926),
        (Rate(0, 10), Rate(0, 20), -0.1611, 0.2775),
        (Rate(10, 10), Rate(0, 20), 0.6791, 1.0000),
    ],
)
def test_newcombes_table_of_differences_is_reproduced(
    a: Rate, b: Rate, low: float, high: float
) -> None:
    assert as_printed(newcombe(a, b, LEVEL), 4) == (low, high)


def test_intervals_between_groups_of_the_local_law_144_example() -> None:
    assert as_printed(miettinen_nurminen(NAT_AM_WOMEN, WHITE_MEN, LEVEL), 3) == (0.411, 1.243)
    assert as_printed(miettinen_nurminen(BLACK_MEN, WHITE_MEN, LEVEL), 3) == (0.670, 0.959)
    assert as_printed(newcombe(BLACK_MEN, WHITE_MEN, LEVEL), 4) == (-0.1802, -0.0204)
    black, white = Rate(170, 390), Rate(412, 797)
    assert as_printed(miettinen_nurminen(black, white, LEVEL), 3) == (0.737, 0.959)
    women, men = Rate(555, 1181), Rate(667, 1390)
    assert as_printed(newcombe(women, men, LEVEL), 4) == (-0.0486, 0.0288)


def test_where_a_denominator_is_zero_there_is_no_interval() -> None:
    nobody, some = Rate(0, 0), Rate(1, 2)
    assert wilson(nobody, LEVEL) is None
    for interval in (newcombe, miettinen_nurminen):
        assert interval(nobody, some, LEVEL) is None
        assert interval(some, nobody, LEVEL) is None


def test_zero_over_zero_could_be_anything_and_has_no_interval() -> None:
    assert miettinen_nurminen(Rate(0, 30), Rate(0, 40), LEVEL) is None


def test_a_numerator_of_zero_has_a_lower_bound_of_exactly_zero() -> None:
    bounds = miettinen_nurminen(Rate(0, 30), Rate(20, 40), LEVEL)
    assert bounds is not None
    assert bounds[0] == 0
    assert 0 < bounds[1] < 1


def test_over_a_rate_of_zero_the_ratio_has_no_upper_bound() -> None:
    bounds = miettinen_nurminen(Rate(20, 40), Rate(0, 30), LEVEL)
    assert bounds is not None
    assert 1 < bounds[0] < inf
    assert bounds[1] == inf


def test_wilson_ends_exactly_at_nobody_and_everybody() -> None:
    none, everybody = wilson(Rate(0, 9), LEVEL), wilson(Rate(9, 9), LEVEL)
    assert none is not None
    assert everybody is not None
    assert none[0] == 0
    assert everybody[1] == 1
    assert none[1] == pytest.approx(1 - everybody[0])


def test_the_people_needed_to_clear_four_fifths() -> None:
    needed = [people_needed(rate, 0.8, LEVEL) for rate in (0.5, 0.3, 0.1, 0.05)]
    assert needed == [154, 360, 1389, 2932]


def exact_score(a: Rate, b: Rate, ratio: Decimal) -> Decimal:
    """Miettinen and Nurminen's statistic by the textbook formula, in 60 digits."""
    x, m, y, k = (Decimal(value) for value in (a.num, a.den, b.num, b.den))
    n = m + k
    linear = m * ratio + x + k + y * ratio
    q = (linear - (linear * linear - 4 * n * ratio * (x + y)).sqrt()) / (2 * n * ratio)
    p = q * ratio
    variance = (p * (1 - p) / m + ratio * ratio * q * (1 - q) / k) * n / (n - 1)
    return (x / m - ratio * y / k) / variance.sqrt()


rates = st.integers(1, 3_000_000).flatmap(
    lambda n: st.builds(Rate, st.integers(0, n) | st.sampled_from([0, 1, n - 1, n]), st.just(n))
)


@given(a=rates, b=rates, level=st.sampled_from([0.9, 0.95, 0.99, 1 - 0.05 / 91]))
def test_the_score_statistic_crosses_the_quantile_at_both_bounds(
    a: Rate, b: Rate, level: float
) -> None:
    bounds = miettinen_nurminen(a, b, level)
    assume(bounds is not None)
    assert bounds is not None
    with localcontext(prec=60):
        z = Decimal(quantile(level))
        hair = Decimal("1e-10")
        for bound, crossed in zip(bounds, (z, -z), strict=True):
            if 0 < bound < inf:
                middle = Decimal(bound)
                assert exact_score(a, b, middle * (1 - hair)) > crossed
                assert exact_score(a, b, middle * (1 + hair)) < crossed


@given(a=rates, b=rates)
def test_intervals_hold_the_estimate_and_turn_round_with_the_groups(a: Rate, b: Rate) -> None:
    p, q = a.num / a.den, b.num / b.den
    own = wilson(a, LEVEL)
    assert own is not None
    assert 0 <= own[0] <= p <= own[1] <= 1
    difference, reverse = newcombe(a, b, LEVEL), newcombe(b, a, LEVEL)
    assert difference is not None
    assert reverse is not None
    assert -1 <= difference[0] <= p - q <= difference[1] <= 1
    assert reverse == pytest.approx((-difference[1], -difference[0]), abs=1e-15)
    ratio = miettinen_nurminen(a, b, LEVEL)
    if ratio is not None and b.num:
        assert 0 <= ratio[0] <= p / q * (1 + 1e-15)
        assert p / q * (1 - 1e-15) <= ratio[1]
