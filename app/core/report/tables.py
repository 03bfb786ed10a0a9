"""Tables that are never cut without saying so, and never empty without saying so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.report.document import PRINTED_ROWS, Paragraph, Table
from app.core.report.numbers import NO_RECORD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.report.document import Cell, Column

IN_REPORT_JSON = "all in report.json, whose SHA-256 is the data digest in the foot of each page"


def listed(
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[tuple[Cell, ...]],
    *,
    wide: bool = False,
    rest: str = IN_REPORT_JSON,
) -> Table | Paragraph:
    """Return a table, or "No record" where there is no row.

    ``rest``: where the rows are that do not get printed.
    """
    if not rows:
        return Paragraph(f"{NO_RECORD}: {caption[0].lower()}{caption[1:]}.")
    printed = min(len(rows), PRINTED_ROWS)
    note = f"{printed:,} of {len(rows):,} printed; {rest}." if printed < len(rows) else ""
    return Table(caption, tuple(columns), tuple(rows), printed, note, wide)
