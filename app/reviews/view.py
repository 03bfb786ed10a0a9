"""What a reviewer is shown, as one document: the same for everybody, and its digest signed.

It leaves out what must not undo a signature: other reviews, clocks and ages, and who looks.
Every page and command places values from it and adds none (decision 17).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, cast

from app.core.ledger.canonical import canonical
from app.core.policy.codec import encode

if TYPE_CHECKING:
    from app.catalog.values import Promotion
    from app.core.jsonvalue import Json
    from app.core.policy.decision import RuleResult
    from app.core.policy.facts import Evidence
    from app.reviews.ports import Considered

SCHEMA = "muniment-view/1"


def view_of(
    promotion: Promotion, considered: Considered, reason_commitment: bytes | None = None
) -> bytes:
    """Write what is shown about a promotion, as canonical JSON.

    ``reason_commitment``: what the promotion's entry commits its reason by. The words stay out:
    the view is archived with the review, and they can be erased.
    """
    decision, facts = considered.decision, considered.facts
    document: dict[str, Json] = {
        "schema": SCHEMA,
        "promotion": promotion.id,
        "submitter": promotion.submitter,
        "reason_commitment": None if reason_commitment is None else reason_commitment.hex(),
        "subject": encode(facts.subject),
        "transition": encode(facts.transition),
        "bind": encode(decision.bind),
        "policies": [
            {"name": one.name, "version": one.version, "digest": one.digest, "mode": one.mode}
            for one in decision.policies
        ],
        "rules": [_rule(one) for one in decision.rules if one.kind != "reviews"],
        "evidence": [_evidence(one) for one in facts.evidence],
        "lineage": encode(facts.lineage),
    }
    return canonical(document)


def digest_of(view: bytes) -> str:
    """Name a view: SHA-256 of its bytes, ``sha256:<hex>``."""
    return f"sha256:{hashlib.sha256(view).hexdigest()}"


def _rule(result: RuleResult) -> Json:
    """Show what was measured; what people made of it is left out."""
    document = dict(cast("dict[str, Json]", encode(result)))
    for name in ("outcome", "message", "remedy"):
        document.pop(name, None)
    return document


def _evidence(one: Evidence) -> Json:
    """Name a piece of evidence; counts and numbers stand in the rules that use it."""
    return {"type": one.type, "index": one.index, "digest": one.digest}
