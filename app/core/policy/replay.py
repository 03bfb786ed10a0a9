"""An old decision, computed again: the same policies, facts and time, the same digest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.policy.decide import decide
from app.core.policy.decision import decision_to_json, digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from app.core.jsonvalue import Json
    from app.core.policy.codec import Digest
    from app.core.policy.decision import Decision
    from app.core.policy.document import Policy
    from app.core.policy.facts import Facts


@dataclass(frozen=True, slots=True)
class Replay:
    """``holds``: recomputing and re-reading both give the digest that was recorded.

    ``differs``: top-level members of the recorded decision that came out otherwise.
    """

    holds: bool
    recorded: Digest
    recomputed: Digest
    differs: tuple[str, ...]
    decision: Decision


def replay(
    recorded: Mapping[str, Json],
    policies: Sequence[Policy],
    facts: Facts,
    as_of: datetime,
) -> Replay:
    """Compute the decision ``recorded`` (its JSON, as served) again.

    ``policies`` and ``facts``: as they were recorded with it; ``as_of``: its own. The
    recorded digest must be that of the recorded members too, so an edited member shows.
    """
    again = decide(policies, facts, as_of)
    fresh = decision_to_json(again)
    claimed = recorded.get("decision_digest")
    differs = tuple(
        name for name, value in fresh.items() if name in recorded and recorded[name] != value
    )
    written = digest_of(recorded)
    return Replay(
        holds=claimed == again.decision_digest == written,
        recorded=written,
        recomputed=again.decision_digest,
        differs=differs,
        decision=again,
    )
