"""A PKCS#11 token: SoftHSM2, in a folder of its own. Debian: ``apt-get install softhsm2``.

The library reads its configuration when it is initialized, so the tokens of a test module lie in
one folder, and each has a label of its own.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.settings import TokenKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pkcs11

MODULE = next(
    path
    for path in map(
        Path,
        ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so"),
    )
    if path.exists()
)
PIN = "497381"
ED25519 = b"\x13\x0cedwards25519"
"""The curve's name as a PrintableString, as PKCS#11 3.0 has it."""


@dataclass(frozen=True)
class Token:
    """One token. ``lies_in``: where SoftHSM keeps it, to be taken away."""

    label: str
    folder: Path
    lies_in: Path

    @property
    def pin(self) -> Path:
        return self.folder / f"{self.label}.pin"

    def key(self, label: str = "log") -> TokenKey:
        return TokenKey(self.label, label, MODULE, self.pin)

    @property
    def address(self) -> str:
        query = f"module-path={MODULE}&pin-source=file:{self.pin}"
        return f"pkcs11:token={self.label};object=log?{query}"

    @contextmanager
    def session(self) -> Iterator[pkcs11.Session]:
        """Sign in as whoever keeps the token does."""
        import pkcs11

        token = pkcs11.lib(str(MODULE)).get_token(token_label=self.label)
        try:
            opened = token.open(user_pin=PIN, rw=True)
        except pkcs11.UserAlreadyLoggedIn:
            opened = token.open(rw=True)
        with opened as session:
            yield session

    def put(self, seed: bytes, public: bytes, label: str = "log", **other: bool) -> None:
        """Import a key pair; its private half cannot be read again, unless told otherwise."""
        import pkcs11
        from pkcs11 import Attribute

        common = {
            Attribute.KEY_TYPE: pkcs11.KeyType.EC_EDWARDS,
            Attribute.EC_PARAMS: ED25519,
            Attribute.TOKEN: True,
            Attribute.LABEL: label,
        }
        with self.session() as session:
            session.create_object(
                {
                    **common,
                    Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY,
                    Attribute.VALUE: seed,
                    Attribute.SIGN: True,
                    Attribute.PRIVATE: True,
                    Attribute.SENSITIVE: other.get("sensitive", True),
                    Attribute.EXTRACTABLE: other.get("extractable", False),
                }
            )
            session.create_object(
                {
                    **common,
                    Attribute.CLASS: pkcs11.ObjectClass.PUBLIC_KEY,
                    Attribute.EC_POINT: b"\x04\x20" + public,
                    Attribute.VERIFY: True,
                }
            )


def make_tokens(folder: Path, labels: tuple[str, ...]) -> dict[str, Token]:
    """Make tokens, and lead the library of this process to them."""
    import pkcs11

    store = folder / "tokens"
    store.mkdir(mode=0o700)
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {store}\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    made: dict[str, Token] = {}
    for label in labels:
        before = set(store.iterdir())
        subprocess.run(
            [
                *("softhsm2-util", "--init-token", "--free", "--label", label),
                *("--so-pin", PIN, "--pin", PIN),
            ],
            check=True,
            capture_output=True,
            timeout=60,
        )
        (lies_in,) = set(store.iterdir()) - before
        made[label] = Token(label, folder, lies_in)
        made[label].pin.write_text(f"{PIN}\n")
        made[label].pin.chmod(0o600)
    pkcs11.lib(str(MODULE)).reinitialize()
    return made
