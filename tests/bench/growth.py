"""How the costs of a log grow with it, from ten thousand entries to a million.

One SQLite log is led from size to size. At each size a few thousand events more are appended
and timed, proofs are made, checkpoints awaited, and the whole log is verified in a process of
its own, whose memory is measured, against bare ``hashlib`` over the same bytes read with bare
``sqlite3``: one SHA-256 for each entry and for each member's salt and value, and nothing else.
Two verifications: what strangers do with the log (leaves, chain, tree, members, signatures:
``app.core.ledger.audit``), and ``fsck``, which also makes every copy and projection again.

The picture and its table go to ``docs/benchmarks``.
"""

from __future__ import annotations

import hashlib
import random
import sqlite3
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.events import Actor, ActorKind, AuthMethod, Said, parse_event
from app.core.ledger.audit import LoggedEntry, audit_log
from app.core.ledger.inclusion import prove
from app.core.ledger.note import parse_vkey
from app.house import open_house, projections
from app.ledger.sql_store import SqlStore
from app.ledger.sqlite import SqliteDatabase
from app.ledger.tiles import tile_reader
from app.settings import Settings
from app.verification.fsck import fsck
from tests.bench.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

    from app.house import House

SIZES = (10_000, 100_000, 1_000_000)
FILLING = 1000
BATCH = 100
MEASURED = 3000
PROOFS = 200
CHECKPOINTS = 5
SUBJECTS = 1000
SEED = 5
ACTOR = Actor("u0", ActorKind.PERSON, AuthMethod.SESSION)
DIGEST = "sha256:" + "ab" * 32


@dataclass(frozen=True, slots=True)
class Work:
    """What one process spent. ``peak``: MiB, the interpreter and imports among it."""

    seconds: float
    peak: float


@dataclass(frozen=True, slots=True)
class Step:
    """What things cost at one size.

    µs of processor time an event, ms of it a proof, ms on the clock until a checkpoint is there.
    """

    size: int
    append_us: float
    proof_ms: float
    checkpoint_ms: float
    bare: Work
    audit: Work
    fsck: Work
    tiles: float
    disk: float

    @property
    def ratio(self) -> float:
        """Bare hashing of the same bytes, over the verification."""
        return self.bare.seconds / self.audit.seconds


def measure(folder: Path, sizes: Sequence[int] = SIZES) -> Iterator[Step]:
    """Lead one log from size to size."""
    place = folder / "growth"
    saids = [_said(number) for number in range(SUBJECTS)]
    for size in sizes:
        house = open_house(Settings(data_dir=place, signer_state=place / "state.json"))
        try:
            with house.ledger.snapshot() as now:
                begun = now.size
            for start in range(begun, size - MEASURED, FILLING):
                house.ledger.record_all(saids[: min(FILLING, size - MEASURED - start)], ACTOR)
            append, checkpoint = _appending(house, saids)
            proof = _proving(house)
            vkey = house.log_signer.verifier.vkey()
        finally:
            house.close()
        yield Step(
            size,
            append,
            proof,
            checkpoint,
            _alone(_bare, place / "ledger.db"),
            _alone(_audit, place / "ledger.db", vkey),
            _alone(_fsck, place / "ledger.db", vkey),
            *_on_disk(place / "ledger.db"),
        )


def rows(steps: Sequence[Step]) -> list[Row]:
    """Hold the largest log against the goals."""
    last = steps[-1]
    each = last.audit.seconds / last.size * 1e6
    return [
        Row(
            f"verify {last.size:,} entries, 1 process / bare hashlib",
            last.ratio, "", ">= .40", last.ratio >= 0.4,
            f"{each:.1f} µs an entry, fsck of everything {last.fsck.seconds:,.0f} s",
        ),
        Row(
            "  peak memory of that verification", last.audit.peak, "MiB", "<= 100",
            last.audit.peak <= 100, f"fsck of everything {last.fsck.peak:.0f} MiB",
        ),
        Row(
            "tiles and tree on disk, an entry", last.tiles, "bytes", "<= 90",
            last.tiles <= 90, f"the whole log {last.disk:,.0f} bytes an entry",
        ),
    ]  # fmt: skip


