"""What may be said: one frozen value per event type, by what it is about.

``Event`` is the closed union of them; ``KINDS`` finds the class of a type's wire name.
Types of the public contract that have no effect yet are not here: they are refused as
unknown, for a hold that holds nothing is false assurance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias, get_args

from app.core.events.kinds.datasets import (
    DatasetApprovalGranted,
    DatasetApprovalRevoked,
    DatasetRegistered,
    DatasetVersionRegistered,
    DocumentRecorded,
)
from app.core.events.kinds.decisions import (
    EnvironmentsPublished,
    GateDecided,
    PolicyDrafted,
    PolicyPublished,
    PolicyRetired,
    PromotionDecided,
    PromotionExpired,
    PromotionRequested,
    PromotionWithdrawn,
    ReviewDismissed,
    ReviewSubmitted,
)
from app.core.events.kinds.deployments import (
    DeploymentFailed,
    DeploymentRetired,
    DeploymentRolledBack,
    DeploymentStarted,
    DeploymentSucceeded,
)
from app.core.events.kinds.findings import FindingClosed, FindingRaised, FindingReplied
from app.core.events.kinds.models import (
    EvaluationRecorded,
    ModelRegistered,
    ModelVersionRegistered,
    PredictionsRecorded,
    RunFinished,
    RunStarted,
)
from app.core.events.kinds.people import (
    AccessRefused,
    RoleGranted,
    RoleRevoked,
    SecondFactorChanged,
    SessionEnded,
    SessionOpened,
    SessionRefused,
    TokenCreated,
    TokenRevoked,
    UserCreated,
    UserDisabled,
)
from app.core.events.kinds.records import (
    EntryRedacted,
    GraphReconciled,
    LogCheckFailed,
    LogKeyRotated,
    LogQuorumChanged,
    LogRecovered,
    LogStarted,
    RedactionRequested,
    ReportDownloaded,
    ReportGenerated,
    ReportRequested,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

Event: TypeAlias = (
    DatasetRegistered
    | DatasetVersionRegistered
    | DatasetApprovalGranted
    | DatasetApprovalRevoked
    | DocumentRecorded
    | RunStarted
    | RunFinished
    | ModelRegistered
    | ModelVersionRegistered
    | EvaluationRecorded
    | PredictionsRecorded
    | DeploymentStarted
    | DeploymentSucceeded
    | DeploymentFailed
    | DeploymentRolledBack
    | DeploymentRetired
    | FindingRaised
    | FindingReplied
    | FindingClosed
    | PolicyDrafted
    | PolicyPublished
    | PolicyRetired
    | EnvironmentsPublished
    | GateDecided
    | PromotionRequested
    | PromotionDecided
    | PromotionWithdrawn
    | PromotionExpired
    | ReviewSubmitted
    | ReviewDismissed
    | UserCreated
    | UserDisabled
    | RoleGranted
    | RoleRevoked
    | TokenCreated
    | TokenRevoked
    | SecondFactorChanged
    | SessionOpened
    | SessionEnded
    | SessionRefused
    | AccessRefused
    | ReportRequested
    | ReportGenerated
    | ReportDownloaded
    | LogStarted
    | LogRecovered
    | LogKeyRotated
    | LogQuorumChanged
    | LogCheckFailed
    | RedactionRequested
    | EntryRedacted
    | GraphReconciled
)

KINDS: Final[Mapping[str, type[Event]]] = {kind.TYPE: kind for kind in get_args(Event)}

CLIENT_TYPES: Final[frozenset[str]] = frozenset(
    kind.TYPE
    for kind in (
        DatasetRegistered,
        DatasetVersionRegistered,
        DocumentRecorded,
        RunStarted,
        RunFinished,
        ModelRegistered,
        ModelVersionRegistered,
        EvaluationRecorded,
        DeploymentStarted,
        DeploymentSucceeded,
        DeploymentFailed,
        DeploymentRolledBack,
        DeploymentRetired,
        FindingRaised,
        FindingReplied,
        FindingClosed,
    )
)
"""Types that clients may post; every other one is recorded by the service itself."""
