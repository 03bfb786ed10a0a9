"""Times as the log writes them: RFC 3339, UTC, six digits of a second, ``Z``."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from app.core.errors import Malformed

# 2026-01-02T03:04:05.000006Z
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


@lru_cache(maxsize=1024)  # an entry's time is written into every row that comes of it
def format_time(at: datetime) -> str:
    """Write an aware time; strings in this form sort as the times do."""
    if at.tzinfo is None:
        raise AssertionError("a time without a zone is no time")
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def parse_time(text: str) -> datetime:
    """Read what format_time writes, and nothing else. Raises Malformed."""
    if not _TIME.fullmatch(text):
        raise Malformed(f"not a time like 2026-01-02T03:04:05.000006Z: {text[:40]!r}")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise Malformed(f"no such time: {text} ({error})") from None
