"""Policies come into force: drafted by one person, published by another."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.catalog import queries
from app.core.access import Permission, Scope
from app.core.errors import Conflict, Fault, Forbidden, Missing, Rejected, SelfApproval
from app.core.events import say
from app.core.events.kinds.decisions import (
    PolicyDrafted,
    PolicyPublished,
    PolicyRetired,
)
from app.core.ledger.canonical import canonical
from app.core.ledger.times import format_time
from app.core.policy.cases import run_cases
from app.core.policy.lint import lint
from app.gates.policy_files import read_policy
from app.identity.deciding import deciding
from app.identity.directory import People
from app.identity.reading import rights

if TYPE_CHECKING:
    from app.catalog.values import PolicyVersion
    from app.core.jsonvalue import Json
    from app.core.policy.cases import CasesReport
    from app.core.policy.document import Policy
    from app.gates.factor import SecondFactor
    from app.identity.principal import Principal
    from app.identity.signing import Signer, Signing
    from app.ledger.receipt import Receipt
    from app.ledger.record import Ledger
    from app.ledger.snapshot import Snapshot

STATEMENT = "application/vnd.muniment.policy.v1+json"
PUBLISHED = ("type:policy.published.v1", "type:policy.retired.v1")


@dataclass(frozen=True, slots=True)
class Drafted:
    """A policy version as it was drafted. ``lint``: what keeps it from being published."""

    name: str
    version: str
    digest: str
    lint: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """Puts policies into force."""

    ledger: Ledger
    signing: Signing

    def draft(self, principal: Principal, document: Json, cases: Json) -> Drafted:
        """Record a policy version that is not in force yet.

        Raises SchemaMismatch, UnknownKind, Conflict (another draft of that version).
        """
        drafter = principal.answerable
        if drafter is None:
            raise Forbidden("a policy needs a person who answers for it", remedy="sign in")
        policy = read_policy(document)
        report = run_cases(policy, cases)
        about = f"policy/{policy.name}/{policy.version}"
        with self.ledger.snapshot() as now:
            known = queries.policy_version(now.connection, policy.name, policy.version)
            faults = (*_lint(now, policy, drafter), *_untested(report))
        if known is not None and known.digest != policy.digest:
            raise Conflict(
                f"{about} was drafted before, with other content",
                remedy="raise the version: a drafted one never changes",
            )
        if known is not None and canonical(known.cases) != canonical(cases):
            raise Conflict(
                f"{about} was drafted before, with other cases",
                remedy="raise the version: a drafted one never changes",
            )
        if known is None:
            said = say(about, PolicyDrafted(document, cases, policy.digest, drafter))
            self.ledger.record(said, principal.actor, source="api", expects={about: None})
        return Drafted(policy.name, policy.version, policy.digest, faults)

    def publish(
        self,
        principal: Principal,
        name: str,
        version: str,
        digest: str,
        reason: str,
        factor: SecondFactor,
    ) -> Receipt:
        """Put a drafted version into force, in the place of the one before it.

        Raises Missing, Conflict, SelfApproval (the drafter), Rejected (lint or cases), and
        what signing refuses with.
        """
        signer: Signer | None = None

        def attempt() -> Receipt:
            nonlocal signer
            with self.ledger.snapshot() as now:
                drafted = self._to_publish(now, principal, name, version, digest)
                policy, report = _fit(now, drafted)
                replaced = _in_force(now, name)
                about = f"policy/{name}/{version}"
                keys = [about, *PUBLISHED, f"user/{principal.person}"]
                expects = now.heads(keys)
                marked = _single_administrator(now, principal)
            if signer is None:
                signer = self._step_up(principal, factor)
            said = say(
                about,
                PolicyPublished(
                    document=drafted.document,
                    digest=drafted.digest,
                    cases_result=_cases_result(report),
                    drafter=drafted.drafter,
                    publisher=signer.person,
                    statement=self._statement(signer, "publish", about, policy.digest, reason),
                    replaces=replaced,
                    single_administrator=marked,
                    reason=reason,
                ),
            )
            return self.ledger.record(
                said, signer.actor, source="api", expects=expects, beside=signer.spend
            )

        return deciding(attempt)

    def retire(
        self, principal: Principal, name: str, version: str, reason: str, factor: SecondFactor
    ) -> Receipt:
        """Take a published version out of force. Raises Missing, Conflict."""
        signer: Signer | None = None

        def attempt() -> Receipt:
            nonlocal signer
            about = f"policy/{name}/{version}"
            with self.ledger.snapshot() as now:
                People(now.connection).require_still(principal, Permission.PUBLISH_POLICY)
                known = queries.policy_version(now.connection, name, version)
                if known is None:
                    raise Missing(f"there is no {about}")
                if known.state != "published":
                    raise Conflict(f"{about} is {known.state}, not published")
                expects = now.heads([about, *PUBLISHED, f"user/{principal.person}"])
            if signer is None:
                signer = self._step_up(principal, factor)
            statement = self._statement(signer, "retire", about, known.digest, reason)
            said = say(about, PolicyRetired(known.digest, signer.person, statement, reason))
            return self.ledger.record(
                said, signer.actor, source="api", expects=expects, beside=signer.spend
            )

        return deciding(attempt)

    def _to_publish(
        self, now: Snapshot, principal: Principal, name: str, version: str, digest: str
    ) -> PolicyVersion:
        people = People(now.connection)
        people.require_still(principal, Permission.PUBLISH_POLICY)
        drafted = queries.policy_version(now.connection, name, version)
        about = f"policy/{name}/{version}"
        if drafted is None:
            raise Missing(f"there is no {about}", remedy="muniment policy draft FILE")
        if drafted.state != "draft":
            raise Conflict(f"{about} is {drafted.state} already", remedy="raise the version")
        if drafted.digest != digest:
            raise Conflict(
                f"{about} was drafted as {drafted.digest}, not {digest[:80]}",
                remedy=f"muniment policy show {name} {version}",
            )
        if principal.person in people.behind(drafted.actor) | {drafted.drafter}:
            raise SelfApproval(
                "whoever drafts a policy does not publish it", remedy="ask a second person"
            )
        return drafted

    def _step_up(self, principal: Principal, factor: SecondFactor) -> Signer:
        return self.signing.step_up(principal, factor.password, factor.totp, factor.address)

    def _statement(
        self, signer: Signer, action: str, about: str, digest: str, reason: str
    ) -> dict[str, Json]:
        at = format_time(signer.authenticated_at)
        payload = canonical(
            {
                "log": self.ledger.store.origin,
                "action": action,
                "policy": about,
                "digest": digest,
                "signer": signer.person,
                "auth": {"methods": list(signer.methods), "time": at},
                "signed_at": at,
                "reason_digest": hashlib.sha256(canonical(reason)).hexdigest(),
            }
        )
        return self.signing.envelope(STATEMENT, payload)


def _lint(now: Snapshot, policy: Policy, drafter: str) -> tuple[Fault, ...]:
    """Ask whether the people there are could ever meet it."""
    people = People(now.connection)
    published = queries.environments(now.connection)
    holders: dict[str, set[str]] = {}
    for person in people.holders():
        for role in person.roles:
            if role.revoked_at is None:
                holders.setdefault(role.role, set()).add(person.id)
    return lint(
        policy,
        environments=() if published is None else published.names,
        holders=holders,
        submitters=_submitters(people),
        drafter=drafter,
    )


def _submitters(people: People) -> set[str]:
    """Find who may request promotions: by a role, or by a token they own."""
    asking = {
        one.owner
        for one in people.tokens()
        if not one.revoked and Scope.PROMOTION_REQUEST in one.scopes
    }
    for user in people.everybody():
        held = rights(people.grants(user.id))
        if not user.disabled and any(Permission.REQUEST_PROMOTION in r.permissions for r in held):
            asking.add(user.id)
    return asking


def _untested(report: CasesReport) -> list[Fault]:
    wrong = [
        Fault(f"#/cases/{place}", f"{result.name}: {difference}")
        for place, result in enumerate(report.results)
        for difference in result.differs
    ]
    return wrong + [
        Fault("#/cases", f"no case reaches {outcome.value} of rule {rule}")
        for rule, outcome in report.untested
    ]


def _fit(now: Snapshot, drafted: PolicyVersion) -> tuple[Policy, CasesReport]:
    """Check that a draft may be published. Raises Rejected naming all that is missing."""
    policy = read_policy(drafted.document)
    report = run_cases(policy, drafted.cases)
    faults = [*_lint(now, policy, drafted.drafter), *_untested(report)]
    if faults:
        raise Rejected(
            f"the policy is not fit to be published: {faults[0].message}",
            remedy="muniment policy lint; muniment policy test --scaffold",
            faults=faults,
        )
    return policy, report


def _cases_result(report: CasesReport) -> Json:
    return {
        "cases": len(report.results),
        "passed": sum(not result.differs for result in report.results),
    }


def _in_force(now: Snapshot, name: str) -> str | None:
    published = queries.policies_in_force(now.connection)
    return next((one.version for one in published if one.name == name), None)


def _single_administrator(now: Snapshot, principal: Principal) -> bool:
    """Tell whether the publisher holds the right to publish only by one administrator's word."""
    grants = People(now.connection).grants(principal.person or "")
    publishing = [one for one in grants if one.role in ("policy_author", "administrator")]
    return bool(publishing) and all(one.single_administrator for one in publishing)
