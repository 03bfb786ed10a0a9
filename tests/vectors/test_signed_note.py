"""The note that Go's sumdb/note is documented and tested with."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.errors import BadSignature, Malformed
from app.core.ledger.note import Note, open_note, parse_vkey, sign_note

VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
NOTE = (
    f"{TEXT}\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZ"
    "SNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()
VERIFIER = parse_vkey(VKEY)


def test_the_key_is_written_as_published() -> None:
    assert VERIFIER.vkey() == VKEY
    assert VERIFIER.name == "PeterNeumann"
    assert VERIFIER.key_id.hex() == "c74f20a3"


def test_the_note_opens() -> None:
    assert open_note(NOTE, [VERIFIER]) == Note(TEXT, (VERIFIER,))


def test_the_note_is_signed_to_the_same_bytes() -> None:
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    assert sign_note(TEXT, [(VERIFIER, key.sign)]) == NOTE


def test_another_text_does_not_open() -> None:
    with pytest.raises(BadSignature, match=r"^the signature of PeterNeumann\+c74f20a3\+"):
        open_note(NOTE.replace(b"answer", b"cause!"), [VERIFIER])


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_keys_that_go_refuses_are_refused(vkey: str) -> None:
    with pytest.raises(Malformed):
        parse_vkey(vkey)
