"""What events about data, models, runs and evidence change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from app.catalog.evidence import evidence_digest
from app.catalog.moments import not_after, read_time
from app.catalog.tables import (
    APPROVALS,
    DATASET_VERSIONS,
    DATASETS,
    DOCUMENTS,
    EVALUATIONS,
    MODEL_VERSIONS,
    MODELS,
    PREDICTIONS,
    RUNS,
    as_text,
    from_text,
    maybe_text,
)
from app.catalog.writing import origin
from app.core.events.decode import encode
from app.core.events.envelope import version_of
from app.core.ledger.times import format_time

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from app.catalog.writing import Writing
    from app.core.events.kinds.datasets import (
        DatasetApprovalGranted,
        DatasetApprovalRevoked,
        DatasetRegistered,
        DatasetVersionRegistered,
        DocumentRecorded,
    )
    from app.core.events.kinds.models import (
        EvaluationRecorded,
        ModelRegistered,
        ModelVersionRegistered,
        PredictionsRecorded,
        RunEdge,
        RunFinished,
        RunStarted,
    )
    from app.ledger.ports import Recorded


def dataset(writing: Writing, one: Recorded, event: DatasetRegistered) -> None:
    row = {
        "name": one.entry.subject.removeprefix("dataset/"),
        "owner": event.owner,
        "licence": event.licence,
        "description": event.description,
        "team": event.team,
        "team_only": event.team_only,
        "labels": maybe_text(event.labels),
    }
    writing.add(DATASETS, row | origin(one))


def dataset_version(writing: Writing, one: Recorded, event: DatasetVersionRegistered) -> None:
    _, name, version = version_of(one.entry.subject)
    row = {
        "name": name,
        "version": version,
        "subject": one.entry.subject,
        "digest": event.digest,
        "uri": event.uri,
        "size": event.size,
        "rows": event.rows,
        "columns": as_text([encode(column) for column in event.schema.columns]),
        "derived_from": as_text(event.derived_from),
        "code": _maybe_value(event.code),
        "documentation": event.documentation,
        "row_fingerprints": maybe_text(event.row_fingerprints),
        "labels": maybe_text(event.labels),
        "occurred_at": format_time(one.entry.occurred_at),
    }
    writing.add(DATASET_VERSIONS, row | origin(one))


def approval(writing: Writing, one: Recorded, event: DatasetApprovalGranted) -> None:
    row = {
        "subject": one.entry.subject,
        "role": event.role,
        "approver": event.approver,
        "conditions": event.conditions,
        "until": None if event.until is None else format_time(read_time(event.until)),
        "revoked_index": None,
        "changed_index": one.index,
    }
    writing.add(APPROVALS, row | origin(one))


def approval_revoked(writing: Writing, one: Recorded, event: DatasetApprovalRevoked) -> None:
    named = APPROVALS.c.created_index == event.approval
    of_subject = APPROVALS.c.subject == one.entry.subject
    writing.flushed().execute(
        update(APPROVALS)
        .where(named, of_subject, APPROVALS.c.revoked_index.is_(None))
        .values(revoked_index=one.index, changed_index=one.index)
    )


def document(writing: Writing, one: Recorded, event: DocumentRecorded) -> None:
    row = {
        "subject": one.entry.subject,
        "kind": event.kind,
        "title": event.title,
        "blob": event.blob,
        "media_type": event.media_type,
        "size": event.size,
        "fields": maybe_text(event.fields),
        "labels": maybe_text(event.labels),
    }
    writing.add(DOCUMENTS, row | origin(one))


def model(writing: Writing, one: Recorded, event: ModelRegistered) -> None:
    row = {
        "name": one.entry.subject.removeprefix("model/"),
        "owner": event.owner,
        "purpose": event.purpose,
        "risk_tier": event.risk_tier,
        "team": event.team,
        "team_only": event.team_only,
        "card": event.card,
        "labels": maybe_text(event.labels),
    }
    writing.add(MODELS, row | origin(one))


def model_version(writing: Writing, one: Recorded, event: ModelVersionRegistered) -> None:
    _, name, version = version_of(one.entry.subject)
    row = {
        "name": name,
        "version": version,
        "subject": one.entry.subject,
        "digest": event.artifact.digest,
        "uri": event.artifact.uri,
        "framework": event.framework,
        "trained_on": as_text(event.trained_on),
        "run": event.run,
        "base_model": event.base_model,
        "signature": event.signature,
        "labels": maybe_text(event.labels),
        "occurred_at": format_time(one.entry.occurred_at),
    }
    writing.add(MODEL_VERSIONS, row | origin(one))


def run_started(writing: Writing, one: Recorded, event: RunStarted) -> None:
    row = {
        "subject": one.entry.subject,
        "kind": event.kind,
        "inputs": _edges(event.inputs),
        "outputs": "[]",
        "code": _maybe_value(event.code),
        "environment": _maybe_value(event.environment),
        "params": maybe_text(event.params),
        "human": event.human,
        "status": "running",
        "metrics": None,
        "cost": None,
        "started_at": format_time(one.entry.occurred_at),
        "finished_at": None,
        "finished_by": None,
        "changed_index": one.index,
    }
    writing.add(RUNS, row | origin(one))


def run_finished(writing: Writing, one: Recorded, event: RunFinished) -> None:
    """Complete the run; inputs that only the end names come after those of the start."""
    connection = writing.flushed()
    open_run = (RUNS.c.subject == one.entry.subject) & (RUNS.c.status == "running")
    found = connection.execute(RUNS.select().where(open_run)).first()
    if found is None:
        return
    begun = from_text(found.inputs)
    inputs = [*(begun if isinstance(begun, list) else []), *(encode(edge) for edge in event.inputs)]
    connection.execute(
        update(RUNS)
        .where(open_run)
        .values(
            inputs=as_text(inputs),
            outputs=_edges(event.outputs),
            status=event.status,
            metrics=maybe_text(event.metrics),
            cost=_maybe_value(event.cost),
            finished_at=format_time(one.entry.occurred_at),
            finished_by=one.entry.actor.id,
            changed_index=one.index,
        )
    )


def evaluation(writing: Writing, one: Recorded, event: EvaluationRecorded) -> None:
    row = {
        "metrics": as_text([encode(metric) for metric in event.metrics]),
        "producer": event.producer,
        "labels": maybe_text(event.labels),
    }
    writing.add(EVALUATIONS, row | _measured(one, event))


def predictions(writing: Writing, one: Recorded, event: PredictionsRecorded) -> None:
    row = {
        "attributes": as_text(event.attributes),
        "favourable_outcome": event.favourable_outcome,
        "rows": event.rows,
        "cells": as_text([encode(cell) for cell in event.cells]),
        "counted_by": event.counted_by,
        "label": event.label,
        "positive_label": event.positive_label,
        "threshold": event.threshold,
        "file_digest": event.file_digest,
        "notes": as_text(event.notes),
    }
    writing.add(PREDICTIONS, row | _measured(one, event))


def _measured(one: Recorded, event: EvaluationRecorded | PredictionsRecorded) -> dict[str, object]:
    """Give what both kinds of evidence have. It is never newer than its entry."""
    return origin(one) | {
        "digest": evidence_digest(event),
        "model_version": event.model_version,
        "dataset_version": event.dataset_version,
        "model_digest": event.model_digest,
        "dataset_digest": event.dataset_digest,
        "role": event.role,
        "measured_at": format_time(
            not_after(one.entry.recorded_at, event.measured_at, one.entry.occurred_at)
        ),
    }


def _edges(edges: tuple[RunEdge, ...]) -> str:
    return as_text([encode(edge) for edge in edges])


def _maybe_value(value: DataclassInstance | None) -> str | None:
    return None if value is None else as_text(encode(value))
