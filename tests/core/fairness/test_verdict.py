"""Three ways with an interval, two without, and none without a value."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import inf

import pytest

from app.core.fairness.verdict import Interval, Op, Verdict, holds, judge, rounded, worst

PASS, INCONCLUSIVE, INCOMPLETE, FAIL = Verdict


@pytest.mark.parametrize(
    ("op", "below", "equal", "above"),
    [
        (Op.AT_LEAST, False, True, True),
        (Op.ABOVE, False, False, True),
        (Op.AT_MOST, True, True, False),
        (Op.BELOW, True, False, False),
    ],
)
def test_a_point_meets_a_threshold_exactly(
    *, op: Op, below: bool, equal: bool, above: bool
) -> None:
    threshold = Decimal("0.80")
    hair = Fraction(1, 10**30)
    assert holds(op, Fraction(4, 5) - hair, threshold) is below
    assert holds(op, Fraction(4, 5), threshold) is equal
    assert holds(op, Fraction(4, 5) + hair, threshold) is above


def test_without_an_interval_the_point_decides() -> None:
    assert judge(Op.AT_LEAST, Decimal("0.8"), Fraction(4, 5), None) is PASS
    assert judge(Op.AT_LEAST, Decimal("0.8"), Fraction(3, 5), None) is FAIL


def test_without_a_value_nothing_is_concluded() -> None:
    interval = Interval(Decimal("0.9"), Decimal("0.95"))
    assert judge(Op.AT_LEAST, Decimal("0.8"), None, None) is INCOMPLETE
    assert judge(Op.AT_LEAST, Decimal("0.8"), None, interval) is INCOMPLETE


@pytest.mark.parametrize(
    ("op", "low", "high", "verdict"),
    [
        (Op.AT_LEAST, "0.80", "0.90", PASS),
        (Op.ABOVE, "0.80", "0.90", INCONCLUSIVE),
        (Op.AT_LEAST, "0.70", "0.80", INCONCLUSIVE),
        (Op.AT_LEAST, "0.70", "0.79", FAIL),
        (Op.AT_LEAST, "0.70", None, INCONCLUSIVE),
        (Op.ABOVE, "0.81", None, PASS),
        (Op.AT_MOST, "0.70", "0.80", PASS),
        (Op.AT_MOST, "0.80", "0.90", INCONCLUSIVE),
        (Op.BELOW, "0.80", "0.90", FAIL),
        (Op.AT_MOST, "0.81", "0.90", FAIL),
        (Op.AT_MOST, "0.10", None, INCONCLUSIVE),
        (Op.BELOW, "0.90", None, FAIL),
    ],
)
def test_an_interval_passes_or_fails_only_as_a_whole(
    op: Op, low: str, high: str | None, verdict: Verdict
) -> None:
    interval = Interval(Decimal(low), Decimal(high) if high else None)
    assert judge(op, Decimal("0.80"), Fraction(4, 5), interval) is verdict


def test_the_worst_verdict_speaks_and_nothing_checked_is_incomplete() -> None:
    assert worst([PASS, FAIL, INCOMPLETE, INCONCLUSIVE]) is FAIL
    assert worst([PASS, INCOMPLETE, INCONCLUSIVE]) is INCOMPLETE
    assert worst([PASS, INCONCLUSIVE]) is INCONCLUSIVE
    assert worst([PASS]) is PASS
    assert worst([]) is INCOMPLETE


def test_an_interval_is_judged_as_it_is_printed() -> None:
    assert rounded((0.79999999996, inf)) == Interval(Decimal("0.800000000"), None)
    assert rounded((0.1, 0.2)) == Interval(Decimal("0.1"), Decimal("0.2"))
    assert rounded(None) is None
