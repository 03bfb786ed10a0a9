"""The left rail: the pages there are. A slice that builds its page adds its line here."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.access import Permission
from app.web.callers import Caller


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the rail. ``key``: the letter after ``g`` that goes there, or None.

    ``needs``: it is there for whoever may do one of these; empty: for everybody.
    """

    title: str
    path: str
    key: str | None = None
    needs: tuple[Permission, ...] = ()

    def open_to(self, caller: Caller) -> bool:
        """Tell whether it is a place for this caller."""
        return not self.needs or any(map(caller.may, self.needs))

    @property
    def letter(self) -> str:
        """Say the key with its place, for the help page."""
        return f"{self.key} {self.title}"


ADMINISTERS = (
    Permission.MANAGE_PEOPLE,
    Permission.MANAGE_ROLES,
    Permission.MANAGE_TOKENS,
    Permission.READ_ACCESS_LOG,
)

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
    Place("Admin", "/admin", "a", ADMINISTERS),
)


def within(place: Place, path: str) -> bool:
    """Tell whether ``path`` is that place or below it."""
    return path == place.path or path.startswith(f"{place.path}/")
