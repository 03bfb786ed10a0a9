"""The log's key and what it has signed so far.

A log that signs two inconsistent trees is worthless, so what was signed last is kept
apart from the data folder (a restored backup does not bring it back) and moves by
compare-and-swap: a signature over a smaller or another tree is refused.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.core.errors import ChainBroken, Unavailable
from app.core.ledger.note import Verifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from app.core.ledger.checkpoint import Checkpoint
    from app.settings import Entropy

SEED_BYTES = 32


@dataclass(frozen=True, slots=True)
class Signer:
    """An Ed25519 key, wherever it lies, with the name it signs under.

    ``sign``: makes the signature of a message, 64 bytes, the same every time (RFC 8032).
    """

    verifier: Verifier
    sign: Callable[[bytes], bytes]


def load_or_make_signer(path: Path, name: str, entropy: Entropy) -> Signer:
    """Read the key of ``name`` from a file of 64 hex digits, or make one (mode 0600)."""
    seed = load_or_make_secret(path, entropy)
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return Signer(Verifier(name, public), key.sign)


def load_or_make_secret(path: Path, entropy: Entropy) -> bytes:
    """Read 32 secret bytes from a file of 64 hex digits, or make them (mode 0600).

    Raises Unavailable if the file can be read by others or is not of that form.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_whole(path, entropy(SEED_BYTES).hex().encode())
    if path.stat().st_mode & 0o077:
        raise Unavailable(f"the key file {path.name} can be read by others", remedy="chmod 0600")
    try:
        secret = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        secret = b""
    if len(secret) != SEED_BYTES:
        raise Unavailable(f"the key file {path.name} does not hold 64 hex digits")
    return secret


@dataclass(frozen=True, slots=True)
class Signed:
    """The tree that was signed last. ``root``: 32 bytes."""

    size: int
    root: bytes


class SignerState:
    """Remembers, in a file of its own for each log key, the last tree that was signed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Signed | None:
        """Read what was signed last; None if nothing ever was, or the file is gone.

        Raises ChainBroken if the file is damaged.
        """
        try:
            document = json.loads(self._path.read_bytes())
            return Signed(int(document["size"]), bytes.fromhex(document["root"]))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            raise ChainBroken(
                f"the signer state {self._path.name} is damaged",
                remedy="compare with a saved checkpoint, then run `muniment ledger recover`",
            ) from None

    def begin(self, signed: Checkpoint) -> None:
        """Take on what another key of the log has signed, unless this one signed more."""
        last = self.read()
        if last is None or last.size < signed.size:
            self.advance(last, signed)

    def advance(self, before: Signed | None, after: Checkpoint) -> Signed:
        """Note that ``after`` is about to be signed, if ``before`` still is the last.

        Returns what is the last now, and is durable then. Raises ChainBroken if another
        process signed in between, or if ``after`` is no growth: then nothing may be signed.
        """
        with self._locked():
            last = self.read()
            if last != before:
                raise ChainBroken("another process signed for this log in the meantime")
            if last is not None and after.size < last.size:
                raise ChainBroken(f"size {after.size} is behind the signed size {last.size}")
            if last is not None and after.size == last.size and after.root != last.root:
                raise ChainBroken(f"another tree of size {after.size} was signed before")
            document: Mapping[str, object] = {"size": after.size, "root": after.root.hex()}
            _write_whole(self._path, json.dumps(document).encode())
        return Signed(after.size, after.root)

    def reset(self, to: Signed) -> None:
        """Set what was signed last, whatever it was: a person answers for it, on record."""
        with self._locked():
            document: Mapping[str, object] = {"size": to.size, "root": to.root.hex()}
            _write_whole(self._path, json.dumps(document).encode())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def default_state_path(verifier: Verifier, environ: Mapping[str, str], home: Path) -> Path:
    """Tell where the state of a log key lies unless a setting says otherwise."""
    folder = environ.get("XDG_STATE_HOME")
    base = home / ".local" / "state" if not folder else home.__class__(folder)
    name = hashlib.sha256(verifier.vkey().encode()).hexdigest()[:16]
    return base / "muniment" / f"{name}.json"


def _write_whole(path: Path, content: bytes) -> None:
    """Replace a file durably: a crash leaves the old bytes or the new, never a mix."""
    aside = path.with_suffix(".new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    aside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
