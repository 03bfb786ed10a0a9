"""From events to rows: what each one changes in the catalogue. It refuses nothing.

Whatever may not be said was refused before it was recorded; what is on record is taken as
it is, in the order of the log. Rows that only come in are gathered and inserted together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from app.catalog import deciding, deploying, erasing, finding, registering
from app.catalog.tables import TABLES
from app.catalog.writing import Writing
from app.core.events.kinds import datasets as ds
from app.core.events.kinds import decisions as dc
from app.core.events.kinds import deployments as dp
from app.core.events.kinds import findings as fd
from app.core.events.kinds import models as md
from app.core.events.kinds import people as pp
from app.core.events.kinds import records as rc
from app.core.promotion.states import Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from app.ledger.ports import Recorded


class CatalogProjection:
    """The catalogue as a projection of the log (see ``app.ledger.ports``)."""

    name: Final = "catalog"
    version: Final = 1
    tables: Final = TABLES

    def apply(self, connection: Connection, recorded: Sequence[Recorded]) -> None:
        """Take in new entries, in order."""
        writing = Writing(connection)
        for one in recorded:
            _apply(writing, one)
        writing.flushed()


def _apply(writing: Writing, one: Recorded) -> None:  # noqa: C901, PLR0912, PLR0915 - one case an event type
    match one.event:
        case ds.DatasetRegistered():
            registering.dataset(writing, one, one.event)
        case ds.DatasetVersionRegistered():
            registering.dataset_version(writing, one, one.event)
        case ds.DatasetApprovalGranted():
            registering.approval(writing, one, one.event)
        case ds.DatasetApprovalRevoked():
            registering.approval_revoked(writing, one, one.event)
        case ds.DocumentRecorded():
            registering.document(writing, one, one.event)
        case md.ModelRegistered():
            registering.model(writing, one, one.event)
        case md.ModelVersionRegistered():
            registering.model_version(writing, one, one.event)
        case md.RunStarted():
            registering.run_started(writing, one, one.event)
        case md.RunFinished():
            registering.run_finished(writing, one, one.event)
        case md.EvaluationRecorded():
            registering.evaluation(writing, one, one.event)
        case md.PredictionsRecorded():
            registering.predictions(writing, one, one.event)
        case (
            dp.DeploymentStarted()
            | dp.DeploymentSucceeded()
            | dp.DeploymentFailed()
            | dp.DeploymentRolledBack()
            | dp.DeploymentRetired()
        ):
            deploying.step(writing, one, one.event)
        case fd.FindingRaised() | fd.FindingReplied() | fd.FindingClosed():
            finding.take(writing, one, one.event)
        case dc.PolicyDrafted():
            deciding.policy_drafted(writing, one, one.event)
        case dc.PolicyPublished():
            deciding.policy_published(writing, one, one.event)
        case dc.PolicyRetired():
            deciding.policy_retired(writing, one)
        case dc.EnvironmentsPublished():
            deciding.environments(writing, one, one.event)
        case dc.GateDecided():
            deciding.gate_decided(writing, one, one.event)
        case dc.PromotionRequested():
            deciding.promotion_requested(writing, one, one.event)
        case dc.PromotionDecided():
            deciding.promotion_decided(writing, one, one.event)
        case dc.PromotionWithdrawn():
            deciding.promotion_ended(writing, one, Step.WITHDRAW)
        case dc.PromotionExpired():
            deciding.promotion_ended(writing, one, Step.EXPIRE)
        case rc.EntryRedacted():
            erasing.forget(writing.flushed(), one.event)
        case (
            dc.ReviewSubmitted()
            | dc.ReviewDismissed()
            | pp.UserCreated()
            | pp.UserDisabled()
            | pp.RoleGranted()
            | pp.RoleRevoked()
            | pp.TokenCreated()
            | pp.TokenRevoked()
            | pp.SecondFactorChanged()
            | pp.SessionOpened()
            | pp.SessionEnded()
            | pp.SessionRefused()
            | pp.AccessRefused()
            | rc.ReportRequested()
            | rc.ReportGenerated()
            | rc.ReportDownloaded()
            | rc.LogStarted()
            | rc.LogRecovered()
            | rc.LogKeyRotated()
            | rc.LogQuorumChanged()
            | rc.LogCheckFailed()
            | rc.RedactionRequested()
            | rc.GraphReconciled()
        ):
            pass  # other rooms' projections
        case _:
            assert_never(one.event)