def _said(number: int) -> Said:
    subject = f"model/m{number % 50}/{number}"
    data: dict[str, Any] = {
        "model_version": subject,
        "dataset_version": "dataset/applicants/1",
        "model_digest": DIGEST,
        "dataset_digest": DIGEST,
        "producer": "bench",
        "metrics": [{"name": "roc_auc", "value": 0.75, "n": 1000}],
    }
    return Said(subject, parse_event("evaluation.recorded.v1", data), data)


def _appending(house: House, saids: Sequence[Said]) -> tuple[float, float]:
    """Tell µs an event in batches, and the median of ms until a checkpoint covers one."""
    began = time.process_time()
    for start in range(0, MEASURED - CHECKPOINTS, BATCH):
        house.ledger.record_all(saids[: min(BATCH, MEASURED - CHECKPOINTS - start)], ACTOR)
    seconds = time.process_time() - began
    waits = []
    for said in saids[:CHECKPOINTS]:
        receipt = house.ledger.record(said, ACTOR)
        asked = time.perf_counter()
        if not house.publisher.wait_for(receipt.log_size, 30):
            raise AssertionError(receipt)
        waits.append(time.perf_counter() - asked)
    return seconds / (MEASURED - CHECKPOINTS) * 1e6, statistics.median(waits) * 1000


def _proving(house: House) -> float:
    """Tell the median of ms that an inclusion proof takes."""
    rng, spent = random.Random(SEED), []
    with house.ledger.snapshot() as now:
        read = tile_reader(now.store, now.connection, now.size)
        for _ in range(PROOFS):
            began = time.thread_time()
            prove(rng.randrange(now.size), now.size, read)
            spent.append(time.thread_time() - began)
    return statistics.median(spent) * 1000


def _alone(work: Callable[..., float], *given: object) -> Work:
    """Do it in a process of its own, so that its memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        seconds, peak = pool.submit(_measured, work, given).result()
    return Work(seconds, peak)


def _measured(work: Callable[..., float], given: tuple[object, ...]) -> tuple[float, float]:
    seconds = work(*given)
    status = Path("/proc/self/status").read_text("ascii")
    return seconds, int(status.split("VmHWM:")[1].split()[0]) / 1024


def _bare(path: Path) -> float:
    sha256 = hashlib.sha256
    began = time.process_time()
    with sqlite3.connect(path) as connection:
        for (body,) in connection.execute("SELECT body FROM entries ORDER BY idx"):
            sha256(body).digest()
        for salt, value in connection.execute("SELECT salt, value FROM payloads ORDER BY idx"):
            sha256(salt + value).digest()
    return time.process_time() - began


def _audit(path: Path, vkey: str) -> float:
    began = time.process_time()
    database = SqliteDatabase(path)
    with database.reading() as connection:
        store = SqlStore(database, "")
        note = store.checkpoint(connection) or b""
        size = store.head(connection).size
        report = audit_log(_entries(store, connection, size), note, [parse_vkey(vkey)])
    database.close()
    if report.outcome:
        raise AssertionError(report.bottom_line)
    return time.process_time() - began


def _entries(store: SqlStore, connection: Connection, size: int) -> Iterator[LoggedEntry]:
    for start in range(0, size, FILLING):
        members = store.members(connection, start, start + FILLING)
        for index, raw in store.indexed_bodies(connection, start, start + FILLING):
            yield LoggedEntry(index, raw, members[index])


def _fsck(path: Path, vkey: str) -> float:
    began = time.process_time()
    report = fsck(SqliteDatabase(path), projections(), [parse_vkey(vkey)])
    if report.outcome:
        raise AssertionError(report.bottom_line)
    return time.process_time() - began


def _on_disk(path: Path) -> Iterator[float]:
    """Tell the bytes an entry has in tiles and leaf hashes, and in everything."""
    with sqlite3.connect(path) as connection:
        (count,) = connection.execute("SELECT count(*) FROM entries").fetchone()
        tiles = "SELECT sum(pgsize) FROM dbstat WHERE name IN ('tiles', 'sqlite_autoindex_tiles_1')"
        (pages,) = connection.execute(tiles).fetchone()
    yield pages / count + 32
    yield path.stat().st_size / count
