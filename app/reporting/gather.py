"""Everything a model audit report tells, read in one snapshot at one size of the log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from app.catalog import queries
from app.catalog.reading import all_of, up_to
from app.catalog.tables import MODEL_VERSIONS
from app.catalog.values import ModelVersion
from app.core.errors import Missing
from app.core.ledger.canonical import canonical
from app.core.ledger.times import parse_time
from app.core.lineage.nodes import NodeKind
from app.core.report.decision import parse_decision
from app.core.report.facts import DecisionFacts, DocumentFacts, ReportFacts
from app.reporting.decided import deployments, promotions, reviews
from app.reporting.measured import bias_tables, evaluation
from app.reporting.origins import datasets, lineage, model_facts, runs, version_facts
from app.reporting.past import Past

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

    from app.catalog import values
    from app.core.report.paths import LineageFacts
    from app.ledger.snapshot import Snapshot
    from app.reporting.ports import Ancestors


@dataclass(frozen=True, slots=True)
class Scope:
    """What a report is about: a model, or one version of it where ``version`` is set."""

    model: str
    version: str | None

    @classmethod
    def parse(cls, subject: str) -> Scope:
        """Read ``model/<name>`` or ``model/<name>/<version>``. Raises Missing for others."""
        kind, _, rest = subject.partition("/")
        name, _, version = rest.partition("/")
        if kind != "model" or not name:
            raise Missing(
                f"a model-audit report is about a model, not about {subject[:100]!r}",
                remedy="name model/<name> or model/<name>/<version>",
            )
        return cls(name, version or None)


@dataclass(frozen=True, slots=True)
class Gather:
    """Reads facts. ``vkey``: the log's verifier key. ``generator``: name and version of this."""

    ancestors: Ancestors
    vkey: str
    generator: str

    def __call__(self, now: Snapshot, document_id: str, subject: str, size: int) -> ReportFacts:
        """Read what the first ``size`` entries tell of ``subject``.

        Raises Missing: it was not registered then. Unavailable: no checkpoint covers it yet.
        """
        connection, past = now.connection, Past(now, size)
        model, versions = _subject(connection, subject, size)
        position = past.position(self.vkey)
        names = [version.subject for version in versions]
        measured = _measured(connection, names, size)
        asked = _each(names, lambda name: queries.promotions(connection, name, size))
        steps = _each(names, lambda name: queries.deployment_steps(connection, name, size))
        placed = sorted({step.subject for step in steps})
        promoted = [f"promotion/{one.id}" for one in asked]
        ran = [version.run for version in versions if version.run]
        came_from = lineage(connection, self.ancestors, [*placed, *names], size)
        data = datasets(connection, _data(came_from, measured, versions), size)
        about = [f"model/{model.name}", *names, *(one.subject for one in data)]
        files = queries.documents(connection, about, size)
        happened = deployments(past, placed)
        facts = ReportFacts(
            document_id=document_id,
            scope=subject,
            as_of=now.entry(size - 1).recorded_at,
            generator=self.generator,
            log=position,
            entries=(),
            proofs=(),
            model=model_facts(model),
            versions=tuple(map(version_facts, versions)),
            runs=runs(connection, ran, size),
            datasets=data,
            evaluations=tuple(map(evaluation, measured.evaluations)),
            bias=tuple(table for one in measured.predictions for table in bias_tables(one)),
            promotions=promotions(past, asked, happened),
            decisions=tuple(_decision(one, measured, files) for one in measured.decisions),
            reviews=reviews(past, promoted, measured.decisions),
            deployments=happened,
            documents=tuple(map(_document, files)),
            lineage=came_from,
        )
        parents = [f"dataset/{one.subject.split('/')[1]}" for one in data]
        indexes = past.indexes_of([*about, *parents, *promoted, *placed, *ran])
        indexes |= {
            node.index for path in came_from.paths for node in path if node.index is not None
        }
        indexes |= {source.index for source in came_from.sources if source.index is not None}
        told = (facts.versions, facts.bias, facts.decisions, facts.reviews, facts.deployments)
        proven = {one.index for kind in told for one in kind}
        return replace(
            facts,
            entries=tuple(past.logged(index) for index in sorted(indexes | proven)),
            proofs=tuple(past.proof(index) for index in sorted(proven)),
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured and decided about versions, each in log order."""

    evaluations: tuple[values.Evaluation, ...]
    predictions: tuple[values.Predictions, ...]
    decisions: tuple[values.Decision, ...]


class _Recorded(Protocol):
    @property
    def created_index(self) -> int: ...


T = TypeVar("T", bound=_Recorded)


def _each(names: Iterable[str], ask: Callable[[str], Sequence[T]]) -> tuple[T, ...]:
    """Ask for every name, and bring the answers into the order of the log."""
    found = (one for name in names for one in ask(name))
    return tuple(sorted(found, key=lambda one: one.created_index))


def _measured(connection: Connection, names: Sequence[str], size: int) -> Measured:
    return Measured(
        _each(names, lambda name: queries.evaluations(connection, name, size)),
        _each(names, lambda name: queries.predictions(connection, name, size)),
        _each(names, lambda name: queries.decisions(connection, name, size)),
    )


def _data(
    came_from: LineageFacts, measured: Measured, versions: Iterable[ModelVersion]
) -> set[str]:
    """Name every dataset version that a version goes back to or was measured on."""
    used = {one.dataset_version for one in measured.evaluations}
    used |= {one.dataset_version for one in measured.predictions}
    used |= {name for version in versions for name in version.trained_on}
    kind = NodeKind.DATASET_VERSION.value.replace("_", " ")
    return used | {source.label for source in came_from.sources if source.kind == kind}


def _subject(
    connection: Connection, subject: str, size: int
) -> tuple[values.Model, tuple[ModelVersion, ...]]:
    """Find the model of ``subject`` and the versions it names, as of a size. Raises Missing."""
    scope = Scope.parse(subject)
    model = queries.model(connection, scope.model)
    versions = _versions(connection, scope, size)
    if model is None or model.created_index >= size or (scope.version and not versions):
        raise Missing(f"{subject} is not among the first {size} entries of the log")
    return model, versions


def _versions(connection: Connection, scope: Scope, size: int) -> tuple[ModelVersion, ...]:
    which = [MODEL_VERSIONS.c.name == scope.model, *up_to(MODEL_VERSIONS, size)]
    if scope.version is not None:
        which.append(MODEL_VERSIONS.c.version == scope.version)
    return all_of(connection, ModelVersion, MODEL_VERSIONS, *which)


def _decision(
    one: values.Decision, measured: Measured, files: Iterable[values.Document]
) -> DecisionFacts:
    digests = {each.digest: each.created_index for each in measured.evaluations}
    digests |= {each.digest: each.created_index for each in measured.predictions}
    digests |= {each.blob: each.created_index for each in files}
    return DecisionFacts(
        decision=parse_decision(one.decision, digests),
        environment=one.environment,
        promotion=None if one.promotion is None else f"promotion/{one.promotion}",
        recorded_at=parse_time(one.recorded_at),
        document=canonical(one.decision).decode(),
        index=one.created_index,
    )


def _document(one: values.Document) -> DocumentFacts:
    return DocumentFacts(
        subject=one.subject,
        kind=one.kind,
        title=one.title,
        digest=one.blob,
        size=one.size,
        media_type=one.media_type,
        index=one.created_index,
    )
