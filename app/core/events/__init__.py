"""What may be said about machine learning, and in which form.

Read ``kinds/`` for the vocabulary, ``envelope`` for who says it about what, ``parse`` for
the way from JSON. The wire contract of each type is its JSON Schema in ``schemas/``.
"""

from app.core.events.envelope import Actor, ActorKind, AuthMethod, Said
from app.core.events.kinds import CLIENT_TYPES, KINDS, Event
from app.core.events.parse import full_type, parse_event, say

__all__ = [
    "CLIENT_TYPES",
    "KINDS",
    "Actor",
    "ActorKind",
    "AuthMethod",
    "Event",
    "Said",
    "full_type",
    "parse_event",
    "say",
]
