"""The evidence register: log entries numbered E1, E2 … in the order they are first cited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.report.document import Cell, Column, Form
from app.core.report.numbers import at
from app.core.report.tables import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.report.document import Block
    from app.core.report.logged import LoggedEntry


class Register:
    """Hands out evidence numbers while a report is composed."""

    def __init__(self, entries: Sequence[LoggedEntry]) -> None:
        self._entries = {entry.index: entry for entry in entries}
        self._numbers: dict[int, int] = {}

    def cite(self, *indexes: int | None) -> tuple[int, ...]:
        """Return the numbers of log entries, ascending and once each; None is passed over.

        An index that is not among the entries is a fact without its entry: AssertionError.
        """
        numbers = set()
        for index in indexes:
            if index is None:
                continue
            if index not in self._entries:
                raise AssertionError(f"entry {index} is cited but not among the report's entries")
            numbers.add(self._numbers.setdefault(index, len(self._numbers) + 1))
        return tuple(sorted(numbers))

    def block(self) -> Block:
        """Return the register as far as it was cited, by number."""
        rows = []
        for index, number in self._numbers.items():
            entry = self._entries[index]
            rows.append(
                (
                    Cell(f"E{number}", Form.CODE),
                    Cell(str(index), Form.NUMBER),
                    Cell(entry.type, Form.CODE),
                    Cell(entry.subject, Form.CODE),
                    at(entry.recorded_at),
                    Cell(entry.leaf_hash, Form.CODE),
                )
            )
        columns = (
            Column("No."),
            Column("Entry", Form.NUMBER),
            Column("Type"),
            Column("Subject"),
            Column("Recorded"),
            Column("Leaf hash (SHA-256)"),
        )
        return listed("Every entry cited, by its number", columns, rows, wide=True)
