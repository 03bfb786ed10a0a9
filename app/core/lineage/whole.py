"""The whole graph, made of the log's deltas alone, and one digest that names it.

Whatever a store holds is held against this: it is what the log says, read once from its start.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from app.core.lineage.beliefs import key_of, line_of, revise
from app.core.lineage.relations import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from app.core.lineage.beliefs import Key, Line
    from app.core.lineage.delta import GraphDelta
    from app.core.lineage.relations import Edge


class Whole:
    """Takes in deltas in the log's order.

    ``nodes``: gid to the entry that named it first. ``edges``: every edge ever believed, by key.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, int] = {}
        self.edges: dict[Key, Edge] = {}
        self._believed: dict[Line, dict[Key, Edge]] = {}

    def take(self, change: GraphDelta, index: int) -> None:
        """Take in what entry ``index`` says."""
        for gid in change.nodes:
            self.nodes.setdefault(gid, index)
        lines = {line_of(edge) for edge in change.opened}
        believed = [edge for line in lines for edge in self._believed.get(line, {}).values()]
        told = revise(believed, change.opened)
        for edge in (*told.ended, *told.begun):
            line = self._believed.setdefault(line_of(edge), {})
            self.edges[key_of(edge)] = edge
            if edge.seq_to == OPEN:
                line[key_of(edge)] = edge
            else:
                line.pop(key_of(edge), None)


def digest(nodes: Mapping[str, int], edges: Iterable[Edge]) -> str:
    """Name a graph by everything in it: 64 hex digits, whatever order it is given in."""
    lines = [json.dumps(["node", gid, index]) for gid, index in nodes.items()]
    lines += [
        json.dumps([
            "edge", edge.src, edge.dst, edge.type.value, edge.role,
            edge.seq_from, edge.seq_to, edge.valid_from, edge.valid_to,
        ])
        for edge in edges
    ]  # fmt: skip
    return _named(lines)


def beliefs_digest(nodes: Iterable[str], edges: Iterable[Edge]) -> str:
    """Name what a graph tells now, whichever entries told it and in which order: 64 hex digits."""
    lines = [json.dumps(["node", gid]) for gid in nodes]
    lines += [
        json.dumps([
            "edge", edge.src, edge.dst, edge.type.value, edge.role, edge.valid_from, edge.valid_to
        ])
        for edge in edges
        if edge.seq_to == OPEN
    ]  # fmt: skip
    return _named(lines)


def _named(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
