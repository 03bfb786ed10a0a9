"""How people come: the first administrator, invitations, and what makes an account usable."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from app.core.access import Permission, PermissionRole
from app.core.errors import Conflict, Fault, Missing, Rejected
from app.core.events import Actor, ActorKind, AuthMethod, say
from app.core.events.kinds.people import RoleGranted, UserCreated
from app.core.ledger.times import format_time, parse_time
from app.identity import attempts, credentials, opaque
from app.identity.credentials import Credentials
from app.identity.deciding import ACCOUNTS, RIGHTS, check_unused, deciding, shown_before
from app.identity.directory import People
from app.identity.factor import otpauth, recovery_digest, step_of
from app.identity.passwords import check_acceptable
from app.identity.reasons import check_reason
from app.ledger import operational

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from app.core.events import Said
    from app.identity.factor import Secrets
    from app.identity.passwords import Passwords
    from app.identity.principal import Principal
    from app.identity.sessions import Opened, Sessions
    from app.ledger.idempotency import IdempotencyKey
    from app.ledger.ports import Recorded
    from app.ledger.record import Ledger
    from app.settings import Clock, Entropy

INVITATION = "invitation"
INVITED_FOR = timedelta(days=7)
ID_BYTES = 8
LONGEST_PRINTED = 200
NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Founded:
    """The first administrator. ``otpauth`` and ``recovery_codes`` are shown this once."""

    user: str
    otpauth: str
    recovery_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Invitation:
    """An account that waits for its person. ``secret`` opens it, once, until then."""

    user: str
    secret: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class Accounts:
    """Makes accounts."""

    ledger: Ledger
    passwords: Passwords
    secrets: Secrets
    sessions: Sessions
    clock: Clock
    entropy: Entropy

    def found(
        self, name: str, printed_name: str, password: str, actor: Actor, before: Sequence[Said] = ()
    ) -> Founded:
        """Make the first administrator, of a log that has nobody.

        ``before``: what else the first request records, ahead of the account. The first
        sign-in with a code confirms the second factor. Raises Conflict if there are people
        already, Rejected for an unusable name or password.
        """
        check_name(name, printed_name)
        check_acceptable(password, name)
        user = self._new_id()
        secret, codes = self.secrets.new(), self.secrets.recovery_codes()
        made = Credentials(
            password=self.passwords.hash(password),
            secret=self.secrets.seal(secret, user),
            recovery=tuple(recovery_digest(code) for code in codes),
        )
        administrator = RoleGranted(
            role=PermissionRole.ADMINISTRATOR,
            approval=False,
            grantors=(actor.id,),
            single_administrator=True,
        )
        saids = [
            *before,
            say(f"user/{user}", UserCreated(name, printed_name)),
            say(f"user/{user}", administrator),
        ]
        with self.ledger.snapshot() as now:
            if now.head(ACCOUNTS) is not None:
                raise Conflict(
                    "there are people already",
                    remedy="ask an administrator for an invitation",
                )

        def store(connection: Connection, _: Sequence[Recorded]) -> None:
            credentials.write(connection, user, made)

        self.ledger.record_all(saids, actor, expects={ACCOUNTS: None}, beside=store)
        return Founded(user, otpauth(secret, name), codes)

    def invite(
        self,
        principal: Principal,
        name: str,
        printed_name: str,
        key: IdempotencyKey | None = None,
        reason: str | None = None,
    ) -> Invitation:
        """Make an account and the link that opens it, for a week.

        Raises RoleMissing, Rejected, Conflict where the name is taken or the key was used.
        """
        principal.require(Permission.MANAGE_PEOPLE)
        check_name(name, printed_name)
        check_reason(reason)
        event = UserCreated(name, printed_name, reason)
        return deciding(lambda: self._invite(principal, name, event, key))

    def _invite(
        self, principal: Principal, name: str, event: UserCreated, key: IdempotencyKey | None
    ) -> Invitation:
        user, secret = self._new_id(), opaque.mint_secret(self.entropy)
        expires_at = format_time(self.clock() + INVITED_FOR)

        def store(connection: Connection, _: Sequence[Recorded]) -> None:
            invitation = {"user": user, "expires_at": expires_at}
            operational.put(connection, INVITATION, opaque.digest(secret), invitation)

        with self.ledger.snapshot() as now:
            check_unused(now, key, "invitation")
            people = People(now.connection)
            people.require_still(principal, Permission.MANAGE_PEOPLE)
            taken = people.named(name)
            expects = now.heads([ACCOUNTS, *RIGHTS])
        if taken is not None:
            raise Conflict(f"the name {name} is taken", remedy="choose another sign-in name")
        said = say(f"user/{user}", event)
        appended = self.ledger.submit(
            [said], principal.actor, expects=expects, key=key, resource=user, beside=store
        ).result()
        if appended.replayed:
            raise shown_before("invitation", appended.resource)
        return Invitation(user, secret, expires_at)

    def invited(self, secret: str) -> str:
        """Find whose invitation it is. Raises Missing: unknown, used or expired."""
        with self.ledger.snapshot() as now:
            document = operational.get(now.connection, INVITATION, opaque.digest(secret))
            user = None if document is None else People(now.connection).user(str(document["user"]))
        if document is None or user is None or user.disabled:
            raise Missing("there is no such invitation", remedy="ask for a new one")
        if parse_time(str(document["expires_at"])) <= self.clock():
            raise Missing("the invitation has expired", remedy="ask for a new one")
        return user.id

    def accept(self, secret: str, password: str) -> str:
        """Set the invited person's password; return the otpauth address to enrol with.

        Until a code confirms it, it may be done again. Raises Missing, Rejected.
        """
        user = self.invited(secret)
        name = self._name(user)
        check_acceptable(password, name)
        factor = self.secrets.new()
        made = Credentials(self.passwords.hash(password), self.secrets.seal(factor, user))

        def store(connection: Connection) -> None:
            if operational.get(connection, INVITATION, opaque.digest(secret)) is None:
                raise _used()
            credentials.write(connection, user, made)

        self.ledger.operate(store)
        return otpauth(factor, name)

    def confirm(self, secret: str, code: str, address: str) -> tuple[Opened, tuple[str, ...]]:
        """Confirm the second factor with its first code; open a session, give recovery codes.

        Raises Missing, Conflict before a password is set, Unauthenticated for a wrong code,
        TooManyAttempts.
        """
        user = self.invited(secret)
        now = self.clock()
        account = attempts.account_key(user, "")
        with self.ledger.snapshot() as snapshot:
            held = credentials.read(snapshot.connection, user)
        if held is None:
            raise Conflict("the invitation has no password yet", remedy="accept it first")
        self.sessions.begin(user, account, address)
        step = step_of(self.secrets.open(held.secret, user), code, now, held.step)
        if step is None:
            raise self.sessions.refuse(user, account, address)
        codes = self.secrets.recovery_codes()

        def store(connection: Connection, _: Sequence[Recorded]) -> None:
            if not operational.delete(connection, INVITATION, opaque.digest(secret)):
                raise _used()
            kept = credentials.spend_step(connection, user, step, enrol=True)
            if kept.secret != held.secret:
                raise credentials.wrong()  # accepted anew meanwhile: the code is of another secret
            recovery = tuple(recovery_digest(one) for one in codes)
            credentials.write(connection, user, replace(kept, recovery=recovery))

        actor = Actor(user, ActorKind.PERSON, AuthMethod.NONE)
        opened = self.sessions.record(actor, account, ("totp",), store, enrolled=True)
        return opened, codes

    def _name(self, user: str) -> str:
        with self.ledger.snapshot() as now:
            return People(now.connection).find(user).name or user

    def _new_id(self) -> str:
        return f"u{self.entropy(ID_BYTES).hex()}"


def _used() -> Missing:
    return Missing("the invitation was used meanwhile", remedy="ask for a new one")


def check_name(name: str, printed_name: str) -> None:
    """Check a sign-in name and the name that is printed. Raises Rejected."""
    if not NAME.fullmatch(name):
        raise Rejected(
            f"{name[:100]!r} is no sign-in name",
            remedy="use lower-case letters, digits and . _ @ + -, at most 100",
            faults=[Fault("#/name", "must match " + NAME.pattern)],
        )
    if not 0 < len(printed_name.strip()) <= LONGEST_PRINTED or not printed_name.isprintable():
        raise Rejected(
            "the printed name is empty, too long or not printable",
            faults=[Fault("#/printed_name", f"1 to {LONGEST_PRINTED} printable characters")],
        )
