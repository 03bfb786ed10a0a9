"""The second factor: time-based codes (RFC 6238), and recovery codes for who lost them."""

from __future__ import annotations

import base64
import hmac
import math
from typing import TYPE_CHECKING

import pyotp
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.identity import opaque

if TYPE_CHECKING:
    from datetime import datetime

    from app.settings import Entropy

SECRET_BYTES = 20
NONCE_BYTES = 12
STEP_SECONDS = 30
RECOVERY_CODES = 10
RECOVERY_BYTES = 10
NEVER_USED = -1
ISSUER = "Muniment"


class Secrets:
    """Keeps secrets under the key file: AES-256-GCM, bound to their owner's id.

    ``key``: 32 bytes of ``<data>/keys/totp.key``.
    """

    def __init__(self, key: bytes, entropy: Entropy) -> None:
        self._cipher = AESGCM(key)
        self._entropy = entropy

    def new(self) -> str:
        """Make a secret of 160 bits, in base32 as authenticators take it."""
        return base64.b32encode(self._entropy(SECRET_BYTES)).decode()

    def seal(self, secret: str, user: str) -> str:
        """Encrypt a secret. Result: base64 of nonce (12 bytes), ciphertext and tag."""
        nonce = self._entropy(NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, secret.encode(), user.encode())
        return base64.b64encode(nonce + sealed).decode()

    def open(self, sealed: str, user: str) -> str:
        """Decrypt what ``seal`` made for the same user."""
        raw = base64.b64decode(sealed)
        return self._cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], user.encode()).decode()

    def recovery_codes(self) -> tuple[str, ...]:
        """Make ten codes of 80 bits, written ``abcd-efgh-ijkl-mnop``."""
        return tuple(self._recovery_code() for _ in range(RECOVERY_CODES))

    def _recovery_code(self) -> str:
        text = base64.b32encode(self._entropy(RECOVERY_BYTES)).decode().lower()
        return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def step_of(secret: str, code: str, now: datetime, last_used: int) -> int | None:
    """Find the time step that a code is of: this one or a neighbour, newer than the last used.

    None where there is no such step. Source: RFC 6238, 4.2 and 5.2 (one use each).
    """
    current = math.floor(now.timestamp()) // STEP_SECONDS
    written = code.replace(" ", "").encode()
    totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
    matching = None
    for step in (current + 1, current, current - 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), written) and step > last_used:
            matching = step
    return matching


def otpauth(secret: str, name: str) -> str:
    """Write the address that authenticators read from a QR code (Key URI Format)."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=name, issuer_name=ISSUER)


def recovery_digest(code: str) -> str:
    """Hash a recovery code as typed: case, spaces and dashes do not matter."""
    return opaque.digest(code.lower().replace("-", "").replace(" ", ""))
