"""Recognising the caller of a request: by token, by session, or by the admin socket.

Nothing here is slow: random secrets are looked up by their SHA-256. Passwords are for
``sessions`` and ``signing``.
"""

from __future__ import annotations

import functools
import hmac
import threading
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import bindparam, select

from app.core.access import SCOPES, Permission, Scope, allowed_by_token
from app.core.errors import Forbidden, Unauthenticated
from app.core.events import Actor, ActorKind, AuthMethod
from app.core.events.kinds.people import TokenRevoked, UserDisabled
from app.core.ledger.times import format_time, parse_time
from app.identity import opaque, reading
from app.identity.principal import Limits, Principal, Right
from app.identity.tables import TOKENS, USERS
from app.identity.token_use import Uses
from app.ledger import operational
from app.web.hosts import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from fastapi import Request
    from sqlalchemy import Connection

    from app.ledger.record import Ledger
    from app.settings import Clock

SESSION = "session"
TOKEN_SECRET = "token"  # noqa: S105 - a kind of operational document
IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=10)
TOUCH = timedelta(minutes=1)
LOCAL_SCOPE_KEY = "muniment.principal"
MOST_REMEMBERED = 1024
ENDS = (f"type:{TokenRevoked.TYPE}", f"type:{UserDisabled.TYPE}")
"""Heads that move whenever a token ends before its time."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_AGAIN = "sign in again"


def cookie_name(public_url: str) -> str | None:
    """Name the session's cookie: host-bound over https, another one on loopback http.

    None where it would cross a network in the clear: there are no browser sessions there.
    """
    address = urlsplit(public_url)
    if address.scheme == "https":
        return "__Host-s"
    return "muniment-dev" if is_loopback(address.hostname or "") else None


class Authentication:
    """Recognises callers; an ``Authenticate`` of ``app.web.callers``."""

    def __init__(self, ledger: Ledger, clock: Clock, public_url: str) -> None:
        self._ledger = ledger
        self._clock = clock
        self.cookie = cookie_name(public_url)
        self._tokens = _Remembered()
        self._used = Uses(ledger)

    def forget(self) -> None:
        """Read tokens anew: one was revoked, or an account was closed, and that is durable."""
        self._tokens.clear()

    def __call__(self, request: Request) -> Principal:
        """Recognise a request's caller, and note it in ``request.state.principal``.

        Raises Unauthenticated without credentials or with ones that do not hold; Forbidden
        for a change that another origin's page asks for with this browser's cookie.
        """
        principal = self._recognise(request)
        request.state.principal = principal
        return principal

    def person_of(self, secret: str) -> str:
        """Tell whose session a secret just opened. Raises Unauthenticated."""
        with self._ledger.store.reading() as connection:
            principal, _ = recognise_session(connection, secret, self._clock())
        return str(principal.person)

    def _recognise(self, request: Request) -> Principal:
        local = request.scope.get(LOCAL_SCOPE_KEY)
        if isinstance(local, Principal):
            return local
        header = request.headers.get("Authorization")
        if header is None:
            secret = None if self.cookie is None else request.cookies.get(self.cookie)
            if secret is None:
                raise Unauthenticated("no credentials", remedy="sign in, or send a token")
            _check_same_origin(request)
        else:
            scheme, _, secret = header.partition(" ")
            if scheme.lower() != "bearer":
                raise Unauthenticated("Authorization is not `Bearer <token>`")
        if secret.startswith(opaque.TOKEN_PREFIX):
            return self._token(secret)
        now = self._clock()
        with self._ledger.store.reading() as connection:
            principal, stale = recognise_session(connection, secret, now)
        if stale:
            self._touch(opaque.digest(secret), now)
        return principal

    def _token(self, token: str) -> Principal:
        now, key = self._clock(), opaque.digest(token)
        known = self._tokens.get(key)
        if known is None or known.expires_at <= now or self._ended_elsewhere(known):
            generation = self._tokens.generation
            with self._ledger.store.reading() as connection:
                known = recognise_token(connection, token, now)
                ends = self._ledger.store.heads(connection, ENDS)
            self._tokens.put(key, replace(known, ends=ends), generation)
        self._used.note(known.principal.actor.id, now)
        return known.principal

    def _ended_elsewhere(self, known: Recognised) -> bool:
        """Tell whether another process has ended any token since this one was recognised."""
        store = self._ledger.store
        return store.shared and store.database.newest_heads(ENDS) != known.ends

    def _touch(self, key: str, now: datetime) -> None:
        """Note that a session is in use; nobody waits for it to be written."""

        def touch(connection: Connection) -> None:
            document = operational.get(connection, SESSION, key)
            if document is not None:
                seen = document | {"seen_at": format_time(now)}
                operational.put(connection, SESSION, key, seen)

        self._ledger.sequencer.operate(touch)


@dataclass(frozen=True, slots=True)
class Recognised:
    """Whom a token stands for, and until when.

    ``ends``: the last entries, when it was recognised, of the types by which tokens end.
    """

    principal: Principal
    expires_at: datetime
    ends: Mapping[str, int] = field(default_factory=dict)


class _Remembered:
    """Tokens recognised before, by their hash, so that a pipeline's every call costs no query.

    Where other processes write to the log, too, each use takes one look at the heads of what
    ends tokens; where nobody else does, ``forget`` is told.

    ``generation`` is told before one reads and compared before one writes here: what was
    read before a revocation cannot get in after it.
    """

    def __init__(self) -> None:
        self.generation = 0
        self._known: dict[str, Recognised] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> Recognised | None:
        return self._known.get(key)

    def put(self, key: str, recognised: Recognised, generation: int) -> None:
        with self._lock:
            room = key in self._known or len(self._known) < MOST_REMEMBERED
            if generation == self.generation and room:
                self._known[key] = recognised

    def clear(self) -> None:
        with self._lock:
            self.generation += 1
            self._known.clear()


def recognise_token(connection: Connection, token: str, now: datetime) -> Recognised:
    """Find whom a token stands for.

    Raises Unauthenticated: mistyped, unknown, expired, revoked, or its owner's account is
    closed.
    """
    opaque.check_token(token)
    id_ = opaque.token_id(token)
    kept = operational.get(connection, TOKEN_SECRET, id_)
    if kept is None or not hmac.compare_digest(str(kept["sha256"]), opaque.digest(token)):
        raise Unauthenticated("there is no such token", remedy="ask its owner for a new one")
    row = connection.execute(_TOKEN, {"id": id_}).one()
    if row.revoked_index is not None:
        raise Unauthenticated("the token was revoked", remedy="ask its owner for a new one")
    if row.expires_at <= format_time(now):
        raise Unauthenticated("the token has expired", remedy="ask its owner for a new one")
    if row.disabled_index is not None:
        raise Unauthenticated("the account of the token's owner is closed")
    principal = Principal(
        actor=Actor(id_, ActorKind.SERVICE, AuthMethod.TOKEN),
        person=None,
        answerable=row.owner,
        rights=(Right(_permissions(row.scopes), row.team),),
        limits=Limits(row.subject_prefix, row.environment),
    )
    return Recognised(principal, parse_time(row.expires_at))


_TOKEN = (
    select(
        TOKENS.c.owner,
        TOKENS.c.scopes,
        TOKENS.c.team,
        TOKENS.c.subject_prefix,
        TOKENS.c.environment,
        TOKENS.c.expires_at,
        TOKENS.c.revoked_index,
        USERS.c.disabled_index,
    )
    .join(USERS, USERS.c.id == TOKENS.c.owner)
    .where(TOKENS.c.id == bindparam("id"))
)


@functools.lru_cache(maxsize=256)
def _permissions(scopes: str) -> frozenset[Permission]:
    given = reading.scopes(scopes)
    return frozenset(one for one in Permission if allowed_by_token(given, one))


def recognise_session(connection: Connection, secret: str, now: datetime) -> tuple[Principal, bool]:
    """Find whom a session stands for, and whether its last use is to be noted.

    Raises Unauthenticated: unknown, ended, a second factor is due, or the account is closed.
    """
    key = opaque.digest(secret)
    document = operational.get(connection, SESSION, key)
    if document is None:
        raise Unauthenticated("there is no such session", remedy=_AGAIN)
    seen_at = parse_time(str(document["seen_at"]))
    if now >= seen_at + IDLE or now >= parse_time(str(document["opened_at"])) + ABSOLUTE:
        raise Unauthenticated("the session has ended", remedy=_AGAIN)
    user = str(document["user"])
    disabled = connection.execute(select(USERS.c.disabled_index).where(USERS.c.id == user)).scalar()
    if disabled is not None:
        raise Unauthenticated("this account is closed")
    held = reading.active_grants(connection, user)
    if document["methods"] == ["password"] and any(one.needs_factor for one in held):
        raise Unauthenticated(
            "a role held by now takes a second factor",
            remedy="sign in again; you will be asked to enrol one",
        )
    principal = Principal(
        actor=Actor(user, ActorKind.PERSON, AuthMethod.SESSION),
        person=user,
        answerable=user,
        rights=reading.rights(held),
        approval_roles=reading.approval_roles(held),
        session=key,
        everywhere=SCOPES[Scope.READ],
    )
    return principal, now >= seen_at + TOUCH


def _check_same_origin(request: Request) -> None:
    """Refuse a change that another origin's page asks for; browsers say where one comes from.

    Source: W3C Fetch Metadata Request Headers, 2.3 (Sec-Fetch-Site).
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    same = site in ("same-origin", "none")
    if site is None:
        same = origin is None or urlsplit(origin).netloc == request.headers.get("Host")
    if not same:
        raise Forbidden("a page of another origin asked for this")
