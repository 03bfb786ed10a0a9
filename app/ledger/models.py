"""The tables of the ledger itself. ``docs/architecture.md`` tells which state is primary.

Rows leave this room only as the values of ``app.core.ledger`` or as ``Recorded``.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Text
from sqlmodel import Field, SQLModel

INDEX: Final = BigInteger().with_variant(Integer(), "sqlite")
"""An entry's index or a size: 64 bits, which SQLite's integers always have."""

GIVEN: Final = {"autoincrement": False}
"""A key that the log gives: no database counts it."""


class EntryRow(SQLModel, table=True):
    """One entry. ``body`` are the hashed bytes; the other columns repeat what is in them."""

    __tablename__ = "entries"
    __table_args__ = (
        Index("entries_by_subject", "subject", "idx"),
        Index("entries_by_type", "type", "idx"),
        Index("entries_by_actor", "actor", "idx"),
    )
    idx: int = Field(primary_key=True, sa_type=INDEX, sa_column_kwargs=GIVEN)
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    leaf_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    subject: str
    type: str
    actor: str
    recorded_at: str


class PayloadRow(SQLModel, table=True):
    """One member of an entry's data: canonical JSON of its value, its salt, its commitment.

    Value and salt are gone together where the member was erased; the commitment stays.
    """

    __tablename__ = "payloads"
    __table_args__ = {"sqlite_with_rowid": False}
    idx: int = Field(primary_key=True, sa_type=INDEX, sa_column_kwargs=GIVEN)
    name: str = Field(primary_key=True)
    commitment: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    salt: bytes | None = Field(sa_column=Column(LargeBinary))
    value: bytes | None = Field(sa_column=Column(LargeBinary))


class HeadRow(SQLModel, table=True):
    """The one row that says how far the log is; it moves with every append.

    ``epoch``: how often the log was recovered. A server that opened it before writes no more.
    """

    __tablename__ = "head"
    one: int = Field(primary_key=True, sa_column_kwargs=GIVEN)
    origin: str
    size: int = Field(sa_type=INDEX)
    root: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    leaf_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    recorded_at: str
    epoch: int = Field(sa_column=Column(INDEX, nullable=False, server_default="0"))


class SubjectHeadRow(SQLModel, table=True):
    """The last entry of a subject, or of a type under the key ``type:<event type>``."""

    __tablename__ = "heads"
    __table_args__ = {"sqlite_with_rowid": False}
    key: str = Field(primary_key=True)
    idx: int = Field(sa_type=INDEX)


class TileRow(SQLModel, table=True):
    """One full tile of 256 hashes (C2SP tlog-tiles); partial ones are computed."""

    __tablename__ = "tiles"
    level: int = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_type=INDEX, sa_column_kwargs=GIVEN)
    hashes: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class CheckpointRow(SQLModel, table=True):
    """One published checkpoint: the signed note as it is served."""

    __tablename__ = "checkpoints"
    size: int = Field(primary_key=True, sa_type=INDEX, sa_column_kwargs=GIVEN)
    note: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class IdempotencyRow(SQLModel, table=True):
    """What an idempotency key stands for: the entries its request made.

    ``key_mac`` and ``body_mac`` are MACs under the log's own secret, never plain hashes.
    ``made``: how many entries, from ``idx`` on. ``resource``: id of what the request made,
    where its answer is more than receipts.
    ``digest``: SHA-256 over the row's other columns, so that a slip of the disk shows.
    """

    __tablename__ = "idempotency"
    __table_args__ = {"sqlite_with_rowid": False}
    key_mac: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    body_mac: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    idx: int = Field(sa_type=INDEX)
    made: int = Field(sa_type=INDEX)
    resource: str
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class BlobRow(SQLModel, table=True):
    """A file that an entry names by its digest."""

    __tablename__ = "blobs"
    sha256: str = Field(primary_key=True)
    size: int = Field(sa_type=INDEX)
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class OperationalRow(SQLModel, table=True):
    """Operational state: backed up, not provable. ``digest`` is over the other columns."""

    __tablename__ = "operational"
    __table_args__ = {"sqlite_with_rowid": False}
    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    value: str = Field(sa_column=Column(Text, nullable=False))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class ProjectionRow(SQLModel, table=True):
    """How far a projection has come: it holds the effect of the first ``size`` entries."""

    __tablename__ = "projections"
    name: str = Field(primary_key=True)
    version: int
    size: int = Field(sa_type=INDEX)
