"""The left rail: the pages there are. A slice that builds its page adds its line here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the rail. ``key``: the letter after ``g`` that goes there, or None."""

    title: str
    path: str
    key: str | None = None

    @property
    def letter(self) -> str:
        """Say the key with its place, for the help page."""
        return f"{self.key} {self.title}"


# In this order: Inbox i · Models m · Datasets d · Lineage l · Ledger e · Reports r · Policies p ·
# Admin a. An entry without its page fails tests/slices/web/test_rail.py.
RAIL: tuple[Place, ...] = (
    Place("Inbox", "/inbox", "i"),
    Place("Models", "/models", "m"),
    Place("Datasets", "/datasets", "d"),
    Place("Lineage", "/lineage", "l"),
    Place("Ledger", "/ledger", "e"),
    Place("Reports", "/reports", "r"),
    Place("Policies", "/policies", "p"),
)


def within(place: Place, path: str) -> bool:
    """Tell whether ``path`` is that place or below it."""
    return path == place.path or path.startswith(f"{place.path}/")
