"""Processes that are killed in the middle of a step, and one that is stopped and goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from app.ledger.receipt import Receipt
from tests.acceptance.routes import API, EVENT
from tests.acceptance.running import Server
from tests.faults.checking import check_log
from tests.faults.child import NAMES
from tests.faults.rig import running
from tests.faults.steps import PATIENCE, PUBLISHING, Step

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Begun

# The first tile is filled at once, and the second is far off; a checkpoint follows as soon.
AT_ONCE = (Step.TILES, *PUBLISHING)
KILLED = [(step, 0 if step in AT_ONCE else 3) for step in Step]


@pytest.mark.parametrize(("step", "passages"), KILLED)
def test_a_process_killed_in_the_middle_of_a_step_leaves_a_whole_log(
    begun: Begun, step: Step, passages: int
) -> None:
    place, clients = begun.place, begun.clients
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.child", *place.where, step, str(passages)],
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    clients.sent |= set(NAMES)
    for line in done.stdout.splitlines():
        name, receipt = json.loads(line)
        clients.receipts[name] = Receipt(**receipt)
    check_log(place, clients)
    with running(place) as desk:
        clients.post_again(desk)
        desk.published(len(clients.sent))
    assert check_log(place, clients).size == len(clients.sent)


def test_what_a_stopped_server_had_taken_is_recorded_once_when_it_goes_on(tmp_path: Path) -> None:
    server = Server.founded(tmp_path)
    server.start()
    assert server.process is not None
    sent = {"Idempotency-Key": "only once"}
    answers: list[httpx.Response] = []
    try:
        server.process.send_signal(signal.SIGSTOP)
        with server.client() as client, pytest.raises(httpx.TimeoutException):
            client.post(f"{API}/events", json=EVENT, headers=sent, timeout=0.5)
        asking = threading.Thread(
            target=lambda: answers.append(
                httpx.post(
                    f"{server.url}{API}/events",
                    json=EVENT,
                    headers={**sent, "Authorization": f"Bearer {server.token}"},
                    timeout=PATIENCE,
                )
            )
        )
        asking.start()
        server.process.send_signal(signal.SIGCONT)
        asking.join()
        with server.client() as client:
            again = client.post(f"{API}/events", json=EVENT, headers=sent)
        assert [answers[0].status_code, again.status_code] == [201, 201]
        assert answers[0].json() == again.json()
        assert "Idempotent-Replayed" in again.headers
        with server.client() as client:
            assert client.get(f"{API}/me").json()["log_size"] == again.json()["index"] + 1
    finally:
        server.process.send_signal(signal.SIGCONT)
        server.end()
