"""Where a webhook may go: outside, over https, and nowhere else unless it is declared.

A name is resolved once, every address that comes back is looked at, and the connection is
made to one of those very addresses: what the name says a moment later does not matter. No
redirect is followed, for nobody follows one here.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.core.errors import Forbidden, Rejected

HTTPS, HTTP = 443, 80
METADATA = frozenset({"168.63.129.16"})
"""Public addresses at which clouds answer their own machines alone."""
NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
COMPATIBLE = ipaddress.ip_network("::/96")
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|[0-9a-f:.]{2,45}", re.ASCII)
IPV6 = 6

Resolve = Callable[[str, int], Sequence[str]]
"""Give the addresses of a host. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address to post to. ``path``: with its query."""

    scheme: str
    host: str
    port: int
    path: str

    def __str__(self) -> str:
        """Write it without its path, which may hold a secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_target(url: str, declared: Sequence[str]) -> Target:
    """Read a webhook's address. ``declared``: hosts, or host:port, that may be inside.

    Raises Rejected for anything that is no plain address, or is not https and not declared.
    """
    if url != url.strip() or not url.isascii() or not url.isprintable() or "\\" in url:
        raise Rejected("the webhook's address holds characters that no address holds")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Rejected("the webhook's address is none") from None
    host = (parts.hostname or "").rstrip(".")
    scheme = parts.scheme.lower()
    if scheme not in ("https", "http") or not HOST.fullmatch(host):
        raise Rejected(
            "the webhook's address is no address such as https://hooks.example/muniment",
            remedy="correct MUNIMENT_WEBHOOK_URL",
        )
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Rejected("the webhook's address holds a name, a password or a fragment")
    if port == 0:
        raise Rejected("the webhook's address names port 0")
    target = Target(
        scheme,
        host,
        port or (HTTPS if scheme == "https" else HTTP),
        (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )
    if scheme != "https" and not is_declared(target, declared):
        raise Rejected(
            "the webhook's address is not https",
            remedy="use https, or name the host in MUNIMENT_WEBHOOK_ALLOW",
        )
    return target


def is_declared(target: Target, declared: Sequence[str]) -> bool:
    """Tell whether the operator named this host as one that may be inside."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    return not {target.host, host, f"{host}:{target.port}"}.isdisjoint(declared)


def addresses_of(target: Target, declared: Sequence[str], resolve: Resolve) -> Sequence[str]:
    """Resolve a target's host, and look at each address.

    Raises Forbidden where one lies inside and the host is not declared; OSError where there
    is no such host.
    """
    found = resolve(target.host, target.port)
    if not is_declared(target, declared):
        for address in found:
            if lies_inside(address):
                raise Forbidden(
                    f"{target.host} is {address}, which lies inside",
                    remedy="name the host in MUNIMENT_WEBHOOK_ALLOW if that is meant",
                )
    return found


def lies_inside(address: str) -> bool:
    """Tell whether an address is anything but a host on the public internet.

    What an IPv6 address carries of an IPv4 one is looked at as well: mapped, compatible,
    6to4, Teredo, NAT64. What cannot be read is inside.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return True
    return any(_not_public(one) for one in (parsed, *_carried(parsed)))


def _carried(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> list[ipaddress.IPv4Address]:
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in (*NAT64, COMPATIBLE)):
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in found if one is not None]


def _not_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return (
        not address.is_global
        or address.is_multicast
        or address.is_reserved
        or str(address) in METADATA
    )


def resolve_host(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))
