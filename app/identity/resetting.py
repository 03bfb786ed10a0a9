"""Somebody lost their authenticator or password: two administrators let them begin anew.

What they proved themselves with is dropped, their sessions end, and a one-time link lets them
set a password and enrol an authenticator. They may sign in with it at once, and sign nothing
for 24 hours: time for the person whose account it is to object.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.core.access import Permission
from app.core.errors import Conflict, Forbidden, Missing, SelfApproval
from app.core.events import say
from app.core.events.kinds.people import SecondFactorChanged
from app.core.ledger.times import format_time, parse_time
from app.identity import opaque
from app.identity.accounts import INVITATION, INVITED_FOR, Invitation
from app.identity.credentials import CREDENTIALS
from app.identity.deciding import RIGHTS, deciding
from app.identity.directory import People
from app.identity.open_sessions import end_all
from app.identity.own import REPLACEMENT
from app.identity.projection import RESET
from app.identity.reasons import check_reason
from app.identity.roles import INDEPENDENT_AFTER
from app.ledger import operational
from app.ledger.sql_store import ENTRIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.jsonvalue import Json
    from app.identity.principal import Principal
    from app.ledger.ports import Recorded
    from app.ledger.record import Ledger
    from app.ledger.snapshot import Snapshot
    from app.settings import Clock, Entropy

ASKED = "factor_reset"
WAITS_FOR = timedelta(days=7)
NO_SIGNING = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Reset:
    """A reset that waits for a second administrator. ``by``: user id of who asked for it."""

    user: str
    by: str
    at: datetime
    reason: str | None


def resets(connection: Connection, now: datetime) -> list[Reset]:
    """List the resets that wait and have not lapsed, the oldest first."""
    kept = [_reset(user, one) for user, one in operational.each(connection, ASKED)]
    return sorted((one for one in kept if now < one.at + WAITS_FOR), key=lambda one: one.at)


def waiting_reset(connection: Connection, user: str, now: datetime) -> Reset | None:
    """Find the reset of a person that waits and has not lapsed."""
    return next((one for one in resets(connection, now) if one.user == user), None)


def signs_again_at(now: Snapshot, user: str, at: datetime) -> datetime | None:
    """Tell until when a person signs nothing after a reset; None: they may."""
    since = format_time(at - NO_SIGNING)
    found = now.connection.execute(
        select(ENTRIES.c.idx, ENTRIES.c.recorded_at)
        .where(
            ENTRIES.c.subject == f"user/{user}",
            ENTRIES.c.type == SecondFactorChanged.TYPE,
            ENTRIES.c.recorded_at > since,
        )
        .order_by(ENTRIES.c.idx.desc())
    )
    for row in found:
        if now.data(row.idx).get("change") == RESET:
            return parse_time(row.recorded_at) + NO_SIGNING
    return None


@dataclass(frozen=True, slots=True)
class Resetting:
    """Lets people begin anew, by two administrators."""

    ledger: Ledger
    clock: Clock
    entropy: Entropy

    def ask(self, principal: Principal, user: str, reason: str) -> Reset:
        """Ask for a reset; on record. Raises as ``confirm``, Conflict where another one asked."""
        _check_person(principal)
        check_reason(reason)
        return deciding(lambda: self._ask(principal, user, reason))

    def confirm(self, principal: Principal, user: str) -> Invitation:
        """Carry out what another administrator asked for; the link is shown this once.

        Raises RoleMissing; Forbidden for who is no person, or administers for less than a
        day; SelfApproval; Missing where nothing waits; Conflict where the one who asked
        administers no more.
        """
        _check_person(principal)
        return deciding(lambda: self._confirm(principal, user))

    def _ask(self, principal: Principal, user: str, reason: str) -> Reset:
        with self.ledger.snapshot() as now:
            people = People(now.connection)
            people.require_still(principal, Permission.MANAGE_PEOPLE)
            expects = now.heads(RIGHTS)
            id_ = people.find(user).id
            waiting = waiting_reset(now.connection, id_, self.clock())
            _check_independent(people, principal, self.clock())
            alone = len(people.administrators()) == 1
        if alone:
            raise Conflict(
                "a reset takes two administrators, and there is one",
                remedy="make a second one first",
            )
        if waiting is not None:
            raise Conflict(
                "a reset of this account waits already", remedy="another administrator confirms it"
            )
        asked = Reset(id_, str(principal.person), self.clock(), reason)
        document: dict[str, Json] = {
            "by": asked.by,
            "at": format_time(asked.at),
            "reason": reason,
        }

        def keep(connection: Connection, _: Sequence[Recorded]) -> None:
            operational.put(connection, ASKED, id_, document)

        said = say(f"user/{id_}", SecondFactorChanged("reset_requested", reason))
        self.ledger.record(said, principal.actor, expects=expects, beside=keep)
        return asked

    def _confirm(self, principal: Principal, user: str) -> Invitation:
        with self.ledger.snapshot() as now:
            people = People(now.connection)
            people.require_still(principal, Permission.MANAGE_PEOPLE)
            id_ = people.find(user).id
            expects = now.heads([*RIGHTS, f"user/{id_}"])
            asked = waiting_reset(now.connection, id_, self.clock())
            if asked is None:
                raise Missing("no reset of this account waits", remedy="ask for it again")
            _check_independent(people, principal, self.clock())
            still = asked.by in people.administrators()
        if asked.by == principal.person:
            raise SelfApproval(
                "whoever asked for a reset does not confirm it",
                remedy="another administrator has to",
            )
        if not still:
            raise Conflict("whoever asked administers no more", remedy="ask for it again")
        secret = opaque.mint_secret(self.entropy)
        expires_at = format_time(self.clock() + INVITED_FOR)

        def carry_out(connection: Connection, _: Sequence[Recorded]) -> None:
            operational.delete(connection, ASKED, id_)
            operational.delete(connection, CREDENTIALS, id_)
            operational.delete(connection, REPLACEMENT, id_)
            end_all(connection, id_)
            for key, earlier in list(operational.each(connection, INVITATION)):
                if earlier["user"] == id_:
                    operational.delete(connection, INVITATION, key)
            invitation = {"user": id_, "expires_at": expires_at}
            operational.put(connection, INVITATION, opaque.digest(secret), invitation)

        said = say(f"user/{id_}", SecondFactorChanged(RESET, asked.reason))
        self.ledger.record(said, principal.actor, expects=expects, beside=carry_out)
        return Invitation(id_, secret, expires_at)


def _check_person(principal: Principal) -> None:
    principal.require(Permission.MANAGE_PEOPLE)
    if principal.person is None:
        raise Forbidden(
            "a second factor is reset by people",
            remedy="two administrators have to, signed in; no token and no operator may",
        )


def _check_independent(people: People, principal: Principal, at: datetime) -> None:
    """Check that nobody was made an administrator on the spot, to be the second one."""
    since = people.administrators().get(str(principal.person))
    if since is None or at < since + INDEPENDENT_AFTER:
        raise Forbidden(
            "a reset takes two who have administered for a day, and you have not",
            remedy="another administrator has to, or you tomorrow",
        )


def _reset(user: str, document: Mapping[str, Json]) -> Reset:
    reason = document["reason"]
    return Reset(
        user,
        str(document["by"]),
        parse_time(str(document["at"])),
        reason if isinstance(reason, str) else None,
    )
