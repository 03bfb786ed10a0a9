"""When tokens were last used, to ten minutes: who looks after them sees what nobody needs."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from app.core.errors import Refusal
from app.core.ledger.times import format_time
from app.ledger import operational

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from app.ledger.record import Ledger

TOKEN_USED = "token_used"  # noqa: S105 - a kind of operational document
NOTED_EVERY = timedelta(minutes=10)
MOST_KNOWN = 1024


class Uses:
    """Notes the use of tokens, each once in ten minutes alone."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._noted: dict[str, datetime] = {}

    def note(self, id_: str, now: datetime) -> None:
        """Note a use; nobody waits for it, or is refused where it cannot be written."""
        before = self._noted.get(id_)
        if before is not None and now < before + NOTED_EVERY:
            return
        if len(self._noted) >= MOST_KNOWN:
            self._noted.clear()
        self._noted[id_] = now
        used = {"at": format_time(now)}
        with suppress(Refusal):
            self._ledger.sequencer.operate(
                lambda connection: operational.put(connection, TOKEN_USED, id_, used)
            )


def last_used(connection: Connection, id_: str) -> str | None:
    """Tell when a token was last used; None: never."""
    document = operational.get(connection, TOKEN_USED, id_)
    return None if document is None else str(document["at"])
