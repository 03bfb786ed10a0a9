"""Who asks for a change: this site's own page, or another one with this browser's cookie.

Browsers say where a request comes from; what they say is compared with the public address.
Sources: W3C Fetch Metadata Request Headers, 2.3 (Sec-Fetch-Site); RFC 6454, 7 (Origin).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.core.errors import Forbidden

if TYPE_CHECKING:
    from fastapi import Request

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FORM_TOKEN = "form_token"  # noqa: S105 - the name of a field
TOKEN_BYTES = 16
SECRET_FIELDS = frozenset(
    {FORM_TOKEN, "password", "new_password", "totp", "code", "recovery_code", "secret", "token"}
)
"""Fields of forms that are never kept and never shown again."""


def check_own_page(request: Request, public_url: str) -> None:
    """Refuse a change that a page of another origin asks for. Raises Forbidden.

    A browser that sends neither header is no browser of today; the form's token is what
    stands against it.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site not in (None, "same-origin", "none"):
        raise _foreign()
    origin = request.headers.get("Origin")
    if origin is not None and origin != origin_of(public_url):
        raise _foreign()


def masked(token: bytes, pad: bytes) -> str:
    """Write a token under a pad of its length that is used once, so that it never looks the same.

    Compressed together with what somebody else put on the page, it tells nothing of itself.
    """
    return (pad + _under(token, pad)).hex()


def unmasked(written: str) -> bytes:
    """Read a token that was written so; anything else is read as none."""
    try:
        both = bytes.fromhex(written)
    except ValueError:
        return b""
    pad, hidden = both[:TOKEN_BYTES], both[TOKEN_BYTES:]
    return _under(hidden, pad) if len(both) == 2 * TOKEN_BYTES else b""


def _under(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def origin_of(url: str) -> str:
    """Give the origin of an address as browsers write it: without the scheme's own port."""
    parts = urlsplit(url)
    own = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, own) else f":{parts.port}"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{port}"


def local_path(written: str | None, otherwise: str = "/") -> str:
    """Give a path of this site to go to next; anything that leads elsewhere is ``otherwise``.

    A backslash, a control character or two slashes make browsers read another host.
    """
    if written is None or not written.startswith("/") or written.startswith(("//", "/\\")):
        return otherwise
    if "\\" in written or not written.isprintable() or " " in written:
        return otherwise
    parts = urlsplit(written)
    return written if not parts.scheme and not parts.netloc else otherwise


def _foreign() -> Forbidden:
    return Forbidden(
        "a page of another origin asked for this",
        remedy="open the page here and send its form again",
    )
