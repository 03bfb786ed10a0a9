"""What was measured of a version, as a report prints it."""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations
from typing import TYPE_CHECKING

from app.core.events.decode import encode
from app.core.fairness.assessment import BiasQuestion, DecideOn, IntervalKind, assess
from app.core.fairness.disparities import Metric
from app.core.fairness.rates import written
from app.core.fairness.tally import favourable_of, parse_tally
from app.core.fairness.verdict import Op
from app.core.ledger.times import parse_time
from app.core.report.facts import BiasTable, EvaluationFacts, GroupFacts, MetricFacts

if TYPE_CHECKING:
    from app.catalog import values
    from app.core.fairness.findings import GroupFinding, TableFinding

METHOD = "Miettinen-Nurminen score, level 0.95"
SHOWN_WITH = DecideOn(IntervalKind.MIETTINEN_NURMINEN)
SHOWN_AGAINST = Decimal("0.8")
"""A question needs a threshold; nothing of what it decides is shown."""


def evaluation(one: values.Evaluation) -> EvaluationFacts:
    return EvaluationFacts(
        model_version=one.model_version,
        dataset_version=one.dataset_version,
        role=one.role,
        producer=one.producer,
        measured_at=parse_time(one.measured_at),
        metrics=tuple(
            MetricFacts(
                name=metric.name,
                value=repr(metric.value),
                n=metric.n,
                low=repr(metric.ci[0]) if metric.ci else None,
                high=repr(metric.ci[1]) if metric.ci else None,
                slice=metric.slice,
            )
            for metric in one.metrics
        ),
        index=one.created_index,
    )


def bias_tables(one: values.Predictions) -> tuple[BiasTable, ...]:
    """Return one table per attribute and per intersection of what was counted."""
    favourable = favourable_of(one.favourable_outcome, one.positive_label)
    tally = parse_tally(one.attributes, [encode(cell) for cell in one.cells], favourable)
    attributes = tally.attributes
    question = BiasQuestion(
        metric=Metric.IMPACT_RATIO,
        op=Op.AT_LEAST,
        value=SHOWN_AGAINST,
        attributes=attributes,
        intersections=tuple(
            names
            for many in range(2, len(attributes) + 1)
            for names in combinations(attributes, many)
        ),
        decide_on=SHOWN_WITH,
    )
    return tuple(_table(one, table) for table in assess(tally, question).tables)


def _table(one: values.Predictions, table: TableFinding) -> BiasTable:
    return BiasTable(
        model_version=one.model_version,
        dataset_version=one.dataset_version,
        attributes=table.attributes,
        favourable_outcome=one.favourable_outcome,
        groups=tuple(_group(row, reference=row.group == table.reference) for row in table.groups),
        unknown=table.unknown,
        notes=(*one.notes, *table.notes),
        method=METHOD,
        measured_at=parse_time(one.measured_at),
        index=one.created_index,
    )


def _group(row: GroupFinding, *, reference: bool) -> GroupFacts:
    rate, ratio = row.rates[0].rate, row.ratio
    interval = None if ratio is None else ratio.interval
    return GroupFacts(
        group=row.group,
        n=row.n,
        selected=rate.num,
        impact=None if ratio is None else (ratio.num, ratio.den),
        low=None if interval is None else written(interval.low),
        high=None if interval is None or interval.high is None else written(interval.high),
        eligible=row.eligible,
        reference=reference,
    )
