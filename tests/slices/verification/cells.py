"""Which bytes of a SQLite file are live: the cells of a table's own tree, and their overflow.

Source: SQLite's "Database File Format", 1.6 (B-tree Pages) and 1.6.1 (Cell Payload Overflow).
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INTERIOR_INDEX, INTERIOR_TABLE, LEAF_INDEX, LEAF_TABLE = 2, 5, 10, 13


class File:
    """A database file in good order, closed."""

    def __init__(self, path: Path) -> None:
        self.raw = path.read_bytes()
        self.page = int.from_bytes(self.raw[16:18]) or 65536
        self.usable = self.page - self.raw[20]
        connection = sqlite3.connect(path)
        made = "SELECT name, rootpage FROM sqlite_master WHERE type = 'table'"
        self.roots: dict[str, int] = dict(connection.execute(made))
        connection.close()

    def live(self, table: str) -> list[range]:
        """Give the places of every byte that rows of the table consist of."""
        return list(self._page(self.roots[table]))

    def _page(self, number: int) -> Iterator[range]:
        start = (number - 1) * self.page
        head = start + (100 if number == 1 else 0)
        kind = self.raw[head]
        count = int.from_bytes(self.raw[head + 3 : head + 5])
        interior = kind in (INTERIOR_INDEX, INTERIOR_TABLE)
        pointers = head + (12 if interior else 8)
        if interior:
            yield from self._page(int.from_bytes(self.raw[head + 8 : head + 12]))
        for number_of_cell in range(count):
            at = pointers + 2 * number_of_cell
            cell = start + int.from_bytes(self.raw[at : at + 2])
            if interior:
                yield from self._page(int.from_bytes(self.raw[cell : cell + 4]))
                cell += 4
            if kind != INTERIOR_TABLE:
                yield from self._cell(cell, kind)

    def _cell(self, cell: int, kind: int) -> Iterator[range]:
        size, at = self._varint(cell)
        if kind == LEAF_TABLE:
            _, at = self._varint(at)
        most = self.usable - 35 if kind == LEAF_TABLE else (self.usable - 12) * 64 // 255 - 23
        if size <= most:
            yield range(cell, at + size)
            return
        least = (self.usable - 12) * 32 // 255 - 23
        local = least + (size - least) % (self.usable - 4)
        local = local if local <= most else least
        yield range(cell, at + local)
        page, left = int.from_bytes(self.raw[at + local : at + local + 4]), size - local
        while left:
            start = (page - 1) * self.page
            here = min(left, self.usable - 4)
            yield range(start + 4, start + 4 + here)
            page, left = int.from_bytes(self.raw[start : start + 4]), left - here

    def _varint(self, at: int) -> tuple[int, int]:
        """Read a variable-length integer; give it and where it ends."""
        value = 0
        for place in range(8):
            byte = self.raw[at + place]
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value, at + place + 1
        return value << 8 | self.raw[at + 8], at + 9
