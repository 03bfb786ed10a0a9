"""The tables of people as SQLAlchemy Core sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from app.identity import models

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlmodel import SQLModel


def _table(row: type[SQLModel]) -> Table:
    return cast("Table", row.__table__)  # type: ignore[attr-defined]


USERS = _table(models.UserRow)
ROLE_GRANTS = _table(models.RoleGrantRow)
TOKENS = _table(models.TokenRow)
