from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from app.core.errors import Malformed, Refusal, Rejected
from app.core.ledger.bundle import (
    Bundle,
    BundledEntry,
    BundledStamp,
    decode,
    encode,
    format_members,
    is_name,
    parse_members,
    read_hashes,
)
from app.core.ledger.bundle_words import README
from app.core.ledger.canonical import canonical
from app.core.ledger.manifest import Manifest, format_manifest, parse_manifest
from app.core.ledger.payload import Member
from tests.core.ledger.sample import ORIGIN, VERIFIER, sample_log, sealed

LOG = sample_log(5)
BUNDLE = Bundle(
    origin=ORIGIN,
    kind="decision",
    purpose="why credit-risk/3 was allowed",
    checkpoint=LOG.checkpoint(),
    vkeys=(VERIFIER.vkey(),),
    entries=(
        BundledEntry(LOG.raws[1], LOG.proof(1), LOG.members[1]),
        BundledEntry(LOG.raws[3], LOG.proof(3)),
    ),
    files={"report.pdf": b"file 1", "schemas/a.v1.json": b"{}"},
    unproven={"note.txt": b"hello"},
)


def test_a_bundle_is_these_files_in_this_order() -> None:
    files = encode(BUNDLE)
    assert list(files) == [
        "manifest.json",
        "README.md",
        "entries/000000000001.json",
        "entries/000000000001.tlog-proof",
        "entries/000000000003.json",
        "entries/000000000003.tlog-proof",
        "files/report.pdf",
        "files/schemas/a.v1.json",
        "log/checkpoint",
        "log/vkeys",
        "members/000000000001.json",
        "unproven/note.txt",
    ]
    assert files["README.md"] == README
    assert files["entries/000000000001.json"] == LOG.raws[1]
    assert files["entries/000000000001.tlog-proof"] == LOG.proof(1)
    assert files["log/checkpoint"] == LOG.checkpoint()
    assert files["log/vkeys"] == f"{VERIFIER.vkey()}\n".encode()
    assert files["files/report.pdf"] == b"file 1"


def test_the_manifest_lists_every_other_file() -> None:
    files = encode(BUNDLE)
    manifest = json.loads(files.pop("manifest.json"))
    digest = manifest.pop("digest")
    assert digest == hashlib.sha256(canonical(manifest)).hexdigest()
    assert manifest == {
        "format": "muniment-bundle/1",
        "origin": ORIGIN,
        "kind": "decision",
        "purpose": "why credit-risk/3 was allowed",
        "files": {
            name: {"sha256": hashlib.sha256(raw).hexdigest(), "size": len(raw)}
            for name, raw in files.items()
        },
    }


def test_a_bundle_is_read_back() -> None:
    assert decode(encode(BUNDLE)) == BUNDLE
    bare = Bundle(ORIGIN, "report", "", LOG.checkpoint(), (), ())
    assert decode(encode(bare)) == bare


@pytest.mark.parametrize(
    "name", ["manifest.json", "log/checkpoint", "log/vkeys", "entries/000000000001.tlog-proof"]
)
def test_a_bundle_without_a_needed_file_is_malformed(name: str) -> None:
    files = encode(BUNDLE)
    del files[name]
    with pytest.raises(Malformed, match=rf"^the bundle has no {name}$"):
        decode(files)


@pytest.mark.parametrize(
    ("name", "fine"),
    [
        ("manifest.json", True),
        ("entries/000000000001.json", True),
        ("members/999999999999.json", True),
        ("files/a", True),
        ("files/a/b/c.d-e_f", True),
        ("unproven/a.txt", True),
        ("entries/1.json", False),
        ("entries/000000000001.txt", False),
        ("members/000000000001.tlog-proof", False),
        ("files", False),
        ("files/", False),
        ("files//a", False),
        ("files/../a", False),
        ("files/.hidden", False),
        ("files/a b", False),
        ("files/a\\b", False),
        ("files/é", False),
        ("files/" + "a" * 101, False),
        ("files/" + "a" * 100, True),
        ("files" + "/a" * 8, True),
        ("files" + "/a" * 9, False),
        ("/etc/passwd", False),
        ("other/a", False),
        ("manifest.json\n", False),
    ],
)
def test_names_of_files_are_plain(name: str, *, fine: bool) -> None:
    assert is_name(name) is fine


def test_a_file_of_another_name_is_refused() -> None:
    with pytest.raises(Rejected, match=r"^a bundle holds no file of the name 'files/\.\./a'$"):
        encode(Bundle(ORIGIN, "report", "", b"", (), (), {"../a": b""}))


def test_members_are_pinned() -> None:
    opened = Member("b", bytes(32), bytes(range(32)), b'{"x":[1,null]}')
    assert format_members((opened, Member("a", b"\xff" * 32))) == (
        b'[{"commitment":"' + b"f" * 64 + b'","name":"a"},'
        b'{"commitment":"' + b"0" * 64 + b'","name":"b",'
        b'"salt":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",'
        b'"value":{"x":[1,null]}}]'
    )


