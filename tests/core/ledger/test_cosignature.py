"""What a witness's line says, and every way in which it is none."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.errors import BadSignature, Malformed
from app.core.ledger.checkpoint import Checkpoint, open_checkpoint
from app.core.ledger.cosignature import (
    LAST_TIME,
    Cosignature,
    Witness,
    answered,
    cosign,
    cosignatures,
    message,
    parse_witness,
)
from app.core.ledger.note import Signature, Verifier, format_signature
from tests.core.ledger.sample import ORIGIN, VERIFIER, sample_log

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34)))
W1 = Witness("witness.example/w1", KEY.public_key().public_bytes_raw())
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(3, 35)))
W2 = Witness("witness.example/w2", OTHER_KEY.public_key().public_bytes_raw())
NOTE = sample_log(3).checkpoint()
TEXT = NOTE.decode().partition("\n\n")[0] + "\n"
AT = 1_679_315_147


def line(at: int = AT, witness: Witness = W1, key: Ed25519PrivateKey = KEY) -> str:
    return cosign(TEXT, at, witness, key.sign)


def with_blob(blob: bytes) -> str:
    return format_signature(Signature(W1.name, W1.key_id, blob))


def test_the_message_is_two_lines_and_the_checkpoint() -> None:
    assert message("a\n1\nb\n", 7) == b"cosignature/v1\ntime 7\na\n1\nb\n"
    assert message("a\n", 0) == b"cosignature/v1\ntime 0\na\n"


@pytest.mark.parametrize("at", [-1, LAST_TIME + 1])
def test_a_time_beyond_the_format_is_a_bug(at: int) -> None:
    with pytest.raises(AssertionError):
        message("a\n", at)


def test_a_line_is_key_id_time_and_signature() -> None:
    dash, name, encoded = line().rstrip("\n").split(" ")
    blob = base64.b64decode(encoded)
    assert (dash, name) == ("\N{EM DASH}", "witness.example/w1")
    named = b"witness.example/w1\n\x04" + W1.public
    assert blob[:4] == W1.key_id == hashlib.sha256(named).digest()[:4]
    assert int.from_bytes(blob[4:12], "big") == AT
    assert blob[12:] == KEY.sign(message(TEXT, AT))
    assert W1.key_id != Verifier(W1.name, W1.public).key_id


def test_the_cosignatures_of_known_witnesses_are_found_in_their_order() -> None:
    raw = NOTE + line(5, W2, OTHER_KEY).encode() + line().encode()
    assert cosignatures(raw, [W1, W2]) == (Cosignature(W2, 5), Cosignature(W1, AT))
    assert cosignatures(raw, [W1]) == (Cosignature(W1, AT),)
    assert cosignatures(raw, []) == ()
    assert cosignatures(NOTE, [W1, W2]) == ()


def test_a_cosigned_note_is_still_the_logs_checkpoint() -> None:
    signed = open_checkpoint(NOTE + line().encode(), [VERIFIER])
    assert isinstance(signed, Checkpoint)
    assert (signed.origin, signed.size) == (ORIGIN, 3)


def test_a_witness_that_is_there_twice_counts_by_its_first_line() -> None:
    raw = NOTE + line(9).encode() + line(8).encode()
    assert cosignatures(raw, [W1]) == (Cosignature(W1, 9),)


@pytest.mark.parametrize("at", [0, 1, LAST_TIME])
def test_every_time_that_can_be_written_can_be_read(at: int) -> None:
    assert cosignatures(NOTE + line(at).encode(), [W1]) == (Cosignature(W1, at),)


def test_a_line_that_does_not_verify_refuses_the_note() -> None:
    at, sound = AT.to_bytes(8, "big"), KEY.sign(message(TEXT, AT))
    far = (LAST_TIME + 1).to_bytes(8, "big")
    late = f"cosignature/v1\ntime {LAST_TIME + 1}\n{TEXT}".encode()
    for blob, why in (
        (at + sound[:-1], "is not one of 72 bytes"),
        (at + sound + b"\0", "is not one of 72 bytes"),
        (at[:-1] + b"\0" + sound, "does not verify"),
        (at + bytes(64), "does not verify"),
        (at + KEY.sign(TEXT.encode()), "does not verify"),
        (at + KEY.sign(message(TEXT, AT + 1)), "does not verify"),
        (at + OTHER_KEY.sign(message(TEXT, AT)), "does not verify"),
        (far + KEY.sign(late), "does not verify"),
    ):
        with pytest.raises(
            BadSignature, match=rf"^the cosignature of witness\.example/w1\+\w{{8}}\+.* {why}$"
        ):
            cosignatures(NOTE + with_blob(blob).encode(), [W1])


def test_a_cosignature_of_another_checkpoint_does_not_verify() -> None:
    with pytest.raises(BadSignature, match="does not verify"):
        cosignatures(sample_log(2).checkpoint() + line().encode(), [W1])


def test_a_witness_answers_with_its_line_among_others() -> None:
    both = (line(5, W2, OTHER_KEY) + line()).encode()
    assert answered(TEXT, both, W1) == (line(), Cosignature(W1, AT))
    assert answered(TEXT, both, W2) == (line(5, W2, OTHER_KEY), Cosignature(W2, 5))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (b"", "the note has no signatures after an empty line"),
        (b"ok\n", "a signature line is not a dash, a name and base64"),
        (b"\xff\n", "the note is not UTF-8"),
        (line().rstrip("\n").encode(), "the note has no signatures after an empty line"),
        (b"\n" + line().encode(), "a witness answers with signature lines and nothing else"),
        (b"x\n\n" + line().encode(), "a witness answers with signature lines and nothing else"),
        (b"\xe2" * 1_000_001, "a witness's answer is longer than any note"),
    ],
)
def test_what_is_no_signature_line_is_malformed(lines: bytes, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        answered(TEXT, lines, W1)
    assert refused.value.detail == message


def test_an_answer_without_the_witnesss_own_line_proves_nothing() -> None:
    with pytest.raises(BadSignature, match=r"^the answer holds no cosignature of witness\.exam"):
        answered(TEXT, line(5, W2, OTHER_KEY).encode(), W1)
    with pytest.raises(BadSignature, match="does not verify"):
        answered(TEXT, line(key=OTHER_KEY).encode(), W1)


def test_a_witnesss_key_is_written_and_read() -> None:
    encoded = base64.b64encode(b"\x04" + W1.public).decode()
    assert W1.vkey() == f"witness.example/w1+{W1.key_id.hex()}+{encoded}"
    assert parse_witness(W1.vkey()) == W1


def vkey(name: str, key: bytes) -> str:
    key_id = hashlib.sha256(name.encode() + b"\n" + key).hexdigest()[:8]
    return f"{name}+{key_id}+{base64.b64encode(key).decode()}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a witness's key is <name>+<8 hex digits>+<base64>"),
        ("a+b", "a witness's key is <name>+<8 hex digits>+<base64>"),
        ("a+00000000+*", "the witness's key is not base64"),
        (vkey("a", b"\x04" + bytes(31)), "the witness's key is not one of Ed25519 cosignatures"),
        (vkey("a", b"\x04" + bytes(33)), "the witness's key is not one of Ed25519 cosignatures"),
        (vkey("a", b"\x01" + bytes(32)), "the witness's key is not one of Ed25519 cosignatures"),
        (vkey("a b", b"\x04" + bytes(32)), "a log's name holds no '+'"),
        (
            vkey("a", b"\x04" + bytes(32)).replace("a+", "b+", 1),
            f"the witness's key id is {Witness('b', bytes(32)).key_id.hex()}, not ",
        ),
    ],
)
def test_what_is_not_a_witnesss_key_is_malformed(text: str, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_witness(text)
    assert refused.value.detail.startswith(message)
