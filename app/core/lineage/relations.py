"""The edges of the graph: what each type says, and when an edge is believed and holds.

Every edge points the way the data flows, from cause to effect, so that one closure goes one
way along one fixed list of types (FLOW). PROV reads the same edges from effect to cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class RelationType(StrEnum):
    """What an edge from ``src`` to ``dst`` says.

    VERSION: dst is a version of src. INPUT: the run dst used src. OUTPUT: the run src made
    dst. SOURCE: the dataset version dst was made from src. TRAINED: the model version dst was
    trained on src. BASE: dst was tuned from the model version src. DEPLOYED: the revision dst
    runs src. LIVE: the deployment dst is at the revision src. RETIRED: it is at src, where
    nothing runs.
    """

    VERSION = "version"
    INPUT = "input"
    OUTPUT = "output"
    SOURCE = "source"
    TRAINED = "trained"
    BASE = "base"
    DEPLOYED = "deployed"
    LIVE = "live"
    RETIRED = "retired"


FLOW: Final = frozenset(RelationType) - {RelationType.RETIRED}
"""The types that a closure follows. Whatever only governs is never among them."""

EXCLUSIVE: Final = frozenset({RelationType.LIVE, RelationType.RETIRED})
"""Of these types together, one edge at a time leads to a node."""

PROV: Final[Mapping[RelationType, str]] = {
    RelationType.VERSION: "specialization_of",
    RelationType.INPUT: "used",
    RelationType.OUTPUT: "was_generated_by",
    RelationType.SOURCE: "was_derived_from",
    RelationType.TRAINED: "was_derived_from",
    RelationType.BASE: "was_derived_from",
    RelationType.DEPLOYED: "was_derived_from",
    RelationType.LIVE: "was_derived_from",
    RelationType.RETIRED: "was_influenced_by",
}
"""How PROV-DM says ``dst … src``, from effect to cause."""

OPEN: Final = 2**63 - 1
"""``seq_to`` of an edge that is still believed: the largest index a store can hold."""

FOREVER: Final = "forever"
"""``valid_to`` of an edge with no end; as text it comes after every time."""

LATEST: Final = "9999-12-31T23:59:59.999999Z"
"""The last moment that can be written: what holds then has no end."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One claim of the log. ``role``: of an input or output of a run, else empty.

    ``seq_from``, ``seq_to``: index of the entry since which it is believed, and of the one
    that corrected it (OPEN). ``valid_from``, ``valid_to``: since when and until before when it
    holds in the world, as the log writes times, which sort as text (FOREVER).
    """

    src: str
    dst: str
    type: RelationType
    role: str
    seq_from: int
    seq_to: int
    valid_from: str
    valid_to: str


@dataclass(frozen=True, slots=True)
class View:
    """From where the graph is looked at.

    ``size``: what the first ``size`` entries of the log tell. ``moment``: what they tell of
    that time; LATEST for what holds with no end in sight.
    """

    size: int
    moment: str = LATEST

    def sees(self, edge: Edge) -> bool:
        believed = edge.seq_from < self.size <= edge.seq_to
        return believed and edge.valid_from <= self.moment < edge.valid_to
