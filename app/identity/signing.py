"""How a person signs: who they are is asked again, each time, with password and code.

What they sign is put into a DSSE envelope under the *approvals* key of this service, which
is not the log's key. The person has no key of their own here: the signature is the
service's word that this person, asked like this, then, meant that.
Sources: DSSE 1.0 (protocol.md); 21 CFR 11.200(a)(1) (two components at every signing).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.errors import Forbidden
from app.core.events import Actor, ActorKind, AuthMethod
from app.core.ledger.times import format_time
from app.identity import attempts, credentials
from app.identity.directory import People
from app.identity.factor import step_of
from app.identity.resetting import signs_again_at

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.jsonvalue import Json
    from app.identity.factor import Secrets
    from app.identity.passwords import Passwords
    from app.identity.principal import Principal
    from app.identity.sessions import Sessions
    from app.ledger.ports import Recorded
    from app.ledger.record import Ledger
    from app.settings import Clock

METHODS = ("password", "totp")


@dataclass(frozen=True, slots=True)
class Signer:
    """A person who has just proven who they are, for one signature.

    ``actor``: for the entry of what is signed. ``spend``: to be given to ``Ledger.record``
    as ``beside``; it uses up the code in that entry's transaction, and raises
    Unauthenticated where another signature was faster. If nothing is recorded, nothing is
    used up.
    """

    person: str
    printed_name: str | None
    methods: tuple[str, ...]
    authenticated_at: datetime
    actor: Actor
    spend: Callable[[Connection, Sequence[Recorded]], None]


@dataclass(frozen=True, slots=True)
class Signing:
    """Asks people who they are, and signs what they say.

    ``sign``: Ed25519 under the approvals key; ``vkey``: its verifier key, the ``keyid``.
    """

    ledger: Ledger
    passwords: Passwords
    secrets: Secrets
    sessions: Sessions
    clock: Clock
    sign: Callable[[bytes], bytes]
    vkey: str

    def step_up(self, principal: Principal, password: str, totp: str, address: str) -> Signer:
        """Ask a signed-in person for password and code again.

        Check first everything that can be refused without it. Raises Forbidden for tokens,
        the local operator, people without a second factor or with one that was reset less
        than a day ago; Unauthenticated; TooManyAttempts.
        """
        person = principal.person
        if person is None:
            raise Forbidden("only a person signs, in person; no token does, whoever owns it")
        now = self.clock()
        with self.ledger.snapshot() as snapshot:
            held = credentials.read(snapshot.connection, person)
            printed_name = People(snapshot.connection).printed_name(person)
            again_at = signs_again_at(snapshot, person, now)
        if held is None or not held.enrolled:
            raise Forbidden("signing takes a second factor", remedy="enrol one at sign-in")
        if again_at is not None:
            raise Forbidden(
                "your second factor was reset less than 24 hours ago",
                remedy=f"sign after {format_time(again_at)}; somebody else may before",
            )
        account = attempts.account_key(person, "")
        self.sessions.begin(person, account, address)
        right = self.passwords.verify(held.password, password)
        step = step_of(self.secrets.open(held.secret, person), totp, now, held.step)
        if not right or step is None:
            raise self.sessions.refuse(person, account, address)
        self.ledger.operate(lambda connection: attempts.succeeded(connection, account, now))

        def spend(connection: Connection, _: Sequence[Recorded]) -> None:
            credentials.spend_step(connection, person, step)

        return Signer(
            person=person,
            printed_name=printed_name,
            methods=METHODS,
            authenticated_at=now,
            actor=Actor(person, ActorKind.PERSON, AuthMethod.PASSWORD_TOTP),
            spend=spend,
        )

    def envelope(self, payload_type: str, payload: bytes) -> dict[str, Json]:
        """Sign a payload: the DSSE envelope as JSON, with payload and signature in base64."""
        signature = self.sign(pre_authentication_encoding(payload_type, payload))
        return {
            "payloadType": payload_type,
            "payload": base64.b64encode(payload).decode(),
            "signatures": [{"keyid": self.vkey, "sig": base64.b64encode(signature).decode()}],
        }


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Encode what is signed: type and payload, each after its length in bytes.

    Source: DSSE 1.0, protocol.md, "Signature Definition".
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
