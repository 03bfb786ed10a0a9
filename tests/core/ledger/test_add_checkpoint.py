"""What a log asks of a witness, byte for byte."""

from __future__ import annotations

import base64

import pytest

from app.core.errors import Malformed, TooLarge
from app.core.ledger.add_checkpoint import AddCheckpoint, format_request, parse_request

HASH = bytes(range(32))
LINE = base64.b64encode(HASH)
NOTE = b"a\n\nnote"


def test_a_request_is_old_size_proof_and_checkpoint() -> None:
    request = AddCheckpoint(7, (HASH, HASH), NOTE)
    raw = b"old 7\n" + LINE + b"\n" + LINE + b"\n\na\n\nnote"
    assert format_request(request) == raw
    assert parse_request(raw) == request


def test_a_first_request_has_no_proof() -> None:
    request = AddCheckpoint(0, (), NOTE)
    assert format_request(request) == b"old 0\n\na\n\nnote"
    assert parse_request(format_request(request)) == request


def test_up_to_63_hashes_are_read() -> None:
    most = AddCheckpoint(2**53 - 1, (HASH,) * 63, NOTE)
    assert parse_request(format_request(most)) == most
    with pytest.raises(Malformed, match=r"^the proof's hashes are not up to 63 of 32 bytes$"):
        parse_request(format_request(AddCheckpoint(1, (HASH,) * 64, NOTE)))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "the request has no checkpoint after an empty line"),
        (b"old 0\nnote", "the request has no checkpoint after an empty line"),
        (b"\xe2old 0\n\nnote", "the request's first part is not ASCII"),
        (b"\n\nnote", "the request does not begin with 'old <size>'"),
        (b"old\n\nnote", "the request does not begin with 'old <size>'"),
        (b"old 01\n\nnote", "the request does not begin with 'old <size>'"),
        (b"old -1\n\nnote", "the request does not begin with 'old <size>'"),
        (b"old 9007199254740992\n\nnote", "the request does not begin with 'old <size>'"),
        (b"old 0\n*\n\nnote", "a hash of the proof is not base64"),
        (b"old 0\nAA==\n\nnote", "the proof's hashes are not up to 63 of 32 bytes"),
    ],
)
def test_what_is_not_a_request_is_malformed(raw: bytes, message: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_request(raw)
    assert refused.value.detail == message


def test_a_request_has_at_most_two_million_bytes() -> None:
    fits = b"old 0\n\n".ljust(2_000_000, b"x")
    assert parse_request(fits).old == 0
    with pytest.raises(TooLarge, match=r"^a request has at most 2000000 bytes$"):
        parse_request(fits + b"x")
