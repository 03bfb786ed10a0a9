"""Drawing the answer to a question: ask, take together, lay out, write."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.lineage import asking
from app.lineage.layout import Flow
from app.lineage.picture import picture_of, shown, way_of
from app.lineage.svg import Caption, draw, sketch_of

if TYPE_CHECKING:
    from app.core.lineage.closure import Direction, WhyPath
    from app.lineage.asking import Answer, Terms
    from app.lineage.hidden import Names
    from app.lineage.layout import Layout
    from app.lineage.picture import Picture, Shown
    from app.lineage.ports import LineageStore


@dataclass(frozen=True, slots=True)
class Drawing:
    """``svg``: the picture. ``layout``: digest of where its boxes stand."""

    svg: str
    layout: str
    picture: Picture


def around(
    store: LineageStore, log_size: int, node: str, direction: Direction, terms: Terms
) -> Answer[Shown]:
    """Ask for what is to be shown around a node, and how much lies behind it.

    Raises as ``asking.closure``.
    """
    farther = replace(terms, depth=terms.depth + 1, kinds=None, limit=None)
    found = asking.closure(store, log_size, node, direction, farther)
    result = shown(found.result, direction, terms.depth, terms.kinds, terms.limit)
    status = result.status if found.status is found.result.status else found.status
    return asking.Answer(result, found.graph_seq, found.log_size, status, found.source)


def draw_around(
    layout: Layout,
    answer: Answer[Shown],
    names: Names,
    *,
    node: str,
    direction: Direction,
    size: int,
    every: bool = False,
    base: str = "",
) -> Drawing:
    """Draw an answer of ``around``. ``size``: of the log that was asked about."""
    picture = replace(picture_of(answer.result, names, every=every), status=answer.status)
    placed = layout(sketch_of(picture, Flow.ACROSS))
    caption = Caption(f"Lineage {direction} of {node}", size, base)
    return Drawing(draw(picture, placed, caption), placed.digest, picture)


def draw_way(
    layout: Layout,
    answer: Answer[WhyPath],
    names: Names,
    *,
    cause: str,
    effect: str,
    size: int,
    base: str = "",
) -> Drawing | None:
    """Draw the way of a why-question, downwards; None where there is none."""
    path = answer.result.path
    if not path:
        return None
    picture = way_of(path, names, answer.status)
    placed = layout(sketch_of(picture, Flow.DOWN))
    caption = Caption(f"Why {effect} goes back to {cause}", size, base)
    return Drawing(draw(picture, placed, caption, said=True), placed.digest, picture)
