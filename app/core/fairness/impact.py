"""The impact ratio: each group's favourable rate over that of one reference group."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING

from app.core.fairness.candidates import badness, level_of
from app.core.fairness.findings import Compared, GroupFinding, TableFinding
from app.core.fairness.intervals import miettinen_nurminen, people_needed
from app.core.fairness.rates import Rate
from app.core.fairness.verdict import Op, holds, judge, rounded, worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.fairness.candidates import Candidate
    from app.core.fairness.cells import Table
    from app.core.fairness.question import BiasQuestion


def impact_finding(
    table: Table, candidates: Sequence[Candidate], question: BiasQuestion
) -> TableFinding:
    """Compare every row with the reference; the eligible ones decide.

    Each group has an interval of its own at the level asked, not adjusted for how many
    there are. The lowest verdict of a group is the table's.
    """
    named = _names(question, table)
    reference = _named(candidates, question) if named else _most_selected(candidates)
    rows = tuple(_group(candidate, reference, question) for candidate in candidates)
    judged = [row for row in rows if row.verdict is not None]
    verdict = worst(row.verdict for row in judged if row.verdict)
    lowest = min(
        (row for row in judged if row.verdict is verdict),
        key=lambda row: badness(question.op, row.ratio.value if row.ratio else None),
        default=None,
    )
    return TableFinding(
        attributes=table.attributes,
        groups=rows,
        n=table.n,
        unknown=table.unknown.n,
        reference=reference.row.group if reference else None,
        reference_named=named,
        value=lowest.ratio.value if lowest and lowest.ratio else None,
        interval=lowest.ratio.interval if lowest and lowest.ratio else None,
        group=lowest.group if lowest else None,
        against=reference.row.group if reference else None,
        pairs=1,
        verdict=verdict,
        flips=lowest.flips if lowest else False,
        needed=_needed(reference, question),
        notes=_notes(reference, judged, named=named),
    )


def _names(question: BiasQuestion, table: Table) -> bool:
    names = {name for name, _ in question.reference or ()}
    return names == set(table.attributes)


def _named(candidates: Sequence[Candidate], question: BiasQuestion) -> Candidate | None:
    """Find the reference the rule names, if it is large enough to compare with."""
    wanted = dict(question.reference or ())
    return next((c for c in candidates if dict(c.row.group) == wanted and c.eligible), None)


def _most_selected(candidates: Sequence[Candidate]) -> Candidate | None:
    """Take the highest rate among eligible groups; of equals the largest, then the first."""
    return max(
        (c for c in candidates if c.eligible),
        key=lambda c: (c.rates[0].rate.value or Fraction(0), c.row.counts.n),
        default=None,
    )


def _group(
    candidate: Candidate, reference: Candidate | None, question: BiasQuestion
) -> GroupFinding:
    ratio = _compared(candidate, reference, level_of(question)) if reference else None
    verdict, flips, shortfall = None, False, None
    if ratio and reference and candidate.eligible and candidate is not reference:
        interval = ratio.interval if question.decide_on else None
        verdict = judge(question.op, question.value, ratio.value, interval)
        own, other = candidate.rates[0].rate, reference.rates[0].rate
        flips = _flips(own, other, question)
        shortfall = _shortfall(own, other, question)
    return GroupFinding(
        group=candidate.row.group,
        n=candidate.row.counts.n,
        selected=candidate.row.counts.selected,
        rates=candidate.rates,
        ratio=ratio,
        eligible=candidate.eligible,
        small=candidate.small,
        verdict=verdict,
        flips=flips,
        shortfall=shortfall,
        notes=candidate.notes,
    )


def _compared(candidate: Candidate, reference: Candidate, level: float) -> Compared:
    own, other = candidate.rates[0].rate, reference.rates[0].rate
    num, den = _quotient(own, other)
    if not den or candidate is reference:
        return Compared(num, den, None)
    return Compared(num, den, rounded(miettinen_nurminen(own, other, level)))


def _quotient(own: Rate, other: Rate) -> tuple[int, int]:
    """Divide two rates without a division: numerator and denominator, not reduced."""
    return own.num * other.den, own.den * other.num


def _flips(own: Rate, other: Rate, question: BiasQuestion) -> bool:
    """Whether one person decided differently reverses the finding (UGESP Q&A 21)."""
    moved = [(Rate(own.num + step, own.den), other) for step in (-1, 1)]
    moved += [(own, Rate(other.num + step, other.den)) for step in (-1, 1)]
    possible = [(a, b) for a, b in moved if 0 <= a.num <= a.den and 0 < b.num <= b.den]
    num, den = _quotient(own, other)
    if not den:
        return False
    met = holds(question.op, Fraction(num, den), question.value)
    return any(
        holds(question.op, Fraction(*_quotient(a, b)), question.value) is not met
        for a, b in possible
    )


def _shortfall(own: Rate, other: Rate, question: BiasQuestion) -> int | None:
    num, den = _quotient(own, other)
    if question.op not in (Op.AT_LEAST, Op.ABOVE) or not den:
        return None
    if holds(question.op, Fraction(num, den), question.value):
        return None
    asked = Fraction(question.value) * Fraction(other.num, other.den) * own.den
    enough = ceil(asked) if question.op is Op.AT_LEAST else floor(asked) + 1
    return enough - own.num if enough <= own.den else None


def _needed(reference: Candidate | None, question: BiasQuestion) -> int | None:
    if reference is None or question.decide_on is None or question.value >= 1:
        return None
    taken = reference.rates[0].rate
    if not taken.num:
        return None
    return people_needed(taken.num / taken.den, float(question.value), level_of(question))


def _notes(
    reference: Candidate | None, judged: Sequence[GroupFinding], *, named: bool
) -> tuple[str, ...]:
    if reference is None:
        return (
            "the reference group is not there, or too small"
            if named
            else "no group is large enough to judge",
        )
    if not reference.rates[0].rate.num:
        return ("nobody selected",)
    if not judged:
        return ("a single group cannot be compared",)
    return ("compared with the reference that the policy names",) if named else ()
