from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import Malformed, Refusal, Rejected, TooLarge
from app.core.ledger.canonical import canonical
from app.core.ledger.entry import EntryActor, encode, genesis_prev, parse
from app.core.ledger.entry_form import misfit
from tests.core.ledger.sample import ENTRY

if TYPE_CHECKING:
    from app.core.jsonvalue import Json
    from app.core.ledger.entry import Entry
    from tests.core.ledger.conftest import Counts

RAW = (
    b'{"actor":{"auth":"password+totp","id":"user/0190b5a0","kind":"person"},'
    b'"data":{"bytes":33,"members":2,'
    b'"root":"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"},'
    b'"id":"0190b5a0-0000-7000-8000-000000000000","idem":null,"index":0,'
    b'"log":"log.example/a","occurred_at":"2026-01-02T03:04:05.000006Z",'
    b'"prev":"%b","recorded_at":"2026-01-02T03:04:05.000006Z",'
    b'"schema":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",'
    b'"source":"api","subject":"model/credit-risk/3","subject_prev":null,'
    b'"type":"model.version_registered.v1","type_prev":null,"v":1}'
) % hashlib.sha256(b"log.example/a").hexdigest().encode()

LATER = replace(
    ENTRY,
    index=8,
    subject_prev=0,
    type_prev=7,
    source="intake/openlineage",
    subject='model/"é"\\',
    actor=EntryActor('"x"', "workload", "none"),
    idem=bytes(32),
)


def test_an_entrys_bytes_are_pinned() -> None:
    assert encode(ENTRY) == RAW


@pytest.mark.parametrize("entry", [ENTRY, LATER])
def test_an_entry_is_read_back_from_its_bytes(entry: Entry) -> None:
    assert parse(encode(entry)) == entry


