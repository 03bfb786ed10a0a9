"""What is signed, as it is shown before and as it is written after: one form for both.

Decision 14: DSSE, payload canonical JSON. The times, the methods and the commitment to the
reason exist only when it is signed; before, they stand as what will be put there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.policy.codec import encode
from app.core.policy.rules import Meaning

if TYPE_CHECKING:
    from app.core.events.kinds.decisions import Bind
    from app.core.jsonvalue import Json
    from app.reviews.submit import Verdict

TYPE = "application/vnd.muniment.review.v1+json"
WHEN_SIGNED = "(set when you sign)"
DECIDED = {
    "approve": "approve",
    "request_changes": "ask for changes to",
    "reject": "reject",
}
MEANINGS = {
    Meaning.REVIEW: "as a review",
    Meaning.APPROVAL: "as an approval",
    Meaning.RESPONSIBILITY: "taking responsibility",
    Meaning.AUTHORSHIP: "as an author",
}


def statement_of(
    verdict: Verdict,
    *,
    origin: str,
    promotion: str,
    signer: str,
    methods: tuple[str, ...],
    at: str,
    commitment: str,
) -> dict[str, Json]:
    """Write the statement. ``at``: when it is signed; ``commitment``: to the reason."""
    return {
        "log": origin,
        "promotion": promotion,
        "decision": verdict.decision,
        "meaning": verdict.meaning.value,
        "signer": signer,
        "auth": {"methods": list(methods), "time": at},
        "accepts": list(verdict.accepts),
        "bind": encode(verdict.bind),
        "signed_at": at,
        "reason_commitment": commitment,
    }


def about_to_sign(verdict: Verdict, *, origin: str, promotion: str, signer: str) -> dict[str, Json]:
    """Write the statement as it is shown before it is signed."""
    return statement_of(
        verdict,
        origin=origin,
        promotion=promotion,
        signer=signer,
        methods=("password", "totp"),
        at=WHEN_SIGNED,
        commitment=WHEN_SIGNED,
    )


def sentence_of(verdict: Verdict, *, name: str, subject: str, environment: str) -> str:
    """Say in one sentence what a signature means."""
    said = (
        f"I, {name}, {DECIDED[verdict.decision]} the promotion of {subject} to {environment}, "
        f"{MEANINGS[verdict.meaning]}."
    )
    if verdict.accepts:
        said += f" I take on what the numbers leave open: {', '.join(verdict.accepts)}."
    return said


def bind_rows(bind: Bind) -> tuple[tuple[str, str], ...]:
    """Name the four digests that a review is bound to."""
    return (
        ("The model's artifact", bind.subject_digest),
        ("The evidence that counts", bind.evidence_root),
        ("The policies", bind.policy_digest),
        ("The view that was shown", bind.rendered_view_digest),
    )
