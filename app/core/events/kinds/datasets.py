"""Events about datasets, their versions, and the documents of any subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.core.jsonvalue import Json


@dataclass(frozen=True, slots=True)
class Code:
    """The source a thing was made with. ``commit``: the revision's full id."""

    repo: str
    commit: str
    dirty: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``type``: the producer's own type name. ``tags``: such as ``pii``."""

    name: str
    type: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a table, in the table's order."""

    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class DatasetRegistered:
    """A dataset exists, under ``dataset/<name>``.

    ``licence``: an SPDX expression or a name. ``team``: only its members write.
    ``team_only``: only they read. Absent team: everybody.
    """

    TYPE: ClassVar[str] = "dataset.registered.v1"
    owner: str
    licence: str
    description: str
    team: str | None = None
    team_only: bool = False
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class DatasetVersionRegistered:
    """Exactly these bytes are version ``dataset/<name>/<version>``.

    ``digest``: ``sha256:<hex>`` of the file. ``size``: bytes. ``rows``: rows of data.
    ``derived_from``: subjects it was made from. ``documentation``: digest of a datasheet.
    ``row_fingerprints``: one per row, hex, so that overlap of two versions can be counted.
    """

    TYPE: ClassVar[str] = "dataset.version_registered.v1"
    digest: str
    uri: str
    size: int
    rows: int
    schema: Schema
    derived_from: tuple[str, ...]
    code: Code | None = None
    documentation: str | None = None
    row_fingerprints: tuple[str, ...] | None = None
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class DatasetApprovalGranted:
    """A person in an approval role approves a dataset version for use.

    ``approver``: user id. ``until``: RFC 3339 UTC, or None for no end.
    ``statement``: the DSSE envelope that was signed.
    """

    TYPE: ClassVar[str] = "dataset.approval_granted.v1"
    role: str
    approver: str
    statement: Json
    conditions: str | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True)
class DatasetApprovalRevoked:
    """The approval recorded at entry ``approval`` no longer holds."""

    TYPE: ClassVar[str] = "dataset.approval_revoked.v1"
    approval: int
    revoked_by: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentRecorded:
    """A file belongs to the subject: a card, datasheet, validation report, contract.

    ``blob``: ``sha256:<hex>`` of the stored bytes. ``size``: bytes.
    ``fields``: top-level members present where the document is a JSON object.
    """

    TYPE: ClassVar[str] = "document.recorded.v1"
    kind: str
    title: str
    blob: str
    media_type: str
    size: int
    fields: tuple[str, ...] | None = None
    labels: Mapping[str, str] | None = None
