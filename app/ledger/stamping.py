"""Asking a timestamp authority when a checkpoint was there at the latest (RFC 3161).

What is stamped is the SHA-256 of the checkpoint note's text: origin, size and root. The
authority is not trusted to answer what it was asked: its token is checked against the nonce,
the imprint and the certificates of ``MUNIMENT_TIMESTAMP_CA`` before it is kept.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
from cryptography import x509

from app.core.errors import BadSignature, Malformed, Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rfc3161_client import TimeStampRequest

LONGEST_ANSWER = 65_536
QUERY = "application/timestamp-query"
REPLY = "application/timestamp-reply"
SHA256 = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")


@dataclass(frozen=True, slots=True)
class Stamp:
    """A token that was checked. ``response``: DER of a TimeStampResp. ``at``: its genTime."""

    response: bytes
    at: datetime


def request_of(text: str) -> TimeStampRequest:
    """Ask about a checkpoint's text: with a nonce, and with the certificates in the answer."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    builder = TimestampRequestBuilder(nonce=True, cert_req=True)
    return builder.data(text.encode()).hash_algorithm(HashAlgorithm.SHA256).build()


def read_roots(pem: bytes) -> list[x509.Certificate]:
    """Read the certificates that a token's chain may end in. Raises Malformed."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise Malformed("the authority's certificates are not in PEM") from None


def check(
    raw: bytes,
    text: str,
    roots: Sequence[x509.Certificate],
    asked: TimeStampRequest | None = None,
) -> Stamp:
    """Check a response about a checkpoint's text.

    The certificates must have been valid when the token was made, not now. ``asked``: the
    request that it should answer, where that is known. Raises Malformed; BadSignature:
    another text or nonce, or a chain that does not end in ``roots``.
    """
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        response = decode_timestamp_response(raw)
        info = response.tst_info
        imprint = info.message_imprint
    except ValueError as failure:
        raise Malformed(f"this is no timestamp: {failure}") from None
    builder = VerifierBuilder(nonce=None if asked is None else asked.nonce, roots=list(roots))
    digest = hashlib.sha256(text.encode()).digest()
    try:
        if imprint.hash_algorithm != SHA256:
            raise VerificationError("its imprint is not a SHA-256")
        builder.build().verify(response, digest)
    except (VerificationError, ValueError) as failure:
        raise BadSignature(f"the timestamp does not hold: {failure}") from None
    return Stamp(raw, info.gen_time)


def stamp(client: httpx.Client, url: str, text: str, roots: Sequence[x509.Certificate]) -> Stamp:
    """Have a checkpoint's text stamped. Raises Unavailable, Malformed, BadSignature."""
    asked = request_of(text)
    try:
        with client.stream(
            "POST", url, content=asked.as_bytes(), headers={"Content-Type": QUERY, "Accept": REPLY}
        ) as answer:
            body = b""
            for part in answer.iter_bytes():
                body += part
                if len(body) > LONGEST_ANSWER:
                    raise Malformed("the authority's answer does not end")
    except (httpx.HTTPError, httpx.InvalidURL) as failure:
        raise Unavailable(str(failure) or type(failure).__name__) from None
    if answer.status_code != httpx.codes.OK:
        raise Unavailable(f"the authority answered {answer.status_code}")
    return check(body, text, roots, asked)
