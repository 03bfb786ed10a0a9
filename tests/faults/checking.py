"""Everything that is stored, read again and believed in nothing: after each step of a test.

Written from the definitions, with as little as can be of what the ledger itself runs on: the
root is the recursive one of RFC 9162, the heads are counted from the entries. What the log's
own ``fsck`` finds is asked for beside it, for the projections.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from app.core.ledger.checkpoint import open_checkpoint
from app.core.ledger.entry import genesis_prev, parse
from app.core.ledger.merkle import leaf_hash, root
from app.core.ledger.payload import data_findings
from app.core.ledger.verdict import Outcome
from app.house import projections
from app.ledger.idempotency import ROWS as KEYS
from app.ledger.sql_store import CHECKPOINTS, HEAD, HEADS, PROJECTIONS, TILES
from tests.faults.clients import key_of
from tests.faults.rig import signer_of, state_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from app.core.ledger.entry import Entry
    from app.ledger.receipt import Receipt
    from app.ledger.sql_store import SqlStore
    from tests.faults.clients import Clients
    from tests.faults.rig import Place

WIDTH = 256


@dataclass(frozen=True, slots=True)
class Log:
    """A log as it was read back. ``leaves``: hashes of the entries' stored bytes."""

    origin: str
    entries: tuple[Entry, ...]
    leaves: tuple[bytes, ...]

    @property
    def size(self) -> int:
        return len(self.leaves)

    def root_at(self, size: int) -> bytes:
        return root(self.leaves[:size])


def check_log(place: Place, clients: Clients) -> Log:
    """Check all of a log, whoever runs on it, and that everybody's receipts hold.

    Returns what was read, which is the whole log.
    """
    store = place.look()
    try:
        with store.reading() as connection:
            log = read_log(store, connection)
            check_chain(log)
            check_head(connection, log)
            check_data(store, connection, log)
            check_heads(connection, log)
            check_tiles(connection, log)
            check_keys(connection, log, clients)
            check_projections(connection, log)
            check_checkpoints(connection, log, place)
            check_receipts(log, clients.receipts)
    finally:
        store.close()
    report = place.fsck(signer_of(place).verifier)
    assert report.outcome is Outcome.VALID, report.bottom_line
    return log


def read_log(store: SqlStore, connection: Connection) -> Log:
    rows = store.indexed_bodies(connection, 0, 2**40)
    assert [index for index, _ in rows] == list(range(len(rows))), "a gap, or one twice"
    bodies = [body for _, body in rows]
    return Log(store.origin, tuple(map(parse, bodies)), tuple(map(leaf_hash, bodies)))


def check_chain(log: Log) -> None:
    """Each entry names the one before it, of all, of its subject and of its type."""
    prev, last = genesis_prev(log.origin), dict[str, int]()
    for index, (entry, leaf) in enumerate(zip(log.entries, log.leaves, strict=True)):
        kind = f"type:{entry.type}"
        assert (entry.index, entry.log, entry.prev) == (index, log.origin, prev)
        assert (entry.subject_prev, entry.type_prev) == (last.get(entry.subject), last.get(kind))
        last[entry.subject] = last[kind] = index
        prev = leaf
    times = [entry.recorded_at for entry in log.entries]
    assert all(one < other for one, other in pairwise(times))


def check_head(connection: Connection, log: Log) -> None:
    head = connection.execute(HEAD.select()).one()
    last = log.leaves[-1] if log.leaves else genesis_prev(log.origin)
    assert (head.size, head.leaf_hash, head.root) == (log.size, last, log.root_at(log.size))


def check_data(store: SqlStore, connection: Connection, log: Log) -> None:
    """What is kept of each entry's data is what the entry commits to, and all of it."""
    members = store.members(connection, 0, log.size)
    for entry in log.entries:
        assert list(data_findings(entry.index, entry.data, members[entry.index])) == []
        assert all(member.value is not None for member in members[entry.index])


def check_heads(connection: Connection, log: Log) -> None:
    last: dict[str, int] = {}
    for entry in log.entries:
        last[entry.subject] = last[f"type:{entry.type}"] = entry.index
    assert {row.key: row.idx for row in connection.execute(HEADS.select())} == last


def check_tiles(connection: Connection, log: Log) -> None:
    """Every full tile is there, is what the entries make of it, and no other one is."""
    expected: dict[tuple[int, int], bytes] = {}
    level, hashes = 0, list(log.leaves)
    while len(hashes) >= WIDTH:
        full = [hashes[at : at + WIDTH] for at in range(0, len(hashes) - WIDTH + 1, WIDTH)]
        expected |= {(level, number): b"".join(one) for number, one in enumerate(full)}
        level, hashes = level + 1, [root(one) for one in full]
    rows = connection.execute(TILES.select())
    assert {(row.level, row.number): row.hashes for row in rows} == expected


def check_keys(connection: Connection, log: Log, clients: Clients) -> None:
    """A key and its entries are there together, and no key stands for two of them."""
    rows = {row.key_mac: (row.idx, row.made) for row in connection.execute(KEYS.select())}
    keyed = [(entry.idem, (entry.index, 1)) for entry in log.entries if entry.idem is not None]
    assert len(dict(keyed)) == len(keyed), "one key, two entries"
    assert rows == dict(keyed)
    assert set(rows) <= {key_of(name).key_mac for name in clients.sent}


def check_projections(connection: Connection, log: Log) -> None:
    sizes = {row.name: row.size for row in connection.execute(PROJECTIONS.select())}
    assert sizes == {one.name: log.size for one in projections()}


def check_checkpoints(connection: Connection, log: Log, place: Place) -> None:
    """Everything that was ever signed is a beginning of this log: there is no fork."""
    key = signer_of(place).verifier
    signed = state_of(place).read()
    sizes = []
    for row in connection.execute(CHECKPOINTS.select().order_by(CHECKPOINTS.c.size)):
        checkpoint = open_checkpoint(row.note, [key])
        assert checkpoint.size == row.size <= log.size
        assert checkpoint.root == log.root_at(row.size)
        sizes.append(row.size)
    if sizes:
        assert signed is not None
        assert signed.size >= sizes[-1], "signed, and not remembered"
    if signed is not None:
        assert signed.size <= log.size
        assert signed.root == log.root_at(signed.size)


def check_receipts(log: Log, receipts: Mapping[str, Receipt]) -> None:
    """What was acknowledged is there, at its place, as it was acknowledged; once."""
    for name, receipt in receipts.items():
        entry = log.entries[receipt.index]
        assert (entry.id, entry.subject) == (receipt.id, f"dataset/{name}")
        assert log.leaves[receipt.index].hex() == receipt.leaf_hash
        assert entry.idem == key_of(name).key_mac
    indexes: Sequence[int] = [receipt.index for receipt in receipts.values()]
    assert len(set(indexes)) == len(indexes)
