"""Who looks at a page: the person whose session the browser's cookie names."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.errors import Forbidden, Unauthenticated
from app.identity.directory import People
from app.web.csrf import TOKEN_BYTES
from app.web.visitors import Visitor

if TYPE_CHECKING:
    from fastapi import Request

    from app.identity.assembly import Identity


@dataclass(frozen=True, slots=True)
class Visiting:
    """Recognises visitors; a ``Recognise`` of ``app.web.visitors``.

    ``secret``: 32 bytes that stay in the service; form tokens are derived from it.
    """

    identity: Identity
    secret: bytes

    def __call__(self, request: Request) -> Visitor:
        """Recognise who looks. Raises Unauthenticated, Forbidden for what is no session."""
        principal = self.identity.authentication(request)
        if principal.person is None or principal.session is None:
            raise Forbidden(
                "pages are for people who signed in",
                remedy="programs use /api/v1, with the same credentials",
            )
        with self.identity.ledger.snapshot() as now:
            user = People(now.connection).user(principal.person)
        if user is None:
            raise Unauthenticated("there is no such account", remedy="sign in again")
        name = user.name or user.id
        return Visitor(
            principal, user.id, name, user.printed_name or name, self.form_token(principal.session)
        )

    def form_token(self, session: str) -> bytes:
        """Derive what the forms of a session carry; ``session``: the key it is kept under."""
        return hmac.digest(self.secret, b"form\0" + session.encode(), "sha256")[:TOKEN_BYTES]
