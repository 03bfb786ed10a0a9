"""A log's key in a PKCS#11 token (an HSM, a smart card): it signs there and never leaves.

Ed25519 by CKM_EDDSA. A key that the token would give away is not used. Whatever goes wrong
with the token, nothing is signed, and the refusal says what is to be done. Source: PKCS#11 3.0.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, cast

from app.core.errors import SignerAway
from app.core.ledger.note import Verifier, verifies
from app.ledger.signing import Signer

if TYPE_CHECKING:
    import pkcs11
    from pkcs11 import SignMixin

    from app.settings import TokenKey

_POINT = b"\x04\x20"
"""DER of an octet string of 32 bytes, in which most tokens wrap a public key."""

_PUBLIC_BYTES = 32


class NoSuchTokenKey(SignerAway):
    """The token answers, and has no key of that label."""


class Token:
    """A session with a token, from its first use on. Any thread may sign."""

    def __init__(self, key: TokenKey) -> None:
        self._key = key
        self._session: pkcs11.Session | None = None
        self._alone = threading.Lock()

    def signer(self, name: str, number: int = 1) -> Signer:
        """Find the key of that number, to sign under ``name``; the first is 1. Raises SignerAway.

        The second has ``-2`` after the label of the first, and so on.
        """
        label = self._key.label if number == 1 else f"{self._key.label}-{number}"
        with self._alone:
            public = self._public(label)
        return Signer(Verifier(name, public), lambda message: self._sign(label, public, message))

    def _sign(self, label: str, public: bytes, message: bytes) -> bytes:
        import pkcs11

        with self._alone:
            try:
                key = cast("SignMixin", self._private(label))
                signature: bytes = key.sign(message, mechanism=pkcs11.Mechanism.EDDSA)
            except pkcs11.PKCS11Error as failure:
                # A token that is put in again wants another session.
                self._session = None
                raise self._away(failure) from None
        if not verifies(public, signature, message):
            raise SignerAway(f"the token {self._key.token} signed with another key than {label}")
        return signature

    def _public(self, label: str) -> bytes:
        """Read the public key, and check that the private one stays where it is."""
        import pkcs11

        try:
            private = self._private(label)
            kept = private[pkcs11.Attribute.SENSITIVE] and not private[pkcs11.Attribute.EXTRACTABLE]
            public = self._open().get_key(
                object_class=pkcs11.ObjectClass.PUBLIC_KEY,
                key_type=pkcs11.KeyType.EC_EDWARDS,
                label=label,
            )
            point = bytes(public[pkcs11.Attribute.EC_POINT])
        except pkcs11.NoSuchKey:
            raise NoSuchTokenKey(
                f"the token {self._key.token} has no Ed25519 key pair labelled {label}",
                remedy="make it there, or correct object= in MUNIMENT_SIGNING_KEY",
            ) from None
        except pkcs11.PKCS11Error as failure:
            self._session = None
            raise self._away(failure) from None
        if not kept:
            raise SignerAway(
                f"the key {label} may leave the token {self._key.token}, so it is not used",
                remedy="make one that is sensitive and not extractable",
            )
        raw = point.removeprefix(_POINT) if len(point) > _PUBLIC_BYTES else point
        if len(raw) != _PUBLIC_BYTES:
            raise SignerAway(f"the key {label} of the token {self._key.token} is not of Ed25519")
        return raw

    def _private(self, label: str) -> pkcs11.Key:
        import pkcs11

        return self._open().get_key(
            object_class=pkcs11.ObjectClass.PRIVATE_KEY,
            key_type=pkcs11.KeyType.EC_EDWARDS,
            label=label,
        )

    def _open(self) -> pkcs11.Session:
        """Sign in to the token. Raises SignerAway."""
        if self._session is not None:
            return self._session
        import pkcs11

        pin = self._pin()
        try:
            library = pkcs11.lib(str(self._key.module))
        except (pkcs11.PKCS11Error, OSError, RuntimeError) as failure:
            raise SignerAway(
                f"the PKCS#11 module {self._key.module} cannot be loaded: {_told(failure)}",
                remedy="correct module-path= in MUNIMENT_SIGNING_KEY",
            ) from None
        try:
            token = library.get_token(token_label=self._key.token)
            try:
                self._session = token.open(user_pin=pin)
            except pkcs11.UserAlreadyLoggedIn:  # by another session of this process
                self._session = token.open()
        except pkcs11.PinIncorrect:
            raise SignerAway(
                f"the token {self._key.token} refuses the PIN in {self._key.pin}",
                remedy="correct the file before the token locks itself",
            ) from None
        except pkcs11.PKCS11Error as failure:
            raise self._away(failure) from None
        return self._session

    def _pin(self) -> str:
        path = self._key.pin
        try:
            if path.stat().st_mode & 0o077:
                raise SignerAway(f"{path} can be read by others", remedy=f"chmod 0600 {path}")
            return path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise SignerAway(
                f"the PIN of the token {self._key.token} cannot be read from {path}",
                remedy="correct pin-source= in MUNIMENT_SIGNING_KEY",
            ) from None

    def _away(self, failure: Exception) -> SignerAway:
        return SignerAway(
            f"the token {self._key.token} does not answer: {_told(failure)}",
            remedy="put it back, then start the server again",
        )


def _told(failure: Exception) -> str:
    return str(failure) or type(failure).__name__
