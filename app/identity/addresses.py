"""Where somebody calls from."""

from __future__ import annotations

import ipaddress

IPV6 = 6
IPV6_NETWORK = 64


def network_of(address: str) -> str:
    """Take the part of an address that its holder cannot choose: an IPv6 /64, else all."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version != IPV6:
        return address
    return str(ipaddress.ip_network((parsed, IPV6_NETWORK), strict=False))
