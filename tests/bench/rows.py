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

    def word(self, *, noisy: bool) -> str:
        """Judge it: ``ok`` or ``short``; ``noisy`` where it is short and others were at work."""
        if self.met is None:
            return ""
        return "ok" if self.met else "noisy" if noisy else "short"

    def line(self, *, noisy: bool) -> str:
        """Write it for a terminal."""
        return (
            f"{self.name:58} {self.value:9.3f} {self.unit:6} {self.goal:10}"
            f" {self.word(noisy=noisy):6} {self.detail}"
        )

    def document(self, *, noisy: bool) -> dict[str, Any]:
        """Write it as JSON."""
        return {**asdict(self), "word": self.word(noisy=noisy)}
