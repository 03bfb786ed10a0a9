"""What a report needs of other rooms; ``app.main`` hands it in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from app.core.lineage.closure import Ancestry
    from app.ledger.snapshot import Snapshot


class Ancestors(Protocol):
    """What a subject comes from, with a shortest why-path each, at a size of the log."""

    def __call__(self, connection: Connection, subject: str, size: int) -> Ancestry: ...


class MakeBundle(Protocol):
    """One zip file of entries with their proofs, their data, and files that they name.

    Raises Unavailable while no checkpoint covers an entry.
    """

    def __call__(
        self, now: Snapshot, indexes: Iterable[int], *, purpose: str, files: Mapping[str, bytes]
    ) -> bytes: ...
