"""One measured figure beside its yardstick and its goal."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """``value`` in ``unit``; ``goal`` as text; ``met`` None where no goal is set."""

    name: str
    value: float
    unit: str
    goal: str
    met: bool | None
    detail: str

    def line(self) -> str:
        """Write it for a terminal."""
        word = {True: "met", False: "SHORT", None: ""}[self.met]
        return (
            f"{self.name:58} {self.value:9.3f} {self.unit:6} {self.goal:10} {word:6} {self.detail}"
        )

    def document(self) -> dict[str, Any]:
        """Write it as JSON."""
        return asdict(self)
