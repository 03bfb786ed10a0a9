"""The typed HTTP client that the command speaks through, and scripts may use too.

``Client`` sends requests, repeats what is safe to repeat, and turns every refusal of the
server into ``Refused``, every silence into ``Unreachable``.
"""

from app.client.http import Client, Refused, Unreachable

__all__ = ["Client", "Refused", "Unreachable"]
