"""Which key of a log may sign which sizes: the trust file, kept apart from the log.

    {"log": [{"vkey": "<verifier key>", "from_size": 0, "to_size": null,
              "revoked_at_size": 700, "revoked_root": "<base64>"}, …],
     "approvals": [{"vkey": …, "from_size": 0, "to_size": null}]}

A key signs sizes from ``from_size`` up to and with ``to_size``; null: without an end. A key
that was lost to somebody else has ``revoked_at_size``: what it signs of a larger tree counts
for nothing. ``revoked_root`` pins the tree that the log had at that size: who has a stolen key
can still sign a smaller tree, and only a tree that is the beginning of the pinned one is the
log's. While two keys overlap both sign. A log serves its own view of this as
``/log/trust.json``; take it once, compare it, and keep it where the log cannot change it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from app.core.errors import BadSignature, Malformed, TooLarge
from app.core.ledger.canonical import MAX_INT, parse_json
from app.core.ledger.merkle import HASH_BYTES
from app.core.ledger.note import Verifier, decode_base64, parse_vkey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.core.jsonvalue import Json

MAX_TRUST_BYTES = 1_000_000
_SIZES = ("from_size", "to_size", "revoked_at_size")
_ROOT = "revoked_root"


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key and the sizes it may sign; all of them unless told otherwise.

    ``revoked_root``: of the log at ``revoked_at_size``, 32 bytes; None if it is not known.
    """

    verifier: Verifier
    from_size: int = 0
    to_size: int | None = None
    revoked_at_size: int | None = None
    revoked_root: bytes | None = None

    def objection(self, size: int) -> str | None:
        """Why this key may not sign a tree of ``size``; None if it may."""
        vkey = self.verifier.vkey()
        if self.revoked_at_size is not None and size > self.revoked_at_size:
            return f"{vkey} was revoked at size {self.revoked_at_size}; it signed size {size} late"
        if size < self.from_size:
            return f"{vkey} signs from size {self.from_size} on, not size {size}"
        if self.to_size is not None and size > self.to_size:
            return f"{vkey} signs up to size {self.to_size}, not size {size}"
        return None

    def document(self) -> Json:
        """The key as it stands in a trust file."""
        document: dict[str, Json] = {
            "vkey": self.verifier.vkey(),
            "from_size": self.from_size,
            "to_size": self.to_size,
            "revoked_at_size": self.revoked_at_size,
        }
        if self.revoked_root is not None:
            document["revoked_root"] = base64.b64encode(self.revoked_root).decode()
        return document


Key: TypeAlias = Verifier | TrustedKey
"""What a caller trusts: a key for every size, or one with its sizes."""


def bounded(trusted: Iterable[Key]) -> tuple[TrustedKey, ...]:
    """Give every key its sizes: a bare one signs all of them."""
    return tuple(TrustedKey(key) if isinstance(key, Verifier) else key for key in trusted)


def check_size(keys: Sequence[TrustedKey], signed_by: Sequence[Verifier], size: int) -> None:
    """Check that one of the keys that signed may sign ``size``; one is enough.

    ``signed_by``: those of ``keys`` whose signature verified. Raises BadSignature with the
    first key's objection.
    """
    # A key may stand in several lines, one for each span of sizes.
    objections = [key.objection(size) for key in keys if key.verifier in signed_by]
    if objections and all(objections):
        raise BadSignature(f"the key may not sign this: {objections[0]}")


def revoked_alone(
    keys: Sequence[TrustedKey], signed_by: Sequence[Verifier], size: int
) -> tuple[TrustedKey, ...]:
    """Give the keys that a signature rests on, if all of them were revoked later; else none.

    ``signed_by``: those of ``keys`` whose signature over a tree of ``size`` verified.
    """
    good = [key for key in keys if key.verifier in signed_by and key.objection(size) is None]
    if any(key.revoked_at_size is None for key in good):
        return ()
    return tuple(good)


def parse_trust(raw: bytes, section: str = "log") -> tuple[TrustedKey, ...]:
    """Read the keys of a trust file's ``log`` or ``approvals``.

    Raises Malformed naming what is wrong; Rejected or TooLarge: no such JSON.
    """
    if len(raw) > MAX_TRUST_BYTES:
        raise TooLarge(f"a trust file has at most {MAX_TRUST_BYTES} bytes")
    document = parse_json(raw)
    if not isinstance(document, dict) or not {"log"} <= document.keys() <= {"log", "approvals"}:
        raise Malformed("a trust file is an object with the keys of the log")
    listed = document.get(section, [])
    if not isinstance(listed, list):
        raise Malformed(f"a trust file's {section} is a list of keys")
    return tuple(_trusted(item) for item in listed)


def _trusted(item: Json) -> TrustedKey:
    if not isinstance(item, dict) or not {"vkey"} <= item.keys() <= {"vkey", *_SIZES, _ROOT}:
        raise Malformed(f"a trusted key has a vkey and {', '.join(_SIZES)}")
    vkey = item["vkey"]
    if not isinstance(vkey, str):
        raise Malformed("a trusted key's vkey is a verifier key")
    first, last, revoked = (_size(item.get(name), name) for name in _SIZES)
    if last is not None and last < (first or 0):
        raise Malformed(f"{vkey} ends at size {last}, before it begins at {first}")
    root = item.get(_ROOT)
    return TrustedKey(parse_vkey(vkey), first or 0, last, revoked, _root(root, revoked))


def _root(value: Json, revoked: int | None) -> bytes | None:
    if value is None:
        return None
    root = decode_base64(value, f"a {_ROOT}") if isinstance(value, str) else b""
    if revoked is None or len(root) != HASH_BYTES:
        raise Malformed(f"a {_ROOT} is base64 of {HASH_BYTES} bytes, beside a revoked_at_size")
    return root


def _size(value: Json, name: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INT:
        raise Malformed(f"{name} is a size of the log")
    return value
