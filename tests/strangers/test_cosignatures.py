"""Cosignatures go both ways between ours and transparency-dev's formats."""

from __future__ import annotations

import base64
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.errors import Refusal
from app.core.ledger.checkpoint import Checkpoint
from app.core.ledger.cosignature import Witness, cosign, cosignatures
from app.core.ledger.note import sign_note
from tests.strangers.build import cosigcheck
from tests.strangers.static_log import GOLDEN, GOLDEN_KEY

pytestmark = pytest.mark.timeout(1_800)

SEED = bytes(range(40, 72))
KEY = Ed25519PrivateKey.from_private_bytes(SEED)
WITNESS = Witness("witness.example/w1", KEY.public_key().public_bytes_raw())
AT = 1_790_000_000
NOTE = sign_note(Checkpoint(GOLDEN.name, 300, bytes(32)).text(), [(GOLDEN, GOLDEN_KEY.sign)])
TEXT = NOTE.decode().partition("\n\n")[0] + "\n"
LINE = cosign(TEXT, AT, WITNESS, KEY.sign)
COSIGNED = NOTE + LINE.encode()


def asked(*arguments: str, note: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [cosigcheck(), *arguments], input=note, capture_output=True, timeout=60, check=False
    )


def accepted_by_them(note: bytes) -> bool:
    return asked("check", WITNESS.vkey(), note=note).returncode == 0


def accepted_by_us(note: bytes) -> bool:
    try:
        return bool(cosignatures(note, [WITNESS]))
    except Refusal:
        return False


def test_our_cosignature_is_accepted_with_its_time() -> None:
    ended = asked("check", WITNESS.vkey(), note=COSIGNED)
    assert ended.stdout == f"ok {AT}\n".encode()
    assert accepted_by_us(COSIGNED)


def test_their_cosignature_is_accepted_by_us() -> None:
    signed = asked("sign", WITNESS.name, SEED.hex(), note=NOTE).stdout
    (found,) = cosignatures(signed, [WITNESS])
    assert found.witness == WITNESS
    assert found.at > 1_700_000_000


def changed(place: int, value: int) -> bytes:
    """The cosigned note with one byte of its line's blob changed."""
    head, name, encoded = LINE.rstrip("\n").split(" ")
    blob = bytearray(base64.b64decode(encoded))
    blob[place] ^= value
    return NOTE + f"{head} {name} {base64.b64encode(blob).decode()}\n".encode()


def blob(raw: bytes) -> bytes:
    encoded = base64.b64encode(WITNESS.key_id + raw).decode()
    return NOTE + f"\u2014 {WITNESS.name} {encoded}\n".encode()


REFUSED = {
    "no cosignature": NOTE,
    "another key id": changed(0, 1),
    "another time": changed(11, 1),
    "a time beyond the format": changed(4, 128),
    "an altered signature": changed(12, 1),
    "an altered signature's end": changed(75, 1),
    "a signature cut short": blob(AT.to_bytes(8, "big") + bytes(63)),
    "a signature too long": blob(AT.to_bytes(8, "big") + bytes(65)),
    "a plain signature": blob(KEY.sign(TEXT.encode())),
    "no signature": blob(b""),
    "another name": COSIGNED.replace(b"example/w1", b"example/w2"),
    "another size": COSIGNED.replace(b"\n300\n", b"\n301\n"),
    "no empty line": COSIGNED.replace(b"\n\n", b"\n"),
    "no line end": COSIGNED[:-1],
    "a hyphen for the dash": COSIGNED.replace("\u2014".encode(), b"-"),
    "not base64": COSIGNED.replace(LINE.split(" ")[2].encode(), b"****\n"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_they_refuse_we_refuse(name: str) -> None:
    assert REFUSED[name] != COSIGNED
    assert not accepted_by_them(REFUSED[name])
    assert not accepted_by_us(REFUSED[name])
