from __future__ import annotations

import base64
import hashlib

import pytest

from app.core.errors import BadSignature, Malformed, TooLarge
from app.core.ledger.note import (
    Note,
    Signature,
    Verifier,
    decode_base64,
    format_signature,
    open_note,
    parse_note,
    parse_vkey,
    sign_note,
)
from tests.core.ledger.sample import KEY, OTHER_KEY, OTHER_VERIFIER, VERIFIER

TEXT = "first line\n\nthird line, é\n"
NOTE = sign_note(TEXT, [(VERIFIER, KEY.sign)])
UNKNOWN = format_signature(Signature("someone.else", b"\x00\x01\x02\x03", b"x" * 72))


def test_a_note_is_its_text_an_empty_line_and_signature_lines() -> None:
    key_id = hashlib.sha256(b"log.example/a\n\x01" + VERIFIER.public).digest()[:4]
    line = base64.b64encode(key_id + KEY.sign(TEXT.encode())).decode()
    assert f"{TEXT}\n\u2014 log.example/a {line}\n".encode() == NOTE
    assert VERIFIER.key_id == key_id
    assert parse_note(NOTE) == (
        TEXT,
        [Signature("log.example/a", key_id, KEY.sign(TEXT.encode()))],
    )


def test_a_note_signed_by_a_trusted_key_is_opened() -> None:
    assert open_note(NOTE, [OTHER_VERIFIER, VERIFIER]) == Note(TEXT, (VERIFIER,))


def test_a_note_may_be_signed_by_several() -> None:
    both = sign_note(TEXT, [(VERIFIER, KEY.sign), (OTHER_VERIFIER, OTHER_KEY.sign)])
    assert open_note(both, [OTHER_VERIFIER, VERIFIER]).signed_by == (VERIFIER, OTHER_VERIFIER)
    assert open_note(both, [OTHER_VERIFIER]).signed_by == (OTHER_VERIFIER,)


def test_a_key_that_signed_twice_counts_once() -> None:
    twice = sign_note(TEXT, [(VERIFIER, KEY.sign), (VERIFIER, KEY.sign)])
    assert open_note(twice, [VERIFIER]).signed_by == (VERIFIER,)


def test_signatures_of_unknown_keys_are_not_looked_at() -> None:
    cosigned = NOTE.decode().replace("\u2014 log", f"{UNKNOWN}\u2014 log", 1) + UNKNOWN
    assert open_note(cosigned.encode(), [VERIFIER]).signed_by == (VERIFIER,)


def test_a_note_that_no_trusted_key_signed_is_refused() -> None:
    for trusted in ([], [OTHER_VERIFIER], [Verifier("other.name", VERIFIER.public)]):
        with pytest.raises(BadSignature, match=r"^no trusted key signed the note$"):
            open_note(NOTE, trusted)


def test_one_false_signature_of_a_known_key_refuses_the_whole_note() -> None:
    forged = Signature(OTHER_VERIFIER.name, OTHER_VERIFIER.key_id, KEY.sign(TEXT.encode()))
    for wrong in (
        NOTE + format_signature(forged).encode(),
        NOTE.replace(b"first", b"First"),
        sign_note(TEXT, [(VERIFIER, OTHER_KEY.sign)]),
        sign_note(TEXT, [(VERIFIER, lambda message: KEY.sign(message)[:-1])]),
    ):
        with pytest.raises(BadSignature, match=r"^the signature of log\.example/a\+[0-9a-f]{8}\+"):
            open_note(wrong, [VERIFIER, OTHER_VERIFIER])


def test_up_to_100_signatures_are_read() -> None:
    full = NOTE + (UNKNOWN * 99).encode()
    assert open_note(full, [VERIFIER]).signed_by == (VERIFIER,)
    with pytest.raises(Malformed, match=r"^the note has more than 100 signatures$"):
        open_note(full + UNKNOWN.encode(), [VERIFIER])


def test_a_note_has_at_most_a_million_bytes() -> None:
    room = 1_000_000 - len(sign_note("\n", [(VERIFIER, KEY.sign)]))
    fits = sign_note("x" * room + "\n", [(VERIFIER, KEY.sign)])
    assert open_note(fits, [VERIFIER]).signed_by == (VERIFIER,)
    with pytest.raises(TooLarge, match=r"^a note has at most 1000000 bytes$"):
        open_note(b"x" + fits, [VERIFIER])