def test_members_are_read_back_in_the_order_of_names() -> None:
    members = (sealed(1, "\ufb33", 1.5), sealed(1, "😀", None), Member("a", bytes(32)))
    raw = format_members(members)
    assert parse_members(raw) == members[::-1]
    assert format_members(parse_members(raw)) == raw
    assert parse_members(b"[]") == ()


HASH = "0" * 64


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"{}", "a members file is a list"),
        (b"[ ]", "a members file is canonical JSON"),
        (b"[1]", "a member has a name and a commitment of 64 hex digits"),
        (b'[{"name":"a"}]', "a member has a name and a commitment of 64 hex digits"),
        (b'[{"commitment":"0","name":"a"}]', "a member has a name and a commitment of 64 hex"),
        (canonical([{"commitment": HASH, "name": 1}]), "a member has a name and a commitment"),
        (canonical([{"commitment": HASH, "name": "a", "salt": ""}]), "member 'a' has both salt"),
        (canonical([{"commitment": HASH, "name": "a", "value": 1}]), "member 'a' has both salt"),
        (canonical([{"commitment": HASH, "name": "a", "x": 1}]), "member 'a' has both salt"),
        (
            canonical([{"commitment": HASH, "name": "a", "salt": 1, "value": 1}]),
            "member 'a' has both salt and value, or neither",
        ),
        (
            canonical([{"commitment": HASH, "name": "a", "salt": "", "value": 1, "x": 1}]),
            "member 'a' has both salt and value, or neither",
        ),
        (
            canonical([{"commitment": HASH, "name": "a", "salt": "*", "value": 1}]),
            "a salt is not base64",
        ),
        (b"[", "not JSON at line 1, column 2: Expecting value"),
    ],
)
def test_what_is_not_a_members_file_is_malformed(raw: bytes, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_members(raw)
    assert refused.value.detail.startswith(message)


GOOD = {"format": "muniment-bundle/1", "origin": "a", "kind": "k", "purpose": "p", "files": {}}


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {**GOOD, "format": "muniment-bundle/2"},
        {**GOOD, "origin": 1},
        {**GOOD, "kind": None},
        {**GOOD, "purpose": 1},
        {**GOOD, "files": []},
    ],
)
def test_what_is_not_a_manifest_is_malformed(document: dict[str, object]) -> None:
    with pytest.raises(Malformed, match=r"^the manifest is not one of muniment-bundle/1$"):
        parse_manifest(json.dumps(document).encode())


@pytest.mark.parametrize(
    "listed",
    [
        1,
        {"sha256": HASH},
        {"sha256": HASH[1:], "size": 1},
        {"sha256": HASH, "size": "1"},
    ],
)
def test_the_manifest_tells_digest_and_size_of_every_file(listed: object) -> None:
    raw = json.dumps({**GOOD, "files": {"files/a": listed}}).encode()
    with pytest.raises(
        Malformed, match=r"^the manifest does not tell digest and size of 'files/a'$"
    ):
        parse_manifest(raw)


def test_a_manifest_is_read_as_it_was_written() -> None:
    manifest = Manifest("a", "k", "p", {"files/a": (HASH, 3)})
    raw = format_manifest(manifest)
    assert parse_manifest(raw) == manifest
    for wrong in (
        raw + b" ",
        raw.replace(b'"p"', b'"q"'),
        raw.replace(b'"size":3', b'"size":4'),
        raw.replace(b'"size":3', b'"more":1,"size":3'),
        raw.replace(b'{"digest"', b'{"Digest"'),
    ):
        with pytest.raises(
            Malformed, match=r"^the manifest's bytes are not those that its digest was made of$"
        ):
            parse_manifest(wrong)
    with pytest.raises(Refusal):
        parse_manifest(b"{")


def test_half_a_member_is_not_disclosed() -> None:
    for half in (Member("a", bytes(32), bytes(32), None), Member("a", bytes(32), None, b"1")):
        assert format_members((half,)) == format_members((Member("a", bytes(32)),))


def test_a_size_in_the_manifest_is_a_number() -> None:
    raw = format_manifest(Manifest("a", "k", "p", {"files/a": (HASH, 1)}))
    listed = json.loads(raw)
    listed["files"]["files/a"]["size"] = True
    rest = {name: value for name, value in listed.items() if name != "digest"}
    listed["digest"] = hashlib.sha256(canonical(rest)).hexdigest()
    with pytest.raises(Malformed, match="does not tell digest and size of 'files/a'"):
        parse_manifest(canonical(listed))


def test_what_may_be_missing_is_read_back_where_it_is_there() -> None:
    stamps = (BundledStamp(3, b"a token", LOG.checkpoint(3), (bytes(32),)), BundledStamp(5, b"b"))
    whole = replace(BUNDLE, verifier=b"print()", witnesses=b"quorum none\n", stamps=stamps)
    assert decode(encode(whole)) == whole


def test_bytes_that_are_no_text_surprise_nobody() -> None:
    files = encode(BUNDLE)
    assert decode({**files, "log/vkeys": b"\xff\n"}).vkeys == ("\ufffd",)
    with pytest.raises(Malformed, match=r"^a hash of the consistency proof is not base64$"):
        read_hashes(b"\xff\n")
