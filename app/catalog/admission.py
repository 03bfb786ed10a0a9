"""What a client may say next: parents first, one meaning a version, legal steps.

A look before the sequencer alone always loses a race, so every rule that depends on what is
there hands the heads it depends on to the append (``Admission.expects``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from app.catalog import finding, release
from app.catalog.known import Known
from app.catalog.moments import read_time
from app.catalog.tables import DATASETS, DOCUMENTS, FINDINGS, MODELS, RUNS
from app.core.errors import (
    Conflict,
    Fault,
    FutureTime,
    ParentMissing,
    ReservedType,
    RoleMissing,
    SchemaMismatch,
)
from app.core.events import parse_event
from app.core.events.kinds import datasets as ds
from app.core.events.kinds import deployments as dp
from app.core.events.kinds import findings as fd
from app.core.events.kinds import models as md
from app.ledger import blobs
from app.ledger.ports import Admission
from app.ledger.sql_store import PAYLOADS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Select, Table

    from app.catalog.ports import TeamsOf
    from app.core.events import Actor, Said
    from app.settings import Clock

AHEAD = timedelta(seconds=30)
"""How far a client's clock may be ahead of ours."""

WHOLE, VERSION = (2,), (3,)
"""Parts of a subject: kind and name, or kind, name and version."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules for events that clients post (see ``app.ledger.ports.Admit``)."""

    clock: Clock
    teams_of: TeamsOf

    def __call__(
        self, connection: Connection, said: Said, earlier: Sequence[Said], actor: Actor
    ) -> Admission:
        """Look at one event. Raises Refusal where it may not be said.

        SchemaMismatch: the subject is not that of the data. RoleMissing: another team's.
        ParentMissing, Conflict, StaleDecision, FutureTime: it does not fit what is there.
        """
        known = self.known(connection, earlier, actor)
        match said.event:
            case ds.DatasetRegistered() | md.ModelRegistered():
                self._check_writes(known, actor, said.event.team)
                return _registered(known, said)
            case ds.DatasetVersionRegistered():
                self._check_team(known, actor, _of_kind(said, "dataset", VERSION))
                return _dataset_version(known, said, said.event)
            case md.ModelVersionRegistered():
                self._check_team(known, actor, _of_kind(said, "model", VERSION))
                return _model_version(known, said, said.event)
            case md.RunStarted():
                return _run_started(known, said, said.event)
            case md.RunFinished():
                return _run_finished(known, said, said.event)
            case md.EvaluationRecorded():
                _equal(said, said.event.model_version)
                self._check_team(known, actor, said.subject)
                return self._evaluation(known, said.event)
            case ds.DocumentRecorded():
                again = self.document(known, said, said.event, actor)
                _check_stored(known, said, said.event)
                return again
            case (
                dp.DeploymentStarted()
                | dp.DeploymentSucceeded()
                | dp.DeploymentFailed()
                | dp.DeploymentRolledBack()
                | dp.DeploymentRetired()
            ):
                _equal(said, f"deployment/{said.event.environment}/{said.event.name}")
                self._check_team(known, actor, said.event.model_version, "#/data/model_version")
                known.digest_of(said.event.model_version, "#/data/model_version")
                return release.admit(known, said, said.event, self.clock())
            case fd.FindingRaised() | fd.FindingReplied() | fd.FindingClosed():
                return self._finding(known, said, said.event, actor)
            case _:
                raise ReservedType(f"{said.event.TYPE} is recorded by the service alone")

    def known(self, connection: Connection, earlier: Sequence[Said], actor: Actor) -> Known:
        """Tell what is registered, as far as the actor may know."""
        return Known(connection, earlier, partial(self.teams_of, connection, actor))

    def document(
        self, known: Known, said: Said, event: ds.DocumentRecorded, actor: Actor
    ) -> Admission:
        """Admit a document of a dataset, a model or a version, wherever its file is."""
        kind = "model" if said.subject.startswith("model/") else "dataset"
        self._check_team(known, actor, _of_kind(said, kind, WHOLE + VERSION))
        if len(said.subject.split("/")) in VERSION:
            known.digest_of(said.subject, "#/subject")
        named = {"subject": said.subject, "kind": event.kind, "title": event.title}
        return Admission(recorded_at_index=_index(known, DOCUMENTS, {**named, "blob": event.blob}))

    def _finding(
        self,
        known: Known,
        said: Said,
        event: fd.FindingRaised | fd.FindingReplied | fd.FindingClosed,
        actor: Actor,
    ) -> Admission:
        """Admit a new finding, or what is said of an open one, unless it moves meanwhile."""
        _of_kind(said, "finding", WHOLE)
        finding.check_said(event)
        if isinstance(event, fd.FindingRaised):
            self._check_team(known, actor, event.about, "#/data/about")
            if event.about.count("/") > 1:
                known.digest_of(event.about, "#/data/about")
            return _new_or_same(known, said, _index(known, FINDINGS, {"id": finding.id_of(said)}))
        _once_in_batch(known, said)
        found = finding.raised(known, said)
        try:
            self._check_team(known, actor, found.about)
        except ParentMissing:  # it is about what is for another team alone
            raise finding.not_raised(said) from None
        return Admission(expects={said.subject: finding.head_of_open(found)})

    def _check_team(
        self, known: Known, actor: Actor, subject: str, pointer: str = "#/subject"
    ) -> None:
        self._check_writes(known, actor, known.team_of(subject, pointer))

    def _check_writes(self, known: Known, actor: Actor, team: str | None) -> None:
        """Check that the actor writes for the team; what has no team is everybody's."""
        teams = self.teams_of(known.connection, actor).writes if team is not None else None
        if teams is not None and team not in teams:
            raise RoleMissing(
                f"this belongs to the team {team}, and only its members write",
                remedy=f"ask an administrator for a role in the team {team}",
            )

    def _evaluation(self, known: Known, event: md.EvaluationRecorded) -> Admission:
        known.check_digest(event.model_version, event.model_digest, "#/data/model_digest")
        known.check_digest(event.dataset_version, event.dataset_digest, "#/data/dataset_digest")
        if event.measured_at is not None and read_time(event.measured_at) > self.clock() + AHEAD:
            raise FutureTime(
                "measured_at lies ahead of this service's clock",
                faults=[Fault("#/data/measured_at", "lies in the future")],
            )
        return Admission()


