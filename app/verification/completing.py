"""Which entries prove that nothing was left out: those of the key, and what closes the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.ledger.completeness import SUBJECT, TYPE

if TYPE_CHECKING:
    from app.core.ledger.completeness import Complete
    from app.ledger.snapshot import Snapshot


def entries_of(now: Snapshot, claim: Complete) -> set[int]:
    """Collect the entries that a claim needs, walking back from the last one of its key.

    The next entry of the key closes the list; where there is none, all that follow its last.
    """
    head = claim.key if claim.key.startswith(TYPE) else claim.key.removeprefix(SUBJECT)
    found: set[int] = set()
    closing: int | None = None
    index = now.head(head)
    while index is not None and index >= claim.first:
        if index >= claim.end:
            closing = index
        else:
            found.add(index)
        index = claim.previous(now.entry(index))
    if closing is not None:
        return found | {closing}
    return found | set(range(max(found, default=claim.first), claim.end))
