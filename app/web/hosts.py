"""Under which names this Muniment may be asked: its own, and this machine's.

A page elsewhere can have its own name lead to this address (DNS rebinding); what is asked
under such a name is refused before anything reads it.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

ANYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - what they are compared with
UNNAMED = frozenset({"/healthz", "/readyz"})
"""Asked by whoever watches the process, under whatever address."""


def is_loopback(host: str) -> bool:
    """Tell whether a name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Hosts:
    """The names there are. ``public_url``: how people find it; ``host``: where it listens."""

    def __init__(self, public_url: str, host: str) -> None:
        public = urlsplit(public_url)
        self.public = public.netloc.lower()
        self.public_is_loopback = is_loopback(public.hostname or "")
        self._own = {public.hostname, host.lower()} - ANYWHERE

    def knows(self, written: str, path: str) -> bool:
        """Tell whether a Host header is one of ours."""
        if path in UNNAMED:
            return True
        try:
            name = urlsplit(f"//{written.lower()}").hostname or ""
        except ValueError:  # no address at all
            return False
        return name in self._own or is_loopback(name)

    def leads_elsewhere(self, written: str) -> bool:
        """Tell whether a browser here by loopback is to go to the public name.

        A session's cookie is of one name, and an address is no name for a passkey.
        """
        return self.public_is_loopback and written.lower() != self.public
