"""Times that producers write, as times."""

from __future__ import annotations

from datetime import datetime


def read_time(written: str) -> datetime:
    """Read RFC 3339 in UTC with ``Z``. The schemas have refused anything else."""
    return datetime.fromisoformat(written)


def not_after(latest: datetime, written: str | None, default: datetime) -> datetime:
    """Give the written time, else ``default``; but none later than ``latest``."""
    return min(latest, default if written is None else read_time(written))
