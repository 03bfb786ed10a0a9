"""What drafts of reviews and views that were shown keep of a value that is erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.ledger.canonical import canonical
from app.ledger import operational
from app.reviews.notes import DRAFT, LOOKED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

    from app.core.jsonvalue import Json


def erase_notes(connection: Connection, values: Mapping[str, bytes], _by: int) -> None:
    """Erase every draft and every view in which an erased value stands.

    ``values``: canonical JSON. Whoever had the view sees the promotion as new to them.
    """
    sought = [words for value in values.values() if (words := value.strip(b'"'))]
    for kind in (DRAFT, LOOKED):
        for key, document in operational.each(connection, kind):
            if any(value in text for text in _texts(document) for value in sought):
                operational.delete(connection, kind, key)


def _texts(document: Mapping[str, Json]) -> Iterator[bytes]:
    """Give what is kept as canonical JSON; a view is kept as JSON within a string."""
    yield canonical(dict(document))
    views = document.get("views")
    for one in views if isinstance(views, list) else ():
        if isinstance(one, dict):
            yield str(one["view"]).encode()
