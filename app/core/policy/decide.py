"""The whole procedure: policies, facts and a time in, one decision out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.core.policy.decision import Decision
    from app.core.policy.document import Policy
    from app.core.policy.facts import Facts


def decide(policies: Sequence[Policy], facts: Facts, as_of: datetime) -> Decision:
    """Decide whether the subject may be promoted.

    ``policies``: every published one, in any order; those that do not match the promotion
    are passed over. ``as_of``: aware UTC; evidence and reviews of later are not looked at.
    """
    raise NotImplementedError
