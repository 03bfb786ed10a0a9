"""Everything a decision may read, as frozen values that are JSON both ways.

Cases, dry runs and replay use the same form. Facts hold times, never ages: how old
something is depends on when one asks.
"""

# ruff: noqa: TC001, TC003 - codec.py reads these annotations at run time

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias, cast

from app.core.events.kinds.models import CellCounts
from app.core.jsonvalue import Json
from app.core.policy import codec
from app.core.policy.codec import Digest
from app.core.policy.rules import Meaning


@dataclass(frozen=True, slots=True)
class Subject:
    """The model version to be promoted. ``digest``: of its artifact."""

    name: str
    version: str
    digest: Digest
    risk_tier: str | None = None
    team: str | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """``from_``: the environment where the version is allowed now, None where nowhere."""

    to: str
    from_: str | None = None


@dataclass(frozen=True, slots=True)
class People:
    """User ids of everybody with a part in it: who may not review it, and why.

    A token's part is its owner's and its creator's; the human behind a run counts as each.
    ``policy_editors``: who drafted the policies that apply.
    """

    submitters: tuple[str, ...]
    trainers: tuple[str, ...] = ()
    evidence_producers: tuple[str, ...] = ()
    policy_editors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Producer:
    """Who recorded a piece of evidence. ``owner``: the person who answers for it."""

    id: str
    kind: Literal["person", "service", "workload"]
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset version as registered. ``role``: what it was used as, such as eval_set."""

    subject: str
    digest: Digest
    rows: int | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """``low`` <= value <= ``high``; ``high`` None: no upper bound."""

    low: Decimal
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class Measure:
    """One measured number. ``n``: rows it was measured on. ``slice``: None for all of them."""

    name: str
    value: Decimal
    n: int | None = None
    ci: Bounds | None = None
    slice: str | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Numbers a producer measured. ``dataset_digest``: what it says it measured on.

    ``earlier_attempts``: recorded before this one for the same model and data.
    """

    type: Literal["eval-report/v1"]
    index: int
    digest: Digest
    producer: Producer
    measured_at: datetime
    recorded_at: datetime
    model_digest: Digest
    dataset: Dataset
    dataset_digest: Digest
    metrics: tuple[Measure, ...]
    earlier_attempts: int = 0


@dataclass(frozen=True, slots=True)
class BiasReport:
    """Counts that the service made from predictions, or that a client sent as counts.

    ``favourable_outcome``: the prediction that is good for the person. ``positive_label``:
    the one that ``selected`` and ``tp`` count, where it is another. ``rows``: rows counted.
    ``computed_by``: ``service`` counted the rows itself.
    """

    type: Literal["bias-report/v1"]
    index: int
    digest: Digest
    producer: Producer
    measured_at: datetime
    recorded_at: datetime
    model_digest: Digest
    dataset: Dataset
    dataset_digest: Digest
    attributes: tuple[str, ...]
    favourable_outcome: str
    rows: int
    cells: tuple[CellCounts, ...]
    label: str | None = None
    positive_label: str | None = None
    computed_by: Literal["service", "client"] = "service"
    earlier_attempts: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """A recorded document of ``subject``. ``fields``: its non-empty top-level members.

    ``fields`` is None where the document is not a JSON object.
    """

    type: Literal["document/v1"]
    index: int
    digest: Digest
    producer: Producer
    recorded_at: datetime
    subject: str
    document: str
    fields: tuple[str, ...] | None = None

    @property
    def measured_at(self) -> datetime:
        return self.recorded_at


Evidence: TypeAlias = Evaluation | BiasReport | Document


@dataclass(frozen=True, slots=True)
class Edge:
    """One relation on a why-path, effect to cause; ``index``: the entry that says so."""

    src: str
    type: str
    dst: str
    index: int


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A dataset version the model comes from. ``depth``: edges away, at least 1.

    ``approved_until``: None where the approval has no end.
    """

    subject: str
    digest: Digest
    depth: int
    approval_status: Literal["approved", "revoked", "none"]
    licence: str | None = None
    approved_until: datetime | None = None
    why: tuple[Edge, ...] = ()


@dataclass(frozen=True, slots=True)
class Overlap:
    """Rows in common of the datasets of two roles; None where it cannot be counted."""

    between: tuple[str, ...]
    rows_shared: int | None


@dataclass(frozen=True, slots=True)
class Lineage:
    """``status``: whether ``ancestors`` is the whole answer."""

    status: Literal["complete", "truncated", "timeout"] = "complete"
    ancestors: tuple[Ancestor, ...] = ()
    overlaps: tuple[Overlap, ...] = ()


@dataclass(frozen=True, slots=True)
class Role:
    """An approval role that a person was granted.

    ``scope``: ``model/<glob>@<environment glob>``, None: everywhere. ``grant``: entry index.
    ``grantors``: user ids. ``single_administrator``: the only one there was granted it.
    """

    role: str
    grant: int
    grantors: tuple[str, ...]
    granted_at: datetime
    scope: str | None = None
    team: str | None = None
    single_administrator: bool = False
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account that is not closed, and the approval roles granted to them."""

    id: str
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class Bind:
    """What a review was signed for."""

    subject_digest: Digest
    evidence_root: Digest
    policy_digest: Digest


@dataclass(frozen=True, slots=True)
class Review:
    """A signed review. ``reviewer``: user id. ``roles``: granted to them by then.

    ``auth``: how the person was recognised at signing. ``accepts``: rule ids,
    ``<policy>/<rule>``, that the reviewer takes on.
    """

    index: int
    reviewer: str
    roles: tuple[Role, ...]
    auth: Literal["password+totp", "passkey", "password", "token", "session", "local", "none"]
    decision: Literal["approve", "request_changes", "reject"]
    meaning: Meaning
    bind: Bind
    signed_at: datetime
    accepts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a decision about one model version and one environment may read.

    ``evidence``: whatever is recorded for the version; ``decide`` picks what counts.
    ``holders``: who could review. ``environments``: as published, lowest first.
    """

    subject: Subject
    transition: Transition
    people: People
    environments: tuple[str, ...]
    evidence: tuple[Evidence, ...] = ()
    lineage: Lineage = Lineage()
    reviews: tuple[Review, ...] = ()
    holders: tuple[Person, ...] = ()


def facts_from_json(document: Json) -> Facts:
    """Read facts. Raises SchemaMismatch with a pointer to what is wrong."""
    return codec.decode(Facts, document)


def facts_to_json(facts: Facts) -> Mapping[str, Json]:
    """Write facts; reading them again gives equal facts."""
    return cast("Mapping[str, Json]", codec.encode(facts))
