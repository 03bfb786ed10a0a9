"""What a report says of lineage: why-paths, and everything that versions go back to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PathNode:
    """One stop of a why-path. ``relation``: to the next stop, as PROV names it; last: ''."""

    kind: str
    label: str
    relation: str
    index: int | None


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """Something that a reported version goes back to. ``distance``: steps, nearest first."""

    kind: str
    label: str
    distance: int
    index: int | None


@dataclass(frozen=True, slots=True)
class LineageFacts:
    """``status``: complete, truncated or timeout, as the lineage answer said."""

    paths: tuple[tuple[PathNode, ...], ...]
    sources: tuple[SourceFacts, ...]
    status: str
