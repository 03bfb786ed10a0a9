"""A server that is killed in the middle of its work loses nothing that it has acknowledged."""

from __future__ import annotations

import base64
import os
import random
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from app.core.errors import Unavailable
from app.core.ledger import inclusion
from app.core.ledger.checkpoint import open_checkpoint
from app.core.ledger.proof_file import parse_proof
from app.core.ledger.verdict import Outcome
from app.house import open_house, projections
from app.ledger.sqlite import SqliteDatabase
from app.settings import Settings
from app.verification.fsck import fsck
from tests.acceptance.routes import API, EVENT
from tests.acceptance.running import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROUNDS = 10 if os.environ.get("MUNIMENT_SOAK") else 3
POSTS = 1000
AT_ONCE = 32

Receipt = dict[str, Any]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server.founded(tmp_path)
    server.start()
    yield server
    server.end()


class Posting:
    """Posts events of the names given, many at once; keeps every receipt."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        self.receipts: dict[str, Receipt] = {}
        self.acknowledged = threading.Semaphore(0)

    def post_all(self, names: list[str]) -> None:
        """Go on until all are posted, or nobody answers any more."""
        waiting = iter(names)

        def work(_: int) -> None:
            with self._server.client() as client:
                while (name := self._next(waiting)) is not None:
                    try:
                        answer = client.post(
                            f"{API}/events",
                            json={**EVENT, "subject": f"dataset/{name}"},
                            headers={"Idempotency-Key": name},
                        )
                    except httpx.TransportError:
                        return
                    assert answer.status_code == 201, answer.text
                    with self._lock:
                        self.receipts[name] = answer.json()
                    self.acknowledged.release()

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(work, range(AT_ONCE)))

    def _next(self, waiting: Iterator[str]) -> str | None:
        with self._lock:
            return next(waiting, None)


def check_proof(server: Server, client: httpx.Client, receipt: Receipt) -> None:
    """Check that an acknowledged entry is in the signed log."""
    index = receipt["index"]
    shown = client.get(f"{API}/events/{index}").json()
    assert shown["leaf_hash"] == receipt["leaf_hash"]
    assert shown["entry"]["id"] == receipt["id"]
    assert base64.b64decode(shown["canonical"])
    answer = client.get(f"{API}/events/{index}/proof", headers={"Accept": "text/plain"})
    proof = parse_proof(answer.content)
    signed = open_checkpoint(proof.checkpoint, [server.key])
    leaf = bytes.fromhex(receipt["leaf_hash"])
    inclusion.check(leaf, proof.index, signed.size, proof.hashes, signed.root)
    assert proof.index == index


def test_kill_9_loses_nothing_acknowledged_and_records_nothing_twice(server: Server) -> None:
    source = random.Random(9)
    for turn in range(ROUNDS):
        names = [f"turn{turn}-{number}" for number in range(POSTS)]
        with server.client() as client:
            before = client.get(f"{API}/me").json()["log_size"]
        posting = Posting(server)
        killed_after = source.randrange(50, 700)
        thread = threading.Thread(target=posting.post_all, args=(names,))
        thread.start()
        for _ in range(killed_after):
            assert posting.acknowledged.acquire(timeout=60)
        server.end(signal.SIGKILL)
        thread.join()
        acknowledged = dict(posting.receipts)
        assert killed_after <= len(acknowledged) < POSTS

        report = fsck(SqliteDatabase(server.database), projections(), [server.key])
        assert report.outcome is Outcome.VALID, report.bottom_line
        server.start()
        with server.client() as client:
            for receipt in source.sample(sorted(acknowledged.values(), key=_index), 50):
                check_proof(server, client, receipt)
        posting.post_all(names)
        assert {name: posting.receipts[name] for name in acknowledged} == acknowledged
        indexes = sorted(receipt["index"] for receipt in posting.receipts.values())
        assert indexes == list(range(before, before + POSTS))


def _index(receipt: Receipt) -> int:
    return int(receipt["index"])


def test_sixty_four_posts_of_one_key_at_once_are_one_entry(server: Server) -> None:
    start = threading.Barrier(64)

    def post(_: int) -> tuple[int, bool, Receipt]:
        with server.client() as client:
            start.wait()
            answer = client.post(
                f"{API}/events", json=EVENT, headers={"Idempotency-Key": "only once"}
            )
            return answer.status_code, "Idempotent-Replayed" in answer.headers, answer.json()

    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(post, range(64)))
    assert {status for status, _, _ in answers} == {201}
    assert len({receipt["index"] for _, _, receipt in answers}) == 1
    assert all(receipt == answers[0][2] for _, _, receipt in answers)
    assert sum(not replayed for _, replayed, _ in answers) == 1
    with server.client() as client:
        other = {**EVENT, "subject": "dataset/other"}
        answer = client.post(f"{API}/events", json=other, headers={"Idempotency-Key": "only once"})
    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/idempotency-mismatch"


def test_a_second_process_on_the_folder_is_refused_by_name(server: Server) -> None:
    assert server.process is not None
    settings = Settings(
        data_dir=server.folder / "data", signer_state=server.folder / "signer-state.json"
    )
    with pytest.raises(Unavailable, match=f"server with process id {server.process.pid}"):
        open_house(settings)


def test_a_server_that_is_told_to_end_answers_what_it_has_taken_and_signs_it(
    server: Server,
) -> None:
    with server.client() as client:
        receipts = [
            client.post(f"{API}/events", json={**EVENT, "subject": f"dataset/e{n}"}).json()
            for n in range(20)
        ]
    server.end()
    server.start()
    with server.client() as client:
        size = open_checkpoint(client.get("/log/checkpoint").content, [server.key]).size
        assert size > receipts[-1]["index"]
