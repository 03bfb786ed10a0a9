"""Two optional lines for readers of the Uniform Guidelines; no rule decides on them."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.fairness.rates import Rate

_EQUALLY_LIKELY = 1 + 1e-7


def standard_deviations(a: Rate, b: Rate) -> float | None:
    """How many standard deviations ``a`` lies above ``b`` under equal rates (pooled z).

    None where that says nothing: nobody in a group, or everybody decided alike.
    """
    n, selected = a.den + b.den, a.num + b.num
    if not (a.den and b.den) or selected in (0, n):
        return None
    pooled = selected / n
    spread = sqrt(pooled * (1 - pooled) * (1 / a.den + 1 / b.den))
    return (a.num / a.den - b.num / b.den) / spread


def fisher(a: Rate, b: Rate) -> float | None:
    """Two-sided exact p-value: all tables at most as likely as the one seen (1 + 1e-7).

    Walks outwards from the likeliest table, so that no factorial is formed; tables too
    unlikely for a float end the walk. None where a group has nobody.
    """
    if not (a.den and b.den):
        return None
    n, selected = a.den + b.den, a.num + b.num
    first, last = max(0, selected - b.den), min(a.den, selected)
    mode = (a.den + 1) * (selected + 1) // (n + 2)
    weights = {mode: 1.0}
    x = mode
    while x < last and weights[x]:
        up = (a.den - x) * (selected - x) / ((x + 1) * (b.den - selected + x + 1))
        weights[x + 1] = weights[x] * up
        x += 1
    x = mode
    while x > first and weights[x]:
        down = x * (b.den - selected + x) / ((a.den - x + 1) * (selected - x + 1))
        weights[x - 1] = weights[x] * down
        x -= 1
    seen = weights.get(a.num, 0.0) * _EQUALLY_LIKELY
    return sum(weight for weight in weights.values() if weight <= seen) / sum(weights.values())
