from __future__ import annotations

import base64

import pytest

from app.core.errors import Malformed, TooLarge
from app.core.ledger.proof_file import ProofFile, format_proof, parse_proof

NEAR, FAR = bytes(range(32)), bytes(32)
HASH = base64.b64encode(FAR).decode()
CHECKPOINT = b"log.example/a\n3\nroot\n\n\xe2\x80\x94 name sig\n"


def test_a_proof_file_is_pinned() -> None:
    raw = format_proof(ProofFile(2, (NEAR, FAR), CHECKPOINT))
    assert raw == (
        b"c2sp.org/tlog-proof@v1\nindex 2\n"
        b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
        b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n" + CHECKPOINT
    )


@pytest.mark.parametrize(
    "proof",
    [
        ProofFile(0, (), CHECKPOINT),
        ProofFile(2**53 - 1, (NEAR,) * 53, CHECKPOINT),
        ProofFile(7, (FAR,), CHECKPOINT, extra=b"anything"),
        ProofFile(7, (FAR,), CHECKPOINT, extra=b""),
        ProofFile(7, (), b""),
    ],
)
def test_a_proof_file_is_read_back(proof: ProofFile) -> None:
    assert parse_proof(format_proof(proof)) == proof


def test_an_extra_line_stands_before_the_index() -> None:
    raw = format_proof(ProofFile(7, (), CHECKPOINT, extra=b"hello"))
    assert raw.startswith(b"c2sp.org/tlog-proof@v1\nextra aGVsbG8=\nindex 7\n\nlog.example/a\n")


HEADER = "c2sp.org/tlog-proof@v1"


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (f"{HEADER}\nindex 1", None),
        ("", f"the proof file does not begin with {HEADER}"),
        ("c2sp.org/tlog-proof@v2\nindex 1", f"the proof file does not begin with {HEADER}"),
        (f"{HEADER}", "the proof file has no line 'index <number>' in its place"),
        (f"{HEADER}\nindex 01", "the proof file has no line 'index <number>' in its place"),
        (f"{HEADER}\nindex -1", "the proof file has no line 'index <number>' in its place"),
        (f"{HEADER}\nindex", "the proof file has no line 'index <number>' in its place"),
        (f"{HEADER}\nindex 1 ", "the proof file has no line 'index <number>' in its place"),
        (f"{HEADER}\nindex {2**53}", "the proof file has no line 'index <number>' in its place"),
        (f"{HEADER}\n{HASH}\nindex 1", "the proof file has no line 'index <number>' in its place"),
        (f"{HEADER}\nextra AAAA", "the proof file has no line 'index <number>' in its place"),
        (
            f"{HEADER}\nextra AAAA\nextra AAAA\nindex 1",
            "the proof file has no line 'index <number>' in its place",
        ),
        (f"{HEADER}\nindex 1\nextra AAAA", "a hash of the proof is not base64"),
        (f"{HEADER}\nextra *\nindex 1", "the extra line is not base64"),
        (f"{HEADER}\nindex 1\n*", "a hash of the proof is not base64"),
        (f"{HEADER}\nindex 1\nAAAA", "the proof's hashes are not up to 53 of 32 bytes"),
        (
            f"{HEADER}\nindex 1" + f"\n{HASH}" * 54,
            "the proof's hashes are not up to 53 of 32 bytes",
        ),
        (f"{HEADER}\nindex é", "the proof file's first part is not ASCII"),
    ],
)
def test_what_is_not_a_proof_file_is_malformed(head: str, message: str | None) -> None:
    raw = f"{head}\n\n".encode() + CHECKPOINT
    if message is None:
        assert parse_proof(raw) == ProofFile(1, (), CHECKPOINT)
        return
    with pytest.raises(Malformed) as refused:
        parse_proof(raw)
    assert refused.value.detail == message


def test_a_proof_file_without_a_checkpoint_is_malformed() -> None:
    with pytest.raises(Malformed, match=r"^the proof file has no checkpoint after an empty line$"):
        parse_proof(f"{HEADER}\nindex 1\n".encode())


def test_a_proof_file_has_at_most_two_million_bytes() -> None:
    raw = format_proof(ProofFile(1, (), b""))
    assert parse_proof(raw + b"x" * (2_000_000 - len(raw))).index == 1
    with pytest.raises(TooLarge, match=r"^a proof file has at most 2000000 bytes$"):
        parse_proof(raw + b"x" * (2_000_001 - len(raw)))
