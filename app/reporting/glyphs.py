"""What of a text the report's fonts can print, and how the rest is shown."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from app.core.jsonvalue import Json

FACES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
"""Every other face falls back to these two, so a character needs to be in both."""

BLANKS = "\t\n\r"


def covered(fonts: Path) -> frozenset[int]:
    """Return the code points that every face in ``FACES`` has."""
    from fontTools.ttLib import TTFont

    maps: list[Collection[int]] = []
    for face in FACES:
        with TTFont(fonts / face) as font:
            maps.append(font.getBestCmap().keys())
    return frozenset.intersection(*map(frozenset, maps))


def printable(text: str, known: Collection[int]) -> str:
    """Return ``text`` with what cannot or must not be printed as its code, ``[U+202E]``.

    That is: characters without a glyph (PDF/A-3 forbids .notdef, ISO 19005-3, 6.2.11.8),
    control characters, and format characters such as those that turn the direction of text.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        if character in BLANKS
        or (ord(character) in known and unicodedata.category(character) not in {"Cc", "Cf", "Co"})
        else f"[U+{ord(character):04X}]"
        for character in text
    )


def throughout(value: Json, change: Callable[[str], str]) -> Json:
    """Return a JSON value with ``change`` applied to every string in it, names excepted."""
    match value:
        case str():
            return change(value)
        case list():
            return [throughout(item, change) for item in value]
        case dict():
            return {name: throughout(item, change) for name, item in value.items()}
        case _:
            return value
