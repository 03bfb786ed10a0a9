"""The two optional lines, against values of others and against exact factorials."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from statsmodels.stats.proportion import proportions_ztest

from app.core.fairness.rates import Rate
from app.core.fairness.significance import fisher, standard_deviations

BLACK_MEN, WHITE_MEN = Rate(95, 226), Rate(215, 412)


def test_two_groups_of_the_local_law_144_example() -> None:
    z, p = standard_deviations(BLACK_MEN, WHITE_MEN), fisher(BLACK_MEN, WHITE_MEN)
    assert z is not None
    assert p is not None
    assert round(z, 2) == -2.45
    assert round(p, 4) == 0.0163


def exact_fisher(a: Rate, b: Rate) -> float:
    n, selected = a.den + b.den, a.num + b.num
    tables = [
        comb(a.den, x) * comb(b.den, selected - x)
        for x in range(max(0, selected - b.den), min(a.den, selected) + 1)
    ]
    seen = comb(a.den, a.num) * comb(b.den, b.num)
    return float(Fraction(sum(one for one in tables if one <= seen), comb(n, selected)))


@pytest.mark.parametrize(
    ("a", "n", "b", "m"),
    [
        (3, 10, 9, 12),
        (0, 10, 9, 12),
        (10, 10, 3, 12),
        (1, 1, 1, 2),
        (400, 1000, 390, 1000),
        (500, 1000, 100, 1000),
        (9000, 10_000, 1, 10),
    ],
)
def test_both_lines_agree_with_factorials_and_statsmodels(a: int, n: int, b: int, m: int) -> None:
    p = fisher(Rate(a, n), Rate(b, m))
    assert p == pytest.approx(exact_fisher(Rate(a, n), Rate(b, m)), rel=1e-9)
    z = standard_deviations(Rate(a, n), Rate(b, m))
    assert z == pytest.approx(proportions_ztest([a, b], [n, m])[0], rel=1e-12)


def test_where_everybody_was_decided_alike_nothing_can_differ() -> None:
    assert standard_deviations(Rate(0, 5), Rate(0, 7)) is None
    assert standard_deviations(Rate(5, 5), Rate(7, 7)) is None
    assert fisher(Rate(0, 5), Rate(0, 7)) == 1
    assert fisher(Rate(5, 5), Rate(7, 7)) == 1


def test_against_nobody_there_is_no_line() -> None:
    for a, b in ((Rate(0, 0), Rate(1, 2)), (Rate(1, 2), Rate(0, 0))):
        assert standard_deviations(a, b) is None
        assert fisher(a, b) is None


def test_tables_too_unlikely_for_a_float_have_a_probability_of_zero() -> None:
    assert fisher(Rate(50_000, 100_000), Rate(10_000, 100_000)) == 0
