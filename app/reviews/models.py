"""The table of reviews, made from the log."""

from __future__ import annotations

from typing import cast

from sqlalchemy import Table, Text
from sqlmodel import Field, SQLModel

from app.ledger.models import GIVEN, INDEX


class ReviewRow(SQLModel, table=True):
    """One signed review, by the entry that recorded it.

    ``accepts`` and ``roles`` are JSON. ``dismissed_index``: entry after which it does not
    count any more, and ``dismissed_because`` of what.
    """

    __tablename__ = "reviews"
    created_index: int = Field(primary_key=True, sa_type=INDEX, sa_column_kwargs=GIVEN)
    promotion: str = Field(index=True)
    reviewer: str
    printed_name: str | None
    decision: str
    meaning: str
    accepts: str = Field(sa_type=Text)
    roles: str = Field(sa_type=Text)
    reason: str | None = Field(sa_type=Text)
    subject_digest: str
    evidence_root: str
    policy_digest: str
    rendered_view_digest: str
    auth: str
    signed_at: str
    dismissed_index: int | None = Field(sa_type=INDEX)
    dismissed_because: str | None


REVIEWS = cast("Table", ReviewRow.__table__)  # type: ignore[attr-defined]
