"""The tree of refusals: every "no" that Muniment says to a caller.

    Refusal
    ├── Malformed                 400  bytes that cannot be read at all
    ├── Unauthenticated           401  no credentials, or wrong ones
    ├── Forbidden                 403  known caller, not allowed
    │   ├── SelfApproval               four eyes
    │   ├── RoleMissing                the permission or approval role is not held
    │   └── ReservedType               an event type that only the service records
    ├── Missing                   404  nothing of that name
    ├── NotAcceptable             406  no representation the caller asked for
    ├── Conflict                  409  the world moved, or the step is not legal now
    │   ├── HeadMoved                  an expected head is another one
    │   ├── StaleReview                what was shown is not what is now
    │   ├── StaleDecision              the decision is used, expired or another's
    │   ├── IllegalTransition          the state machine has no such step
    │   ├── IdempotencyMismatch        the key was used for another body
    │   └── ParentMissing              the thing it belongs to is not registered
    ├── Redacted                  410  it was here and has been erased, on record
    ├── TooLarge                  413
    ├── UnsupportedMedia          415
    ├── Rejected                  422  readable, but wrong
    │   ├── SchemaMismatch
    │   ├── UnknownKind
    │   ├── EmptyGroup
    │   └── FutureTime
    ├── TooManyAttempts           429  the caller's own quota
    ├── Unavailable               503  try again later
    │   └── SignerAway                 the log's key cannot be reached: nothing is signed
    ├── StorageFull               507
    └── Unverifiable              500  our own evidence does not check
        ├── ProofMismatch
        ├── BadSignature
        └── ChainBroken

A denial is not in this tree: a gate that says DENY is a value (house rule 3).
Statuses are given here for the reader; ``app/web/errors.py`` is the one table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong at one place of a document.

    ``pointer``: JSON Pointer as a URI fragment (RFC 6901, section 6), ``#/data/rows``.
    ``message``: what is wrong there, one sentence, without the caller's secrets.
    """

    pointer: str
    message: str


class Refusal(Exception):  # noqa: N818 - the house's word for it
    """Something was asked that is not done.

    ``detail``: what is wrong and where. ``remedy``: what to do, or None.
    ``faults``: places in the caller's document. ``retry_after``: seconds, or None.
    """

    def __init__(
        self,
        detail: str,
        *,
        remedy: str | None = None,
        faults: Sequence[Fault] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy
        self.faults = tuple(faults)
        self.retry_after = retry_after


class Malformed(Refusal):
    """The bytes are not what the format says: not JSON, not UTF-8, not a note."""


class Unauthenticated(Refusal):
    """No credentials, or credentials that do not hold."""


class Forbidden(Refusal):
    """The caller is known and may not do this."""


class SelfApproval(Forbidden):
    """Somebody would decide about their own work."""


class RoleMissing(Forbidden):
    """The caller lacks the permission or the approval role."""


class ReservedType(Forbidden):
    """Only the service itself records events of this type."""


class Missing(Refusal):
    """There is nothing of that name."""


class NotAcceptable(Refusal):
    """No representation of this resource is of a media type the caller accepts."""


class Conflict(Refusal):
    """The request does not fit what is now."""


class HeadMoved(Conflict):
    """A head that the caller expected is another one by now.

    ``key`` names it (a subject, or ``type:<event type>``); ``expected`` and ``actual``
    are entry indexes, None where there is no entry yet.
    """

    def __init__(self, key: str, expected: int | None, actual: int | None) -> None:
        super().__init__(
            f"{key} was expected at entry {expected} and is at entry {actual}",
            remedy="read the current state and decide again",
        )
        self.key = key
        self.expected = expected
        self.actual = actual


class StaleReview(Conflict):
    """What the reviewer saw is not what would be signed."""


class StaleDecision(Conflict):
    """The decision is used, expired, or about something else."""


class IllegalTransition(Conflict):
    """The state machine has no such step from here."""


class IdempotencyMismatch(Conflict):
    """The idempotency key was used before, with another body."""


class ParentMissing(Conflict):
    """What this belongs to is not registered yet."""


class Redacted(Refusal):
    """It was recorded and has been erased; the log says by which entry."""


class TooLarge(Refusal):
    """More bytes, items or depth than the limit."""


class UnsupportedMedia(Refusal):
    """The body's media type is not one this route reads."""


class Rejected(Refusal):
    """Readable, and wrong."""


class SchemaMismatch(Rejected):
    """The document does not follow its JSON Schema."""


class UnknownKind(Rejected):
    """No such event type, policy rule, report type or the like."""


class EmptyGroup(Rejected):
    """A group to be measured has nobody in it."""


class FutureTime(Rejected):
    """A time that lies ahead of the service's clock."""


class TooManyAttempts(Refusal):
    """The account or caller is locked for a while."""


class Unavailable(Refusal):
    """Not now: starting, overloaded, read-only, or a part is out of reach."""


class SignerAway(Unavailable):
    """The log's key cannot be reached or does not sign; what is not signed is not published."""


class StorageFull(Refusal):
    """The disk has no room; nothing was written."""


class Unverifiable(Refusal):
    """Evidence that does not check. Of our own ledger: an alarm."""


class ProofMismatch(Unverifiable):
    """A Merkle proof has the wrong length or leads to another root."""


class BadSignature(Unverifiable):
    """A signature of a known key does not verify, or no trusted key signed."""


class ChainBroken(Unverifiable):
    """An entry does not continue the one before it."""
