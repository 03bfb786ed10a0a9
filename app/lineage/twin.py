"""The same as a picture, as rows: every node and edge of it, for reading and for a file."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.lineage.nodes import kind_of
from app.lineage.picture import called, words
from app.web.listing import csv_text
from app.web.paths import entry_of, page_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.core.jsonvalue import Json
    from app.core.lineage.relations import Edge
    from app.lineage.asking import Answer
    from app.lineage.hidden import Names
    from app.lineage.picture import Shown

SENTENCES = {
    "version": "is a version of",
    "input": "used",
    "output": "was made by",
    "source": "was made from",
    "trained": "was trained on",
    "base": "was tuned from",
    "deployed": "runs",
    "live": "is at",
    "retired": "is retired at",
}
"""What an edge says, from effect to cause."""


@dataclass(frozen=True, slots=True)
class Step:
    """One claim: ``effect`` did ``said`` to ``cause``. Paths are None where there is no page."""

    cause: str
    cause_path: str | None
    effect: str
    effect_path: str | None
    said: str
    role: str
    index: int
    entry_path: str


@dataclass(frozen=True, slots=True)
class Row:
    """A node with what it directly comes from. ``beyond``: nodes behind it that are left out."""

    name: str
    path: str | None
    kind: str
    distance: int
    claims: tuple[Step, ...]
    beyond: int


def step_of(edge: Edge, names: Names) -> Step:
    """Write a claim in words."""
    return Step(
        cause=_name(edge.src, names),
        cause_path=_path(edge.src, names),
        effect=_name(edge.dst, names),
        effect_path=_path(edge.dst, names),
        said=SENTENCES[edge.type],
        role=edge.role,
        index=edge.seq_from,
        entry_path=entry_of(edge.seq_from),
    )


def rows_of(what: Shown, names: Names) -> tuple[Row, ...]:
    """Write every node, with every edge that leads to it."""
    leading: defaultdict[str, list[Edge]] = defaultdict(list)
    for edge in what.edges:
        leading[edge.dst].append(edge)
    return tuple(
        Row(
            name=_name(one.gid, names),
            path=_path(one.gid, names),
            kind=words(kind_of(one.gid)),
            distance=one.distance,
            claims=tuple(step_of(edge, names) for edge in leading[one.gid]),
            beyond=what.beyond.get(one.gid, 0),
        )
        for one in what.nodes
    )


def as_json(answer: Answer[Shown], names: Names, *, size: int) -> dict[str, Json]:
    """Write what is shown as the closure is served; ``size``: of the log asked about."""
    nodes: list[Json] = [
        {
            "gid": names.gid(one.gid),
            "subject": names.subject(one.gid),
            "kind": kind_of(one.gid),
            "distance": one.distance,
            "beyond": answer.result.beyond.get(one.gid, 0),
        }
        for one in answer.result.nodes
    ]
    edges: list[Json] = [
        {
            "src": names.gid(edge.src),
            "dst": names.gid(edge.dst),
            "type": edge.type,
            "role": edge.role,
            "index": edge.seq_from,
        }
        for edge in answer.result.edges
    ]
    return {
        "result": {"nodes": nodes, "edges": edges},
        "asked_at_size": size,
        "graph_seq": answer.graph_seq,
        "log_size": answer.log_size,
        "status": answer.status,
        "source": answer.source,
    }


HEAD = (
    "row", "node", "kind", "distance", "beyond", "from", "relation", "role", "entry", "log_size",
    "status",
)  # fmt: skip


def as_csv(answer: Answer[Shown], names: Names, *, size: int) -> str:
    """Write what is shown as rows of nodes, then of edges; each is stamped with the log's size."""
    stamp: list[Json] = [size, answer.status]
    rows: list[Sequence[Json]] = [HEAD]
    for one in answer.result.nodes:
        beyond = answer.result.beyond.get(one.gid, 0)
        kind = kind_of(one.gid)
        about: list[Json] = ["node", names.gid(one.gid), kind, one.distance, beyond]
        rows.append([*about, None, None, None, None, *stamp])
    for edge in answer.result.edges:
        claim: list[Json] = [names.gid(edge.src), edge.type, edge.role or None, edge.seq_from]
        rows.append(["edge", names.gid(edge.dst), kind_of(edge.dst), None, None, *claim, *stamp])
    return csv_text(rows)


def _name(gid: str, names: Names) -> str:
    return names.subject(gid) or called(gid, names)


def _path(gid: str, names: Names) -> str | None:
    subject = names.subject(gid)
    return None if subject is None else page_of(subject)
