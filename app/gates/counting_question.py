"""How to read a file of predictions: which columns, and what their values mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from app.core.errors import Fault, SchemaMismatch
from app.core.fairness.tally import ATTRIBUTE_LIMIT

if TYPE_CHECKING:
    from decimal import Decimal

CODES = {"0": "1", "1": "0"}
"""The two usual values of a decision, each with its opposite."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The decision is in ``column``, as one of two values."""

    column: str


@dataclass(frozen=True, slots=True)
class Score:
    """The decision is positive where ``column`` >= ``threshold``.

    Both are compared as binary floating point, in the column's own precision.
    """

    column: str
    threshold: Decimal


@dataclass(frozen=True, slots=True)
class AboveMedian:
    """Positive is a score strictly above the median of all rows (6 RCNY 5-300)."""

    column: str


Decided: TypeAlias = Prediction | Score | AboveMedian


@dataclass(frozen=True, slots=True)
class CountingQuestion:
    """How to read a file of predictions.

    ``attributes``: 1 to 3 columns; an empty or null value is unknown. ``label``: the column
    of what was true, every row filled. ``positive_label``: the value that predictions and
    labels call positive; default ``"1"`` where ``favourable_outcome`` is ``"0"`` or ``"1"``,
    else ``favourable_outcome``.
    """

    attributes: tuple[str, ...]
    favourable_outcome: str
    decided: Decided
    label: str | None = None
    positive_label: str | None = None


def check_question(question: CountingQuestion) -> None:
    """Refuse a question that no file answers.

    Raises SchemaMismatch pointing to the parameter: ``#/attributes/<i>``, ``#/label``,
    ``#/prediction``, ``#/score``, ``#/threshold`` or ``#/favourable_outcome``.
    """
    decided = question.decided
    if not 1 <= len(question.attributes) <= ATTRIBUTE_LIMIT:
        fault = f"1 to {ATTRIBUTE_LIMIT} attributes are counted together"
        raise SchemaMismatch(fault, faults=[Fault("#/attributes", fault)])
    named = [*question.attributes, decided.column]
    if question.label is not None:
        named.append(question.label)
    faults = [
        Fault(parameter_of(question, column), "a column has one meaning and is named once")
        for column in sorted(set(named))
        if named.count(column) > 1
    ]
    if isinstance(decided, Score) and not decided.threshold.is_finite():
        faults.append(Fault("#/threshold", "a threshold is a finite number"))
    positive = positive_value(question)
    if positive in CODES and question.favourable_outcome not in CODES:
        faults.append(Fault("#/favourable_outcome", f"neither {positive} nor {CODES[positive]}"))
    if faults:
        raise SchemaMismatch("the file cannot be counted as asked", faults=faults)


def positive_value(question: CountingQuestion) -> str:
    """Take the value that predictions and labels call positive."""
    if question.positive_label is not None:
        return question.positive_label
    return "1" if question.favourable_outcome in CODES else question.favourable_outcome


def parameter_of(question: CountingQuestion, column: str) -> str:
    """Point to the parameter that names ``column``."""
    if column in question.attributes:
        return f"#/attributes/{question.attributes.index(column)}"
    if column == question.label:
        return "#/label"
    return "#/prediction" if isinstance(question.decided, Prediction) else "#/score"
