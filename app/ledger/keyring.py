"""The keys of a log: which there were, by its own entries, and where the private ones lie.

The first key lies in ``log.key`` (or where ``MUNIMENT_SIGNING_KEY`` says), the second beside
it in ``log-2.key``, and so on; in a token, under the labels ``log``, ``log-2``. Which of them
signs is told by the log alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from app.core.errors import ChainBroken, Malformed, Unavailable
from app.core.events.kinds.records import LogKeyRotated, LogStarted
from app.core.ledger.merkle import fold
from app.core.ledger.note import parse_vkey
from app.core.ledger.rotation import history, open_rotation
from app.ledger.opening import read_tree
from app.ledger.signing import load_or_make_signer
from app.ledger.token_signing import NoSuchTokenKey, Token

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from app.core.ledger.note import Verifier
    from app.core.ledger.rotation import Rotation
    from app.core.ledger.trust import TrustedKey
    from app.ledger.signing import Signer, SignerState
    from app.ledger.sql_store import SqlStore
    from app.settings import Entropy, TokenKey

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


def pinned(store: SqlStore, connection: Connection, keys: Sequence[TrustedKey]) -> list[TrustedKey]:
    """Pin, beside each key that was revoked, the tree that the log had then."""
    return [
        key
        if key.revoked_at_size is None
        else replace(
            key, revoked_root=fold(read_tree(store, connection, key.revoked_at_size).peaks())
        )
        for key in keys
    ]


class KeyPlace(Protocol):
    """Where private keys lie, by number; the first is 1."""

    def find(self, origin: str, number: int) -> Signer | None:
        """Load a key; None: there are no more. Raises Unavailable."""

    def make(self, origin: str, number: int) -> Signer:
        """Load a key, or make it where that can be done here. Raises Unavailable."""

    def __str__(self) -> str:
        """Name the place, for a person."""


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Keys in files. ``first``: the file of the first one."""

    first: Path
    entropy: Entropy

    def path(self, number: int) -> Path:
        """Tell where the key of that number lies."""
        if number == 1:
            return self.first
        return self.first.with_name(f"{self.first.stem}-{number}{self.first.suffix}")

    def find(self, origin: str, number: int) -> Signer | None:
        path = self.path(number)
        return load_or_make_signer(path, origin, self.entropy) if path.exists() else None

    def make(self, origin: str, number: int) -> Signer:
        return load_or_make_signer(self.path(number), origin, self.entropy)

    def __str__(self) -> str:
        return str(self.first.parent)


@dataclass(frozen=True, slots=True)
class KeysInToken:
    """Keys in a PKCS#11 token. They are made there, by whoever keeps it, never by a server."""

    token: Token
    name: str

    def find(self, origin: str, number: int) -> Signer | None:
        try:
            return self.token.signer(origin, number)
        except NoSuchTokenKey:
            if number == 1:
                raise
            return None

    def make(self, origin: str, number: int) -> Signer:
        return self.token.signer(origin, number)

    def __str__(self) -> str:
        return self.name


def key_place(key: Path | TokenKey, entropy: Entropy) -> KeyPlace:
    """Tell where a log's keys lie, from where the first one does."""
    if isinstance(key, Path):
        return KeyFiles(key, entropy)
    return KeysInToken(Token(key), f"the token {key.token}")


@dataclass(frozen=True, slots=True)
class Keyring:
    """The private keys of a log. ``state_of``: finds what a key has signed last."""

    origin: str
    place: KeyPlace
    state_of: Callable[[Verifier], SignerState]

    def signer(self, verifier: Verifier) -> Signer:
        """Find the private key of a verifier key. Raises Unavailable."""
        for number in range(1, MOST_KEYS):
            found = self.place.find(self.origin, number)
            if found is not None and found.verifier == verifier:
                return found
            if found is None and number > 1:
                break
        raise Unavailable(
            f"the log is signed by {verifier.vkey()}, and that key is not in {self.place}",
            remedy="put it back beside the log's first key",
        )

    def make(self, number: int) -> Signer:
        """Load the key of that number, or make it.

        Raises Malformed: there are too many; Unavailable.
        """
        if number >= MOST_KEYS:
            raise Malformed(f"a log has at most {MOST_KEYS} keys")
        return self.place.make(self.origin, number)
