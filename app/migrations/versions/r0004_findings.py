"""The catalogue keeps findings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

INDEX = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make their table; no log holds any yet."""
    op.create_table(
        "findings",
        sa.Column("created_index", INDEX, nullable=False),
        sa.Column("recorded_at", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("due", sa.String(), nullable=True),
        sa.Column("closed_index", INDEX, nullable=True),
        sa.Column("changed_index", INDEX, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_findings_created_index", "findings", ["created_index"])
    op.create_index("ix_findings_about", "findings", ["about"])
