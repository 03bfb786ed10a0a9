"""What notices need of other rooms; ``app.main`` hands it in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Audience(Protocol):
    """Tell whom a notice concerns."""

    def __call__(self, about: str, subject: str, index: int, /) -> Sequence[str] | None:
        """Name people by user id; None where there is nothing to be told of any more.

        ``about``: as ``outbox.About`` names it. ``index``: the entry that causes it.
        """