def _of_kind(said: Said, kind: str, parts: tuple[int, ...]) -> str:
    """Check the subject's kind and its number of parts."""
    given = said.subject.split("/")
    if given[0] != kind or len(given) not in parts:
        raise _wrong_subject(said, "what the schema's description names")
    return said.subject


def _equal(said: Said, subject: str) -> None:
    if said.subject != subject:
        raise _wrong_subject(said, f"{subject}, as the data says")


def _wrong_subject(
    said: Said, right: str = "what the schema's description names"
) -> SchemaMismatch:
    return SchemaMismatch(
        f"{said.event.TYPE} does not stand under {said.subject}",
        remedy=f"the subject is {right}",
        faults=[Fault("#/subject", "is not the subject of such an event")],
    )


def _registered(known: Known, said: Said) -> Admission:
    """Admit a dataset or model; the same again is the first one's receipt."""
    on_dataset = isinstance(said.event, ds.DatasetRegistered)
    _of_kind(said, "dataset" if on_dataset else "model", WHOLE)
    table = DATASETS if on_dataset else MODELS
    index = _index(known, table, {"name": said.subject.split("/")[1]})
    return _new_or_same(known, said, index)


def _dataset_version(known: Known, said: Said, event: ds.DatasetVersionRegistered) -> Admission:
    again = _same_digest(known, said, event.digest)
    for place, parent in enumerate(event.derived_from):
        known.digest_of(parent, f"#/data/derived_from/{place}")
    return again or Admission(expects={said.subject: None})


