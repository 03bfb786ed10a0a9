"""Private keys sealed by a passphrase, to lie beside a backup: scrypt, then AES-256-GCM.

salt (16 bytes)   nonce (12 bytes)   the sealed JSON object of file names and their texts
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from app.core.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.settings import Entropy

SALT: Final = 16
NONCE: Final = 12


def seal(keys: Mapping[str, str], passphrase: str, entropy: Entropy) -> bytes:
    """Seal texts by their names."""
    salt, nonce = entropy(SALT), entropy(NONCE)
    sealed = AESGCM(_derived(passphrase, salt)).encrypt(nonce, json.dumps(keys).encode(), b"")
    return salt + nonce + sealed


def unseal(raw: bytes, passphrase: str) -> dict[str, str]:
    """Open what ``seal`` made. Raises Rejected: another passphrase, or other bytes."""
    key = _derived(passphrase, raw[:SALT])
    try:
        opened = AESGCM(key).decrypt(raw[SALT : SALT + NONCE], raw[SALT + NONCE :], b"")
    except InvalidTag:
        raise Rejected("this passphrase does not open the backup's keys") from None
    return cast("dict[str, str]", json.loads(opened))


def _derived(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase.encode())
