"""Events about policies, gates, promotions and reviews; the service records them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.core.jsonvalue import Json


@dataclass(frozen=True, slots=True)
class PolicyDrafted:
    """Somebody proposes a policy version, under ``policy/<name>/<version>``.

    ``document`` and ``cases``: parsed YAML. ``digest``: ``sha256:<hex>`` of the canonical
    JSON of the document. ``drafter``: user id of the person answering for it.
    """

    TYPE: ClassVar[str] = "policy.drafted.v1"
    document: Json
    cases: Json
    digest: str
    drafter: str


@dataclass(frozen=True, slots=True)
class PolicyPublished:
    """A second person put the policy version into force.

    ``replaces``: the version in force until now. ``statement``: the signed DSSE envelope.
    """

    TYPE: ClassVar[str] = "policy.published.v1"
    document: Json
    digest: str
    cases_result: Json
    drafter: str
    publisher: str
    statement: Json
    replaces: str | None = None
    single_administrator: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyRetired:
    """The policy version decides nothing any more."""

    TYPE: ClassVar[str] = "policy.retired.v1"
    digest: str
    retired_by: str
    statement: Json
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class EnvironmentsPublished:
    """The stages, lowest first, that promotions lead through.

    ``drafter`` is None for the default that ``init`` publishes.
    """

    TYPE: ClassVar[str] = "environments.published.v1"
    environments: tuple[str, ...]
    digest: str
    publisher: str
    drafter: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class GateDecided:
    """The gate's answer about a model version and an environment.

    ``decision``: as served (with its id). ``facts``: everything it was decided on, so that
    anyone can recompute it; ``decision_digest`` and ``facts_digest`` are ``sha256:<hex>``.
    ``decided_at_size``: size of the log that the facts were read at.
    """

    TYPE: ClassVar[str] = "gate.decided.v1"
    model_version: str
    environment: str
    gate: str
    decision: Json
    facts: Json
    decision_digest: str
    facts_digest: str
    policy_digest: str
    decided_at_size: int
    expires_at: str
    promotion: str | None = None


@dataclass(frozen=True, slots=True)
class PromotionRequested:
    """Somebody asks that a model version be allowed in an environment.

    ``submitter``: user id of the person answering for the request (a token's owner).
    """

    TYPE: ClassVar[str] = "promotion.requested.v1"
    model_version: str
    environment: str
    submitter: str
    from_environment: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PromotionDecided:
    """The promotion is ``allowed`` or ``denied``; ``decision_id`` names the decision."""

    TYPE: ClassVar[str] = "promotion.decided.v1"
    state: str
    decision_id: str
    expires_at: str | None = None


@dataclass(frozen=True, slots=True)
class PromotionWithdrawn:
    """Whoever asked takes it back."""

    TYPE: ClassVar[str] = "promotion.withdrawn.v1"
    withdrawn_by: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PromotionExpired:
    """It was open, or allowed and unused, until its time ran out."""

    TYPE: ClassVar[str] = "promotion.expired.v1"
    expired_at: str


@dataclass(frozen=True, slots=True)
class Bind:
    """The four digests that a review is bound to, each ``sha256:<hex>``."""

    subject_digest: str
    evidence_root: str
    policy_digest: str
    rendered_view_digest: str


@dataclass(frozen=True, slots=True)
class ReviewSubmitted:
    """A person decided about a promotion, and signed it.

    ``decision``: approve, request_changes or reject. ``meaning``: review, approval,
    responsibility or authorship (21 CFR 11.50). ``accepts``: rule ids taken on.
    ``roles``: approval roles held, with their scope, when it was signed.
    ``statement``: the DSSE envelope. ``view``: the canonical view that was shown.
    ``methods`` and ``authenticated_at``: how and when the person proved who they are.
    ``reason_salt``: 64 hex digits; with the reason it opens the statement's commitment.
    """

    TYPE: ClassVar[str] = "review.submitted.v1"
    reviewer: str
    decision: str
    meaning: str
    accepts: tuple[str, ...]
    bind: Bind
    roles: tuple[Mapping[str, Json], ...]
    methods: tuple[str, ...]
    authenticated_at: str
    statement: Json
    view: str
    reason: str | None = None
    reason_salt: str | None = None
    printed_name: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewDismissed:
    """The review recorded at entry ``review`` does not count any more, and why."""

    TYPE: ClassVar[str] = "review.dismissed.v1"
    review: int
    because: str
