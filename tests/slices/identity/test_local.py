from __future__ import annotations

import os
import socket
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request

from app.core.access import Permission
from app.core.events import ActorKind, AuthMethod
from app.identity import local
from app.identity.local import LocalOperator, OwnersProtocol, admin_socket, local_principal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.identity.assembly import Identity


@pytest.fixture
def server(tmp_path: Path, identity: Identity) -> Iterator[Path]:
    """Serve who somebody is on a socket, as ``app.main`` does."""
    app = FastAPI()

    @app.get("/me")
    def me(request: Request) -> str:
        return identity.authentication(request).actor.id

    path = tmp_path / "admin.sock"
    listener = admin_socket(path)
    config = uvicorn.Config(
        LocalOperator(app, os.getuid()), http=OwnersProtocol, log_config=None, lifespan="off"
    )
    served = uvicorn.Server(config)
    thread = threading.Thread(target=served.run, kwargs={"sockets": [listener]})
    thread.start()
    while not served.started:
        time.sleep(0.005)
    yield path
    served.should_exit = True
    thread.join()


def ask(path: Path) -> httpx.Response:
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://local") as one:
        return one.get("/me")


def test_the_owner_of_the_server_is_its_local_operator(server: Path) -> None:
    assert ask(server).json() == f"local-operator/{os.getuid()}"


def test_the_socket_is_for_its_owner_alone(server: Path) -> None:
    assert server.stat().st_mode & 0o777 == 0o600


def test_another_users_process_is_hung_up_on(server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "peer_uid", lambda peer: os.getuid() + 1)
    with pytest.raises(httpx.TransportError):
        ask(server)


def test_the_kernel_says_who_is_at_the_other_end() -> None:
    here, there = socket.socketpair()
    with here, there:
        assert local.peer_uid(here) == os.getuid()


def test_a_socket_left_by_a_dead_server_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    admin_socket(path).close()
    admin_socket(path).close()
    assert path.is_socket()


def test_the_local_operator_is_nobody_and_may_not_sign_record_or_publish() -> None:
    principal = local_principal(1000)
    assert (principal.actor.kind, principal.actor.auth) == (ActorKind.WORKLOAD, AuthMethod.LOCAL)
    assert (principal.person, principal.answerable) == (None, None)
    for permission in (
        Permission.REVIEW,
        Permission.RECORD,
        Permission.DRAFT_POLICY,
        Permission.PUBLISH_POLICY,
        Permission.REQUEST_PROMOTION,
    ):
        assert not principal.may(permission)
