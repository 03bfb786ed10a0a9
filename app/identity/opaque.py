"""Secrets that mean nothing: service tokens, sessions, invitations. Stored as hashes only."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from typing import TYPE_CHECKING

from app.core.errors import Unauthenticated

if TYPE_CHECKING:
    from app.settings import Entropy

TOKEN_PREFIX = "gvs_"  # noqa: S105 - what every service token begins with
SECRET_BYTES = 32
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM = 32
_CHECK = 6
_TOKEN = re.compile(rf"{TOKEN_PREFIX}[0-9A-Za-z]{{{_RANDOM + _CHECK}}}", re.ASCII)


def mint_token(entropy: Entropy) -> str:
    """Make a service token: ``gvs_``, 32 random and 6 check characters of base62.

    The check is the CRC-32 of all before it: a mistyped or cut token is told without asking
    the database, and scanners for leaked secrets have something to hold on to.
    """
    body = TOKEN_PREFIX + _base62(int.from_bytes(entropy(SECRET_BYTES)), _RANDOM)
    return body + _base62(zlib.crc32(body.encode()), _CHECK)


def check_token(token: str) -> None:
    """Raise Unauthenticated unless the token has the form and the check of one."""
    body = token[:-_CHECK]
    if not _TOKEN.fullmatch(token) or token[-_CHECK:] != _base62(zlib.crc32(body.encode()), _CHECK):
        raise Unauthenticated("the token is mistyped or cut off", remedy="copy it whole")


def mint_secret(entropy: Entropy) -> str:
    """Make a session's or a link's secret: 256 random bits as base64url, 43 characters."""
    return base64.urlsafe_b64encode(entropy(SECRET_BYTES)).rstrip(b"=").decode()


def digest(secret: str) -> str:
    """Hash a random secret: SHA-256, in hex. Passwords are guessable and go elsewhere."""
    return hashlib.sha256(secret.encode()).hexdigest()


def token_id(token: str) -> str:
    """Name a token in the log: ``t`` and the first 64 bits of its hash, which tell nothing."""
    return f"t{digest(token)[:16]}"


def _base62(number: int, width: int) -> str:
    """Write the last ``width`` base-62 digits of a number."""
    digits = []
    for _ in range(width):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
