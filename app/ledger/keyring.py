"""The keys of a log: which there were, by its own entries, and where the private ones lie.

The first key lies in ``log.key`` (or where ``MUNIMENT_SIGNING_KEY`` says), the second beside
it in ``log-2.key``, and so on. Which of them signs is told by the log alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.errors import ChainBroken, Malformed, Unavailable
from app.core.events.kinds.records import LogKeyRotated, LogStarted
from app.core.ledger.note import parse_vkey
from app.core.ledger.rotation import history, open_rotation
from app.ledger.signing import load_or_make_signer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Connection

    from app.core.ledger.note import Verifier
    from app.core.ledger.rotation import Rotation
    from app.core.ledger.trust import TrustedKey
    from app.ledger.signing import Signer, SignerState
    from app.ledger.sql_store import SqlStore
    from app.settings import Entropy

ROTATED = f"type:{LogKeyRotated.TYPE}"
STARTED = f"type:{LogStarted.TYPE}"
MOST_KEYS = 1000


def key_history(store: SqlStore, connection: Connection, first: Verifier) -> tuple[TrustedKey, ...]:
    """Tell the log's keys with the sizes they sign, in the order in which they came.

    ``first``: the key it began with, where no entry says so. Raises ChainBroken, BadSignature,
    Malformed: an entry that says a key was rotated does not hold.
    """
    heads = store.heads(connection, [STARTED, ROTATED])
    if STARTED in heads:
        first = parse_vkey(str(store.data(connection, heads[STARTED]).get("log_vkey")))
    origin = store.head(connection).origin
    rotations: list[tuple[int, Rotation]] = []
    index = heads.get(ROTATED)
    while index is not None:
        rotation = open_rotation(
            str(store.data(connection, index).get("statement")).encode("utf-8", "replace")
        )
        if rotation.origin != origin:
            raise ChainBroken(f"entry {index} rotates a key of another log, {rotation.origin}")
        rotations.append((index, rotation))
        index = store.entry(connection, index)[0].type_prev
    return history(first, reversed(rotations))


@dataclass(frozen=True, slots=True)
class Keyring:
    """The private keys of a log. ``first``: the file of the first one.

    ``state_of``: finds what a key has signed last.
    """

    origin: str
    first: Path
    entropy: Entropy
    state_of: Callable[[Verifier], SignerState]

    def path(self, number: int) -> Path:
        """Tell where the key of that number lies; the first is 1."""
        if number == 1:
            return self.first
        return self.first.with_name(f"{self.first.stem}-{number}{self.first.suffix}")

    def signer(self, verifier: Verifier) -> Signer:
        """Find the private key of a verifier key. Raises Unavailable."""
        for number in range(1, MOST_KEYS):
            path = self.path(number)
            if number > 1 and not path.exists():
                break
            if path.exists():
                found = load_or_make_signer(path, self.origin, self.entropy)
                if found.verifier == verifier:
                    return found
        raise Unavailable(
            f"the log is signed by {verifier.vkey()}, and that key is not in {self.first.parent}",
            remedy="put its file back beside the log's first key",
        )

    def make(self, number: int) -> Signer:
        """Load the key of that number, or make it.

        Raises Malformed: the key of that number is that of another.
        """
        if number >= MOST_KEYS:
            raise Malformed(f"a log has at most {MOST_KEYS} keys")
        return load_or_make_signer(self.path(number), self.origin, self.entropy)
