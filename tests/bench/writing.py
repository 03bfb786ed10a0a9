"""Appending in the process, against bare inserts (or COPY) of the same rows.

The yardstick reads back every row that the append left in every table (entries, members, heads,
tiles, checkpoints, catalogue, lineage) and writes the very same into the same tables with the
same indexes and the same durability, as many entries a transaction; the checks of triggers are
left out. Ours also checks, encodes, commits to members, hashes, and meanwhile reads everything
back, verifies and signs it; one caller waits for each batch.
"""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TYPE_CHECKING

from app.core.events import Actor, ActorKind, AuthMethod, say
from app.core.events.kinds.datasets import DatasetRegistered
from app.house import open_house, projections
from app.ledger.opening import LEDGER_TABLES
from app.settings import Settings
from tests.bench.rows import Row
from tests.servers.postgresql import APP, OWNER, Cluster

if TYPE_CHECKING:
    from pathlib import Path

ENTRIES = 4000
BATCH = 100
ROUNDS = 3
ACTOR = Actor("u0", ActorKind.PERSON, AuthMethod.SESSION)


def measure(folder: Path) -> list[Row]:
    """Append batches of 100, then insert exactly the rows that this wrote, FULL as well."""
    ratios = []
    for turn in range(ROUNDS):
        place = folder / f"writing-{turn}"
        ours = _append(place)
        bare = _insert(place / "ledger.db", place / "bare.db")
        ratios.append((bare / ours, ENTRIES / ours, ENTRIES / bare))
    ratio, ours, bare = sorted(ratios)[ROUNDS // 2]
    detail = f"{ours:,.0f} against {bare:,.0f} events/s, batches of {BATCH}, median of {ROUNDS}"
    return [
        Row(
            "append in process / bare SQLite FULL insert",
            ratio,
            "",
            ">= .45",
            ratio >= 0.45,
            detail,
        ),
        _on_postgresql(folder),
    ]


def _on_postgresql(folder: Path) -> Row:
    """Append to PostgreSQL, then copy the rows that this wrote into the same bare tables."""
    ratios = []
    with Cluster.running() as cluster:
        prepared = cluster.prepared()
        for turn in range(ROUNDS):
            name = cluster.create(prepared, OWNER)
            ours = _append(folder / f"on-postgresql-{turn}", cluster.url(name, APP))
            bare = _copy(cluster, name, cluster.create(prepared, OWNER))
            ratios.append((bare / ours, ENTRIES / ours, ENTRIES / bare))
    ratio, ours, bare = sorted(ratios)[ROUNDS // 2]
    detail = f"{ours:,.0f} against {bare:,.0f} events/s, batches of {BATCH}, median of {ROUNDS}"
    name = "append in process / bare PostgreSQL COPY"
    return Row(name, ratio, "", ">= .45", ratio >= 0.45, detail)


def _append(place: Path, url: str | None = None) -> float:
    settings = Settings(data_dir=place, signer_state=place / "state.json", database_url=url)
    house = open_house(settings)
    batches = [
        [
            say(
                f"dataset/d{start + step}",
                DatasetRegistered("owner", "CC-BY-4.0", "A data set that somebody described"),
            )
            for step in range(BATCH)
        ]
        for start in range(0, ENTRIES, BATCH)
    ]
    began = time.perf_counter()
    for batch in batches:
        house.ledger.record_all(batch, ACTOR)
    seconds = time.perf_counter() - began
    house.close()
    return seconds


def _copy(cluster: Cluster, source: str, target: str) -> float:
    """Copy the same rows into the same tables, without triggers, a hundred entries a commit."""
    tables = [*LEDGER_TABLES, *(table for one in projections() for table in one.tables)]
    with cluster.connect(source) as read:
        rows = {
            table.name: read.execute(f'SELECT * FROM "{table.name}"'.encode()).fetchall()  # noqa: S608
            for table in tables
        }
    with cluster.connect(target) as write:
        for name in ("entries", "tiles", "checkpoints"):
            write.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER".encode())
        write.execute("DELETE FROM projections")
        write.autocommit = False
        count = ENTRIES // BATCH
        began = time.perf_counter()
        for turn in range(count):
            for name, all_rows in rows.items():
                part = all_rows[len(all_rows) * turn // count : len(all_rows) * (turn + 1) // count]
                if part:
                    copying = f'COPY "{name}" FROM STDIN'.encode()
                    with write.cursor() as cursor, cursor.copy(copying) as copy:
                        for row in part:
                            copy.write_row(row)
            write.commit()
        return time.perf_counter() - began


def _insert(source: Path, target: Path) -> float:
    """Insert the same rows into the same tables, a hundred entries a transaction."""
    rows: dict[str, list[tuple[object, ...]]] = {}
    with sqlite3.connect(source) as read:
        schema = [
            sql for (sql,) in read.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL")
        ]
        tables = [*LEDGER_TABLES, *(table for one in projections() for table in one.tables)]
        for table in tables:
            rows[table.name] = read.execute(f'SELECT * FROM "{table.name}"').fetchall()  # noqa: S608
    write = sqlite3.connect(target, isolation_level=None)
    write.execute("PRAGMA journal_mode=WAL")
    write.execute("PRAGMA synchronous=FULL")
    for sql in schema:
        if not sql.startswith("CREATE TRIGGER"):
            write.execute(sql)
    count = ENTRIES // BATCH
    began = time.perf_counter()
    for turn in range(count):
        write.execute("BEGIN IMMEDIATE")
        for name, all_rows in rows.items():
            part = all_rows[len(all_rows) * turn // count : len(all_rows) * (turn + 1) // count]
            if part:
                places = ",".join("?" * len(part[0]))
                write.executemany(f'INSERT INTO "{name}" VALUES ({places})', part)  # noqa: S608
        write.execute("COMMIT")
    seconds = time.perf_counter() - began
    write.close()
    os.sync()
    return seconds
