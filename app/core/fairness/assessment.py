"""A bias question put to a tally. The names below are all that the policy room needs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.core.fairness.candidates import badness, candidates_of
from app.core.fairness.disparities import DEFINITIONS, Comparison
from app.core.fairness.findings import (
    BiasAssessment,
    Compared,
    GroupFinding,
    Measured,
    TableFinding,
)
from app.core.fairness.impact import impact_finding
from app.core.fairness.question import (
    Aggregate,
    BiasQuestion,
    DecideOn,
    IntervalKind,
    SmallGroup,
    check_question,
    interval_kind,
)
from app.core.fairness.spread import spread_finding
from app.core.fairness.tables import tables_of
from app.core.fairness.verdict import Verdict, worst

if TYPE_CHECKING:
    from app.core.fairness.cells import Table, Tally

__all__ = [
    "Aggregate",
    "BiasAssessment",
    "BiasQuestion",
    "Compared",
    "DecideOn",
    "GroupFinding",
    "IntervalKind",
    "Measured",
    "SmallGroup",
    "TableFinding",
    "assess",
    "check_question",
    "interval_kind",
]


def assess(tally: Tally, question: BiasQuestion) -> BiasAssessment:
    """Answer ``question`` from ``tally``.

    A table FAILs before it is INCOMPLETE: a disparity between groups that were measured is
    no smaller for those that were not. Among equal verdicts the worse value speaks.
    Raises SchemaMismatch: ``check_question``, or an attribute the tally does not have.
    """
    check_question(question)
    tables = tuple(
        _finding(table, tally, question)
        for table in tables_of(tally, question.attributes, question.intersections)
    )
    verdict = worst(table.verdict for table in tables)
    small = tuple(row.group for table in tables for row in table.groups if row.small)
    return BiasAssessment(
        question,
        tables,
        verdict,
        min(
            (table for table in tables if table.verdict is verdict),
            key=lambda table: badness(question.op, table.value),
        ),
        () if question.small_group is SmallGroup.IGNORE else small,
    )


def _finding(table: Table, tally: Tally, question: BiasQuestion) -> TableFinding:
    candidates = candidates_of(table, tally.favourable, question)
    if DEFINITIONS[question.metric].comparison is Comparison.IMPACT:
        finding = impact_finding(table, candidates, question)
    else:
        finding = spread_finding(table, candidates, question)
    verdicts, notes = [finding.verdict], list(finding.notes)
    if table.unknown.n > question.max_unknown_share * table.n:
        verdicts.append(Verdict.INCOMPLETE)
        notes.append(
            f"{table.unknown.n} of {table.n} people have no known {' and '.join(table.attributes)}"
        )
    if any(candidate.undefined for candidate in candidates):
        verdicts.append(Verdict.INCOMPLETE)
        notes.append(
            "a group large enough to judge has a rate without a denominator"
            if tally.labelled
            else "the metric needs labels, and the predictions were counted without"
        )
    if question.small_group is SmallGroup.DENY and any(c.small for c in candidates):
        verdicts.append(Verdict.FAIL)
        notes.append("the policy denies groups too small to judge")
    return replace(finding, verdict=worst(verdicts), notes=tuple(notes))
