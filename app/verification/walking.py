"""Reading a log of any length a few hundred entries at a time: memory does not grow with it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, text

from app.core.errors import ChainBroken
from app.core.ledger.audit import LoggedEntry
from app.core.ledger.payload import Member
from app.ledger.sql_store import PAYLOADS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Executable, Row, RowMapping

    from app.ledger.sql_store import SqlStore

STEP = 250


@dataclass(frozen=True, slots=True)
class Stored:
    """A log under check. ``seen`` is told each index that was come to."""

    store: SqlStore
    connection: Connection
    seen: Callable[[int], None]

    def entries(self, columns: str = "body") -> Iterator[RowMapping]:
        """Read ``idx`` and other columns of every entry, in order, beyond the head too.

        Raises ChainBroken if a damaged table gives them in no order.
        """
        asked = text(
            f"SELECT idx, {columns} FROM entries WHERE idx > :after"  # noqa: S608 - columns of ours
            f" ORDER BY idx LIMIT {STEP}"
        )
        after = -1
        while rows := self.connection.execute(asked, {"after": after}).mappings().all():
            yield from rows
            last = rows[-1]["idx"]
            if last <= after:
                raise ChainBroken(f"table entries gives entry {last} after entry {after}")
            after = last
            self.seen(after)

    def logged(self) -> Iterator[LoggedEntry]:
        """Read every entry with its members."""
        page: list[RowMapping] = []
        for row in self.entries():
            page.append(row)
            if len(page) == STEP:
                yield from self._with_members(page)
                page = []
        if page:
            yield from self._with_members(page)

    def _with_members(self, page: Sequence[RowMapping]) -> Iterator[LoggedEntry]:
        found: Mapping[int, list[Member]] = defaultdict(list)
        which = (PAYLOADS.c.idx >= page[0]["idx"]) & (PAYLOADS.c.idx <= page[-1]["idx"])
        for one in self.connection.execute(select(PAYLOADS).where(which)):
            found[one.idx].append(Member(one.name, one.commitment, one.salt, one.value))
        for row in page:
            yield LoggedEntry(row["idx"], row["body"], found[row["idx"]])


def streamed(connection: Connection, asked: str | Executable) -> Iterator[Row[tuple[object, ...]]]:
    """Read rows as they are needed, not all at once, on either engine."""
    statement = text(asked) if isinstance(asked, str) else asked
    options = {"stream_results": True, "yield_per": STEP}
    yield from connection.execute(statement, execution_options=options)
