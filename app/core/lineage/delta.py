"""What each event adds to the graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from app.core.events.kinds import (
    datasets,
    decisions,
    deployments,
    findings,
    models,
    people,
    records,
)
from app.core.ledger.times import format_time
from app.core.lineage.nodes import gid_of, revision_gid
from app.core.lineage.relations import FOREVER, OPEN, Edge, RelationType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from app.core.events import Event


@dataclass(frozen=True, slots=True)
class GraphDelta:
    """``nodes``: gids that the event names. ``opened``: edges it claims, open at both ends.

    What an opened edge ends (the revision that was live before) follows from the edges
    believed so far: ``beliefs.revise``.
    """

    nodes: tuple[str, ...] = ()
    opened: tuple[Edge, ...] = ()


@dataclass(frozen=True, slots=True)
class _Flow:
    src: str
    dst: str
    type: RelationType
    role: str = ""


def delta(event: Event, subject: str, index: int, occurred_at: datetime) -> GraphDelta:
    """Say what the event at entry ``index`` adds; most events add nothing.

    Depends on nothing but its arguments and refuses nothing. ``occurred_at``: aware.
    """
    at = format_time(occurred_at)
    node = gid_of(subject)
    match event:
        case datasets.DatasetRegistered() | models.ModelRegistered():
            return GraphDelta((node,))
        case datasets.DatasetVersionRegistered():
            sources = _from(event.derived_from, node, RelationType.SOURCE)
            return _opened([_version(subject), *sources], index, at)
        case models.ModelVersionRegistered():
            return _opened([_version(subject), *_origins(event, node)], index, at)
        case models.RunStarted():
            return _opened(_inputs(event.inputs, node), index, at, node)
        case models.RunFinished():
            flows = [*_inputs(event.inputs, node), *_outputs(event.outputs, node)]
            return _opened(flows, index, at, node)
        case deployments.DeploymentSucceeded() | deployments.DeploymentRolledBack():
            revision = revision_gid(subject, at, event.model_version)
            deployed = _Flow(gid_of(event.model_version), revision, RelationType.DEPLOYED)
            return _opened([deployed, _Flow(revision, node, RelationType.LIVE)], index, at)
        case deployments.DeploymentRetired():
            revision = revision_gid(subject, at, None)
            return _opened([_Flow(revision, node, RelationType.RETIRED)], index, at)
        case (
            deployments.DeploymentStarted()
            | deployments.DeploymentFailed()
            | datasets.DatasetApprovalGranted()
            | datasets.DatasetApprovalRevoked()
            | datasets.DocumentRecorded()
            | models.EvaluationRecorded()
            | models.PredictionsRecorded()
            | decisions.PolicyDrafted()
            | decisions.PolicyPublished()
            | decisions.PolicyRetired()
            | decisions.EnvironmentsPublished()
            | decisions.GateDecided()
            | decisions.PromotionRequested()
            | decisions.PromotionDecided()
            | decisions.PromotionWithdrawn()
            | decisions.PromotionExpired()
            | decisions.ReviewSubmitted()
            | decisions.ReviewDismissed()
            | findings.FindingRaised()
            | findings.FindingReplied()
            | findings.FindingClosed()
            | people.UserCreated()
            | people.UserDisabled()
            | people.RoleGranted()
            | people.RoleRevoked()
            | people.TokenCreated()
            | people.TokenRevoked()
            | people.SecondFactorChanged()
            | people.SessionOpened()
            | people.SessionEnded()
            | people.SessionRefused()
            | people.AccessRefused()
            | records.ReportRequested()
            | records.ReportGenerated()
            | records.ReportDownloaded()
            | records.LogStarted()
            | records.LogRecovered()
            | records.LogKeyRotated()
            | records.LogQuorumChanged()
            | records.LogCheckFailed()
            | records.RedactionRequested()
            | records.EntryRedacted()
            | records.GraphReconciled()
        ):
            return GraphDelta()
        case _:
            assert_never(event)


def _version(subject: str) -> _Flow:
    whole = subject.rpartition("/")[0]
    return _Flow(gid_of(whole), gid_of(subject), RelationType.VERSION)


def _from(subjects: Iterable[str], node: str, type_: RelationType) -> list[_Flow]:
    return [_Flow(gid_of(subject), node, type_) for subject in subjects]


def _origins(event: models.ModelVersionRegistered, node: str) -> list[_Flow]:
    origins = _from(event.trained_on, node, RelationType.TRAINED)
    if event.base_model is not None:
        origins += _from([event.base_model], node, RelationType.BASE)
    if event.run is not None:
        # The role that runs give to the model they make: told by both, it is one edge.
        origins.append(_Flow(gid_of(event.run), node, RelationType.OUTPUT, "model"))
    return origins


def _inputs(edges: Iterable[models.RunEdge], run: str) -> list[_Flow]:
    return [_Flow(gid_of(edge.subject), run, RelationType.INPUT, edge.role) for edge in edges]


def _outputs(edges: Iterable[models.RunEdge], run: str) -> list[_Flow]:
    return [_Flow(run, gid_of(edge.subject), RelationType.OUTPUT, edge.role) for edge in edges]


def _opened(flows: Sequence[_Flow], index: int, at: str, *nodes: str) -> GraphDelta:
    named = [*nodes, *(end for flow in flows for end in (flow.src, flow.dst))]
    edges = (
        Edge(flow.src, flow.dst, flow.type, flow.role, index, OPEN, at, FOREVER)
        for flow in dict.fromkeys(flows)
    )
    return GraphDelta(tuple(dict.fromkeys(named)), tuple(edges))
