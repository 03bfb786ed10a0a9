"""What ``muniment_app``, the role that the server connects as, may do on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import inspect, text

if TYPE_CHECKING:
    from sqlalchemy import Connection

APP: Final = "muniment_app"

KEPT: Final = ("entries", "tiles", "checkpoints", "payloads", "blobs", "idempotency")
"""What is added to and read, and nothing else; members and files are erased by ``ERASING``."""

ERASING: Final = ("muniment_redact(bigint, text[])", "muniment_forget_file(text)")

SHOWN: Final = ("alembic_version",)


def grant(connection: Connection) -> bool:
    """Give the server's role its rights; False: there is no such role."""
    if (
        connection.execute(
            text("SELECT 1 FROM pg_roles WHERE rolname = :app"), {"app": APP}
        ).scalar()
        is None
    ):
        return False
    changed = set(inspect(connection).get_table_names()) - {*KEPT, *SHOWN}
    for tables, rights in (
        (changed, "SELECT, INSERT, UPDATE, DELETE"),
        (KEPT, "SELECT, INSERT"),
        (SHOWN, "SELECT"),
    ):
        named = ", ".join(f'"{name}"' for name in sorted(tables))
        connection.execute(text(f"GRANT {rights} ON {named} TO {APP}"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {APP}"))
    for function in ERASING:
        connection.execute(text(f"GRANT EXECUTE ON FUNCTION {function} TO {APP}"))
    return True
