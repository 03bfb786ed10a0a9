"""The questions, and how honestly they are answered.

Every answer tells how far the graph and the log were, and whether it is whole. A question
about a state that is not there is refused, never answered with another state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from app.core.errors import Fault, Missing, Rejected
from app.core.lineage import closure as core
from app.core.lineage.closure import DEPTH, Direction, Status
from app.core.lineage.nodes import gid_of
from app.core.lineage.relations import LATEST, View
from app.lineage.sql_store import SqlLineageStore

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from app.core.lineage.closure import Ancestry, Closure, Impact, State, WhyPath
    from app.core.lineage.nodes import NodeKind
    from app.lineage.ports import LineageStore

T = TypeVar("T")

NO_END: Final = float("inf")
_HONESTY: Final = (Status.COMPLETE, Status.TRUNCATED, Status.TIMEOUT)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a question is asked about, and what its answer may cost.

    ``as_of_seq``: size of the log to answer for, None for all of it. ``moment``: time to
    answer for, as the log writes times. ``min_seq``: size that the graph must have reached.
    ``timeout``: seconds. ``limit``: nodes to list.
    """

    as_of_seq: int | None = None
    moment: str = LATEST
    min_seq: int = 0
    depth: int = DEPTH
    kinds: Collection[NodeKind] | None = None
    limit: int | None = None
    timeout: float = NO_END


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """``graph_seq``, ``log_size``: entries the graph had taken in, and the log had."""

    result: T
    graph_seq: int
    log_size: int
    status: Status
    source: str


def closure(
    store: LineageStore, log_size: int, node: str, direction: Direction, terms: Terms
) -> Answer[Closure]:
    """Ask for everything that ``node`` (a subject or gid) came from, or that came of it.

    Raises Missing: no such node then. Rejected: the log is not that far.
    """
    view = _view(terms, log_size, store)
    start = _node(store, node, "node", view)
    cone = store.cone(start, direction, view, terms.depth, terms.timeout)
    result = core.closure(
        cone.edges,
        start,
        direction,
        view,
        depth=terms.depth,
        kinds=terms.kinds,
        limit=terms.limit,
    )
    return _answer(store, log_size, result, result.status, cone.status)


def impact(
    store: LineageStore, log_size: int, node: str, terms: Terms, state: State | None = None
) -> Answer[Impact]:
    """Ask what ``node`` affects, and why. Raises as ``closure``."""
    view = _view(terms, log_size, store)
    start = _node(store, node, "node", view)
    cone = store.cone(start, Direction.DOWNSTREAM, view, terms.depth, terms.timeout)
    result = core.impact(
        cone.edges,
        start,
        view,
        depth=terms.depth,
        kinds=terms.kinds,
        state=state,
        limit=terms.limit,
    )
    return _answer(store, log_size, result, result.status, cone.status)


def why(
    store: LineageStore, log_size: int, cause: str, effect: str, terms: Terms
) -> Answer[WhyPath]:
    """Ask for the shortest way from ``cause`` to ``effect``. Raises as ``closure``."""
    view = _view(terms, log_size, store)
    start, end = _node(store, cause, "from", view), _node(store, effect, "to", view)
    cone = store.cone(end, Direction.UPSTREAM, view, terms.depth, terms.timeout)
    result = core.why(cone.edges, start, end, view, depth=terms.depth)
    return _answer(store, log_size, result, result.status, cone.status)


def ancestors(connection: Connection, subject: str, size: int) -> Ancestry:
    """Find what a subject came from, in the snapshot of a decision: it waits for no clock.

    ``size``: of the log that ``connection`` shows. Each ancestor has its distance and the
    shortest way from it to the subject. Nothing known of the subject is nothing found.
    """
    view = View(size)
    start = gid_of(subject)
    cone = SqlLineageStore(connection, size).cone(start, Direction.UPSTREAM, view, DEPTH, NO_END)
    result = core.ancestors(cone.edges, start, view)
    return core.Ancestry(result.ancestors, _worse(result.status, cone.status))


def check_reached(terms: Terms, log_size: int) -> None:
    """Raise Rejected if the log itself has not reached what a question asks for."""
    for name, size in (("min_seq", terms.min_seq), ("as_of_seq", terms.as_of_seq)):
        if size is not None and size > log_size:
            raise Rejected(
                f"{name} is {size} and the log has {log_size} entries",
                remedy="ask for a size that the log has reached",
                faults=[Fault(f"#/query/{name}", f"at most {log_size}")],
            )


def _view(terms: Terms, log_size: int, store: LineageStore) -> View:
    """Tell from where to look: as of a size the log has, or all that the graph has taken in."""
    check_reached(terms, log_size)
    return View(store.graph_seq if terms.as_of_seq is None else terms.as_of_seq, terms.moment)


def gid_written(node: str) -> str:
    """Read a node as a question names it: a subject or a gid."""
    return node if ":" in node else gid_of(node)


def no_node(node: str, place: str) -> Missing:
    """Refuse to know a node; ``place``: the parameter that names it."""
    return Missing(
        f"the log names no node {node[:200]!r} at that size",
        remedy="write a subject, such as dataset/credit/3, or the gid that an answer gave",
        faults=[Fault(f"#/query/{place}", "names no node")],
    )


def _node(store: LineageStore, written: str, place: str, view: View) -> str:
    gid = gid_written(written)
    if not store.has(gid, view.size):
        raise no_node(written, place)
    return gid


def _answer(
    store: LineageStore, log_size: int, result: T, status: Status, cone: Status
) -> Answer[T]:
    return Answer(result, store.graph_seq, log_size, _worse(status, cone), store.source)


def _worse(one: Status, other: Status) -> Status:
    """Choose the status that promises less."""
    return max(one, other, key=_HONESTY.index)
