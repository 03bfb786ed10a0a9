"""The one-time address under which the first administrator of an empty log is made."""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import TYPE_CHECKING

from app.core.errors import Forbidden, Missing
from app.identity import opaque
from app.web.hosts import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.core.events import Actor, Said
    from app.identity.accounts import Accounts, Founded
    from app.settings import Clock, Entropy

OPEN_FOR = timedelta(minutes=30)


class Setup:
    """Lets whoever reads this server's stderr, on this machine, make the first account.

    ``before``: what else the first request records. The secret lives in this process alone
    and ends with it, after half an hour, or with the first account.
    """

    def __init__(
        self,
        accounts: Accounts,
        actor: Actor,
        before: Callable[[], Sequence[Said]],
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._accounts = accounts
        self._actor = actor
        self._before = before
        self._clock = clock
        self._ends_at = clock() + OPEN_FOR
        self.secret = opaque.mint_secret(entropy)

    def check(self, secret: str, address: str) -> None:
        """Raise Missing unless it is the address that was printed and still open.

        Raises Forbidden for an address that is not of this machine.
        """
        if not is_loopback(address):
            raise Forbidden("set-up is done on the machine itself, on its loopback address")
        if self._clock() >= self._ends_at or not hmac.compare_digest(
            secret.encode(), self.secret.encode()
        ):
            raise Missing(
                "there is no such set-up address, or its half hour is over",
                remedy="restart the server for a new one, or use `muniment init`",
            )

    def found(
        self, secret: str, address: str, name: str, printed_name: str, password: str
    ) -> Founded:
        """Make the first administrator. Raises as ``check`` and ``Accounts.found``."""
        self.check(secret, address)
        return self._accounts.found(name, printed_name, password, self._actor, self._before())
