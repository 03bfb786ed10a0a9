"""How wide the columns of a table are set.

Reckoned from the text rather than left to the typesetter, whose automatic layout takes time
in the square of a cell's length, and so that the same table always falls the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PORTRAIT, LANDSCAPE = 493.0, 740.0
"""Points between the margins of an A4 page."""

CHARACTER, CODE, BOLD, GAP = 5.3, 4.85, 5.8, 8.0
"""Points of an average character at 8 pt, of a code's, of a bold one, and between columns."""

CITATION = 26.0
WIDEST = 330.0
"""Points beyond which a column claims no more room."""

BROKEN = 4.6
"""A word wider than this part of the page may be broken."""


def shares(table: Mapping[str, Any]) -> list[float]:
    """Return each column's share of the table's width in percent; about 100 in all.

    ``table``: a Table block of report.json.
    """
    room = LANDSCAPE if table["wide"] else PORTRAIT
    wanted = [_wanted(table, at, room) for at in range(len(table["columns"]))]
    claims = [wished - least for least, wished in wanted]
    spare = max(room - sum(least for least, _ in wanted), 0) / (sum(claims) or 1)
    widths = [least + spare * claim for (least, _), claim in zip(wanted, claims, strict=True)]
    return [round(100 * width / sum(widths), 2) for width in widths]


def _wanted(table: Mapping[str, Any], at: int, room: float) -> tuple[float, float]:
    """Return the least and the wished width of a column, in points."""
    column = table["columns"][at]
    least = wished = len(column["title"]) * BOLD + GAP
    for row in table["rows"][: table["printed"]]:
        cell = row[at]
        sign = 0 if cell["tone"] == "neutral" else 2 * CHARACTER
        cited = len(cell["evidence"]) * CITATION
        each = CODE if cell["form"] == "code" else CHARACTER
        length = len(cell["text"]) * each + sign + cited + GAP
        longest = max(map(len, cell["text"].split()), default=0) * each
        least = max(
            least, length if column["form"] == "number" else min(longest, room / BROKEN) + GAP
        )
        wished = max(wished, min(length, WIDEST))
    return least, max(least, wished)
