"""The environment, read once into frozen settings.

No setting shifts the clock: tests hand another clock to ``app.main.build_app``.
"""

from __future__ import annotations

import ipaddress
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from app.core.errors import Rejected
from app.variables import (
    flag_of,
    number_of,
    path_of,
    secret_of,
    smtp_of,
    split_of,
    webhook_of,
    webhook_secret_of,
)

Clock = Callable[[], datetime]
"""The time now, aware, in UTC."""

Monotonic = Callable[[], float]
"""Seconds since some moment, which nobody can set."""

Entropy = Callable[[int], bytes]
"""So many unpredictable bytes."""

MEBIBYTE = 2**20
DATABASE_SCHEME = "postgresql+psycopg"
NEO4J_VERIFIED = ("neo4j+s", "bolt+s")
"""Schemes under which the driver verifies the server's certificate."""
NEO4J_SCHEMES = (*NEO4J_VERIFIED, "neo4j", "bolt")

NOT_HEEDED = (
    "MUNIMENT_POLICY_DIR",
    "MUNIMENT_REPORT_SEAL_P12",
    "MUNIMENT_METRICS_ADDRESS",
)
"""Settings of the public contract that have no effect yet: set, they are refused."""


def utc_now() -> datetime:
    """Tell the wall clock's time in UTC."""
    return datetime.now(UTC)


def boot_time() -> float:
    """Tell the seconds since this machine started, its sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key in a PKCS#11 token, by the labels of both.

    ``module``: the library that reaches the token. ``pin``: the file that holds the PIN.
    """

    token: str
    label: str
    module: Path
    pin: Path

    def __str__(self) -> str:
        """Give the address, for a person; a PIN is never in it."""
        return f"pkcs11:token={self.token};object={self.label}?module-path={self.module}"


@dataclass(frozen=True, slots=True)
class Settings:
    """What is in force. Each field is one ``MUNIMENT_`` variable, see the README's table."""

    data_dir: Path = field(default_factory=lambda: Path("muniment-data"))
    database_url: str | None = field(default=None, repr=False)
    database_timeout: int = 15
    neo4j_uri: str | None = None
    neo4j_user: str = "neo4j"
    neo4j_password: str | None = field(default=None, repr=False)
    neo4j_database: str = "neo4j"
    allow_plain_database: bool = False
    public_url: str = "http://localhost:8000"
    log_origin: str | None = None
    signing_key: Path | TokenKey | None = None
    signer_state: Path | None = None
    witnesses: Path | None = None
    timestamp_url: str | None = None
    timestamp_ca: Path | None = None
    timestamp_minutes: int = 60
    webhook_url: str | None = field(default=None, repr=False)
    webhook_secret: str | None = field(default=None, repr=False)
    webhook_allow: tuple[str, ...] = ()
    smtp_url: str | None = field(default=None, repr=False)
    mail_from: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    log_public: bool = False
    max_body: int = 10 * MEBIBYTE
    tls_cert: Path | None = None
    tls_key: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    allow_http: bool = False

    def listens_beyond_loopback_unprotected(self) -> bool:
        """Tell whether others on the network could read the traffic in the clear."""
        protected = self.tls_cert is not None or bool(self.trusted_proxies) or self.allow_http
        return not protected and not _is_loopback(self.host)

    def database_is_reached_unprotected(self) -> bool:
        """Tell whether others on the network could read or answer in the database's place."""
        if self.database_url is None or self.allow_plain_database:
            return False
        address = urlsplit(self.database_url)
        asked = parse_qs(address.query)
        named = [*asked.get("host", []), *asked.get("hostaddr", [])] or [address.hostname or ""]
        hosts = [host for one in named for host in one.split(",")]
        verified = asked.get("sslmode") == ["verify-full"]
        return not verified and not all(_is_local(host) for host in hosts)

    def graph_is_reached_unprotected(self) -> bool:
        """Tell whether others on the network could read or answer in the graph server's place."""
        if self.neo4j_uri is None or self.allow_plain_database:
            return False
        address = urlsplit(self.neo4j_uri)
        return address.scheme not in NEO4J_VERIFIED and not _is_local(address.hostname or "")


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read ``MUNIMENT_*`` variables; unset and empty ones keep their default.

    Raises Rejected naming the variable whose value cannot be read or is not heeded.
    """
    given = os.environ if environ is None else environ
    for name in NOT_HEEDED:
        if given.get(name):
            raise Rejected(
                f"{name} is set, and this release does not heed it",
                remedy=f"unset {name}",
            )
    port = number_of(given, "MUNIMENT_PORT", 8000)
    return Settings(
        data_dir=path_of(given, "MUNIMENT_DATA_DIR") or Path("muniment-data"),
        database_url=_database(given),
        database_timeout=number_of(given, "MUNIMENT_DATABASE_TIMEOUT", 15),
        neo4j_uri=_neo4j(given),
        neo4j_user=given.get("MUNIMENT_NEO4J_USER") or "neo4j",
        neo4j_password=_neo4j_password(given),
        neo4j_database=given.get("MUNIMENT_NEO4J_DATABASE") or "neo4j",
        allow_plain_database=flag_of(given, "MUNIMENT_ALLOW_PLAIN_DATABASE"),
        public_url=(given.get("MUNIMENT_PUBLIC_URL") or f"http://localhost:{port}").rstrip("/"),
        log_origin=given.get("MUNIMENT_LOG_ORIGIN") or None,
        signing_key=_signing_key(given),
        signer_state=path_of(given, "MUNIMENT_SIGNER_STATE"),
        witnesses=path_of(given, "MUNIMENT_WITNESSES"),
        timestamp_url=given.get("MUNIMENT_TIMESTAMP_URL") or None,
        timestamp_ca=path_of(given, "MUNIMENT_TIMESTAMP_CA"),
        timestamp_minutes=number_of(given, "MUNIMENT_TIMESTAMP_MINUTES", 60),
        webhook_url=webhook_of(given),
        webhook_secret=webhook_secret_of(given),
        webhook_allow=tuple(
            (given.get("MUNIMENT_WEBHOOK_ALLOW") or "").lower().replace(",", " ").split()
        ),
        smtp_url=smtp_of(given),
        mail_from=given.get("MUNIMENT_MAIL_FROM") or None,
        host=given.get("MUNIMENT_HOST") or "127.0.0.1",
        port=port,
        log_public=flag_of(given, "MUNIMENT_LOG_PUBLIC"),
        max_body=number_of(given, "MUNIMENT_MAX_BODY", 10 * MEBIBYTE),
        tls_cert=path_of(given, "MUNIMENT_TLS_CERT"),
        tls_key=path_of(given, "MUNIMENT_TLS_KEY"),
        trusted_proxies=tuple(
            (given.get("MUNIMENT_TRUSTED_PROXIES") or "").replace(",", " ").split()
        ),
        allow_http=flag_of(given, "MUNIMENT_ALLOW_HTTP"),
    )


def _signing_key(given: Mapping[str, str]) -> Path | TokenKey | None:
    """Read where the log's key is: a file, or the address of one in a token (RFC 7512)."""
    written = given.get("MUNIMENT_SIGNING_KEY") or ""
    if not written.startswith("pkcs11:"):
        return path_of(given, "MUNIMENT_SIGNING_KEY")
    path, _, query = written.removeprefix("pkcs11:").partition("?")
    parts = [part.partition("=") for part in (*path.split(";"), *query.split("&"))]
    told = {name: unquote(value) for name, _, value in parts}
    names = ("token", "object", "module-path", "pin-source")
    if told.keys() != set(names) or len(parts) != len(names) or not all(told.values()):
        raise Rejected(
            "MUNIMENT_SIGNING_KEY is no address of a key in a token",
            remedy="pkcs11:token=LABEL;object=LABEL?module-path=LIBRARY&pin-source=file:FILE "
            "(RFC 7512); a PIN itself has no place in it",
        )
    pin = told["pin-source"].removeprefix("file:")
    return TokenKey(told["token"], told["object"], Path(told["module-path"]), Path(pin))


