from __future__ import annotations

import base64

import pytest

from app.core.errors import BadSignature, Malformed
from app.core.ledger.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from app.core.ledger.note import Verifier, sign_note
from tests.core.ledger.sample import KEY, ORIGIN, OTHER_KEY, OTHER_VERIFIER, VERIFIER

ROOT = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize("size", [0, 1, 300, 2**53 - 1])
def test_a_checkpoint_is_origin_size_and_root(size: int) -> None:
    checkpoint = Checkpoint(ORIGIN, size, bytes(32))
    assert checkpoint.text() == f"log.example/a\n{size}\n{ROOT}\n"
    assert parse_checkpoint(checkpoint.text()) == checkpoint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a checkpoint has three lines: origin, size, root"),
        (f"a\n1\n{ROOT}", "a checkpoint has three lines: origin, size, root"),
        (f"a\n1\n{ROOT}\nextension\n", "a checkpoint has three lines: origin, size, root"),
        (f"a\n1\n{ROOT}\n\n", "a checkpoint has three lines: origin, size, root"),
        ("a\n1\n", "a checkpoint has three lines: origin, size, root"),
        (f"a\n01\n{ROOT}\n", "a checkpoint's size is a decimal number: '01'"),
        (f"a\n+1\n{ROOT}\n", "a checkpoint's size is a decimal number: '+1'"),
        (f"a\n-1\n{ROOT}\n", "a checkpoint's size is a decimal number: '-1'"),
        (f"a\n\n{ROOT}\n", "a checkpoint's size is a decimal number: ''"),
        (f"a\n1 \n{ROOT}\n", "a checkpoint's size is a decimal number: '1 '"),
        (f"a\n{2**53}\n{ROOT}\n", f"a checkpoint's size is a decimal number: '{2**53}'"),
        (f"a\n{10**16}\n{ROOT}\n", f"a checkpoint's size is a decimal number: '{10**16}'"),
        ("a\n1\n*\n", "a checkpoint's root is not base64"),
        ("a\n1\nAAAA\n", "a checkpoint's root has 32 bytes, not 3"),
        (f"\n1\n{ROOT}\n", "a log's name has 1 to 255 bytes"),
        (f"a b\n1\n{ROOT}\n", "a log's name holds no '+', blank or control character: 'a b'"),
    ],
)
def test_what_is_not_a_checkpoint_is_malformed(text: str, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_checkpoint(text)
    assert refused.value.detail == message


def test_a_checkpoint_is_opened_with_its_logs_key() -> None:
    checkpoint = Checkpoint(ORIGIN, 3, bytes(32))
    raw = sign_note(checkpoint.text(), [(VERIFIER, KEY.sign)])
    assert open_checkpoint(raw, [VERIFIER]) == checkpoint
    with pytest.raises(BadSignature, match=r"^no trusted key signed the note$"):
        open_checkpoint(raw, [OTHER_VERIFIER])


def test_a_trusted_key_of_another_name_does_not_speak_for_the_log() -> None:
    other = Verifier("log.example/b", OTHER_VERIFIER.public)
    text = Checkpoint(ORIGIN, 3, bytes(32)).text()
    raw = sign_note(text, [(other, OTHER_KEY.sign)])
    with pytest.raises(
        BadSignature, match=r"^no trusted key of the log log\.example/a signed the checkpoint$"
    ):
        open_checkpoint(raw, [VERIFIER, other])
    both = sign_note(text, [(other, OTHER_KEY.sign), (VERIFIER, KEY.sign)])
    assert open_checkpoint(both, [VERIFIER, other]).size == 3


def test_a_signed_note_that_is_no_checkpoint_is_malformed() -> None:
    with pytest.raises(Malformed, match=r"^a checkpoint has three lines"):
        open_checkpoint(sign_note("hello\n", [(VERIFIER, KEY.sign)]), [VERIFIER])
