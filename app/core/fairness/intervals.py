"""Confidence intervals in closed form or by bracketed root finding: no sampling.

Counts are whole numbers 0 <= x <= n; ``level`` is the coverage asked, 0 < level < 1. Where
a denominator is 0 there is no interval: None, never a number. Only + - x / and square root
touch the counts, which IEEE 754 rounds alike everywhere, so a verdict replays on any machine.
"""

from __future__ import annotations

from math import inf, log, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.fairness.rates import Rate

_NORMAL = NormalDist()
_CLOSE = 1e-15


def quantile(level: float) -> float:
    """Two-sided normal quantile of ``level``: 1.959963984540054 for 0.95."""
    return _NORMAL.inv_cdf(1 - (1 - level) / 2)


def wilson(rate: Rate, level: float) -> tuple[float, float] | None:
    """Score interval of one proportion, exact 0 and 1 at the ends.

    Source: Wilson, JASA 22 (1927), 209-212.
    """
    return _wilson(rate.num, rate.den, quantile(level)) if rate.den else None


def newcombe(a: Rate, b: Rate, level: float) -> tuple[float, float] | None:
    """Hybrid score interval of the difference ``a - b``.

    Source: Newcombe, Statistics in Medicine 17 (1998), 873-890, method 10.
    """
    if not (a.den and b.den):
        return None
    z = quantile(level)
    p, q = a.num / a.den, b.num / b.den
    (p_low, p_high), (q_low, q_high) = _wilson(a.num, a.den, z), _wilson(b.num, b.den, z)
    below = sqrt((p - p_low) ** 2 + (q_high - q) ** 2)
    above = sqrt((p_high - p) ** 2 + (q - q_low) ** 2)
    return p - q - below, p - q + above


def miettinen_nurminen(a: Rate, b: Rate, level: float) -> tuple[float, float] | None:
    """Score interval of the ratio ``a / b``: low >= 0, high may be ``inf`` (``b`` is 0).

    None where a denominator is 0, or both numerators are: 0 / 0 could be anything.
    Source: Miettinen and Nurminen, Statistics in Medicine 4 (1985), 213-226.
    """
    if not (a.den and b.den) or not (a.num or b.num):
        return None
    z = quantile(level)
    low = _ratio_bound(a, b, z) if a.num else 0.0
    high = 1 / _ratio_bound(b, a, z) if b.num else inf
    return low, high


def people_needed(rate: float, ratio: float, level: float) -> int:
    """Say about how many people per group show ``ratio`` (0 < ratio < 1) to be exceeded.

    ``rate``: of both groups alike, 0 < rate <= 1. Source: the log interval of Katz et al.,
    Biometrics 34 (1978), 469-474, solved for n at a true ratio of 1.
    """
    return round(2 * (1 - rate) / rate * (quantile(level) / log(ratio)) ** 2)


def _wilson(x: int, n: int, z: float) -> tuple[float, float]:
    p = x / n
    scale = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    reach = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale
    return (centre - reach if x else 0.0), (centre + reach if x < n else 1.0)


def _ratio_bound(a: Rate, b: Rate, z: float) -> float:
    """Lower bound of ``a / b``, ``a.num`` > 0: where the score statistic falls to ``z``.

    The statistic decreases in the ratio, from infinity at 0 to 0 at the estimate, so the
    root is bracketed. The upper bound of ``a / b`` is 1 over the lower one of ``b / a``.
    Source of the steps: the Illinois method, Dowell and Jarratt, BIT 11 (1971), 168-174.
    """
    low, over, high, under = 0.0, inf, 1.0, -z
    if b.num:
        high = a.num * b.den / (a.den * b.num)
    else:
        while (under := _score(a, b, high) - z) > 0:
            low, over, high = high, under, 2 * high
    moved = 0
    while high - low > _CLOSE * high:
        step = 0.5 if over == inf else over / (over - under)
        middle = low + step * (high - low)
        if not low < middle < high:
            middle = (low + high) / 2
        above = _score(a, b, middle) - z
        if above > 0:
            under = under / 2 if moved > 0 else under
            low, over, moved = middle, above, 1
        else:
            over = over / 2 if moved < 0 else over
            high, under, moved = middle, above, -1
    return high


def _score(a: Rate, b: Rate, ratio: float) -> float:
    """Score statistic of ``a / b = ratio``, its variance at the constrained maximum.

    The constrained rates ``p = ratio * q`` solve a quadratic. Its discriminant and the
    complements of p and q are written as sums of terms of one sign: the textbook form
    cancels to nothing when everybody is selected.
    """
    n, left_a, left_b = a.den + b.den, a.den - a.num, b.den - b.num
    from_a, from_b = ratio * (a.den + b.num), a.num + b.den
    linear = from_a + from_b
    root = sqrt((from_a - from_b) ** 2 + 4 * ratio * left_a * left_b)
    q = 2 * (a.num + b.num) / (linear + root)
    over_p, over_q = linear - 2 * n, linear - 2 * n * ratio
    not_p = 2 * (ratio - 1) * left_a / (root + over_p) if over_p > 0 else (root - over_p) / (2 * n)
    not_q = (
        2 * (1 - ratio) * left_b / (root + over_q)
        if over_q > 0
        else (root - over_q) / (2 * n * ratio)
    )
    variance = ratio * q * not_p / a.den + ratio * ratio * q * not_q / b.den
    return (a.num / a.den - ratio * b.num / b.den) / sqrt(variance * n / (n - 1))
