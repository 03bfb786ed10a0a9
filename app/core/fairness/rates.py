"""Rates as exact fractions of counts, and how they are written."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, assert_never

from app.core.fairness.cells import Confusion, Favourable, Selected

if TYPE_CHECKING:
    from app.core.fairness.cells import Counts

PLACES = 9


class RateName(StrEnum):
    """What is divided by what; ``favourable_rate`` alone looks at the favourable outcome."""

    FAVOURABLE = "favourable_rate"
    SELECTION = "selection_rate"
    TRUE_POSITIVE = "true_positive_rate"
    FALSE_POSITIVE = "false_positive_rate"
    FALSE_NEGATIVE = "false_negative_rate"
    PRECISION = "positive_predictive_value"
    ACCURACY = "accuracy"


@dataclass(frozen=True, slots=True)
class Rate:
    """``num`` of ``den`` people, 0 <= num <= den; no value where ``den`` is 0."""

    num: int
    den: int

    @property
    def value(self) -> Fraction | None:
        return Fraction(self.num, self.den) if self.den else None


def rate(name: RateName, counts: Counts, favourable: Favourable) -> Rate:
    """Take one rate of ``counts``; without labels the label rates are 0 of 0."""
    if name is RateName.FAVOURABLE:
        wanted = counts.selected
        return Rate(wanted if favourable is Favourable.POSITIVE else counts.n - wanted, counts.n)
    if name is RateName.SELECTION:
        return Rate(counts.selected, counts.n)
    match counts:
        case Confusion():
            return _labelled_rate(name, counts)
        case Selected():
            return Rate(0, 0)
        case _:
            assert_never(counts)


def _labelled_rate(name: RateName, c: Confusion) -> Rate:
    match name:
        case RateName.TRUE_POSITIVE:
            return Rate(c.tp, c.tp + c.fn)
        case RateName.FALSE_POSITIVE:
            return Rate(c.fp, c.fp + c.tn)
        case RateName.FALSE_NEGATIVE:
            return Rate(c.fn, c.tp + c.fn)
        case RateName.PRECISION:
            return Rate(c.tp, c.tp + c.fp)
        case _:
            return Rate(c.tp + c.tn, c.n)


def decimal(value: Fraction | float, places: int = PLACES) -> Decimal:
    """Round half-even to ``places`` decimals, from the exact value (decisions 16)."""
    return Decimal(round(Fraction(value) * 10**places)).scaleb(-places)


def written(value: Fraction | Decimal | float, places: int = PLACES) -> str:
    """Write with exactly ``places`` decimals, half-even: ``"0.798462415"``, never ``-0``."""
    return f"{decimal(Fraction(value), places):f}"
