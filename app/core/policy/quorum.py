"""Seats and people: who fills which need so that as many as can be are filled.

Bipartite matching by augmenting paths (Kuhn). Seats are served in order, and one that is
filled stays filled, so seats that come first have the better claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from app.core.policy.rules import DeciderNeed, Need


@dataclass(frozen=True, slots=True)
class Seat:
    """One signature that ``need`` asks for; ``place`` tells the ``count`` of them apart.

    ``rule``: ``<policy>/<rule>``. ``accepts``: the signature must list that rule.
    """

    rule: str
    need: Need | DeciderNeed
    place: tuple[int, int]
    accepts: bool = False


def seats_of(
    rule: str, needs: Sequence[Need | DeciderNeed], *, accepts: bool = False
) -> list[Seat]:
    """One seat for each signature asked for, in the order of the needs."""
    return [
        Seat(rule, need, (place, count), accepts)
        for place, need in enumerate(needs)
        for count in range(need.count)
    ]


def assign(
    seats: Sequence[Seat], people: Sequence[str], fits: Callable[[str, Seat], bool]
) -> Mapping[Seat, str]:
    """Give as many seats as can be to different people. ``people``: tried in this order."""
    taken: dict[str, Seat] = {}

    def place(seat: Seat, tried: set[Hashable]) -> bool:
        for person in people:
            if person in tried or not fits(person, seat):
                continue
            tried.add(person)
            if person not in taken or place(taken[person], tried):
                taken[person] = seat
                return True
        return False

    for seat in seats:
        place(seat, set())
    return {seat: person for person, seat in taken.items()}
