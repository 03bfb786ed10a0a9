"""A file that repeats an erased value is erased with it, also by ``muniment_app``."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations.guards import FORGET_FILE

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the one way for it."""
    if op.get_bind().dialect.name == "postgresql":
        for statement in FORGET_FILE:
            op.execute(sa.text(statement))