def _model_version(known: Known, said: Said, event: md.ModelVersionRegistered) -> Admission:
    again = _same_digest(known, said, event.artifact.digest)
    for place, parent in enumerate(event.trained_on):
        known.digest_of(parent, f"#/data/trained_on/{place}")
    if event.base_model is not None:
        known.digest_of(event.base_model, "#/data/base_model")
    if event.run is not None:
        known.check_run(event.run, "#/data/run")
    return again or Admission(expects={said.subject: None})


def _same_digest(known: Known, said: Said, digest: str) -> Admission | None:
    """Find the version's first receipt. Raises Conflict if it has another digest."""
    _once_in_batch(known, said)
    found = known.version(said.subject)
    if found is None:
        return None
    registered, index = found
    if registered != digest:
        raise Conflict(
            f"{said.subject} is registered with {registered}, and a version never changes",
            remedy="register these bytes as a new version",
        )
    return Admission(recorded_at_index=index)


def _run_started(known: Known, said: Said, event: md.RunStarted) -> Admission:
    _of_kind(said, "run", WHOLE)
    _check_edges(known, event.inputs, "inputs")
    return _new_or_same(known, said, _index(known, RUNS, {"subject": said.subject}))


def _run_finished(known: Known, said: Said, event: md.RunFinished) -> Admission:
    """Admit the end of a run that was started and has not ended."""
    _of_kind(said, "run", WHOLE)
    known.check_run(said.subject, "#/subject")
    _check_edges(known, event.inputs, "inputs")
    _once_in_batch(known, said)
    found = known.connection.execute(RUNS.select().where(RUNS.c.subject == said.subject)).first()
    if found is None or found.status == "running":
        return Admission(expects={said.subject: None if found is None else found.created_index})
    return _same_or_conflict(known.connection, said, found.changed_index)


def _check_edges(known: Known, edges: Sequence[md.RunEdge], member: str) -> None:
    """Check that inputs that are versions are registered, with the digest they name."""
    for place, edge in enumerate(edges):
        if edge.subject.startswith(("dataset/", "model/")):
            known.check_digest(edge.subject, edge.digest, f"#/data/{member}/{place}")


def _check_stored(known: Known, said: Said, event: ds.DocumentRecorded) -> None:
    if not blobs.exists(known.connection, event.blob):
        raise ParentMissing(
            f"no file with digest {event.blob} is stored",
            remedy=f"muniment document add {said.subject} FILE --kind {event.kind}",
            faults=[Fault("#/data/blob", "no such file is stored")],
        )


def _index(known: Known, table: Table, key: Mapping[str, str]) -> int | None:
    """Find the first row with these values, by the entry that brought it."""
    found: int | None = known.connection.execute(_first_with(table, *key), key).scalar()
    return found


@cache
def _first_with(table: Table, *names: str) -> Select[Any]:
    """Build the question once: asking it then costs a third."""
    where = [table.c[name] == bindparam(name) for name in names]
    return select(table.c.created_index).where(*where).order_by(table.c.created_index).limit(1)


def _new_or_same(known: Known, said: Said, index: int | None) -> Admission:
    _once_in_batch(known, said)
    if index is None:
        return Admission(expects={said.subject: None})
    return _same_or_conflict(known.connection, said, index)


def _once_in_batch(known: Known, said: Said) -> None:
    if known.said(said.subject, type(said.event)) is not None:
        raise Conflict(
            f"{said.subject} comes twice in this batch, as {said.event.TYPE}",
            remedy="say it once",
        )


def _same_or_conflict(connection: Connection, said: Said, index: int) -> Admission:
    """Compare with what entry ``index`` recorded of the same subject and type."""
    members = connection.execute(
        select(PAYLOADS.c.name, PAYLOADS.c.value).where(PAYLOADS.c.idx == index)
    )
    data = {row.name: json.loads(row.value) for row in members}
    if parse_event(said.event.TYPE, data) == said.event:
        return Admission(recorded_at_index=index)
    raise Conflict(
        f"{said.subject} is on record already, at entry {index}, and says something else",
        remedy=f"read it with `muniment event show {index}`; use another name for another thing",
    )
