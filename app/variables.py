"""How one variable of the environment is read, of whichever kind it is."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from app.core.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

WEBHOOK_SECRET = "whsec_"  # noqa: S105 - what every such secret begins with

HOW_TO_MAKE_ONE = "Make one: echo whsec_$(head -c 32 /dev/urandom | base64)"


def path_of(given: Mapping[str, str], name: str) -> Path | None:
    """Read a path; None where there is none."""
    return Path(given[name]) if given.get(name) else None


def secret_of(given: Mapping[str, str], name: str) -> str | None:
    """Read a secret, or the file that holds it and nothing else."""
    path = path_of(given, f"{name}_FILE")
    if path is None:
        return given.get(name) or None
    try:
        return path.read_text("utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        raise Rejected(
            f"{name}_FILE names {path}, which cannot be read",
            remedy="correct the setting, or let the server's user read the file",
        ) from None


def number_of(given: Mapping[str, str], name: str, default: int) -> int:
    """Read a whole number. Raises Rejected."""
    written = given.get(name) or str(default)
    if not written.isascii() or not written.isdigit():
        raise Rejected(f"{name} is {written!r}, which is no whole number", remedy=f"unset {name}")
    return int(written)


def flag_of(given: Mapping[str, str], name: str) -> bool:
    """Read yes or no. Raises Rejected."""
    written = (given.get(name) or "false").lower()
    if written in ("1", "true", "yes", "on"):
        return True
    if written in ("0", "false", "no", "off"):
        return False
    raise Rejected(f"{name} is {written!r}, neither true nor false", remedy=f"set {name}=true")


def split_of(written: str) -> SplitResult | None:
    """Take an address apart; None if its host or its port is none."""
    try:
        address = urlsplit(written)
        _ = address.port
    except ValueError:
        return None
    return address


def webhook_of(given: Mapping[str, str]) -> str | None:
    """Read where notices are posted; the path of such an address may be a secret."""
    written = secret_of(given, "MUNIMENT_WEBHOOK_URL")
    if written is not None and secret_of(given, "MUNIMENT_WEBHOOK_SECRET") is None:
        raise Rejected(
            "MUNIMENT_WEBHOOK_URL is set and MUNIMENT_WEBHOOK_SECRET is not",
            remedy=f"set it, or MUNIMENT_WEBHOOK_SECRET_FILE. {HOW_TO_MAKE_ONE}",
        )
    return written


def webhook_secret_of(given: Mapping[str, str]) -> str | None:
    """Read what notices are signed with. Source: Standard Webhooks, 24 to 64 random bytes."""
    written = secret_of(given, "MUNIMENT_WEBHOOK_SECRET")
    if written is None:
        return None
    try:
        size = len(base64.b64decode(written.removeprefix(WEBHOOK_SECRET), validate=True))
    except ValueError:
        size = 0
    if not written.startswith(WEBHOOK_SECRET) or not 24 <= size <= 64:  # noqa: PLR2004 - the source's
        raise Rejected(
            "MUNIMENT_WEBHOOK_SECRET is not whsec_ and 24 to 64 bytes in base64",
            remedy=HOW_TO_MAKE_ONE,
        )
    return written


def smtp_of(given: Mapping[str, str]) -> str | None:
    """Read the mail server's address. It may hold a password, so no message repeats it."""
    written = secret_of(given, "MUNIMENT_SMTP_URL")
    if written is None:
        return None
    address = split_of(written)
    schemes = ("smtp", "smtps")
    if (
        address is None
        or address.scheme not in schemes
        or not address.hostname
        or not (address.port is None or address.port)
    ):
        raise Rejected(
            "MUNIMENT_SMTP_URL is not an address such as smtps://NAME:PASSWORD@mail.example",
            remedy="smtps:// is TLS from the first byte; smtp:// is STARTTLS, except on loopback",
        )
    if not given.get("MUNIMENT_MAIL_FROM"):
        raise Rejected(
            "MUNIMENT_SMTP_URL is set and MUNIMENT_MAIL_FROM is not",
            remedy="set it to the address that notices come from",
        )
    return written
