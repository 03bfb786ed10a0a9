"""What administering people needs of other rooms; ``app.main`` hands it in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


@dataclass(frozen=True, slots=True)
class Part:
    """What somebody has to do with a promotion that waits for reviews.

    ``part``: in words, such as "submitter". ``model``: its name.
    """

    person: str
    part: str
    promotion: str
    model: str
    environment: str


class OpenWork(Protocol):
    """Tell which parts people have in promotions that wait for reviews."""

    def __call__(self, people: Collection[str]) -> Sequence[Part]: ...
