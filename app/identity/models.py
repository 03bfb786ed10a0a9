"""The tables of people, made from the log alone. Names are personal: erased ones are NULL.

Times are text as the log writes them, so that they sort; lists are canonical JSON.
"""

from __future__ import annotations

from sqlmodel import Field, SQLModel

from app.ledger.models import GIVEN, INDEX


class UserRow(SQLModel, table=True):
    """``enrolled_at``: since when the second factor is confirmed, NULL while it is not."""

    __tablename__ = "users"
    id: str = Field(primary_key=True)
    name: str | None = Field(index=True)
    printed_name: str | None
    created_index: int = Field(sa_type=INDEX)
    created_at: str
    disabled_index: int | None = Field(sa_type=INDEX)
    enrolled_at: str | None


class RoleGrantRow(SQLModel, table=True):
    """``id``: index of the entry that granted it. ``grantors``: actor ids, a JSON list."""

    __tablename__ = "role_grants"
    id: int = Field(primary_key=True, sa_type=INDEX, sa_column_kwargs=GIVEN)
    user: str = Field(index=True)
    role: str = Field(index=True)
    approval: bool
    team: str | None
    scope: str | None
    grantors: str
    single_administrator: bool
    granted_at: str
    revoked_index: int | None = Field(sa_type=INDEX)
    revoked_at: str | None


class TokenRow(SQLModel, table=True):
    """What a token may do and whose it is; its hash is operational state. ``scopes``: JSON."""

    __tablename__ = "tokens"
    id: str = Field(primary_key=True)
    name: str
    owner: str
    created_by: str
    scopes: str
    last4: str
    subject_prefix: str | None
    environment: str | None
    team: str | None
    created_index: int = Field(sa_type=INDEX)
    created_at: str
    expires_at: str
    revoked_index: int | None = Field(sa_type=INDEX)
