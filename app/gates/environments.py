"""The stages come into force: drafted by one person, published by another."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.access import Permission
from app.core.errors import Fault, Forbidden, Missing, Rejected, SelfApproval
from app.core.events import say
from app.core.events.envelope import NAME
from app.core.events.kinds.decisions import EnvironmentsPublished
from app.core.ledger.canonical import canonical
from app.identity.deciding import deciding
from app.identity.directory import People
from app.ledger import operational

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from app.core.jsonvalue import Json
    from app.gates.factor import SecondFactor
    from app.identity.principal import Principal
    from app.identity.signing import Signer, Signing
    from app.ledger.receipt import Receipt
    from app.ledger.record import Ledger

ENVIRONMENTS_DRAFT = "environments"


@dataclass(frozen=True, slots=True)
class Stages:
    """Puts environments into force."""

    ledger: Ledger
    signing: Signing

    def draft(self, principal: Principal, names: Sequence[str]) -> str:
        """Keep a list of environments for a second person to publish; give its digest.

        Raises Rejected: empty, a name twice or badly formed.
        """
        drafter = principal.answerable
        if drafter is None:
            raise Forbidden("environments need a person who answers for them", remedy="sign in")
        wrong = [name for name in names if not NAME.fullmatch(name) or names.count(name) > 1]
        if wrong or not names:
            raise Rejected(
                "environments are different names, lowest first",
                faults=[Fault("#/environments", "different names of " + NAME.pattern)],
            )
        digest = environments_digest(names)
        document: dict[str, Json] = {
            "environments": list(names),
            "drafter": drafter,
            "actor": principal.actor.id,
        }

        def keep(writing: Connection) -> None:
            # The first draft stays: another one would free its drafter to publish it.
            if operational.get(writing, ENVIRONMENTS_DRAFT, digest) is None:
                operational.put(writing, ENVIRONMENTS_DRAFT, digest, document)

        self.ledger.operate(keep)
        return digest

    def publish(
        self, principal: Principal, digest: str, reason: str, factor: SecondFactor
    ) -> Receipt:
        """Put a drafted list of environments into force. Raises Missing, SelfApproval."""
        signer: Signer | None = None

        def attempt() -> Receipt:
            nonlocal signer
            with self.ledger.snapshot() as now:
                people = People(now.connection)
                people.require_still(principal, Permission.PUBLISH_POLICY)
                drafted = operational.get(now.connection, ENVIRONMENTS_DRAFT, digest)
                if drafted is None:
                    raise Missing(f"no environments with digest {digest[:80]} were drafted")
                behind = people.behind(str(drafted["actor"])) | {drafted["drafter"]}
                if principal.person in behind:
                    raise SelfApproval("whoever drafts environments does not publish them")
                expects = now.heads(["environments", f"user/{principal.person}"])
            if signer is None:
                signer = self.signing.step_up(
                    principal, factor.password, factor.totp, factor.address
                )
            names = drafted["environments"]
            event = EnvironmentsPublished(
                tuple(str(name) for name in names) if isinstance(names, list) else (),
                digest,
                signer.person,
                str(drafted["drafter"]),
                reason,
            )
            return self.ledger.record(
                say("environments", event),
                signer.actor,
                source="api",
                expects=expects,
                beside=signer.spend,
            )

        return deciding(attempt)


@dataclass(frozen=True, slots=True)
class Drafted:
    """A list of environments as somebody drafted it. ``drafter``: user id."""

    digest: str
    names: tuple[str, ...]
    drafter: str


def drafts(connection: Connection) -> list[Drafted]:
    """List every drafted list of environments; those that were in force are among them."""
    return [
        Drafted(
            digest,
            tuple(map(str, names)) if isinstance(names := one["environments"], list) else (),
            str(one["drafter"]),
        )
        for digest, one in operational.each(connection, ENVIRONMENTS_DRAFT)
    ]


def environments_digest(names: Sequence[str]) -> str:
    """Name a list of environments: SHA-256 of its canonical JSON, ``sha256:<hex>``."""
    return f"sha256:{hashlib.sha256(canonical(list(names))).hexdigest()}"
