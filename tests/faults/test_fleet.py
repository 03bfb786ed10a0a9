"""Several servers on one PostgreSQL, under load: one of them stops, or the database does."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from app.core.ledger.entry import parse
from app.core.ledger.merkle import leaf_hash
from app.core.ledger.verdict import Outcome
from app.house import projections
from app.ledger.postgresql import PostgresqlDatabase
from app.ledger.sql_store import SqlStore
from app.verification.fsck import fsck
from tests.acceptance.running import Server
from tests.acceptance.test_durability import check_proof
from tests.faults.load import Load
from tests.servers.postgresql import APP, OWNER, Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

SOAK = bool(os.environ.get("MUNIMENT_SOAK"))
FLEETS = (1, 2, 4) if SOAK else (2,)
SECONDS = 60.0 if SOAK else 3.0
PATIENCE = 3
STOPPED = 2.5
"""Seconds: longer than a writer may stand still with the head locked."""

CLIENTS = 16
PROOFS = 50


@dataclass(frozen=True)
class Fleet:
    cluster: Cluster
    url: str
    servers: tuple[Server, ...]

    def size(self) -> int:
        database = PostgresqlDatabase(self.url)
        with database.reading() as connection:
            size = SqlStore(database, "").head(connection).size
        database.close()
        return size

    def check(self, load: Load, before: int) -> None:
        """No gap, nothing twice, nobody else's; every receipt holds; fsck finds nothing."""
        load.send_again(self.servers[-1])
        indexes = sorted(receipt["index"] for receipt in load.receipts.values())
        assert indexes == list(range(before, before + len(indexes)))
        assert self.size() == before + len(indexes)
        database = PostgresqlDatabase(self.url)
        with database.reading() as connection:
            stored = dict(SqlStore(database, "").indexed_bodies(connection, before, 2**40))
        for key, receipt in load.receipts.items():
            raw = stored[receipt["index"]]
            assert leaf_hash(raw).hex() == receipt["leaf_hash"]
            assert parse(raw).subject == f"dataset/{key}"
        self.wait_until_published(before + len(indexes))
        with self.servers[0].client() as client:
            step = max(1, len(indexes) // PROOFS)
            for receipt in list(load.receipts.values())[::step]:
                check_proof(self.servers[0], client, receipt)
        report = fsck(database, projections(), [self.servers[0].key])
        assert report.outcome is Outcome.VALID, report.bottom_line

    def wait_until_published(self, size: int) -> None:
        until = time.monotonic() + 30
        with self.servers[0].client() as client:
            while int(client.get("/log/checkpoint").text.split("\n")[1]) < size:
                assert time.monotonic() < until, "no checkpoint"
                time.sleep(0.1)


@contextmanager
def fleet_of(count: int, folder: str, tmp: pytest.TempPathFactory) -> Iterator[Fleet]:
    with Cluster.running() as cluster, ExitStack() as ending:
        url = cluster.url(cluster.create(cluster.prepared(), OWNER), APP)
        first = Server.founded(tmp.mktemp(folder), url)
        patient = {**first.settings, "MUNIMENT_DATABASE_TIMEOUT": str(PATIENCE)}
        servers = tuple(replace(first, settings=patient) for _ in range(count))
        for server in servers:
            ending.callback(server.end)
        with ThreadPoolExecutor() as pool:
            list(pool.map(Server.start, servers))
        yield Fleet(cluster, url, servers)


@pytest.fixture(scope="module", params=FLEETS)
def fleet(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    with fleet_of(request.param, f"fleet-{request.param}", tmp_path_factory) as fleet:
        yield fleet


def test_a_server_that_is_stopped_under_load_and_goes_on_forks_nothing(fleet: Fleet) -> None:
    before, load = fleet.size(), Load(fleet.servers)
    load.begin("app", CLIENTS // len(fleet.servers))
    time.sleep(SECONDS / 3)
    until_then = load.count()
    rate = until_then / (SECONDS / 3)
    print(f"{len(fleet.servers)} servers: {rate:.0f} events/s")  # noqa: T201 - the soak's figure
    process = fleet.servers[0].process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(STOPPED)
    finally:
        process.send_signal(signal.SIGCONT)
    time.sleep(SECONDS * 2 / 3)
    load.end()
    assert load.count() > until_then > 0
    check_honest(load)
    fleet.check(load, before)


def test_a_database_that_is_stopped_under_load_is_answered_for_and_taken_up_again(
    fleet: Fleet,
) -> None:
    before, load = fleet.size(), Load(fleet.servers)
    load.begin("database")
    time.sleep(SECONDS / 3)
    fleet.cluster.signal(signal.SIGSTOP)
    try:
        until = time.monotonic() + 10 * PATIENCE
        while not load.refused:
            assert time.monotonic() < until, "nobody is told that the database stands still"
            time.sleep(0.1)
    finally:
        fleet.cluster.signal(signal.SIGCONT)
    refused, then = len(load.refused), load.count()
    time.sleep(SECONDS / 3)
    load.end()
    assert load.count() > then
    assert 0 < refused <= len(load.refused)
    check_honest(load)
    fleet.check(load, before)


def check_honest(load: Load) -> None:
    """Whoever got no receipt was told when to ask again."""
    for status, headers in load.refused:
        assert status == 503
        assert int(headers["retry-after"]) > 0
