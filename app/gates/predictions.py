"""Predictions come in, counts are recorded: the service counts, and keeps no row.

Counts that a client posts are recorded too, and marked as the client's.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import TYPE_CHECKING

from app.catalog import details, queries
from app.catalog.evidence import evidence_digest
from app.core.access import Permission
from app.core.errors import HeadMoved, Missing, Unavailable
from app.core.events import say
from app.core.events.decode import decode
from app.core.events.kinds.models import CellCounts, PredictionsRecorded
from app.core.fairness.assessment import BiasQuestion, DecideOn, IntervalKind, assess
from app.core.fairness.disparities import Metric
from app.core.fairness.rates import RateName, written
from app.core.fairness.tally import favourable_of, format_cells, parse_tally
from app.core.fairness.verdict import Op
from app.gates.counting import count

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction
    from pathlib import Path

    from app.core.fairness.assessment import GroupFinding, TableFinding
    from app.core.fairness.cells import Tally
    from app.core.jsonvalue import Json
    from app.gates.counting import CountingQuestion
    from app.ledger.idempotency import IdempotencyKey
    from app.ledger.record import Ledger
    from app.web.callers import Caller

TRIES = 8
CLIENT = "client"


@dataclass(frozen=True, slots=True)
class About:
    """What the predictions are of and on. ``role``: of the dataset, such as eval_set."""

    model_version: str
    dataset_version: str
    role: str | None = None
    measured_at: str | None = None


@dataclass(frozen=True, slots=True)
class PostedCells:
    """Counts as a client posts them."""

    attributes: tuple[str, ...]
    favourable_outcome: str
    cells: Sequence[Json]
    label: str | None = None
    positive_label: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What was recorded: the entry, the evidence's digest, and the counts."""

    index: int
    digest: str
    tables: list[Json]
    replayed: bool


@dataclass(frozen=True, slots=True)
class TakePredictions:
    """Counts uploads and records what they came to."""

    ledger: Ledger

    def upload(
        self,
        caller: Caller,
        about: About,
        path: Path,
        question: CountingQuestion,
        key: IdempotencyKey | None,
    ) -> Taken:
        """Count a file and record the counts.

        Raises Missing, and what ``counting.count`` refuses with.
        """
        self._digests(caller, about)  # refuse before minutes of counting
        counted = count(path, question)
        model_digest, dataset_digest = self._digests(caller, about)
        event = PredictionsRecorded(
            model_version=about.model_version,
            dataset_version=about.dataset_version,
            model_digest=model_digest,
            dataset_digest=dataset_digest,
            attributes=question.attributes,
            favourable_outcome=question.favourable_outcome,
            rows=counted.rows,
            cells=_cells(counted.tally),
            counted_by=counted.counted_by,
            label=question.label,
            positive_label=question.positive_label,
            threshold=counted.threshold,
            file_digest=counted.digest,
            role=about.role,
            measured_at=about.measured_at,
            notes=counted.notes,
        )
        return self._record(caller, event, counted.tally, key)

    def cells(
        self, caller: Caller, about: About, posted: PostedCells, key: IdempotencyKey | None
    ) -> Taken:
        """Record counts that the client made. Raises Missing, SchemaMismatch, EmptyGroup."""
        favourable = favourable_of(posted.favourable_outcome, posted.positive_label)
        tally = parse_tally(posted.attributes, posted.cells, favourable)
        model_digest, dataset_digest = self._digests(caller, about)
        event = PredictionsRecorded(
            model_version=about.model_version,
            dataset_version=about.dataset_version,
            model_digest=model_digest,
            dataset_digest=dataset_digest,
            attributes=posted.attributes,
            favourable_outcome=posted.favourable_outcome,
            rows=tally.n,
            cells=_cells(tally),
            counted_by=CLIENT,
            label=posted.label,
            positive_label=posted.positive_label,
            role=about.role,
            measured_at=about.measured_at,
        )
        return self._record(caller, event, tally, key)

    def _digests(self, caller: Caller, about: About) -> tuple[str, str]:
        """Find what both versions are registered with. Raises Missing, Forbidden."""
        with self.ledger.snapshot() as now:
            model = details.check_seen(now.connection, caller, about.model_version)
            caller.require(Permission.RECORD_EVIDENCE, subject=about.model_version, team=model.team)
            version = queries.model_version(now.connection, about.model_version)
            data = details.seen_data(now.connection, caller, about.dataset_version)
        if version is None:
            raise Missing(
                f"{about.model_version} is not registered", remedy="muniment model version add"
            )
        if data is None:
            raise Missing(
                f"{about.dataset_version} is not registered",
                remedy="muniment dataset version add",
            )
        return version.digest, data.digest

    def _record(
        self,
        caller: Caller,
        event: PredictionsRecorded,
        tally: Tally,
        key: IdempotencyKey | None,
    ) -> Taken:
        for _ in range(TRIES):
            with self.ledger.snapshot() as now:
                expects = now.heads([event.model_version, event.dataset_version])
            future = self.ledger.submit(
                [say(event.model_version, event)],
                caller.actor,
                source="api",
                expects=expects,
                key=key,
                resource=evidence_digest(event).removeprefix("sha256:"),
            )
            try:
                appended = future.result()
            except HeadMoved:
                continue
            return Taken(
                appended.receipts[0].index,
                f"sha256:{appended.resource}",
                tables_of_impact(tally),
                appended.replayed,
            )
        raise Unavailable("the model version keeps changing", retry_after=1)


def tables_of_impact(tally: Tally) -> list[Json]:
    """Show what was counted: a table for each attribute and each combination of them.

    Impact ratios are to the most selected group, with Miettinen-Nurminen intervals; counts
    of groups under 5 people are null, and so is every value that is not defined.
    """
    names = tally.attributes
    several = [group for size in range(2, len(names) + 1) for group in combinations(names, size)]
    question = BiasQuestion(
        metric=Metric.IMPACT_RATIO,
        op=Op.AT_LEAST,
        value=Decimal("0.8"),
        attributes=names,
        intersections=tuple(several),
        decide_on=DecideOn(IntervalKind.MIETTINEN_NURMINEN),
    )
    return [_table(one) for one in assess(tally, question).tables]


SMALLEST_SHOWN = 5


def _table(table: TableFinding) -> Json:
    return {
        "attributes": list(table.attributes),
        "groups": [_group(one) for one in table.groups],
        "n": table.n,
        "unknown": table.unknown,
        "notes": list(table.notes),
    }


def _group(one: GroupFinding) -> Json:
    document: dict[str, Json] = {"group": dict(one.group), "n": one.n, "eligible": one.eligible}
    if 0 < one.n < SMALLEST_SHOWN:
        return document | {
            "n": None,
            "selected": None,
            "selection_rate": None,
            "impact_ratio": None,
        }
    rate = next(each.rate for each in one.rates if each.name is RateName.FAVOURABLE)
    document["selected"] = rate.num
    document["selection_rate"] = {
        "num": rate.num,
        "den": rate.den,
        "value": _written(rate.value),
    }
    ratio = one.ratio
    document["impact_ratio"] = None
    if ratio is not None:
        interval = ratio.interval
        document["impact_ratio"] = {
            "num": ratio.num,
            "den": ratio.den,
            "value": _written(ratio.value),
            "low": None if interval is None else written(interval.low),
            "high": None if interval is None or interval.high is None else written(interval.high),
        }
    return document


def _written(value: Fraction | None) -> str | None:
    return None if value is None else written(value)


def _cells(tally: Tally) -> tuple[CellCounts, ...]:
    return tuple(decode(CellCounts, one) for one in format_cells(tally))
