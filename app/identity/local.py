"""The operator of this machine: commands on a running embedded server, through its socket.

Whoever may open ``<data>/run/admin.sock`` (mode 0600) under the server's own user id is its
operator. That says who started the server, not who they are: nothing that leads to
approving can be done here.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.core.access import SCOPES, Permission, Scope
from app.core.events import Actor, ActorKind, AuthMethod
from app.identity.authentication import LOCAL_SCOPE_KEY
from app.identity.principal import Principal, Right

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Send
    from starlette.types import Scope as AsgiScope

PERMISSIONS = SCOPES[Scope.READ] | {
    Permission.READ_ACCESS_LOG,
    Permission.MANAGE_PEOPLE,
    Permission.MANAGE_ROLES,
    Permission.MANAGE_TOKENS,
    Permission.REBUILD,
    Permission.RECONCILE,
    Permission.BACKUP,
    Permission.RECOVER,
}
_CREDENTIALS = struct.Struct("3i")


def local_actor(uid: int) -> Actor:
    """Name the operator of this machine in the log: nobody's name, a number."""
    return Actor(f"local-operator/{uid}", ActorKind.WORKLOAD, AuthMethod.LOCAL)


def local_principal(uid: int) -> Principal:
    """Give what the operator may do; ``app.identity.roles`` limits it further."""
    return Principal(local_actor(uid), None, None, (Right(PERMISSIONS),))


class LocalOperator:
    """ASGI middleware: every caller of this server is the operator of user id ``uid``."""

    def __init__(self, app: ASGIApp, uid: int) -> None:
        self._app = app
        self._principal = local_principal(uid)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        await self._app({**scope, LOCAL_SCOPE_KEY: self._principal}, receive, send)


class OwnersProtocol(HttpToolsProtocol):
    """HTTP for this process's own user alone: any other peer is hung up on.

    Source: unix(7), SO_PEERCRED.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Look who it is before a byte is read."""
        peer = transport.get_extra_info("socket")
        if peer is None or peer_uid(peer) != os.getuid():
            transport.abort()
            return
        super().connection_made(transport)


def peer_uid(peer: socket.socket) -> int:
    """Tell the user id of the process at the other end of a unix socket."""
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(raw)
    return int(uid)


def admin_socket(path: Path) -> socket.socket:
    """Listen on ``path``, for its owner alone; a socket left by a dead server is replaced."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen()
    return listener
