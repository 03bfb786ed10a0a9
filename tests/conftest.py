"""What holds for every test: seeded properties, and no traffic that leaves this machine."""

from __future__ import annotations

import ipaddress
import socket
import sys

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("default", deadline=None)
settings.load_profile("default")


def _refuse_traffic(event: str, arguments: tuple[object, ...]) -> None:
    if event != "socket.connect":
        return
    connection, address = arguments
    if getattr(connection, "family", None) not in {socket.AF_INET, socket.AF_INET6}:
        return
    host = address[0] if isinstance(address, tuple) else address
    if host == "localhost" or ipaddress.ip_address(str(host)).is_loopback:
        return
    raise PermissionError(f"a test may only talk to this machine, not to {host}")


sys.addaudithook(_refuse_traffic)
