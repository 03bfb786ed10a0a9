"""Approving a dataset version for use: a person in an approval role signs for its digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.catalog import details, queries
from app.core.access import Permission
from app.core.errors import Fault, Missing, Rejected, RoleMissing, SelfApproval
from app.core.events import say
from app.core.events.kinds.datasets import DatasetApprovalGranted
from app.core.ledger.canonical import canonical
from app.core.ledger.times import format_time
from app.identity.deciding import deciding
from app.identity.directory import People

if TYPE_CHECKING:
    from datetime import datetime

    from app.catalog.values import DatasetVersion
    from app.core.policy.facts import Role
    from app.gates.factor import SecondFactor
    from app.identity.principal import Principal
    from app.identity.signing import Signer, Signing
    from app.ledger.receipt import Receipt
    from app.ledger.record import Ledger
    from app.ledger.snapshot import Snapshot
    from app.settings import Clock

STATEMENT = "application/vnd.muniment.dataset-approval.v1+json"


@dataclass(frozen=True, slots=True)
class Approvals:
    """Takes approvals of dataset versions."""

    ledger: Ledger
    signing: Signing
    clock: Clock

    def grant(
        self,
        principal: Principal,
        subject: str,
        role: str,
        conditions: str | None,
        until: datetime | None,
        factor: SecondFactor,
    ) -> Receipt:
        """Record that a person approves of a dataset version, in an approval role.

        ``until``: aware. Raises Rejected (it is over), Missing, RoleMissing, SelfApproval
        (whoever registered the version), and what signing refuses with.
        """
        if until is not None and until <= self.clock():
            raise Rejected(
                "an approval ends in the future", faults=[Fault("#/until", "lies in the past")]
            )
        signer: Signer | None = None

        def attempt() -> Receipt:
            nonlocal signer
            with self.ledger.snapshot() as now:
                version = _approvable(now, principal, subject, role)
                expects = now.heads([subject, f"user/{principal.person}"])
            if signer is None:
                signer = self.signing.step_up(
                    principal, factor.password, factor.totp, factor.address
                )
            at = format_time(signer.authenticated_at)
            payload = canonical(
                {
                    "log": self.ledger.store.origin,
                    "dataset_version": subject,
                    "digest": version.digest,
                    "role": role,
                    "conditions_digest": _digest(conditions),
                    "until": None if until is None else format_time(until),
                    "signer": signer.person,
                    "auth": {"methods": list(signer.methods), "time": at},
                    "signed_at": at,
                }
            )
            event = DatasetApprovalGranted(
                role=role,
                approver=signer.person,
                statement=self.signing.envelope(STATEMENT, payload),
                conditions=conditions,
                until=None if until is None else format_time(until),
            )
            return self.ledger.record(
                say(subject, event),
                signer.actor,
                source="api",
                expects=expects,
                beside=signer.spend,
            )

        return deciding(attempt)


def _digest(conditions: str | None) -> str | None:
    """Name the conditions in the statement, which outlasts them: they can be erased."""
    return None if conditions is None else hashlib.sha256(canonical(conditions)).hexdigest()


def _approvable(now: Snapshot, principal: Principal, subject: str, role: str) -> DatasetVersion:
    people = People(now.connection)
    people.require_still(principal, Permission.REVIEW)
    version = details.seen_data(now.connection, principal, subject)
    if version is None:
        raise Missing(f"{subject} is not registered", remedy="muniment dataset version add")
    held = people.approval_roles(principal.person or "")
    dataset = queries.dataset(now.connection, version.name)
    team = None if dataset is None else dataset.team
    principal.require(Permission.REVIEW, subject=subject, team=team)
    if not any(_holds(one, role, team) for one in held):
        raise RoleMissing(
            f"you do not hold the approval role {role[:80]!r} for {subject}",
            remedy="ask an administrator: muniment role grant NAME ROLE",
        )
    if principal.person in people.behind(version.actor):
        raise SelfApproval(
            "whoever registered a dataset version does not approve it",
            remedy="ask somebody else who holds the role",
        )
    return version


def _holds(held: Role, role: str, team: str | None) -> bool:
    """Tell whether a grant is of this role, in force, and good for a dataset of ``team``.

    A scope names models, so a role that has one is none for datasets.
    """
    named = held.role == role and held.scope is None and held.revoked_at is None
    return named and held.team in (None, team)
