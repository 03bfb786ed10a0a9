"""Who may do what: one pure table, roles by permissions, and what a token may stand for.

Permission roles are fixed and say what somebody may ask the service to do. Approval roles
(model-validator, compliance, ...) are free names that policies use; who holds them is a
fact of the decision, not of this table. A person needs both to sign a review.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class PermissionRole(StrEnum):
    """The roles that exist; there are no others."""

    ADMINISTRATOR = "administrator"
    ENGINEER = "engineer"
    REVIEWER = "reviewer"
    COMPLIANCE_OFFICER = "compliance_officer"
    POLICY_AUTHOR = "policy_author"
    OPERATOR = "operator"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """What can be permitted.

    READ_DECISIONS: decisions and promotions alone, for pipelines that wait for one.
    REVIEW: sign a review or a dataset approval, under an approval role held besides.
    """

    READ = "read"
    READ_DECISIONS = "read decisions"
    READ_LOG = "read the log"
    READ_REPORTS = "read reports"
    READ_ACCESS_LOG = "read the access log"
    RECORD = "record events"
    RECORD_EVIDENCE = "record evidence"
    RECORD_DEPLOYMENT = "record deployments"
    RAISE_FINDING = "raise and answer findings"
    INGEST_LINEAGE = "ingest lineage"
    CHECK_GATE = "check gates"
    REQUEST_PROMOTION = "request promotions"
    REVIEW = "review"
    DRAFT_POLICY = "draft policies"
    PUBLISH_POLICY = "publish policies"
    MANAGE_PEOPLE = "manage people"
    MANAGE_ROLES = "manage roles"
    MANAGE_TOKENS = "manage tokens"
    CREATE_REPORT = "create reports"
    REDACT = "redact"
    VERIFY = "verify"
    REBUILD = "rebuild"
    RECONCILE = "reconcile"
    BACKUP = "back up"
    RECOVER = "recover"


class Scope(StrEnum):
    """What a token may be made for. Approving is none of them."""

    EVENT_APPEND = "event:append"
    EVIDENCE_WRITE = "evidence:write"
    LINEAGE_INGEST = "lineage:ingest"
    GATE_CHECK = "gate:check"
    PROMOTION_REQUEST = "promotion:request"
    DEPLOYMENT_RECORD = "deployment:record"
    REPORT_CREATE = "report:create"
    REPORT_READ = "report:read"
    READ = "read"
    LOG_READ = "log:read"
    POLICY_DRAFT = "policy:draft"
    ADMIN = "admin"


_EVERYBODY = frozenset(
    {
        Permission.READ,
        Permission.READ_DECISIONS,
        Permission.READ_LOG,
        Permission.READ_REPORTS,
        Permission.VERIFY,
    }
)

ROLES: Mapping[PermissionRole, frozenset[Permission]] = {
    PermissionRole.ADMINISTRATOR: _EVERYBODY
    | {
        Permission.PUBLISH_POLICY,
        Permission.MANAGE_PEOPLE,
        Permission.MANAGE_ROLES,
        Permission.MANAGE_TOKENS,
    },
    PermissionRole.ENGINEER: _EVERYBODY
    | {
        Permission.RECORD,
        Permission.RECORD_EVIDENCE,
        Permission.RECORD_DEPLOYMENT,
        Permission.RAISE_FINDING,
        Permission.INGEST_LINEAGE,
        Permission.CHECK_GATE,
        Permission.REQUEST_PROMOTION,
    },
    PermissionRole.REVIEWER: _EVERYBODY | {Permission.REVIEW, Permission.RAISE_FINDING},
    PermissionRole.COMPLIANCE_OFFICER: _EVERYBODY
    | {Permission.CREATE_REPORT, Permission.REDACT, Permission.RAISE_FINDING},
    PermissionRole.POLICY_AUTHOR: _EVERYBODY | {Permission.DRAFT_POLICY, Permission.PUBLISH_POLICY},
    PermissionRole.OPERATOR: _EVERYBODY
    | {
        Permission.REBUILD,
        Permission.RECONCILE,
        Permission.BACKUP,
        Permission.RECOVER,
    },
    PermissionRole.AUDITOR: _EVERYBODY
    | {Permission.CREATE_REPORT, Permission.READ_ACCESS_LOG, Permission.RAISE_FINDING},
}

NEVER_BY_TOKEN = frozenset(
    {
        Permission.REVIEW,
        Permission.PUBLISH_POLICY,
        Permission.MANAGE_ROLES,
        Permission.REDACT,
    },
)
"""What takes a person: whoever signs, and whoever decides who may sign."""

SCOPES: Mapping[Scope, frozenset[Permission]] = {
    Scope.EVENT_APPEND: frozenset(
        {
            Permission.RECORD,
            Permission.RECORD_EVIDENCE,
            Permission.RECORD_DEPLOYMENT,
            Permission.RAISE_FINDING,
        }
    ),
    Scope.EVIDENCE_WRITE: frozenset({Permission.RECORD_EVIDENCE}),
    Scope.LINEAGE_INGEST: frozenset({Permission.INGEST_LINEAGE}),
    Scope.GATE_CHECK: frozenset({Permission.CHECK_GATE, Permission.READ_DECISIONS}),
    Scope.PROMOTION_REQUEST: frozenset({Permission.REQUEST_PROMOTION, Permission.READ_DECISIONS}),
    Scope.DEPLOYMENT_RECORD: frozenset({Permission.RECORD_DEPLOYMENT}),
    Scope.REPORT_CREATE: frozenset({Permission.CREATE_REPORT, Permission.READ_REPORTS}),
    Scope.REPORT_READ: frozenset({Permission.READ_REPORTS}),
    Scope.READ: _EVERYBODY,
    Scope.LOG_READ: frozenset({Permission.READ_LOG, Permission.VERIFY}),
    Scope.POLICY_DRAFT: frozenset({Permission.DRAFT_POLICY}),
    Scope.ADMIN: _EVERYBODY
    | {
        Permission.MANAGE_PEOPLE,
        Permission.MANAGE_TOKENS,
        Permission.REBUILD,
        Permission.RECONCILE,
        Permission.BACKUP,
    },
}


def allowed(roles: Iterable[PermissionRole], permission: Permission) -> bool:
    """Whether a person holding ``roles`` may do this."""
    return any(permission in ROLES[role] for role in roles)


def allowed_by_token(scopes: Iterable[Scope], permission: Permission) -> bool:
    """Whether a token of these ``scopes`` may do this; whose it is does not matter here."""
    return permission not in NEVER_BY_TOKEN and any(permission in SCOPES[scope] for scope in scopes)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a caller may see: whose objects, below which subject, in which environment.

    ``teams``: whose members see what is for their team alone; None: all of it.
    ``prefix``: whole parts of a subject, so ``model/credit`` covers ``model/credit/3`` and not
    ``model/credit-card``; None: everything. ``environment``: None: every one.
    """

    teams: frozenset[str] | None = None
    prefix: str | None = None
    environment: str | None = None

    @property
    def below(self) -> str:
        """How every subject in sight begins, once a slash is put behind it."""
        return "" if self.prefix is None else f"{self.prefix.rstrip('/')}/"

    @property
    def limited(self) -> bool:
        """Whether a token's limits narrow it."""
        return self.prefix is not None or self.environment is not None

    def covers(self, subject: str) -> bool:
        """Whether a subject lies below the prefix."""
        return f"{subject}/".startswith(self.below)

    def reaches(self, environment: str) -> bool:
        """Whether an environment is in sight."""
        return self.environment in (None, environment)


EVERYTHING = Sight()


@dataclass(frozen=True, slots=True)
class Membership:
    """What teams an actor of the log is limited to. ``writes``: for whose objects; None: all.

    ``sees``: whose objects are there for the actor, though hidden from others; None: all.
    """

    writes: frozenset[str] | None
    sees: frozenset[str] | None
