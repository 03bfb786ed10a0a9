"""The data folder: what lies where, and that one process at a time writes to it."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from app.core.errors import Unavailable
from app.ledger.keyring import key_place
from app.ledger.signing import SignerState, default_state_path, load_or_make_signer

if TYPE_CHECKING:
    from app.core.ledger.note import Verifier
    from app.ledger.signing import Signer
    from app.settings import Entropy, Settings


@dataclass(frozen=True, slots=True)
class Folder:
    """Where the embedded server keeps its things.

    ``ledger.db``: the log and all state. ``keys/``: private keys, each 0600.
    ``run/``: the lock and the administrators' socket of a running server.
    """

    path: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.path / "ledger.db"

    @property
    def socket(self) -> Path:
        """Where a running server takes commands of this machine's operator."""
        return self.path / "run" / "admin.sock"

    def key(self, name: str) -> Path:
        """Tell where a private key lies: log, approvals, totp, idempotency."""
        return self.path / "keys" / f"{name}.key"

    def make(self) -> None:
        """Make the folder and its parts, for their owner alone."""
        for part in (self.path, self.path / "keys", self.path / "run"):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)

    def lock(self) -> TextIO:
        """Take the folder for this process, until the returned file is closed.

        Raises Unavailable naming the process that has it.
        """
        held = (self.path / "run" / "lock").open("a+")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            holder = held.read().strip()
            held.close()
            raise Unavailable(
                f"{self.path} is in use by the server with process id {holder}",
                remedy="stop that server, or talk to it",
            ) from None
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        return held

    def log_signer(self, settings: Settings, origin: str, entropy: Entropy) -> Signer:
        """Load the key that signs checkpoints, under the log's own name."""
        return key_place(settings.signing_key or self.key("log"), entropy).make(origin, 1)

    def approvals_signer(self, origin: str, entropy: Entropy) -> Signer:
        """Load the key that seals approvals, apart from the log's key."""
        return load_or_make_signer(self.key("approvals"), f"{origin}/approvals", entropy)


def signer_state(settings: Settings, verifier: Verifier) -> SignerState:
    """Find what was signed last, kept apart from the data folder."""
    apart = settings.signer_state
    return SignerState(apart or default_state_path(verifier, os.environ, Path.home()))
