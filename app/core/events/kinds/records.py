"""Events about reports and about the log itself; the service records them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.core.jsonvalue import Json


@dataclass(frozen=True, slots=True)
class ReportRequested:
    """A report was asked for, under ``report/<id>``. ``scope``: the subject it is about."""

    TYPE: ClassVar[str] = "report.requested.v1"
    type: str
    scope: str
    as_of_size: int
    requested_by: str
    options: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class ReportGenerated:
    """The report was made. Digests are ``sha256:<hex>``.

    ``unsealed_digest`` and ``length``: of the PDF. ``data_digest``: of report.json.
    ``engine``: versions of everything that shaped the pages; ``engine_fingerprint`` of it.
    """

    TYPE: ClassVar[str] = "report.generated.v1"
    type: str
    scope: str
    as_of_size: int
    unsealed_digest: str
    length: int
    data_digest: str
    pages: int
    engine: Mapping[str, str]
    engine_fingerprint: str
    bundle_digest: str | None = None


@dataclass(frozen=True, slots=True)
class ReportDownloaded:
    """Somebody took a file of the report: pdf, json or bundle."""

    TYPE: ClassVar[str] = "report.downloaded.v1"
    file: str
    downloaded_by: str


@dataclass(frozen=True, slots=True)
class LogStarted:
    """The first entry. Verifier keys (C2SP signed-note) of the log and of approvals."""

    TYPE: ClassVar[str] = "log.started.v1"
    origin: str
    log_vkey: str
    approvals_vkey: str


@dataclass(frozen=True, slots=True)
class LogKeyRotated:
    """The log's key changes. ``step``: begun, finished or revoked.

    ``statement``: a note that both keys signed, see ``app.core.ledger.rotation``.
    """

    TYPE: ClassVar[str] = "log.key_rotated.v1"
    step: str
    old_vkey: str
    new_vkey: str
    statement: str


@dataclass(frozen=True, slots=True)
class LogRecovered:
    """A person answered for going on after the log refused to write.

    ``because``: ``adopt`` (signer state taken on), ``accept-clock``, ``rolled-back`` (less is
    stored than was signed) or ``restored`` (from a backup).
    """

    TYPE: ClassVar[str] = "log.recovered.v1"
    because: str
    size_before: int
    signed_size: int | None = None
    signed_root: str | None = None


@dataclass(frozen=True, slots=True)
class LogQuorumChanged:
    """Other witnesses are asked, or others are enough. ``policy``: C2SP tlog-policy.

    ``witnesses``: their verifier keys, in the policy's order.
    """

    TYPE: ClassVar[str] = "log.quorum_changed.v1"
    policy: str
    quorum: str
    witnesses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LogCheckFailed:
    """Something that watches this log failed, or spoke against it.

    ``check``: ``witness``, ``timestamp`` or ``scrubber``. ``source``: the witness's verifier
    key, the service's address, or who read the log over. ``size``: of the newest checkpoint then.
    """

    TYPE: ClassVar[str] = "log.check_failed.v1"
    check: str
    source: str
    because: str
    detail: str
    size: int


@dataclass(frozen=True, slots=True)
class RedactionRequested:
    """Somebody asks for members of entry ``index`` to be erased; a second person confirms.

    ``redaction``: id of the request. ``legal_basis``: what obliges to it.
    """

    TYPE: ClassVar[str] = "redaction.requested.v1"
    redaction: str
    index: int
    members: tuple[str, ...]
    legal_basis: str
    requested_by: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class EntryRedacted:
    """Members of entry ``index`` were erased, in the transaction that recorded this.

    Two people answer for it: who asked (``requested_by``) and who confirmed.
    """

    TYPE: ClassVar[str] = "entry.redacted.v1"
    redaction: str
    index: int
    members: tuple[str, ...]
    legal_basis: str
    requested_by: str
    confirmed_by: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class GraphReconciled:
    """A store of the graph was held against the log, and what differed was set right.

    ``store``: ``sql`` or ``neo4j``. ``size``: of the log that it was held against. ``digest``:
    of the whole graph there, ``sha256:<hex>``. ``examples``: gids and edges, the first of those
    that differed.
    """

    TYPE: ClassVar[str] = "graph.reconciled.v1"
    store: str
    size: int
    digest: str
    nodes: int
    edges: int
    missing: int
    extra: int
    altered: int
    examples: tuple[str, ...]
