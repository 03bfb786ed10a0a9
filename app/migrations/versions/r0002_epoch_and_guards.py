"""An epoch that shuts out writers from before a recovery; guards and rights on PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations.guards import GUARDS

revision = "0002"
down_revision = "0001"

INDEX = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add them."""
    op.add_column("head", sa.Column("epoch", INDEX, nullable=False, server_default="0"))
    for guard in GUARDS[op.get_bind().dialect.name]:
        op.execute(sa.text(guard))