GOOD = base64.b64encode(b"1234x").decode()


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "the note has no signatures after an empty line"),
        (b"text\n", "the note has no signatures after an empty line"),
        (b"text\n\n", "the note has no signatures after an empty line"),
        (NOTE[:-1], "the note has no signatures after an empty line"),
        (b"text\n" + UNKNOWN.encode(), "the note has no signatures after an empty line"),
        (b"\xff" + NOTE, "the note is not UTF-8"),
        (b"\x00" + NOTE, "the note holds a control character"),
        (b"a\tb" + NOTE, "the note holds a control character"),
        (b"a\r\n" + NOTE, "the note holds a control character"),
        (b"a\x1f" + NOTE, "the note holds a control character"),
        (b"a\x0b" + NOTE, "the note holds a control character"),
        (b"t\n\n\n", "the note has no signatures after an empty line"),
        (f"t\n\n- a {GOOD}\n".encode(), "a signature line is not a dash, a name and base64"),
        (f"t\n\n\u2014a {GOOD}\n".encode(), "a signature line is not a dash, a name and base64"),
        (f"t\n\n\u2014 a{GOOD}\n".encode(), "a signature line is not a dash, a name and base64"),
        (f"t\n\n\u2014  {GOOD}\n".encode(), "a log's name has 1 to 255 bytes"),
        (f"t\n\n\u2014 a+b {GOOD}\n".encode(), "a log's name holds no '+'"),
        (f"t\n\n\u2014 a  {GOOD}\n".encode(), "a signature line is not base64"),
        ("t\n\n\u2014 a *\n".encode(), "a signature line is not base64"),
        ("t\n\n\u2014 a MTIz\n".encode(), "a signature line holds no signature"),
        ("t\n\n\u2014 a MTIzNA==\n".encode(), "a signature line holds no signature"),
        ("t\n\n\u2014 a MTIzNB==\n".encode(), "a signature line is not canonical base64"),
    ],
)
def test_what_is_not_a_note_is_malformed(raw: bytes, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        open_note(raw, [VERIFIER])
    assert refused.value.detail.startswith(message)


def test_the_shortest_signature_is_one_byte() -> None:
    text, (signature,) = parse_note(f"\n\n\u2014 a {GOOD}\n".encode())
    assert (text, signature) == ("\n", Signature("a", b"1234", b"x"))


def test_a_delete_character_is_no_control_character_of_a_note() -> None:
    assert open_note(sign_note("\x7f\n", [(VERIFIER, KEY.sign)]), [VERIFIER]).text == "\x7f\n"


def test_a_text_without_its_last_line_feed_is_a_bug() -> None:
    with pytest.raises(AssertionError, match=r"^a note's text ends with a line feed$"):
        sign_note("text", [(VERIFIER, KEY.sign)])


def test_a_verifier_key_is_written_and_read() -> None:
    key = base64.b64encode(b"\x01" + VERIFIER.public).decode()
    assert VERIFIER.vkey() == f"log.example/a+{VERIFIER.key_id.hex()}+{key}"
    assert parse_vkey(VERIFIER.vkey()) == VERIFIER


def vkey(name: str, key: bytes) -> str:
    key_id = hashlib.sha256(name.encode() + b"\n" + key).hexdigest()[:8]
    return f"{name}+{key_id}+{base64.b64encode(key).decode()}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a verifier key is <name>+<8 hex digits>+<base64>"),
        ("a+b", "a verifier key is <name>+<8 hex digits>+<base64>"),
        (vkey("a", b"\x01" + bytes(31)), "the verifier key is not one of Ed25519"),
        (vkey("a", b"\x01" + bytes(33)), "the verifier key is not one of Ed25519"),
        (vkey("a", b"\x04" + bytes(32)), "the verifier key is not one of Ed25519"),
        (vkey("", b"\x01" + bytes(32)), "a log's name has 1 to 255 bytes"),
        (vkey("a b", b"\x01" + bytes(32)), "a log's name holds no '+'"),
        (vkey("a", b"\x01" + bytes(32)) + "\n", "the verifier key is not base64"),
        (vkey("a", b"\x01" + bytes(32)) + "é", "the verifier key is not base64"),
        (VERIFIER.vkey().replace("log", "Log"), "the verifier key's id is "),
        (VERIFIER.vkey().replace("d870", "D870"), "the verifier key's id is "),
    ],
)
def test_what_is_not_a_verifier_key_is_malformed(text: str, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_vkey(text)
    assert refused.value.detail.startswith(message)


def test_a_verifier_keys_id_is_told_when_it_is_wrong() -> None:
    wrong = VERIFIER.vkey().replace(VERIFIER.key_id.hex(), "00000000")
    with pytest.raises(
        Malformed, match=rf"^the verifier key's id is {VERIFIER.key_id.hex()}, not '00000000'$"
    ):
        parse_vkey(wrong)


def test_base64_is_standard_padded_and_canonical() -> None:
    assert decode_base64("+/8=", "it") == b"\xfb\xff"
    assert decode_base64("", "it") == b""
    for text in ("-_8=", "+/8", "+/8= ", "+/\n8=", "é", "=", "A"):
        with pytest.raises(Malformed, match=r"^it is not (canonical )?base64$"):
            decode_base64(text, "it")
    with pytest.raises(Malformed, match=r"^it is not canonical base64$"):
        decode_base64("+/9=", "it")
