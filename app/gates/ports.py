"""What a gate needs of other rooms; ``app.main`` hands it in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from app.core.lineage.closure import Ancestry
    from app.core.policy.facts import Person, Review


class Directory(Protocol):
    """People, as decisions read them. All within the caller's snapshot."""

    def people(self, connection: Connection) -> tuple[Person, ...]:
        """Find everybody with an open account and an approval role, with what was granted."""

    def answerable(
        self, connection: Connection, actors: Iterable[str]
    ) -> Mapping[str, frozenset[str]]:
        """Tell which people answer for each actor: the person, or a token's owner and maker."""


class ReviewsOf(Protocol):
    """The signed reviews of a promotion, dismissed ones left out, in order."""

    def __call__(self, connection: Connection, promotion: str) -> tuple[Review, ...]: ...


class Ancestors(Protocol):
    """What a node comes from, with a shortest why-path each, at a size of the log."""

    def __call__(self, connection: Connection, subject: str, size: int) -> Ancestry: ...
