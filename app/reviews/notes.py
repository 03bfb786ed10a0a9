"""What somebody looked at, and what they have written and not signed yet.

Operational state: backed up, in no proof and of no effect on any decision. Kept for one
person and one promotion; a draft is forgotten when it is signed, or after thirty days.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from app.core.ledger.canonical import canonical
from app.core.ledger.times import format_time, parse_time
from app.core.policy.rules import Meaning
from app.ledger import operational
from app.reviews.view import digest_of

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from app.core.jsonvalue import Json
    from app.ledger.record import Ledger
    from app.settings import Clock

LOOKED = "looked"
DRAFT = "review-draft"
KEPT_FOR = timedelta(days=30)
VIEWS_KEPT = 3
"""Of one promotion, for one person: enough to tell an older tab what moved."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody is about to sign. ``read``: rule ids they say they have read.

    ``view``: digest of what was shown when they wrote it.
    """

    decision: str
    meaning: Meaning
    reason: str
    accepts: tuple[str, ...]
    read: tuple[str, ...]
    view: str
    saved_at: str = ""

    @property
    def digest(self) -> str:
        """Name what is written, whenever it was saved."""
        return hashlib.sha256(canonical(self._document())).hexdigest()

    def to_json(self) -> dict[str, Json]:
        return {**self._document(), "saved_at": self.saved_at}

    def _document(self) -> dict[str, Json]:
        return {
            "decision": self.decision,
            "meaning": self.meaning.value,
            "reason": self.reason,
            "accepts": list(self.accepts),
            "read": list(self.read),
            "view": self.view,
        }


@dataclass(frozen=True, slots=True)
class Looked:
    """A view that somebody had before them, and when they first had it."""

    digest: str
    view: bytes
    at: str


@dataclass(frozen=True, slots=True)
class Notes:
    """Keeps both."""

    ledger: Ledger
    clock: Clock

    def looked(self, person: str, promotion: str, view: bytes) -> None:
        """Note what is shown to somebody; the same view twice is noted once."""
        digest, key, now = digest_of(view), _key(person, promotion), self.clock()
        with self.ledger.snapshot() as state:
            before = seen(state.connection, person, promotion)
        if before and before[-1].digest == digest:
            return

        def note(connection: Connection) -> None:
            known = [one for one in seen(connection, person, promotion) if one.digest != digest]
            known.append(Looked(digest, view, format_time(now)))
            operational.put(
                connection,
                LOOKED,
                key,
                {
                    "views": [
                        {"digest": one.digest, "view": one.view.decode(), "at": one.at}
                        for one in known[-VIEWS_KEPT:]
                    ],
                    "saved_at": format_time(now),
                },
            )
            _forget_old(connection, LOOKED, now)

        self.ledger.operate(note)

    def write(self, person: str, promotion: str, draft: Draft) -> None:
        """Keep a draft in the place of the one before."""
        now = self.clock()
        document = draft.to_json() | {"saved_at": format_time(now)}

        def put(connection: Connection) -> None:
            operational.put(connection, DRAFT, _key(person, promotion), document)
            _forget_old(connection, DRAFT, now)

        self.ledger.operate(put)

    def signed(self, person: str, promotion: str) -> None:
        """Forget a draft: it was signed, or its writer wants it gone."""
        key = _key(person, promotion)
        self.ledger.operate(lambda connection: operational.delete(connection, DRAFT, key))


def seen(connection: Connection, person: str, promotion: str) -> list[Looked]:
    """Read the views that somebody had, the last one last."""
    kept = operational.get(connection, LOOKED, _key(person, promotion))
    if kept is None:
        return []
    views = cast("list[dict[str, str]]", kept["views"])
    return [Looked(one["digest"], one["view"].encode(), one["at"]) for one in views]


def last_seen(connection: Connection, person: str) -> dict[str, Looked]:
    """Read the view that somebody had last of each promotion they looked at, by its id."""
    found = {}
    for key, kept in operational.below(connection, LOOKED, f"{person}/"):
        views = cast("list[dict[str, str]]", kept["views"])
        last = views[-1]
        found[key.partition("/")[2]] = Looked(last["digest"], last["view"].encode(), last["at"])
    return found


def draft_of(connection: Connection, person: str, promotion: str) -> Draft | None:
    """Read what somebody has written and not signed."""
    kept = operational.get(connection, DRAFT, _key(person, promotion))
    if kept is None:
        return None
    return Draft(
        decision=str(kept["decision"]),
        meaning=Meaning(str(kept["meaning"])),
        reason=str(kept["reason"]),
        accepts=tuple(cast("list[str]", kept["accepts"])),
        read=tuple(cast("list[str]", kept["read"])),
        view=str(kept["view"]),
        saved_at=str(kept["saved_at"]),
    )


def _key(person: str, promotion: str) -> str:
    return f"{person}/{promotion}"


def _forget_old(connection: Connection, kind: str, now: datetime) -> None:
    for key, document in operational.each(connection, kind):
        if parse_time(str(document["saved_at"])) + KEPT_FOR <= now:
            operational.delete(connection, kind, key)
