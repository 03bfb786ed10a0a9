"""Writing a picture as SVG: text, links and shapes, and what the picture is of.

Colours are presentation attributes, so that the file looks right by itself and a page's
style sheet may say otherwise. The kind of a node is a word and a shape, never a colour alone.
Source: SVG 2 (W3C Candidate Recommendation), 9 (paths), 11 (text), 16 (links).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, sin
from typing import TYPE_CHECKING, Final
from unicodedata import category, east_asian_width
from xml.etree.ElementTree import Element, SubElement, tostring

from app.core.lineage.closure import Status
from app.core.lineage.nodes import NodeKind
from app.lineage.layout import Flow, Sketch
from app.lineage.picture import words
from app.web.paths import lineage_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.lineage.layout import Placed, Point
    from app.lineage.picture import Arrow, Box, Picture

WIDTH, HEIGHT = 232, 56
PAD: Final = 12
MARGIN: Final = 8
LINE: Final = 18
CELL: Final = 7.3
"""Width that one letter of the names may take: 12 units of a monospaced face are 7.23."""
CELLS: Final = int((WIDTH - 2 * PAD) / CELL)
FOOT: Final = 6.7
"""The same of the smaller letters below the picture and above the names."""

MONO: Final = "'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"
INK, PALE, LINES, PAPER = "#1b1f24", "#57606a", "#7a838d", "#ffffff"


@dataclass(frozen=True, slots=True)
class Caption:
    """``title``: what the picture is of. ``size``: of the log that it tells about.

    ``base``: address that links begin with; empty on a page of this site.
    """

    title: str
    size: int
    base: str = ""


def sketch_of(picture: Picture, flow: Flow) -> Sketch:
    """Tell a layout what is to be placed."""
    pairs = tuple((one.src, one.dst) for one in picture.arrows)
    apart = 44 if flow is Flow.ACROSS else 40
    return Sketch(len(picture.boxes), pairs, flow, WIDTH, HEIGHT, apart, 16)


def draw(picture: Picture, placed: Placed, caption: Caption, *, said: bool = False) -> str:
    """Write the picture. ``said``: with the words of each arrow, for a single line of boxes."""
    feet = list(_feet(picture, placed, caption))
    width = max(placed.width + 2 * MARGIN, max(map(len, feet)) * FOOT + 2 * MARGIN)
    height = placed.height + 2 * MARGIN + LINE * len(feet) + MARGIN
    svg = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": "lineage",
            "viewBox": f"0 0 {width:g} {height:g}",
            "width": f"{width:g}",
            "height": f"{height:g}",
            "font-family": MONO,
            "role": "group",
            "aria-label": printable(caption.title),
            "data-layout": placed.digest,
            "data-log-size": str(caption.size),
        },
    )
    SubElement(svg, "title").text = printable(caption.title)
    SubElement(
        svg,
        "rect",
        {"class": "paper", "width": f"{width:g}", "height": f"{height:g}", "fill": PAPER},
    )
    main = SubElement(svg, "g", {"transform": f"translate({MARGIN} {MARGIN})"})
    for arrow, curve in zip(picture.arrows, placed.arrows, strict=True):
        _arrow(main, arrow, curve, picture, said=said)
    in_reading_order = sorted(
        zip(picture.boxes, placed.boxes, strict=True), key=lambda one: (one[1], one[0].name)
    )
    for box, middle in in_reading_order:
        _box(main, box, middle, caption.base)
    for line, foot in enumerate(feet):
        at = placed.height + 2 * MARGIN + LINE * (line + 1)
        _text(svg, foot, (MARGIN, at), "stamp", PALE, 11)
    return tostring(svg, encoding="unicode")


def _feet(picture: Picture, placed: Placed, caption: Caption) -> Iterator[str]:
    things = f"{_counted(picture.nodes, 'node')}, {_counted(picture.edges, 'edge')}"
    if picture.grouped:
        yield f"{things}, taken together by kind and distance; the list has each of them."
    else:
        yield f"{things}."
    match picture.status:
        case Status.TRUNCATED:
            yield f"TRUNCATED: {picture.hidden or 'some'} more known here are not shown."
        case Status.TIMEOUT:
            yield "TIMED OUT: there may be more than is shown."
        case Status.COMPLETE:
            pass
    yield f"Log size {caption.size:,} · layout {placed.digest[7:19]}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _box(parent: Element, box: Box, middle: Point, base: str) -> None:
    left, top = middle[0] - WIDTH / 2, middle[1] - HEIGHT / 2
    group = SubElement(
        parent,
        "g",
        {
            "class": f"node {box.kind}",
            "transform": f"translate({left:g} {top:g})",
            "data-kind": box.kind,
        },
    )
    target = group
    if box.page is not None:
        target = SubElement(group, "a", {"href": f"{base}{box.page}", "aria-label": _spoken(box)})
    SubElement(target, "title").text = _spoken(box)
    if box.members > 1:
        SubElement(target, "path", {"class": "shape", "d": _behind(), "fill": PAPER} | _stroke())
    SubElement(
        target,
        "path",
        {"class": "shape", "d": _shape(box), "fill": PAPER} | _stroke(dashed=box.kind),
    )
    _text(target, words(box.kind), (PAD, 21), "kind", PALE, 11)
    _text(target, clip(box.name, CELLS), (PAD, 41), "name", INK, 12)
    if box.beyond:
        _more(group, box, base)


def _more(group: Element, box: Box, base: str) -> None:
    """Count what is behind a box and not shown; a link that goes there, for a single node."""
    parent = group
    if box.gid and "*" not in box.gid:
        label = f"Show {box.beyond:,} more behind {printable(box.name)}"
        parent = SubElement(
            group, "a", {"href": lineage_of(box.gid, base), "class": "onward", "aria-label": label}
        )
        # A target of at least 24 by 24 (WCAG 2.2, 2.5.8).
        wide = {"x": f"{WIDTH - 72}", "y": "2", "width": "70", "height": "26"}
        SubElement(parent, "rect", wide | {"fill": "none", "pointer-events": "all"})
    _text(parent, f"+{box.beyond:,}", (WIDTH - PAD, 21), "beyond", INK, 11, anchor="end")


def _arrow(
    parent: Element, arrow: Arrow, curve: tuple[Point, ...], picture: Picture, *, said: bool
) -> None:
    src, dst = (picture.boxes[number].name for number in (arrow.src, arrow.dst))
    kinds = ", ".join(arrow.types)
    many = f" ({arrow.edges:,} edges)" if arrow.edges > 1 else ""
    group = SubElement(parent, "g", {"class": "edge", "data-edges": str(arrow.edges)})
    SubElement(group, "title").text = printable(f"{src} → {dst}: {kinds}{many}")
    (x, y), *rest = curve
    path = f"M{x:g} {y:g}C" + " ".join(f"{px:g} {py:g}" for px, py in rest)
    SubElement(group, "path", {"class": "line", "d": path, "fill": "none"} | _stroke())
    SubElement(group, "path", {"class": "head", "d": _head(curve), "fill": LINES})
    if said:
        at = ((x + curve[-1][0]) / 2 + 8, (y + curve[-1][1]) / 2 + 4)
        _text(group, kinds, at, "said", PALE, 11)


def _head(curve: tuple[Point, ...]) -> str:
    """A triangle with its tip where the curve ends."""
    tip_x, tip_y = curve[-1]
    back = next((one for one in reversed(curve) if one != curve[-1]), curve[0])
    angle = atan2(tip_y - back[1], tip_x - back[0])

    def corner(side: float) -> str:
        x = tip_x - 8 * cos(angle) + side * sin(angle)
        y = tip_y - 8 * sin(angle) - side * cos(angle)
        return f"{x:.1f} {y:.1f}"

    return f"M{tip_x:g} {tip_y:g}L{corner(3.5)}L{corner(-3.5)}Z"


def _shape(box: Box) -> str:
    """Outline a kind: data has a folded corner, runs points, models round ends, places a foot."""
    w, h = WIDTH - 1, HEIGHT - 1
    if box.members > 1:
        w, h = w - 4, h - 4
    match box.kind:
        case NodeKind.DATASET | NodeKind.DATASET_VERSION:
            return f"M.5 .5H{w - 12}L{w} 12.5V{h}H.5Z"
        case NodeKind.RUN:
            return f"M8.5 .5H{w - 8}L{w} {h / 2}L{w - 8} {h}H8.5L.5 {h / 2}Z"
        case NodeKind.MODEL | NodeKind.MODEL_VERSION:
            r = 14
            return (
                f"M{r} .5H{w - r}A{r} {r} 0 0 1 {w} {r}V{h - r}A{r} {r} 0 0 1 {w - r} {h}"
                f"H{r}A{r} {r} 0 0 1 .5 {h - r}V{r}A{r} {r} 0 0 1 {r} .5Z"
            )
        case NodeKind.DEPLOYMENT | NodeKind.DEPLOYMENT_REVISION:
            return f"M.5 .5H{w}V{h}H.5ZM.5 {h - 5}H{w}"
        case NodeKind.ENTITY:
            return f"M.5 .5H{w}V{h}H.5Z"


def _behind() -> str:
    """What shows of the boxes behind the first one."""
    return f"M5.5 {HEIGHT - 4.5}V{HEIGHT - 0.5}H{WIDTH - 0.5}V5.5H{WIDTH - 4.5}"


def _stroke(dashed: NodeKind | None = None) -> dict[str, str]:
    dash = {"stroke-dasharray": "4 3"} if dashed is NodeKind.ENTITY else {}
    return {"stroke": LINES, "stroke-width": "1"} | dash


def _text(
    parent: Element, text: str, at: Point, name: str, fill: str, size: int, anchor: str = "start"
) -> None:
    element = SubElement(
        parent,
        "text",
        {
            "class": name,
            "x": f"{at[0]:g}",
            "y": f"{at[1]:g}",
            "font-size": str(size),
            "fill": fill,
            # A name of another direction stays in its place.
            "direction": "ltr",
            "unicode-bidi": "isolate-override",
        }
        | ({"text-anchor": anchor} if anchor != "start" else {}),
    )
    element.text = text


def _spoken(box: Box) -> str:
    near, far = box.distance
    hops = f"{near}" if near == far else f"{near} to {far}"
    behind = f", {box.beyond:,} more behind" if box.beyond else ""
    unit = "hop" if (near, far) == (1, 1) else "hops"
    kind = "" if box.members > 1 else f"{words(box.kind)} "
    return printable(f"{kind}{box.name}, {hops} {unit} away{behind}")


def printable(text: str) -> str:
    """Replace what is no letter, such as control characters, which XML cannot hold."""
    return "".join("\N{REPLACEMENT CHARACTER}" if category(one)[0] == "C" else one for one in text)


def clip(name: str, cells: int) -> str:
    """Shorten a name in its middle, for its end tells versions apart. Wide letters take two."""
    letters = list(printable(name))
    if sum(map(_cells, letters)) <= cells:
        return "".join(letters)
    tail, room = [], cells // 2
    while letters and _cells(letters[-1]) <= room:
        room -= _cells(letters[-1])
        tail.append(letters.pop())
    head, room = [], cells - 1 - cells // 2
    for one in letters:
        room -= _cells(one)
        if room < 0:
            break
        head.append(one)
    return "".join(head) + "…" + "".join(reversed(tail))


def _cells(letter: str) -> int:
    return 2 if east_asian_width(letter) in "WF" else 1
