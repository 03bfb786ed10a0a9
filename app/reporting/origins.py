"""Where a version comes from, as a report prints it: data, runs, why-paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.catalog import queries
from app.core.ledger.canonical import canonical
from app.core.ledger.times import parse_time
from app.core.lineage.closure import Status
from app.core.lineage.nodes import kind_of, subject_of
from app.core.lineage.relations import PROV
from app.core.report.facts import (
    ApprovalFacts,
    ColumnFacts,
    DatasetFacts,
    ModelFacts,
    RunFacts,
    VersionFacts,
)
from app.core.report.paths import LineageFacts, PathNode, SourceFacts
from app.identity.directory import People

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from app.catalog import values
    from app.core.jsonvalue import Json
    from app.core.lineage.closure import Related
    from app.core.lineage.relations import Edge
    from app.reporting.ports import Ancestors


def model_facts(one: values.Model) -> ModelFacts:
    return ModelFacts(
        subject=f"model/{one.name}",
        owner=one.owner,
        purpose=one.purpose,
        risk_tier=one.risk_tier,
        team=one.team,
        card=one.card,
        index=one.created_index,
    )


def version_facts(one: values.ModelVersion) -> VersionFacts:
    return VersionFacts(
        subject=one.subject,
        digest=one.digest,
        uri=one.uri,
        framework=one.framework,
        trained_on=one.trained_on,
        run=one.run,
        base_model=one.base_model,
        index=one.created_index,
    )


def runs(connection: Connection, subjects: Iterable[str], size: int) -> tuple[RunFacts, ...]:
    """Read runs that had started when the log had ``size`` entries, each once."""
    found = (queries.run(connection, subject) for subject in dict.fromkeys(subjects))
    return tuple(_run(one, size) for one in found if one and one.created_index < size)


def _run(one: values.Run, size: int) -> RunFacts:
    finished = one.changed_index if one.finished_at and one.changed_index < size else None
    ran_in = one.environment
    return RunFacts(
        subject=one.subject,
        kind=one.kind,
        started_at=parse_time(one.started_at),
        finished_at=parse_time(one.finished_at) if one.finished_at and finished else None,
        status=one.status if finished else None,
        code=None if one.code is None else _code(one.code.repo, one.code.commit, one.code.dirty),
        environment=()
        if ran_in is None
        else tuple(
            (name, str(value))
            for name in ("python", "packages", "image", "seed")
            if (value := getattr(ran_in, name)) is not None
        ),
        parameters=tuple(
            (name, _text(value)) for name, value in sorted((one.params or {}).items())
        ),
        index=one.created_index,
        finish=finished,
    )


def _code(repo: str, commit: str, dirty: bool) -> str:  # noqa: FBT001 - as recorded
    return f"{repo} at {commit}" + (", with changes not committed" if dirty else "")


def _text(value: Json) -> str:
    return value if isinstance(value, str) else canonical(value).decode()


def datasets(
    connection: Connection, subjects: Iterable[str], size: int
) -> tuple[DatasetFacts, ...]:
    """Read dataset versions registered among the first ``size`` entries, by their entry."""
    found = queries.dataset_versions(connection, subjects)
    return tuple(_dataset(connection, one, size) for one in found if one.created_index < size)


def _dataset(connection: Connection, one: values.DatasetVersion, size: int) -> DatasetFacts:
    dataset = queries.dataset(connection, one.name)
    if dataset is None:
        raise AssertionError(f"{one.subject} has no dataset")
    people = People(connection)
    return DatasetFacts(
        subject=one.subject,
        owner=dataset.owner,
        licence=dataset.licence,
        description=dataset.description,
        digest=one.digest,
        uri=one.uri,
        size=one.size,
        rows=one.rows,
        columns=tuple(ColumnFacts(each.name, each.type, each.tags) for each in one.columns),
        derived_from=one.derived_from,
        approvals=tuple(
            _approval(each, people, size)
            for each in queries.approvals(connection, [one.subject], size)
        ),
        index=one.created_index,
    )


def _approval(one: values.Approval, people: People, size: int) -> ApprovalFacts:
    ended = one.revoked_index
    return ApprovalFacts(
        role=one.role,
        approver=people.printed_name(one.approver) or one.approver,
        granted_at=parse_time(one.recorded_at),
        conditions=one.conditions,
        until=None if one.until is None else parse_time(one.until),
        index=one.created_index,
        revoked=ended if ended is not None and ended < size else None,
    )


def lineage(
    connection: Connection, ancestors: Ancestors, subjects: Sequence[str], size: int
) -> LineageFacts:
    """Ask what each subject comes from: one why-path each, to its farthest dataset version.

    A subject on the path of an earlier one has none of its own.
    """
    paths: list[tuple[PathNode, ...]] = []
    nearest: dict[str, Related] = {}
    told: set[str] = set()
    status = Status.COMPLETE
    for subject in subjects:
        found = ancestors(connection, subject, size)
        status = found.status if status is Status.COMPLETE else status
        for one in found.ancestors:
            if one.gid not in nearest or one.distance < nearest[one.gid].distance:
                nearest[one.gid] = one
        data = [one for one in found.ancestors if one.gid.startswith("dataset_version:")]
        if data and subject not in told:
            path = _path(max(data, key=lambda one: one.distance).why)
            told |= {node.label for node in path}
            paths.append(path)
    ordered = sorted(nearest.values(), key=lambda one: (one.distance, one.gid))
    return LineageFacts(
        paths=tuple(paths),
        sources=tuple(
            SourceFacts(_kind(one.gid), _label(one.gid), one.distance, _since(one))
            for one in ordered
        ),
        status=status.value,
    )


def _since(one: Related) -> int | None:
    """The entry that first relates the source to what came of it."""
    return one.why[0].seq_from if one.why else None


def _path(why: Sequence[Edge]) -> tuple[PathNode, ...]:
    """Turn edges from cause to effect into stops from effect to cause."""
    back = [*reversed(why)]
    stops = [PathNode(_kind(e.dst), _label(e.dst), PROV[e.type], e.seq_from) for e in back]
    cause = back[-1].src
    return (*stops, PathNode(_kind(cause), _label(cause), "", None))


def _kind(gid: str) -> str:
    return kind_of(gid).value.replace("_", " ")


def _label(gid: str) -> str:
    return subject_of(gid) or gid.partition(":")[2]
