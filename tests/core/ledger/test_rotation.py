"""How keys come after one another, and which signs what."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.errors import BadSignature, ChainBroken, Malformed
from app.core.ledger.checkpoint import parse_checkpoint
from app.core.ledger.note import Verifier, sign_note
from app.core.ledger.rotation import Rotation, Step, history, open_rotation, sign_rotation, signing
from app.core.ledger.trust import TrustedKey
from tests.core.ledger.sample import KEY, ORIGIN, OTHER_KEY, OTHER_VERIFIER, VERIFIER

THIRD_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(4, 36)))
THIRD = Verifier(ORIGIN, THIRD_KEY.public_key().public_bytes_raw())
BEGUN = Rotation(ORIGIN, Step.BEGUN, VERIFIER, OTHER_VERIFIER)
FINISHED = Rotation(ORIGIN, Step.FINISHED, VERIFIER, OTHER_VERIFIER)
REVOKED = Rotation(ORIGIN, Step.REVOKED, VERIFIER, OTHER_VERIFIER)
NEXT = Rotation(ORIGIN, Step.BEGUN, OTHER_VERIFIER, THIRD)


def test_a_step_is_a_note_that_both_keys_sign() -> None:
    raw = sign_rotation(BEGUN, KEY.sign, OTHER_KEY.sign)
    assert raw.startswith(
        f"muniment key rotation\n{ORIGIN}\nbegun\n{VERIFIER.vkey()}\n"
        f"{OTHER_VERIFIER.vkey()}\n\n".encode()
    )
    for rotation in (BEGUN, FINISHED, REVOKED):
        assert open_rotation(sign_rotation(rotation, KEY.sign, OTHER_KEY.sign)) == rotation


def test_a_step_is_no_checkpoint() -> None:
    with pytest.raises(Malformed):
        parse_checkpoint(BEGUN.text())


def test_a_step_that_one_key_signed_is_refused() -> None:
    for signer in ((VERIFIER, KEY.sign), (OTHER_VERIFIER, OTHER_KEY.sign)):
        with pytest.raises(BadSignature, match=r"^only one of the two keys signed the rotation$"):
            open_rotation(sign_note(BEGUN.text(), [signer]))
    with pytest.raises(BadSignature, match="does not verify"):
        open_rotation(sign_rotation(BEGUN, KEY.sign, KEY.sign))
    with pytest.raises(BadSignature, match="no trusted key signed"):
        open_rotation(sign_note(BEGUN.text(), [(THIRD, THIRD_KEY.sign)]))


FOREIGN = Verifier("other.example", VERIFIER.public)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BEGUN.text().replace("begun", "begin"), "a rotation is begun, finished or revoked"),
        (BEGUN.text() + "more\n", "a rotation has five lines: title, origin, step, old key"),
        (BEGUN.text().replace("muniment", "Muniment"), "a rotation has five lines"),
        (f"{ORIGIN}\n1\n", "a rotation has five lines"),
        (BEGUN.text().replace(f"\n{ORIGIN}\n", "\na b\n"), "a log's name holds no '+'"),
        (BEGUN.text().replace(VERIFIER.vkey(), "key"), "a verifier key is"),
        (
            Rotation(ORIGIN, Step.BEGUN, FOREIGN, OTHER_VERIFIER).text(),
            "both keys of a rotation bear the log's own name",
        ),
        (
            Rotation(ORIGIN, Step.BEGUN, VERIFIER, FOREIGN).text(),
            "both keys of a rotation bear the log's own name",
        ),
        (Rotation(ORIGIN, Step.BEGUN, VERIFIER, VERIFIER).text(), "a rotation is between two keys"),
    ],
)
def test_what_is_no_step_is_malformed(text: str, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        open_rotation(sign_note(text, [(VERIFIER, KEY.sign), (OTHER_VERIFIER, OTHER_KEY.sign)]))
    assert refused.value.detail.startswith(message)


def test_a_log_that_never_rotated_has_one_key() -> None:
    assert history(VERIFIER, []) == (TrustedKey(VERIFIER),)


def test_while_a_rotation_goes_on_both_keys_sign() -> None:
    keys = history(VERIFIER, [(7, BEGUN)])
    assert keys == (TrustedKey(VERIFIER), TrustedKey(OTHER_VERIFIER, 8))
    assert signing(keys, 7) == (VERIFIER,)
    assert signing(keys, 8) == (OTHER_VERIFIER, VERIFIER)


def test_when_it_is_finished_the_new_key_signs_alone() -> None:
    keys = history(VERIFIER, [(7, BEGUN), (20, FINISHED)])
    assert keys == (TrustedKey(VERIFIER, 0, 20), TrustedKey(OTHER_VERIFIER, 8))
    assert signing(keys, 20) == (OTHER_VERIFIER, VERIFIER)
    assert signing(keys, 21) == (OTHER_VERIFIER,)


@pytest.mark.parametrize(
    ("rotations", "first"), [([(20, REVOKED)], 21), ([(7, BEGUN), (20, REVOKED)], 8)]
)
def test_a_revoked_key_signs_no_more(rotations: list[tuple[int, Rotation]], first: int) -> None:
    keys = history(VERIFIER, rotations)
    assert keys == (
        TrustedKey(VERIFIER, revoked_at_size=20),
        TrustedKey(OTHER_VERIFIER, first),
    )
    assert signing(keys, 21) == (OTHER_VERIFIER,)


def test_keys_come_one_after_another() -> None:
    keys = history(VERIFIER, [(7, BEGUN), (20, FINISHED), (30, NEXT)])
    assert [key.verifier for key in keys] == [VERIFIER, OTHER_VERIFIER, THIRD]
    assert signing(keys, 31) == (THIRD, OTHER_VERIFIER)


@pytest.mark.parametrize(
    "rotations",
    [
        [FINISHED],
        [NEXT],
        [BEGUN, BEGUN],
        [BEGUN, NEXT],
        [BEGUN, FINISHED, FINISHED],
        [BEGUN, FINISHED, REVOKED],
        [BEGUN, Rotation(ORIGIN, Step.FINISHED, OTHER_VERIFIER, VERIFIER)],
        [BEGUN, Rotation(ORIGIN, Step.FINISHED, VERIFIER, THIRD)],
        [BEGUN, Rotation(ORIGIN, Step.REVOKED, VERIFIER, THIRD)],
        [REVOKED, REVOKED],
    ],
)
def test_a_step_that_does_not_follow_is_refused(rotations: list[Rotation]) -> None:
    with pytest.raises(
        ChainBroken, match=rf"^entry {len(rotations) - 1} says a rotation was \w+, which does not"
    ):
        history(VERIFIER, list(enumerate(rotations)))


def test_a_key_does_not_come_back() -> None:
    back = Rotation(ORIGIN, Step.BEGUN, OTHER_VERIFIER, VERIFIER)
    for step in (back, Rotation(ORIGIN, Step.REVOKED, OTHER_VERIFIER, VERIFIER)):
        with pytest.raises(ChainBroken, match="was a key of this log before"):
            history(VERIFIER, list(enumerate([BEGUN, FINISHED, step])))
