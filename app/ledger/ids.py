"""Identifiers that sort by time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

RANDOM_BYTES = 10


def uuid7(moment: datetime, random: bytes) -> str:
    """Build a UUIDv7 from a moment and 10 random bytes. Source: RFC 9562, 5.7."""
    milliseconds = int(moment.timestamp() * 1000)
    number = int.from_bytes(milliseconds.to_bytes(6, "big") + random)
    number = number & ~(0xF << 76) | (0x7 << 76)
    number = number & ~(0x3 << 62) | (0x2 << 62)
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
