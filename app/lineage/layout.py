"""Where the boxes of a picture stand: the port, and what goes in and comes out.

Lengths are in units of the picture; x grows to the right, y downwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol, TypeAlias

from app.core.ledger.canonical import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.jsonvalue import Json

Point: TypeAlias = tuple[float, float]


class Flow(StrEnum):
    """Which way the data flows in the picture."""

    ACROSS = "across"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Sketch:
    """``boxes``: how many, all ``width`` by ``height``. ``arrows``: pairs of boxes, none twice.

    ``apart``: between two ranks, ``beside``: between two boxes of one rank.
    """

    boxes: int
    arrows: Sequence[tuple[int, int]]
    flow: Flow
    width: int
    height: int
    apart: int
    beside: int


@dataclass(frozen=True, slots=True)
class Placed:
    """``boxes``: the middle of each. ``arrows``: a start, then Bézier curves of three points.

    Both in the order of the sketch. ``width``, ``height``: of the whole.
    """

    width: float
    height: float
    boxes: tuple[Point, ...]
    arrows: tuple[tuple[Point, ...], ...]

    @property
    def digest(self) -> str:
        """Name the layout: ``sha256:<hex>`` over its canonical JSON in tenths of a unit."""
        whole: dict[str, Json] = {
            "size": [_tenths(self.width), _tenths(self.height)],
            "boxes": [[_tenths(x), _tenths(y)] for x, y in self.boxes],
            "arrows": [[[_tenths(x), _tenths(y)] for x, y in one] for one in self.arrows],
        }
        return f"sha256:{sha256(canonical(whole)).hexdigest()}"


class Layout(Protocol):
    """Place boxes. The same sketch is placed the same way, wherever it is done.

    Raises Unavailable: it took longer, or more memory, than a picture may.
    """

    def __call__(self, sketch: Sketch, /) -> Placed: ...


def _tenths(length: float) -> int:
    return round(length * 10)
