"""The graph's two tables. Rows leave this room only as the values of ``app.core.lineage``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias, cast

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from app.core.errors import ChainBroken
from app.core.lineage.relations import Edge, RelationType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Row, Table


class NodeRow(SQLModel, table=True):
    """A node, and the entry that named it first; its kind and subject are in its gid."""

    __tablename__ = "lineage_nodes"
    __table_args__ = {"sqlite_with_rowid": False}
    gid: str = Field(primary_key=True)
    seq_from: int = Field(sa_type=BigInteger)


class EdgeRow(SQLModel, table=True):
    """One edge, see ``app.core.lineage.relations.Edge``.

    Without a row id, the table itself is the index that upstream questions go along; the
    other way round goes along ``lineage_edges_by_src``.
    """

    __tablename__ = "lineage_edges"
    __table_args__ = (
        Index("lineage_edges_by_src", "src", "dst", "type", "role", "seq_from"),
        {"sqlite_with_rowid": False},
    )
    dst: str = Field(primary_key=True)
    src: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    role: str = Field(primary_key=True)
    seq_from: int = Field(primary_key=True, sa_type=BigInteger)
    seq_to: int = Field(sa_type=BigInteger)
    valid_from: str
    valid_to: str


NODES: Final = cast("Table", NodeRow.__table__)  # type: ignore[attr-defined]
EDGES: Final = cast("Table", EdgeRow.__table__)  # type: ignore[attr-defined]
TABLES: Final = (NODES, EDGES)

KEY: Final = ("dst", "src", "type", "role", "seq_from")
"""The columns that name an edge, in the order of ``core.lineage.beliefs.key_of``."""

EdgeColumns: TypeAlias = tuple[str, str, str, str, int, int, str, str]
_TYPES: Final = {type_.value: type_ for type_ in RelationType}


def row_of(edge: Edge) -> Mapping[str, str | int]:
    """Write an edge as a row."""
    return {
        "dst": edge.dst,
        "src": edge.src,
        "type": edge.type.value,
        "role": edge.role,
        "seq_from": edge.seq_from,
        "seq_to": edge.seq_to,
        "valid_from": edge.valid_from,
        "valid_to": edge.valid_to,
    }


def edge_of(row: Row[*EdgeColumns]) -> Edge:
    """Read a row of the edge table, its columns in the table's order. Raises ChainBroken."""
    dst, src, type_, role, seq_from, seq_to, valid_from, valid_to = row
    if type_ not in _TYPES:
        raise ChainBroken(
            f"the graph's table has an edge of the type {type_!r}, which there is none of",
            remedy="run `muniment ledger fsck`, then `muniment graph reconcile`",
        )
    return Edge(src, dst, _TYPES[type_], role, seq_from, seq_to, valid_from, valid_to)
