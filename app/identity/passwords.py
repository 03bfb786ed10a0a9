"""Passwords: what is accepted as one, and argon2id.

Hashing costs 64 MiB and some 0.2 s each on purpose, so only a few run at once: a crowd at
the door waits instead of taking the machine's memory.
"""

from __future__ import annotations

import threading
import unicodedata
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.core.errors import Fault, Rejected

if TYPE_CHECKING:
    from app.settings import Entropy

SHORTEST = 12
LONGEST = 1024
FEWEST_CHARACTERS = 5
SALT_BYTES = 16
AT_ONCE = 4
STRONG = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
"""RFC 9106, section 4, second recommended option."""


def check_acceptable(password: str, name: str | None) -> None:
    """Check a new password: 12 to 1,024 characters, of any kind, and nothing obvious.

    Raises Rejected. Source: NIST SP 800-63B, 5.1.1.2: length, no rules of composition,
    nothing repetitive or made of the account's name.
    """
    plain = _normal(password)
    complaint = None
    if not SHORTEST <= len(plain) <= LONGEST:
        complaint = f"has not {SHORTEST} to {LONGEST} characters"
    elif len(set(plain)) < FEWEST_CHARACTERS:
        complaint = "repeats the same few characters"
    elif name and not plain.casefold().replace(name.casefold(), "").strip("0123456789!?.-_ "):
        complaint = "is made of the account's name"
    if complaint:
        raise Rejected(
            f"the password {complaint}",
            remedy="use a longer phrase that nobody would guess",
            faults=[Fault("#/password", complaint)],
        )


class Passwords:
    """Hashes and verifies. ``hasher``: a cheaper one is for tests alone."""

    def __init__(self, entropy: Entropy, hasher: PasswordHasher = STRONG) -> None:
        self._hasher = hasher
        self._entropy = entropy
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._nobodys = self.hash(entropy(SALT_BYTES).hex())

    def hash(self, password: str) -> str:
        """Hash a password, with its parameters and a new salt in the result."""
        with self._turns:
            return self._hasher.hash(_normal(password), salt=self._entropy(SALT_BYTES))

    def verify(self, hashed: str | None, password: str) -> bool:
        """Tell whether it is the password. None: no account, the same work, always False."""
        with self._turns:
            try:
                self._hasher.verify(hashed or self._nobodys, _normal(password))
            except (VerificationError, InvalidHashError):
                return False
        return hashed is not None


def _normal(password: str) -> str:
    """Make one of the ways to type the same characters. Source: NIST SP 800-63B, 5.1.1.2."""
    return unicodedata.normalize("NFKC", password)
