"""What the catalogue holds of a piece of evidence, in the form that decisions read."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

from app.catalog import values
from app.core.ledger.times import parse_time
from app.core.policy import facts as read
from app.core.policy.codec import Digest

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence


def _dataset(
    one: values.Evaluation | values.Predictions, used: Mapping[str, values.DatasetVersion]
) -> read.Dataset:
    registered = used[one.dataset_version]
    return read.Dataset(one.dataset_version, Digest(registered.digest), registered.rows, one.role)


def attempts(
    recorded: Sequence[values.Evaluation] | Sequence[values.Predictions],
) -> Mapping[int, int]:
    """Count how many were recorded before each, about the same model and data, by entry.

    ``recorded``: of one model version, in order.
    """
    seen: Counter[Hashable] = Counter()
    before: dict[int, int] = {}
    for one in recorded:
        asked: tuple[Hashable, ...] = ()
        if isinstance(one, values.Predictions):
            asked = (tuple(sorted(one.attributes)), one.label)
        key = (one.model_digest, one.dataset_digest, *asked)
        before[one.created_index] = seen[key]
        seen[key] += 1
    return before


def evaluation(
    one: values.Evaluation,
    used: Mapping[str, values.DatasetVersion],
    producers: Mapping[str, read.Producer],
    earlier: int,
) -> read.Evaluation:
    """Read numbers that a producer measured. ``earlier``: see ``attempts``."""
    return read.Evaluation(
        type="eval-report/v1",
        index=one.created_index,
        digest=Digest(one.digest),
        producer=producers[one.actor],
        measured_at=parse_time(one.measured_at),
        recorded_at=parse_time(one.recorded_at),
        model_digest=Digest(one.model_digest),
        dataset=_dataset(one, used),
        dataset_digest=Digest(one.dataset_digest),
        metrics=tuple(
            read.Measure(
                metric.name,
                Decimal(repr(metric.value)),
                metric.n,
                _bounds(metric.ci),
                metric.slice,
            )
            for metric in one.metrics
        ),
        earlier_attempts=earlier,
    )


def _bounds(ci: tuple[float, ...] | None) -> read.Bounds | None:
    if ci is None:
        return None
    return read.Bounds(Decimal(repr(ci[0])), Decimal(repr(ci[1])))


def bias_report(
    one: values.Predictions,
    used: Mapping[str, values.DatasetVersion],
    producers: Mapping[str, read.Producer],
    earlier: int,
) -> read.BiasReport:
    """Read counts. ``earlier``: see ``attempts``."""
    return read.BiasReport(
        type="bias-report/v1",
        index=one.created_index,
        digest=Digest(one.digest),
        producer=producers[one.actor],
        measured_at=parse_time(one.measured_at),
        recorded_at=parse_time(one.recorded_at),
        model_digest=Digest(one.model_digest),
        dataset=_dataset(one, used),
        dataset_digest=Digest(one.dataset_digest),
        attributes=one.attributes,
        favourable_outcome=one.favourable_outcome,
        rows=one.rows,
        cells=one.cells,
        label=one.label,
        positive_label=one.positive_label,
        computed_by="client" if one.file_digest is None else "service",
        earlier_attempts=earlier,
    )


def document(one: values.Document, producers: Mapping[str, read.Producer]) -> read.Document:
    """Read a document."""
    return read.Document(
        type="document/v1",
        index=one.created_index,
        digest=Digest(one.blob),
        producer=producers[one.actor],
        recorded_at=parse_time(one.recorded_at),
        subject=one.subject,
        document=one.kind,
        fields=one.fields,
    )
