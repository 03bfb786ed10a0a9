"""Reviews as decisions read them, and as people do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.core.ledger.times import parse_time
from app.core.policy import facts as read
from app.core.policy.codec import Digest, decode
from app.core.policy.rules import Meaning
from app.identity.directory import People
from app.reviews.models import REVIEWS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Row

    from app.core.jsonvalue import Json


def reviews_of(connection: Connection, promotion: str) -> tuple[read.Review, ...]:
    """Read the signed reviews of a promotion that still stand, in order.

    Left out are dismissed ones, and those whose signer's account is closed. Each has the
    roles held when it was signed, and the end of those that have ended since.
    """
    which = (REVIEWS.c.promotion == promotion) & REVIEWS.c.dismissed_index.is_(None)
    rows = connection.execute(select(REVIEWS).where(which).order_by(REVIEWS.c.created_index))
    people = People(connection)
    closed = {one.id for one in people.everybody() if one.disabled}
    return tuple(
        _fact(row, people.approval_roles(row.reviewer))
        for row in rows
        if row.reviewer not in closed
    )


def shown(connection: Connection, promotion: str) -> list[dict[str, Json]]:
    """Read every review of a promotion as it is served, dismissed ones marked."""
    which = REVIEWS.c.promotion == promotion
    rows = connection.execute(select(REVIEWS).where(which).order_by(REVIEWS.c.created_index))
    return [
        {
            "index": row.created_index,
            "reviewer": row.reviewer,
            "printed_name": row.printed_name,
            "decision": row.decision,
            "meaning": row.meaning,
            "reason": row.reason,
            "accepts": json.loads(row.accepts),
            "signed_at": row.signed_at,
            "dismissed": row.dismissed_because,
        }
        for row in rows
    ]


def _fact(row: Row[Any], now: Iterable[read.Role]) -> read.Review:
    ends = {role.grant: role.revoked_at for role in now}
    held = [decode(read.Role, one) for one in json.loads(row.roles)]
    return read.Review(
        index=row.created_index,
        reviewer=row.reviewer,
        roles=tuple(replace(role, revoked_at=ends.get(role.grant)) for role in held),
        auth=row.auth,
        decision=row.decision,
        meaning=Meaning(row.meaning),
        bind=read.Bind(
            Digest(row.subject_digest), Digest(row.evidence_root), Digest(row.policy_digest)
        ),
        signed_at=parse_time(row.signed_at),
        accepts=tuple(json.loads(row.accepts)),
    )
