"""Rates are exact fractions; a rate of nobody has no value."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from app.core.fairness.cells import Confusion, Favourable, Selected
from app.core.fairness.rates import Rate, RateName, decimal, rate, written
from tests.core.fairness.published import COMPAS, COMPAS_ALL

POSITIVE, NEGATIVE = Favourable


@pytest.mark.parametrize(
    ("name", "num", "den"),
    [
        (RateName.SELECTION, 3, 10),
        (RateName.FAVOURABLE, 3, 10),
        (RateName.TRUE_POSITIVE, 1, 4),
        (RateName.FALSE_POSITIVE, 2, 6),
        (RateName.FALSE_NEGATIVE, 3, 4),
        (RateName.PRECISION, 1, 3),
        (RateName.ACCURACY, 5, 10),
    ],
)
def test_each_rate_divides_what_its_definition_says(name: RateName, num: int, den: int) -> None:
    assert rate(name, Confusion(tp=1, fp=2, fn=3, tn=4), POSITIVE) == Rate(num, den)


def test_only_the_favourable_rate_looks_at_which_outcome_is_wanted() -> None:
    counts = Selected(10, 3)
    assert rate(RateName.FAVOURABLE, counts, NEGATIVE) == Rate(7, 10)
    assert rate(RateName.SELECTION, counts, NEGATIVE) == Rate(3, 10)


def test_without_labels_no_label_rate_has_a_value() -> None:
    assert rate(RateName.TRUE_POSITIVE, Selected(10, 3), POSITIVE).value is None


def test_a_rate_of_nobody_has_no_value() -> None:
    assert Rate(0, 0).value is None
    assert Rate(0, 1).value == 0


@pytest.mark.parametrize(
    ("counts", "name", "published"),
    [
        (COMPAS_ALL, RateName.FALSE_POSITIVE, "0.3235"),
        (COMPAS_ALL, RateName.FALSE_NEGATIVE, "0.3740"),
        (COMPAS["African-American"], RateName.FALSE_POSITIVE, "0.4485"),
        (COMPAS["African-American"], RateName.FALSE_NEGATIVE, "0.2799"),
        (COMPAS["African-American"], RateName.PRECISION, "0.6297"),
        (COMPAS["Caucasian"], RateName.FALSE_POSITIVE, "0.2345"),
        (COMPAS["Caucasian"], RateName.FALSE_NEGATIVE, "0.4772"),
        (COMPAS["Caucasian"], RateName.PRECISION, "0.5913"),
    ],
)
def test_the_rates_of_the_compas_analysis_are_reproduced(
    counts: Confusion, name: RateName, published: str
) -> None:
    value = rate(name, counts, NEGATIVE).value
    assert value is not None
    # ProPublica cut 349/1488 = .23454 and 461/966 = .47723 as they stand here.
    assert written(value, 4) == published


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (Fraction(2, 3), 9, "0.666666667"),
        (Fraction(1, 8), 2, "0.12"),
        (Fraction(3, 8), 2, "0.38"),
        (Fraction(0), 9, "0.000000000"),
        (Fraction(-1, 10**12), 9, "0.000000000"),
        (Fraction(5, 4), 3, "1.250"),
        (Decimal("0.8"), 4, "0.8000"),
        (0.1, 17, "0.10000000000000001"),
        (Fraction(-1, 3), 3, "-0.333"),
        (Fraction(10**12), 2, "1000000000000.00"),
    ],
)
def test_values_are_written_half_even_from_the_exact_fraction(
    value: Fraction | Decimal | float, places: int, text: str
) -> None:
    assert written(value, places) == text


def test_rounding_is_to_nine_places_unless_asked_otherwise() -> None:
    assert decimal(Fraction(1, 3)) == Decimal("0.333333333")
