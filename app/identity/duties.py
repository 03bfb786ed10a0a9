"""Looking for conflicts of duties before a role is granted: who holds what, and what is open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.identity.conflicts import conflicts
from app.identity.directory import People

if TYPE_CHECKING:
    from app.identity.conflicts import Conflict
    from app.identity.granting import Asked
    from app.identity.ports import OpenWork
    from app.identity.principal import Principal
    from app.ledger.record import Ledger


@dataclass(frozen=True, slots=True)
class Duties:
    """Looks. ``open_work``: asked for approval roles alone."""

    ledger: Ledger
    open_work: OpenWork

    def conflicts(
        self, principal: Principal, asked: Asked, *others: str
    ) -> tuple[tuple[Conflict, ...], str]:
        """Find every conflict of a grant, and the name of whom it is for. Raises Missing.

        ``others``: user ids of who grants it besides the caller.
        """
        with self.ledger.snapshot() as now:
            people = People(now.connection)
            whom = people.find(asked.user)
            held = people.grants(whom.id)
        grantors = {*others} if principal.person is None else {principal.person, *others}
        work = self.open_work({whom.id, *grantors}) if asked.approval else ()
        return conflicts(asked, whom, held, grantors, work), whom.called
