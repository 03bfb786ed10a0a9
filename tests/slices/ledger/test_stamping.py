"""A timestamp of a real authority is checked before it is kept, and openssl accepts it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from app.core.errors import BadSignature, Malformed, Unavailable
from app.ledger.stamping import check, read_roots, request_of, stamp
from tests.core.ledger.sample import sample_log
from tests.servers.authority import DAY, Authority, make_authority, running

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = sample_log(3).checkpoint().decode().partition("\n\n")[0] + "\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with running(make_authority(tmp_path_factory.mktemp("tsa") / "tsa")) as made:
        yield made


@pytest.fixture(autouse=True)
def in_good_order(authority: Authority) -> None:
    authority.instead, authority.status = None, 200


def stamped(authority: Authority, text: str = TEXT) -> bytes:
    with httpx.Client(timeout=30) as client:
        return stamp(client, authority.url, text, authority.roots).response


def test_a_checkpoint_is_stamped_and_openssl_agrees(authority: Authority) -> None:
    with httpx.Client(timeout=30) as client:
        made = stamp(client, authority.url, TEXT, authority.roots)
    assert abs(made.at - datetime.now(UTC)) < timedelta(minutes=5)
    assert authority.accepts(made.response, TEXT)
    assert not authority.accepts(made.response, TEXT + "more\n")
    assert check(made.response, TEXT, authority.roots) == made


def test_each_request_has_a_nonce_of_its_own_and_asks_for_certificates() -> None:
    first, second = request_of(TEXT), request_of(TEXT)
    assert first.nonce is not None
    assert first.nonce != second.nonce
    assert first.cert_req


def test_an_answer_to_another_request_is_refused(authority: Authority) -> None:
    authority.instead = lambda _: authority.answer(request_of(TEXT).as_bytes())
    with pytest.raises(BadSignature, match="Nonce mismatch"):
        stamped(authority)


def test_an_answer_without_a_nonce_is_refused(authority: Authority) -> None:
    earlier = stamped(authority)
    authority.instead = lambda _: earlier
    with pytest.raises(BadSignature, match="Nonce mismatch"):
        stamped(authority)


def test_the_imprint_of_another_text_is_refused(authority: Authority) -> None:
    made = stamped(authority)
    with pytest.raises(BadSignature, match="Mismatch between messages"):
        check(made, TEXT + "more\n", authority.roots)


def test_an_imprint_of_another_kind_is_refused(authority: Authority) -> None:
    made = authority.answer(authority.query(TEXT, digest="sha512"))
    with pytest.raises(BadSignature, match="its imprint is not a SHA-256"):
        check(made, TEXT, authority.roots)


def test_a_chain_that_ends_elsewhere_is_refused(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = make_authority(tmp_path_factory.mktemp("other") / "tsa")
    made = stamped(authority)
    assert not other.accepts(made, TEXT)
    with pytest.raises(BadSignature, match="Error while verifying certificates"):
        check(made, TEXT, other.roots)
    with pytest.raises(BadSignature, match="does not hold"):
        check(made, TEXT, [])


def test_a_certificate_that_had_expired_is_refused(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    expired = make_authority(tmp_path_factory.mktemp("bad") / "tsa", until=-DAY)
    answer = expired.answer(request_of(TEXT).as_bytes())
    assert not expired.accepts(answer, TEXT)
    with pytest.raises(BadSignature, match="does not hold"):
        check(answer, TEXT, expired.roots)


@pytest.mark.parametrize("place", [0, 10, 60, -10, -1])
def test_an_altered_answer_is_refused(authority: Authority, place: int) -> None:
    raw = bytearray(stamped(authority))
    raw[place] ^= 1
    with pytest.raises((BadSignature, Malformed)):
        check(bytes(raw), TEXT, authority.roots)


@pytest.mark.parametrize(
    "raw", [b"", b"no timestamp", b"0\x03\x02\x01\x02", b"0\x05\x30\x03\x02\x01\x02"]
)
def test_what_is_no_timestamp_is_malformed(authority: Authority, raw: bytes) -> None:
    with pytest.raises(Malformed, match="this is no timestamp"):
        check(raw, TEXT, authority.roots)


def test_an_authority_that_does_not_answer_is_unavailable(authority: Authority) -> None:
    authority.status = 503
    with pytest.raises(Unavailable, match="the authority answered 503"):
        stamped(authority)
    with httpx.Client(timeout=1) as client:
        for url in ("http://127.0.0.1:9/", "no address"):
            with pytest.raises(Unavailable):
                stamp(client, url, TEXT, authority.roots)


def test_an_answer_that_does_not_end_is_not_read_to_its_end(authority: Authority) -> None:
    authority.instead = lambda _: bytes(70_000)
    with pytest.raises(Malformed, match="does not end"):
        stamped(authority)


def test_roots_are_read_from_pem(authority: Authority) -> None:
    assert read_roots(authority.ca.read_bytes()) == authority.roots
    with pytest.raises(Malformed, match="are not in PEM"):
        read_roots(b"none")
