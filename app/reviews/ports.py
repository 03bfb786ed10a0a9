"""What reviews and their pages need of other rooms; ``app.main`` hands it in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from app.catalog import values
    from app.core.policy.decision import Decision
    from app.core.policy.document import Policy
    from app.core.policy.facts import Facts
    from app.ledger.idempotency import IdempotencyKey
    from app.ledger.snapshot import Snapshot
    from app.web.callers import Caller


class Considered(Protocol):
    """A decision as it would be now, and all it was computed from."""

    @property
    def decision(self) -> Decision: ...
    @property
    def policies(self) -> tuple[Policy, ...]: ...
    @property
    def facts(self) -> Facts: ...
    @property
    def size(self) -> int: ...
    @property
    def expects(self) -> Mapping[str, int | None]: ...


class Consider(Protocol):
    """Decide at one state of the log, without recording anything."""

    def __call__(self, now: Snapshot, subject: str, environment: str) -> Considered: ...


class EvaluateGate(Protocol):
    """Decide, and record the decision."""

    def __call__(
        self, subject: str, environment: str, digest: str | None = None
    ) -> values.Decision: ...


class Bundle(Protocol):
    """Write entries with their proofs into a file that is verified without a server."""

    def __call__(self, now: Snapshot, indexes: Iterable[int], *, purpose: str) -> bytes: ...


class RequestPromotion(Protocol):
    """Open promotions, and take requests back."""

    def request(
        self,
        caller: Caller,
        subject: str,
        environment: str,
        reason: str | None,
        source: str,
        key: IdempotencyKey | None,
    ) -> tuple[values.Promotion, bool]: ...

    def withdraw(
        self, caller: Caller, promotion_id: str, reason: str | None
    ) -> values.Promotion: ...
