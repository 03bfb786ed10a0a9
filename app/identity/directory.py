"""Who is who: what gates, reviews and pages ask about people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Select, select

from app.core.access import PermissionRole
from app.core.errors import Missing, RoleMissing
from app.core.policy.facts import Person
from app.identity import reading
from app.identity.tables import ROLE_GRANTS, TOKENS, USERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.access import Permission
    from app.core.policy.facts import Role
    from app.identity.principal import Principal
    from app.identity.values import Grant, Token, User


@dataclass(frozen=True, slots=True)
class People:
    """Questions about people, at the state of one connection."""

    connection: Connection

    def user(self, id_: str) -> User | None:
        """Find an account by its id, closed ones too."""
        return next(iter(reading.users(self.connection, USERS.c.id == id_)), None)

    def named(self, name: str) -> User | None:
        """Find an account by the name that signs in, closed ones too."""
        return next(iter(reading.users(self.connection, USERS.c.name == name)), None)

    def find(self, written: str) -> User:
        """Find an open account by id or name. Raises Missing."""
        user = self.user(written) or self.named(written)
        if user is None or user.disabled:
            raise Missing(f"there is no open account {written[:100]!r}")
        return user

    def everybody(self) -> list[User]:
        """List all accounts in the order they were made, closed ones too."""
        return reading.users(self.connection)

    def printed_name(self, id_: str) -> str | None:
        """Tell the name that a person signs with; None where it was erased."""
        user = self.user(id_)
        return None if user is None else user.printed_name

    def grants(self, user: str) -> list[Grant]:
        """List the roles that a person holds now, of both kinds."""
        return reading.active_grants(self.connection, user)

    def grant(self, id_: int) -> Grant | None:
        """Find a grant by its entry, revoked ones too."""
        return next(iter(reading.grants(self.connection, ROLE_GRANTS.c.id == id_)), None)

    def approval_roles(self, user: str) -> tuple[Role, ...]:
        """List every approval role a person was ever granted, revoked ones with their end."""
        return reading.approval_roles(
            reading.grants(self.connection, ROLE_GRANTS.c.user == user, ROLE_GRANTS.c.approval)
        )

    def holders(self) -> tuple[Person, ...]:
        """List who could review: open accounts that may, with their approval roles.

        It takes the permission role reviewer besides. Revoked approval roles are among them,
        with their end; people who have no other ones are not.
        """
        open_ = ROLE_GRANTS.c.user.in_(_open_accounts())
        held = reading.grants(self.connection, open_, ROLE_GRANTS.c.approval)
        may = reading.grants(
            self.connection,
            open_,
            ROLE_GRANTS.c.revoked_index.is_(None),
            ROLE_GRANTS.c.role == PermissionRole.REVIEWER.value,
        )
        reviewers = {one.user for one in may} & {one.user for one in held if not one.revoked_at}
        return tuple(
            Person(user, reading.approval_roles(one for one in held if one.user == user))
            for user in sorted(reviewers)
        )

    def administrators(self) -> dict[str, datetime]:
        """Tell who administers now, and since when without a break."""
        held = reading.grants(
            self.connection,
            ROLE_GRANTS.c.revoked_index.is_(None),
            ROLE_GRANTS.c.approval.is_(False),
            ROLE_GRANTS.c.role == PermissionRole.ADMINISTRATOR.value,
            ROLE_GRANTS.c.user.in_(_open_accounts()),
        )
        since: dict[str, datetime] = {}
        for one in held:
            since.setdefault(one.user, one.granted_at)
        return since

    def require_still(self, principal: Principal, permission: Permission) -> None:
        """Check that whoever was recognised before may do this at this state of the log too.

        Raises RoleMissing for a person whose account or role has ended since.
        """
        if principal.person is None:
            return
        user = self.user(principal.person)
        held = reading.rights(self.grants(principal.person))
        allowed = any(permission in right.permissions for right in held)
        if user is None or user.disabled or not allowed:
            raise RoleMissing(f"this caller may not {permission.value} any more")

    def token(self, id_: str) -> Token | None:
        """Find a token by its id, revoked ones too."""
        return next(iter(reading.tokens(self.connection, TOKENS.c.id == id_)), None)

    def tokens(self) -> list[Token]:
        """List all tokens in the order they were made."""
        return reading.tokens(self.connection)

    def behind(self, actor: str) -> frozenset[str]:
        """Tell the people behind an actor of the log: the person, or who owns and made a token.

        A person may be given by the name that signs in. Empty for the operator of this
        machine. Four eyes count all of them.
        """
        token = self.token(actor)
        actors = [actor] if token is None else [token.owner, token.created_by]
        found = (self.user(one) or self.named(one) for one in actors)
        return frozenset(one.id for one in found if one is not None)


class Directory:
    """What gates ask, each time within the snapshot of their own."""

    def people(self, connection: Connection) -> tuple[Person, ...]:
        """Find everybody who could review, with the approval roles granted to them."""
        return People(connection).holders()

    def answerable(
        self, connection: Connection, actors: Iterable[str]
    ) -> Mapping[str, frozenset[str]]:
        """Tell which people answer for each actor; see ``People.behind``."""
        people = People(connection)
        return {actor: people.behind(actor) for actor in actors}


def _open_accounts() -> Select[tuple[str]]:
    return select(USERS.c.id).where(USERS.c.disabled_index.is_(None))


def printed_names(connection: Connection, ids: Iterable[str]) -> dict[str, str]:
    """Tell what people sign with, by their ids; who is no person, or has no name, is left out."""
    found = reading.users(connection, USERS.c.id.in_(sorted(set(ids))))
    return {one.id: one.printed_name for one in found if one.printed_name is not None}
