"""Whether the reader may sign, in words to them; by the functions that refuse at signing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.errors import Forbidden
from app.core.policy.rules import Meaning, Part
from app.core.policy.signing import asked_of
from app.core.promotion.states import State
from app.reviews.submit import require_review, why_not

if TYPE_CHECKING:
    from app.reviews.submit import Shown
    from app.web.callers import Caller

ACTS = {
    Meaning.REVIEW: "review",
    Meaning.APPROVAL: "approve",
    Meaning.RESPONSIBILITY: "take responsibility",
    Meaning.AUTHORSHIP: "sign as an author",
}
"""What somebody does who signs with a meaning."""

_PARTS = {
    Part.SUBMITTER: "you asked for this promotion",
    Part.TRAINER: "you trained version {version}",
    Part.EVIDENCE_PRODUCER: "you recorded evidence about it",
    Part.POLICY_LAST_EDITOR: "you wrote or published the policy",
}
_TO_THE_READER = (
    ("is not", "you are not"),
    ("is ", "you are "),
    ("does not hold", "you do not hold"),
    ("no longer holds", "you no longer hold"),
    ("holds", "you hold"),
    ("held", "you held"),
    ("got", "you got"),
    ("this caller", "you"),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether the reader may sign with a meaning, and the sentence that says so."""

    meaning: Meaning
    may: bool
    sentence: str


def standings_of(shown: Shown, caller: Caller) -> tuple[Standing, ...]:
    """Answer for every meaning that a policy asks for here, in the order of meanings."""
    considered = shown.considered
    asked = {one.need.meaning for one in asked_of(considered.policies, considered.facts)}
    return tuple(_standing(shown, caller, one) for one in Meaning if one in asked)


def objections(shown: Shown, caller: Caller, meaning: Meaning) -> tuple[str, ...]:
    """Give every reason why the caller's signature would be refused, as refusals say it."""
    if shown.promotion.state != State.REQUESTED:
        return (f"the promotion is {shown.promotion.state.replace('_', ' ')}",)
    if caller.person is None:
        return ("only a person signs, in person",)
    try:
        require_review(shown, caller)
    except Forbidden as refusal:
        return (refusal.detail,)
    return why_not(shown, caller.person, meaning)


def to_the_reader(reason: str, version: str) -> str:
    """Turn a reason about somebody into one said to them. ``version``: of the model."""
    for part, said in _PARTS.items():
        if reason == f"is the {part.value.replace('_', ' ')}":
            return said.format(version=version)
    for begins, said in _TO_THE_READER:
        if reason.startswith(begins):
            return said + reason.removeprefix(begins)
    return reason


def _standing(shown: Shown, caller: Caller, meaning: Meaning) -> Standing:
    found = objections(shown, caller, meaning)
    if not found:
        return Standing(meaning, may=True, sentence=f"You can {ACTS[meaning]}.")
    version = shown.considered.facts.subject.version
    said = " and ".join(to_the_reader(one, version) for one in found)
    return Standing(meaning, may=False, sentence=f"You cannot {ACTS[meaning]}: {said}.")