def _database(given: Mapping[str, str]) -> str | None:
    """Read the database's address. It may hold a password, so no message repeats it."""
    written = given.get("MUNIMENT_DATABASE_URL") or None
    if written is None:
        return None
    address = split_of(written)
    if address is None or address.scheme != DATABASE_SCHEME:
        raise Rejected(
            f"MUNIMENT_DATABASE_URL is no address such as {DATABASE_SCHEME}://NAME@HOST/DATABASE",
            remedy="write special signs in it as %XX; unset it, and everything is kept in one "
            "SQLite file in the data folder",
        )
    return written


def _neo4j(given: Mapping[str, str]) -> str | None:
    """Read the graph server's address; it holds no password, that is a setting of its own."""
    written = given.get("MUNIMENT_NEO4J_URI") or None
    if written is None:
        return None
    address = split_of(written)
    sound = (
        address is not None
        and address.scheme in NEO4J_SCHEMES
        and address.hostname
        and "@" not in address.netloc
        and not (address.query or address.fragment or address.path.strip("/"))
    )
    if not sound:
        raise Rejected(
            "MUNIMENT_NEO4J_URI is not an address such as neo4j+s://graph.example:7687",
            remedy=f"begin it with one of: {', '.join(NEO4J_SCHEMES)}; unset it, and SQL answers",
        )
    if not _neo4j_password(given):
        raise Rejected(
            "MUNIMENT_NEO4J_URI is set and MUNIMENT_NEO4J_PASSWORD is not",
            remedy="set it, or MUNIMENT_NEO4J_PASSWORD_FILE, to that of MUNIMENT_NEO4J_USER",
        )
    return written


def _neo4j_password(given: Mapping[str, str]) -> str | None:
    return secret_of(given, "MUNIMENT_NEO4J_PASSWORD")


def _is_local(host: str) -> bool:
    """Tell whether a database's host is a socket's folder (or the default one) or loopback."""
    return host == "" or host.startswith("/") or _is_loopback(host)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
