"""The page that hands out a log's keys: to print, to read out, to keep in a safe.

A key that came with the evidence proves nothing about it, so keys go another way. Whoever
has this page can compare a key that somebody else gave them by its fingerprint.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from app.core.ledger.bundle_words import KNOWN_VERIFIERS
from app.core.ledger.trust import parse_trust

if TYPE_CHECKING:
    from app.core.ledger.note import Verifier
    from app.core.ledger.trust import TrustedKey

GROUP = 4


def fingerprint(verifier: Verifier) -> str:
    """SHA-256 of the whole verifier key, in groups of four hex digits."""
    digest = hashlib.sha256(verifier.vkey().encode()).hexdigest().upper()
    return " ".join(digest[start : start + GROUP] for start in range(0, len(digest), GROUP))


def trust_page(raw: bytes) -> str:
    """Write the page from a trust file. Raises Malformed."""
    log = parse_trust(raw)
    lines = ["Verifier keys", ""]
    for key in reversed(log):
        lines += [*_described(key), ""]
    lines += ["The key that seals approvals", ""]
    for key in parse_trust(raw, "approvals"):
        lines += [*_described(key), ""]
    lines += [
        "Check evidence against them with `muniment verify BUNDLE --vkey KEY`, or save",
        "/log/trust.json, compare it with this page, and use `--trust FILE`.",
        "",
        "The verify.py of a bundle may be run if `sha256sum verify.py` says",
        "",
        *(f"  {digest}" for digest in KNOWN_VERIFIERS),
    ]
    return "\n".join(lines) + "\n"


def _described(key: TrustedKey) -> list[str]:
    end = "on" if key.to_size is None else f"to size {key.to_size}"
    if key.revoked_at_size is not None:
        end = f"REVOKED at size {key.revoked_at_size}"
    return [
        f"  {key.verifier.vkey()}",
        f"  signs from size {key.from_size} {end}",
        f"  SHA-256 {fingerprint(key.verifier)}",
    ]
