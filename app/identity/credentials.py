"""What a person proves who they are with: one operational document for each account.

Whatever is used up (a time step, a recovery code) is used up in the transaction of the
entry it was used for, so that two racing requests cannot both use it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from app.core.errors import Unauthenticated
from app.identity.factor import NEVER_USED
from app.ledger import operational

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.core.jsonvalue import Json

CREDENTIALS = "credentials"


@dataclass(frozen=True, slots=True)
class Credentials:
    """``password``: argon2id hash. ``secret``: sealed, ``enrolled`` once a code confirmed it.

    ``step``: last time step used. ``recovery``: digests of the codes that are left.
    """

    password: str
    secret: str
    enrolled: bool = False
    step: int = NEVER_USED
    recovery: tuple[str, ...] = ()


def wrong() -> Unauthenticated:
    """Refuse in the one form that does not say which part was wrong."""
    return Unauthenticated(
        "name, password or code is wrong",
        remedy="check all three; a code works once, so wait for the next one",
    )


def read(connection: Connection, user: str) -> Credentials | None:
    """Read an account's credentials; None where it has none yet."""
    document = operational.get(connection, CREDENTIALS, user)
    if document is None:
        return None
    return Credentials(
        password=str(document["password"]),
        secret=str(document["secret"]),
        enrolled=document["enrolled"] is True,
        step=cast("int", document["step"]),
        recovery=tuple(cast("list[str]", document["recovery"])),
    )


def write(connection: Connection, user: str, credentials: Credentials) -> None:
    """Store an account's credentials in the place of earlier ones."""
    document: dict[str, Json] = {
        "password": credentials.password,
        "secret": credentials.secret,
        "enrolled": credentials.enrolled,
        "step": credentials.step,
        "recovery": list(credentials.recovery),
    }
    operational.put(connection, CREDENTIALS, user, document)


def spend_step(connection: Connection, user: str, step: int, *, enrol: bool = False) -> Credentials:
    """Use up a time step, and every one before it; with ``enrol`` it confirms the secret.

    Returns the credentials as they are then. Raises Unauthenticated where somebody was faster.
    """
    now = read(connection, user)
    if now is None or step <= now.step:
        raise wrong()
    after = replace(now, step=step, enrolled=now.enrolled or enrol)
    write(connection, user, after)
    return after


def spend_recovery_code(connection: Connection, user: str, code: str) -> None:
    """Use up a recovery code, by its digest. Raises Unauthenticated: it was used."""
    now = read(connection, user)
    if now is None or code not in now.recovery:
        raise wrong()
    left = tuple(one for one in now.recovery if one != code)
    write(connection, user, replace(now, recovery=left))
