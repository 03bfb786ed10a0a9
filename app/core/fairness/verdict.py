"""A measured value against a threshold: three-way with an interval, exact without."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import isinf
from typing import TYPE_CHECKING, assert_never

from app.core.fairness.rates import decimal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal


class Op(StrEnum):
    """How a good value stands to the threshold."""

    AT_LEAST = ">="
    ABOVE = ">"
    AT_MOST = "<="
    BELOW = "<"


class Verdict(StrEnum):
    """What can be said.

    INCONCLUSIVE: the interval holds good and bad values. INCOMPLETE: there is no value.
    """

    PASS = "PASS"  # noqa: S105 - a verdict, no password
    INCONCLUSIVE = "INCONCLUSIVE"
    INCOMPLETE = "INCOMPLETE"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Interval:
    """``low`` <= truth <= ``high`` at the level asked; ``high`` None: no upper bound."""

    low: Decimal
    high: Decimal | None


def rounded(bounds: tuple[float, float] | None) -> Interval | None:
    """Round an interval as it is printed (9 places): what is judged is what is read."""
    if bounds is None:
        return None
    low, high = bounds
    return Interval(decimal(low), None if isinf(high) else decimal(high))


def holds(op: Op, value: Fraction | Decimal, threshold: Decimal) -> bool:
    """Whether ``value`` is good. Exact: 0.80 is not below 0.80."""
    measured, asked = Fraction(value), Fraction(threshold)
    match op:
        case Op.AT_LEAST:
            return measured >= asked
        case Op.ABOVE:
            return measured > asked
        case Op.AT_MOST:
            return measured <= asked
        case Op.BELOW:
            return measured < asked
        case _:
            assert_never(op)


def judge(op: Op, threshold: Decimal, value: Fraction | None, interval: Interval | None) -> Verdict:
    """Decide on ``interval``, or on ``value`` alone where the policy names no interval.

    PASS if every value of the interval is good, FAIL if none is, else INCONCLUSIVE.
    """
    if value is None:
        return Verdict.INCOMPLETE
    if interval is None:
        return Verdict.PASS if holds(op, value, threshold) else Verdict.FAIL
    low_holds = holds(op, interval.low, threshold)
    if interval.high is None:
        high_holds = op in (Op.AT_LEAST, Op.ABOVE)
    else:
        high_holds = holds(op, interval.high, threshold)
    if low_holds and high_holds:
        return Verdict.PASS
    if low_holds or high_holds:
        return Verdict.INCONCLUSIVE
    return Verdict.FAIL


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """FAIL before INCOMPLETE before INCONCLUSIVE before PASS; nothing at all is INCOMPLETE.

    INCOMPLETE outranks INCONCLUSIVE: a reviewer may decide a straddling interval, but not
    one that was never measured.
    """
    order = tuple(Verdict)
    return max(verdicts, key=order.index, default=Verdict.INCOMPLETE)
