"""The name of a log, which is also the name of its key."""

from __future__ import annotations

from app.core.errors import Malformed

MAX_ORIGIN_BYTES = 255


def check_origin(origin: str) -> str:
    """Answer ``origin`` if it may name a log or a key: printable, no ``+``, no blank.

    Raises Malformed. Source: C2SP signed-note ("key names") and tlog-checkpoint.
    """
    if not origin or len(origin.encode("utf-8", "replace")) > MAX_ORIGIN_BYTES:
        raise Malformed(f"a log's name has 1 to {MAX_ORIGIN_BYTES} bytes")
    if "+" in origin or " " in origin or not origin.isprintable():
        raise Malformed(f"a log's name holds no '+', blank or control character: {origin!r}")
    return origin
