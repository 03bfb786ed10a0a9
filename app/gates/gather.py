"""All facts about one promotion, read in one snapshot.

Nothing is judged here: what is too old, badly bound or from the wrong person is still a
fact, and ``decide`` says what it means.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal, cast

from app.catalog import queries
from app.catalog.moments import read_time
from app.core.errors import Conflict, Missing
from app.core.events.envelope import version_of
from app.core.lineage.nodes import subject_of
from app.core.policy import facts as read
from app.core.policy.codec import Digest
from app.gates.evidence import attempts, bias_report, document, evaluation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.catalog import values
    from app.core.lineage.closure import Ancestry, Related, Status
    from app.gates.ports import Ancestors, Directory, ReviewsOf
    from app.ledger.snapshot import Snapshot

TRAINING = "train_set"
"""The role of datasets that a version is registered as trained on."""


@dataclass(frozen=True, slots=True)
class Gather:
    """Reads facts; holds what other rooms answer."""

    directory: Directory
    reviews_of: ReviewsOf
    ancestors: Ancestors

    def __call__(
        self,
        now: Snapshot,
        subject: str,
        environment: str,
        policies: Sequence[values.PolicyVersion],
        promotion: values.Promotion | None,
    ) -> read.Facts:
        """Read the facts about ``subject`` and ``environment``.

        ``promotion``: the open one, if there is one: its submitter and its reviews.
        Raises Missing if the model version is not registered.
        """
        connection = now.connection
        version = queries.model_version(connection, subject)
        model = queries.model(connection, version_of(subject)[1])
        if version is None or model is None:
            raise Missing(
                f"{subject} is not registered",
                remedy="register it with `muniment model version add`",
            )
        environments = queries.environments(connection)
        stages = queries.stages(connection, subject)
        ordered = () if environments is None else environments.names
        evaluations = queries.evaluations(connection, subject)
        predictions = queries.predictions(connection, subject)
        found = self.ancestors(connection, subject, now.size)
        lineage = self._lineage(connection, found)
        documents = queries.documents(
            connection, [subject, *(one.subject for one in lineage.ancestors)]
        )
        run = None if version.run is None else queries.run(connection, version.run)
        used = self._datasets(connection, evaluations, predictions)
        producers = self._producers(connection, [*evaluations, *predictions, *documents])
        measured, counted = attempts(evaluations), attempts(predictions)
        return read.Facts(
            subject=read.Subject(
                name=version.name,
                version=version.version,
                digest=Digest(version.digest),
                risk_tier=model.risk_tier,
                team=model.team,
            ),
            transition=read.Transition(environment, stage_below(ordered, stages, environment)),
            people=self._people(
                connection,
                version,
                _makers(connection, version, found),
                [*evaluations, *predictions, *documents],
                policies,
                promotion,
            ),
            environments=ordered,
            evidence=(
                *(
                    evaluation(one, used, producers, measured[one.created_index])
                    for one in evaluations
                ),
                *(
                    bias_report(one, used, producers, counted[one.created_index])
                    for one in predictions
                ),
                *(document(one, producers) for one in documents),
            ),
            lineage=read.Lineage(
                lineage.status,
                lineage.ancestors,
                _overlaps(connection, version, run, [*evaluations, *predictions]),
            ),
            reviews=() if promotion is None else self.reviews_of(connection, promotion.id),
            holders=self.directory.people(connection),
        )

    def _people(
        self,
        connection: Connection,
        version: values.ModelVersion,
        runs: Sequence[values.Run],
        evidence: Iterable[values.Evaluation | values.Predictions | values.Document],
        policies: Iterable[values.PolicyVersion],
        promotion: values.Promotion | None,
    ) -> read.People:
        """Name who had which part.

        ``runs``: those that made the version. Whoever owns or made a token that had a part,
        and the human who triggered a run, count as submitter, trainer and producer at once
        (decision 9).
        """
        human = {run.human for run in runs if run.human is not None}
        trainers = {version.actor, *(run.actor for run in runs)}
        trainers |= {run.finished_by for run in runs if run.finished_by is not None}
        submitters = set() if promotion is None else {promotion.submitter, promotion.actor}
        producers = {one.actor for one in evidence}
        editors = {who for one in policies for who in (one.actor, one.drafter)}
        actors = trainers | submitters | producers
        behind = self.directory.answerable(connection, actors | human | editors)

        def people(some: Iterable[str]) -> set[str]:
            return {person for one in some for person in behind.get(one, ())}

        machines = {one for one in actors if one not in behind.get(one, ())}
        every_part = people(machines | human)
        return read.People(
            submitters=tuple(sorted(people(submitters) | every_part)),
            trainers=tuple(sorted(people(trainers) | every_part)),
            evidence_producers=tuple(sorted(people(producers) | every_part)),
            policy_editors=tuple(sorted(people(editors))),
        )

    def _producers(
        self,
        connection: Connection,
        recorded: Sequence[values.Evaluation | values.Predictions | values.Document],
    ) -> Mapping[str, read.Producer]:
        actors = {one.actor: one.actor_kind for one in recorded}
        behind = self.directory.answerable(connection, actors)
        return {
            actor: read.Producer(
                actor,
                cast("Literal['person', 'service', 'workload']", kind),
                min(behind.get(actor, ()), default=None),
            )
            for actor, kind in actors.items()
        }

    def _datasets(
        self,
        connection: Connection,
        evaluations: Iterable[values.Evaluation],
        predictions: Iterable[values.Predictions],
    ) -> Mapping[str, values.DatasetVersion]:
        subjects = {one.dataset_version for one in evaluations}
        subjects |= {one.dataset_version for one in predictions}
        return {one.subject: one for one in queries.dataset_versions(connection, subjects)}

    def _lineage(self, connection: Connection, found: Ancestry) -> read.Lineage:
        origins = {
            name: one
            for one in found.ancestors
            if (name := subject_of(one.gid)) is not None and name.startswith("dataset/")
        }
        versions = {one.subject: one for one in queries.dataset_versions(connection, origins)}
        approvals: dict[str, list[values.Approval]] = {}
        for approval in queries.approvals(connection, versions):
            approvals.setdefault(approval.subject, []).append(approval)
        return read.Lineage(
            status=_status(found.status),
            ancestors=tuple(
                self._ancestor(connection, origins[name], version, approvals.get(name, []))
                for name, version in sorted(versions.items())
            ),
        )

    def _ancestor(
        self,
        connection: Connection,
        reached: Related,
        version: values.DatasetVersion,
        approvals: Sequence[values.Approval],
    ) -> read.Ancestor:
        dataset = queries.dataset(connection, version.name)
        standing = [one for one in approvals if one.revoked_index is None]
        status: Literal["approved", "revoked", "none"] = "none"
        if standing:
            status = "approved"
        elif approvals:
            status = "revoked"
        return read.Ancestor(
            subject=version.subject,
            digest=Digest(version.digest),
            depth=reached.distance,
            approval_status=status,
            licence=None if dataset is None else dataset.licence,
            approved_until=_latest_end(standing),
            why=tuple(
                read.Edge(edge.src, edge.type, edge.dst, edge.seq_from) for edge in reached.why
            ),
        )


def check_digest(subject: str, registered: str, claimed: str | None) -> None:
    """Refuse to decide about other bytes than those registered. Raises Conflict."""
    if claimed is not None and claimed != registered:
        raise Conflict(
            f"{subject} is registered with {registered}, not {claimed}",
            remedy="register the new artifact as a version of its own",
        )


def stage_below(environments: Sequence[str], stages: Iterable[str], environment: str) -> str | None:
    """Tell from where the version would come: the highest stage below ``environment``."""
    if environment not in environments:
        return None
    allowed = set(stages)
    below = environments[: environments.index(environment)]
    return next((one for one in reversed(below) if one in allowed), None)


def _makers(
    connection: Connection, version: values.ModelVersion, found: Ancestry
) -> tuple[values.Run, ...]:
    """Find the runs that made a version: the one that it names, and each that says it did."""
    before = (subject_of(one.gid) for one in found.ancestors if one.distance == 1)
    named = {version.run, *(one for one in before if one is not None and one.startswith("run/"))}
    runs = (queries.run(connection, one) for one in sorted(filter(None, named)))
    return tuple(one for one in runs if one is not None)


def _status(status: Status) -> Literal["complete", "truncated", "timeout"]:
    return status.value


def _latest_end(standing: Sequence[values.Approval]) -> datetime | None:
    """Tell when the last of the approvals ends; None if one has no end."""
    ends = [one.until for one in standing]
    if not ends or None in ends:
        return None
    return max(read_time(end) for end in ends if end is not None)


def _overlaps(
    connection: Connection,
    version: values.ModelVersion,
    run: values.Run | None,
    evidence: Iterable[values.Evaluation | values.Predictions],
) -> tuple[read.Overlap, ...]:
    """Count rows in common of every two roles that datasets were used in."""
    roles: dict[str, set[str]] = {TRAINING: set(version.trained_on)}
    for edge in () if run is None else run.inputs:
        if edge.subject.startswith("dataset/"):
            roles.setdefault(edge.role, set()).add(edge.subject)
    for one in evidence:
        if one.role is not None:
            roles.setdefault(one.role, set()).add(one.dataset_version)
    return tuple(
        read.Overlap((left, right), _shared(connection, roles[left], roles[right]))
        for left, right in combinations(sorted(roles), 2)
    )


def _shared(connection: Connection, left: Iterable[str], right: Iterable[str]) -> int | None:
    counts = [queries.rows_shared(connection, one, other) for one in left for other in right]
    if not counts or None in counts:
        return None
    return sum(one for one in counts if one is not None)
