"""Whatever is killed, and whenever: what was promised is there, once, in one log.

Twenty points on each engine, two hundred with ``MUNIMENT_SOAK=1``; the seed is in the test's name.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from app.core.ledger.merkle import leaf_hash
from app.core.ledger.verdict import Outcome
from app.house import projections
from app.verification.fsck import fsck
from tests.acceptance.recorder import place_of, record_until_killed
from tests.servers.postgresql import APP, OWNER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.acceptance.recorder import Promise
    from tests.servers.postgresql import Cluster

SOAK = bool(os.environ.get("MUNIMENT_SOAK"))
POINTS = 200 if SOAK else 20
SERVER_POINTS = 200 if SOAK else 8
SEED = 20260301
WRITERS = 6
LONGEST = 0.2
"""Seconds after its first promise that a process is killed, at most."""

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.acceptance.recorder"])


@dataclass
class Promises:
    """Everything that anybody was promised, whichever process did it."""

    kept: dict[tuple[int, int], tuple[int, str]] = field(default_factory=dict)

    def note(self, promise: Promise) -> None:
        """Take one down. Whoever asks again must be promised the same."""
        writer, number, *what = promise
        index, leaf = int(str(what[0])), str(what[1])
        assert self.kept.setdefault((writer, number), (index, leaf)) == (index, leaf)

    def next_numbers(self) -> list[int]:
        """Tell where each writer goes on: with what it was promised last, to hear it again."""
        return [
            max((number for one, number in self.kept if one == writer), default=0)
            for writer in range(WRITERS)
        ]

    def check(self, folder: Path, url: str | None) -> None:
        """Check the whole log, and that each promise stands in it and nothing twice."""
        place = place_of(folder, url, SEED)
        with place.open(projections()) as desk:
            key = desk.signer.verifier
            with desk.store.reading() as connection:
                size = desk.store.head(connection).size
                bodies = desk.store.bodies(connection, 0, size)
                subjects = [desk.store.entry(connection, at)[0].subject for at in range(size)]
        assert len(bodies) == len(set(subjects)) == size
        for (writer, number), (index, leaf) in self.kept.items():
            assert leaf_hash(bodies[index]).hex() == leaf
            assert subjects[index] == f"dataset/{writer}-{number}"
        report = fsck(place.opened(), projections(), [key])
        assert report.outcome is Outcome.VALID, report.bottom_line


class Recording:
    """One recording process; what it is promised is noted until it is killed."""

    @classmethod
    @contextmanager
    def running(
        cls, folder: Path, url: str | None, seed: int, promises: Promises
    ) -> Iterator[Recording]:
        recording = cls(folder, url, seed, promises)
        try:
            yield recording
        finally:
            recording.kill()

    def __init__(self, folder: Path, url: str | None, seed: int, promises: Promises) -> None:
        self._promises = promises
        self._said, says = PROCESSES.Pipe(duplex=False)
        self._process = PROCESSES.Process(
            target=record_until_killed,
            args=(folder, url, seed, promises.next_numbers(), says),
            daemon=True,
        )
        self._process.start()
        says.close()

    def listen(self, seconds: float) -> int:
        """Note promises for so long; tell how many came."""
        until, heard = time.monotonic() + seconds, 0
        while self._said.poll(max(0, until - time.monotonic())):
            self._promises.note(self._said.recv())
            heard += 1
        return heard

    def hear_one(self) -> None:
        """Wait for the next promise."""
        assert self._said.poll(60), "nothing is recorded any more"
        self._promises.note(self._said.recv())

    def kill(self) -> None:
        """Kill it, and note what it still had sent."""
        self._process.kill()
        self._process.join()
        while True:
            try:
                self._promises.note(self._said.recv())
            except EOFError:
                break
        self._said.close()
        self._process.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "sqlite" else str(request.getfixturevalue("database_url"))


@pytest.mark.parametrize("seed", [SEED])
def test_a_process_killed_at_any_moment_breaks_no_promise(
    tmp_path: Path, url: str | None, seed: int
) -> None:
    chance, promises = random.Random(seed), Promises()
    for point in range(POINTS):
        with Recording.running(tmp_path, url, seed + point, promises) as recording:
            recording.hear_one()
            recording.listen(chance.uniform(0, LONGEST))
        if point % 20 == 19:
            promises.check(tmp_path, url)


@pytest.fixture
def hurt(own_postgresql: Cluster) -> tuple[Cluster, str]:
    name = own_postgresql.create(own_postgresql.prepared(), OWNER)
    return own_postgresql, own_postgresql.url(name, APP)


@pytest.mark.parametrize("seed", [SEED])
def test_a_database_server_killed_at_any_moment_breaks_no_promise_and_stops_nobody(
    tmp_path: Path, hurt: tuple[Cluster, str], seed: int
) -> None:
    """One process records all the time; nobody restarts it."""
    cluster, url = hurt
    chance, promises = random.Random(seed), Promises()
    with Recording.running(tmp_path, url, seed, promises) as recording:
        for _ in range(SERVER_POINTS):
            recording.hear_one()
            recording.listen(chance.uniform(0, LONGEST))
            chance.choice((cluster.kill, cluster.stop))()
            recording.listen(0)
            cluster.start()
            recording.hear_one()
    promises.check(tmp_path, url)