def test_an_entrys_bytes_are_canonical_json(counts: Counts) -> None:
    texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)

    @settings(max_examples=counts.values // 4, derandomize=True)
    @given(texts, texts, st.integers(0, 2**53 - 1), st.none() | st.just(bytes(32)))
    def check(subject: str, actor: str, index: int, idem: bytes | None) -> None:
        raw = encode(
            replace(LATER, subject=subject, index=index, idem=idem,
                    actor=EntryActor(actor, "service", "local"))
        )  # fmt: skip
        assert raw == rfc8785.dumps(json.loads(raw))

    check()


def test_the_first_entry_names_the_hash_of_the_origin() -> None:
    assert genesis_prev("log.example/a") == hashlib.sha256(b"log.example/a").digest()


def test_an_entry_has_at_most_65535_bytes() -> None:
    room = 65_535 - len(encode(replace(ENTRY, subject="")))
    fits = replace(ENTRY, subject="x" * room)
    assert len(encode(fits)) == 65_535
    assert parse(encode(fits)) == fits
    too_long = replace(ENTRY, subject="x" * (room + 1))
    with pytest.raises(TooLarge, match=r"^the entry has 65536 bytes; the limit is 65535$"):
        encode(too_long)
    with pytest.raises(TooLarge, match=r"^the entry has 65536 bytes; the limit is 65535$"):
        parse(encode(fits) + b" ")


def test_a_lone_surrogate_in_an_entry_is_refused() -> None:
    with pytest.raises(Rejected, match=r"^a string of the entry holds a lone surrogate$"):
        encode(replace(ENTRY, subject="\ud800"))


H63, H64 = "0" * 63, "0" * 64
TIME = r"not a time like"


@pytest.mark.parametrize(
    ("member", "value", "message"),
    [
        ("v", 2, "entry version 2 is not 1"),
        ("v", "1", "entry version '1' is not 1"),
        ("v", True, "the entry's bytes are not its canonical JSON"),
        ("log", 1, "log is not a string"),
        ("log", "a b", "a log's name holds no '+', blank or control character: 'a b'"),
        ("index", -1, "index is not a whole number from 0 on"),
        ("index", True, "index is not a whole number from 0 on"),
        ("index", 0.5, "index is not a whole number from 0 on"),
        ("index", None, "index is not a whole number from 0 on"),
        ("prev", H63, "prev is not of the form [0-9a-f]{64}"),
        ("prev", "A" * 64, "prev is not of the form [0-9a-f]{64}"),
        ("prev", None, "prev is not a string"),
        ("subject_prev", 0, "subject_prev is not an earlier index than 0"),
        ("subject_prev", "0", "subject_prev is not a whole number from 0 on"),
        ("type_prev", 1, "type_prev is not an earlier index than 0"),
        ("id", "0190b5a0-0000-4000-8000-000000000000", "id is not of the form "),
        ("id", "0190B5A0-0000-7000-8000-000000000000", "id is not of the form "),
        ("id", "0190b5a0-0000-7000-c000-000000000000", "id is not of the form "),
        ("type", "model.v1", "type is not of the form "),
        ("type", "model.x.v12", None),
        ("type", "model.version_registered", "type is not of the form "),
        ("type", "model.x.v0", "type is not of the form "),
        ("type", "v1", "type is not of the form "),
        ("type", "Model.x.v1", "type is not of the form "),
        ("source", "cli", None),
        ("source", "service", None),
        ("source", "intake/mlflow", None),
        ("source", "intake/", "source is not of the form "),
        ("source", "web", "source is not of the form "),
        ("subject", "", "subject is empty or holds a control character"),
        ("subject", "a\nb", "subject is empty or holds a control character"),
        ("subject", [], "subject is not a string"),
        ("occurred_at", "2026", "occurred_at: not a time like 2026-01-02T03:04:05.000006Z: '2026'"),
        ("occurred_at", 2026, "occurred_at is not a string"),
        ("recorded_at", "2026-02-30T03:04:05.000006Z", "recorded_at: no such time: 2026-02-30"),
        ("actor", "x", "actor is not an object"),
        ("actor", {"id": "x", "kind": "person"}, "actor has other members than an entry's: auth"),
        ("schema", H64 + "0", "schema is not of the form [0-9a-f]{64}"),
        ("data", [], "data is not an object"),
        ("data", {"root": H64, "members": 1, "bytes": 2, "x": 1}, "data has other members"),
        ("data", {"root": H63, "members": 1, "bytes": 2}, "data.root is not of the form"),
        ("data", {"root": H64, "members": -1, "bytes": 2}, "data.members is not a whole number"),
        ("data", {"root": H64, "members": 1, "bytes": "2"}, "data.bytes is not a whole number"),
        ("idem", H63, "idem is not of the form [0-9a-f]{64}"),
        ("idem", False, "idem is not a string"),
    ],
)
def test_each_member_of_an_entry_has_its_form(
    member: str, value: Json, message: str | None
) -> None:
    raw = canonical({**json.loads(RAW), member: value})
    if message is None:
        assert encode(parse(raw)) == raw
        return
    with pytest.raises(Malformed) as refused:
        parse(raw)
    assert refused.value.detail.startswith(message)


@pytest.mark.parametrize(
    ("member", "value", "message"),
    [
        ("id", "", "actor.id is empty or holds a control character"),
        ("kind", "robot", "actor.kind is not of the form (?:person|service|workload)"),
        (
            "auth",
            "magic",
            r"actor.auth is not of the form (?:password|password\+totp|passkey|",
        ),
        ("auth", 1, "actor.auth is not a string"),
    ],
)
def test_the_actor_of_an_entry_is_of_the_closed_sets(
    member: str, value: Json, message: str
) -> None:
    document = json.loads(RAW)
    document["actor"][member] = value
    with pytest.raises(Malformed) as refused:
        parse(canonical(document))
    assert refused.value.detail.startswith(message)


def test_every_member_must_be_there_and_no_other() -> None:
    document = json.loads(RAW)
    for member in document:
        less = {name: value for name, value in document.items() if name != member}
        with pytest.raises(
            Malformed, match=rf"^the entry has other members than an entry's: {member}$"
        ):
            parse(canonical(less))
    with pytest.raises(Malformed, match=r"^the entry has other members than an entry's: more$"):
        parse(canonical({**document, "more": 1}))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"[]", "the entry is not an object"),
        (b"", "not JSON at line 1"),
        (RAW + b" ", "the entry's bytes are not its canonical JSON"),
        (RAW.replace(b"api", b"\\u0061pi"), "the entry's bytes are not its canonical JSON"),
        (RAW.replace(b'"index":0', b'"index":-0'), "the entry's bytes are not its canonical JSON"),
        (RAW.replace(b'"v":1', b'"v":1.0'), "the entry's bytes are not its canonical JSON"),
        (RAW.replace(b'"v":1', b'"v":1,"v":1'), "a member is named twice, at #"),
        (RAW.replace(b"credit", b"\\u0063redit"), "the entry's bytes are not its canonical JSON"),
        (RAW.replace(b"credit", b"\\/redit"), "the entry's bytes are not its canonical JSON"),
        (RAW.replace(b"credit", b"\\credit"), "not JSON at line 1, column "),
        (RAW.replace(b"credit", b"\\ud800"), "a string holds a surrogate without its other half"),
        (RAW.replace(b"credit", b"\\ncredit"), "subject is empty or holds a control character"),
        (RAW.replace(b"credit", b"\xffredit"), "byte 535 is not UTF-8"),
        (RAW.replace(b"credit", "\ufffd".encode()), None),
        (RAW.replace(b'"index":0', b'"index":%d' % 2**53), "an integer lies beyond"),
        (RAW.replace(b'"members":2', b'"members":%d' % 2**53), "an integer lies beyond"),
        (RAW.replace(b'"bytes":33', b'"bytes":%d' % 2**53), "an integer lies beyond"),
        (RAW.replace(b'"index":0', b'"index":%d' % (2**53 - 1)), None),
    ],
)
def test_only_the_canonical_bytes_are_an_entry(raw: bytes, message: str | None) -> None:
    if message is None:
        assert encode(parse(raw)) == raw
        return
    with pytest.raises(Malformed) as refused:
        parse(raw)
    assert refused.value.detail.startswith(message)


def test_where_json_is_ambiguous_the_entry_tells_the_places() -> None:
    with pytest.raises(Malformed) as refused:
        parse(RAW.replace(b'"members":2', b'"members":1e999'))
    assert [fault.pointer for fault in refused.value.faults] == ["#/data/members"]


@pytest.mark.parametrize("entry", [ENTRY, LATER])
def test_nothing_but_its_writing_can_be_wrong_with_an_entry(entry: Entry) -> None:
    raw = encode(entry)
    assert misfit(raw).detail == "the entry's bytes are not its canonical JSON"
    assert misfit(b" " + raw).detail == "the entry's bytes are not its canonical JSON"


def test_no_altered_byte_of_an_entry_is_read_as_the_same_entry(counts: Counts) -> None:
    @settings(max_examples=counts.values // 4, derandomize=True)
    @given(st.integers(0, len(RAW) - 1), st.integers(1, 255))
    def check(place: int, flip: int) -> None:
        altered = RAW[:place] + bytes([RAW[place] ^ flip]) + RAW[place + 1 :]
        try:
            entry = parse(altered)
        except Refusal:
            return
        assert encode(entry) == altered

    check()
