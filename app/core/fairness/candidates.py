"""The rows of one table with their rates, and which of them are large enough to judge."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from app.core.fairness.disparities import DEFINITIONS
from app.core.fairness.findings import Measured
from app.core.fairness.intervals import wilson
from app.core.fairness.rates import rate
from app.core.fairness.verdict import Op, rounded

if TYPE_CHECKING:
    from app.core.fairness.cells import Favourable, Row, Table
    from app.core.fairness.question import BiasQuestion

SHOWN_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row, its rates in the metric's order, and whether it takes part.

    ``small``: has people, too few to judge. ``undefined``: has enough people, but one of
    its rates divides by nobody: nothing may be concluded as if the group were not there.
    """

    row: Row
    rates: tuple[Measured, ...]
    eligible: bool
    small: bool
    undefined: bool
    notes: tuple[str, ...]


def candidates_of(
    table: Table, favourable: Favourable, question: BiasQuestion
) -> tuple[Candidate, ...]:
    """Measure every row; none is left out."""
    everybody, level = table.n, level_of(question)
    return tuple(_candidate(row, favourable, question, everybody, level) for row in table.rows)


def level_of(question: BiasQuestion) -> float:
    """Take the level the rule decides on, else the one that intervals are shown at."""
    return float(question.decide_on.level) if question.decide_on else SHOWN_LEVEL


def badness(op: Op, value: Fraction | None) -> tuple[bool, Fraction]:
    """Sort key, worst first; a value that is undefined comes before all others."""
    if value is None:
        return False, Fraction(0)
    return True, value if op in (Op.AT_LEAST, Op.ABOVE) else -value


def _candidate(
    row: Row, favourable: Favourable, question: BiasQuestion, everybody: int, level: float
) -> Candidate:
    measured = tuple(
        Measured(name, taken, rounded(wilson(taken, level)))
        for name in DEFINITIONS[question.metric].rates
        for taken in (rate(name, row.counts, favourable),)
    )
    n = row.counts.n
    if not n:
        return Candidate(
            row, measured, eligible=False, small=False, undefined=False, notes=("nobody",)
        )
    notes: list[str] = []
    if n < question.min_group_n:
        notes.append(f"fewer than {question.min_group_n} people")
    if n < question.min_share * everybody:
        notes.append(f"under {question.min_share} of everybody")
    undefined = not notes and any(not m.rate.den for m in measured)
    notes += [
        f"{m.name}: {m.rate.den} people to divide by, fewer than {question.min_denominator}"
        for m in measured
        if m.rate.den < question.min_denominator
    ]
    return Candidate(
        row,
        measured,
        eligible=not notes,
        small=bool(notes) and not undefined,
        undefined=undefined,
        notes=tuple(notes),
    )
