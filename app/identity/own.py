"""One's own account: sessions, password, authenticator.

Whatever changes how somebody signs in asks them again who they are, and ends their other
sessions: whoever else was in is out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from app.core.errors import Conflict, Missing
from app.core.events import say
from app.core.events.kinds.people import SecondFactorChanged
from app.core.ledger.times import format_time, parse_time
from app.identity import attempts, credentials
from app.identity.authentication import SESSION
from app.identity.directory import People
from app.identity.factor import NEVER_USED, otpauth, recovery_digest, step_of
from app.identity.open_sessions import open_sessions
from app.identity.passwords import check_acceptable
from app.ledger import operational

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.identity.credentials import Credentials
    from app.identity.factor import Secrets
    from app.identity.passwords import Passwords
    from app.identity.principal import Principal
    from app.identity.sessions import Sessions
    from app.ledger.ports import Recorded
    from app.ledger.record import Ledger
    from app.settings import Clock

REPLACEMENT = "replacement"
REPLACED_WITHIN = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Session:
    """A session that has not ended. ``id``: the first digits of the key it is kept under."""

    id: str
    opened_at: datetime
    seen_at: datetime
    methods: tuple[str, ...]
    current: bool


@dataclass(frozen=True, slots=True)
class Replacement:
    """A new authenticator, not confirmed yet. Both are shown this once."""

    otpauth: str
    recovery_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """What people do with their own account, and nobody else does for them."""

    ledger: Ledger
    passwords: Passwords
    secrets: Secrets
    sign_ins: Sessions
    clock: Clock

    def sessions(self, principal: Principal) -> list[Session]:
        """List the sessions of the caller that have not ended, the last used first."""
        with self.ledger.snapshot() as now:
            found = open_sessions(now.connection, self.clock())
        return [
            Session(
                id=one.id,
                opened_at=one.opened_at,
                seen_at=one.seen_at,
                methods=one.methods,
                current=str(principal.session).startswith(one.id),
            )
            for one in found
            if one.user == principal.person
        ]

    def end_session(self, principal: Principal, id_: str) -> None:
        """End one of the caller's own sessions. Raises Missing."""

        def end(connection: Connection) -> bool:
            ended = [
                operational.delete(connection, SESSION, key)
                for key, document in list(operational.each(connection, SESSION))
                if document["user"] == principal.person and key[:12] == id_
            ]
            return any(ended)

        if not self.ledger.operate(end):
            raise Missing("there is no such session of yours", remedy="it may have ended already")

    def recovery_codes_left(self, principal: Principal) -> int | None:
        """Tell how many recovery codes are left; None without a confirmed authenticator."""
        with self.ledger.snapshot() as now:
            held = credentials.read(now.connection, str(principal.person))
        return len(held.recovery) if held is not None and held.enrolled else None

    def change_password(
        self, principal: Principal, password: str, code: str, new: str, address: str
    ) -> None:
        """Set another password. Raises Rejected, Unauthenticated, TooManyAttempts."""
        person = str(principal.person)
        with self.ledger.snapshot() as now:
            check_acceptable(new, People(now.connection).find(person).name)
        step = self._prove(principal, password, code, address)
        hashed = self.passwords.hash(new)

        def store(connection: Connection) -> None:
            kept = _spent(connection, person, step)
            credentials.write(connection, person, replace(kept, password=hashed))
            _end_others(connection, principal)

        self.ledger.operate(store)

    def begin_replacement(
        self, principal: Principal, password: str, code: str, address: str
    ) -> Replacement:
        """Make a new authenticator secret and new recovery codes; the old ones hold till then.

        It takes the password and a code of the old authenticator, where there is one. A
        recovery code does not do: it is for signing in, never for what signs. Raises
        Unauthenticated, TooManyAttempts.
        """
        person = str(principal.person)
        step = self._prove(principal, password, code, address)
        secret, codes = self.secrets.new(), self.secrets.recovery_codes()
        document = {
            "secret": self.secrets.seal(secret, person),
            "recovery": [recovery_digest(one) for one in codes],
            "at": format_time(self.clock()),
        }

        def store(connection: Connection) -> None:
            _spent(connection, person, step)
            operational.put(connection, REPLACEMENT, person, document)

        self.ledger.operate(store)
        with self.ledger.snapshot() as now:
            name = People(now.connection).find(person).name or person
        return Replacement(otpauth(secret, name), codes)

    def confirm_replacement(self, principal: Principal, code: str, address: str) -> None:
        """Take the new authenticator, by its first code; on record.

        Raises Conflict where none was begun in the last quarter of an hour, Unauthenticated
        for a wrong code, TooManyAttempts.
        """
        person, now = str(principal.person), self.clock()
        with self.ledger.snapshot() as snapshot:
            begun = operational.get(snapshot.connection, REPLACEMENT, person)
            held = credentials.read(snapshot.connection, person)
        if begun is None or held is None or now > parse_time(str(begun["at"])) + REPLACED_WITHIN:
            raise _not_begun()
        account = attempts.account_key(person, "")
        self.sign_ins.begin(person, account, address)
        secret = str(begun["secret"])
        step = step_of(self.secrets.open(secret, person), code, now, NEVER_USED)
        if step is None:
            raise self.sign_ins.refuse(person, account, address)
        change = "replaced" if held.enrolled else "enrolled"

        def store(connection: Connection, _: Sequence[Recorded]) -> None:
            if operational.get(connection, REPLACEMENT, person) != begun:
                raise _not_begun()
            operational.delete(connection, REPLACEMENT, person)
            kept = credentials.read(connection, person) or held
            made = replace(
                kept, secret=secret, enrolled=True, step=step, recovery=_words(begun["recovery"])
            )
            credentials.write(connection, person, made)
            attempts.succeeded(connection, account, now)
            _end_others(connection, principal)

        said = say(f"user/{person}", SecondFactorChanged(change))
        self.ledger.record_all([said], principal.actor, beside=store)

    def _prove(self, principal: Principal, password: str, code: str, address: str) -> int | None:
        """Ask again who it is; give the step to use up, None where there is no factor yet."""
        person, now = str(principal.person), self.clock()
        with self.ledger.snapshot() as snapshot:
            held = credentials.read(snapshot.connection, person)
        account = attempts.account_key(person, "")
        self.sign_ins.begin(person, account, address)
        right = self.passwords.verify(None if held is None else held.password, password)
        step = None
        if held is not None and held.enrolled:
            step = step_of(self.secrets.open(held.secret, person), code, now, held.step)
            right = right and step is not None
        if not right:
            raise self.sign_ins.refuse(person, account, address)
        self.ledger.operate(lambda connection: attempts.succeeded(connection, account, now))
        return step


def _spent(connection: Connection, person: str, step: int | None) -> Credentials:
    """Use up a step, if there is one, and read the credentials as they are then."""
    if step is not None:
        return credentials.spend_step(connection, person, step)
    held = credentials.read(connection, person)
    if held is None or held.enrolled:
        raise credentials.wrong()  # enrolled meanwhile: a code is due
    return held


def _end_others(connection: Connection, principal: Principal) -> None:
    for key, document in list(operational.each(connection, SESSION)):
        if document["user"] == principal.person and key != principal.session:
            operational.delete(connection, SESSION, key)


def _not_begun() -> Conflict:
    return Conflict(
        "no new authenticator waits for its first code", remedy="begin again from your account"
    )


def _words(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()
