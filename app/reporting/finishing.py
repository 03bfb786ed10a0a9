"""The last pass over a PDF: what the typesetter leaves out."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pikepdf import Object


def finish(pdf: bytes, media_types: Mapping[str, str]) -> bytes:
    """Give header cells their scope and embedded files their media type.

    ``media_types``: by file name. The identifier of the file is derived from its content.
    """
    from pikepdf import Dictionary, Name, Pdf

    with Pdf.open(BytesIO(pdf)) as opened:
        for cell, scope in _header_cells(opened.Root.StructTreeRoot.K):
            cell.A = opened.make_indirect(Dictionary(O=Name("/Table"), Scope=Name(f"/{scope}")))
        for name, file in opened.attachments.items():
            stream = file.obj.EF.F
            stream.Subtype = Name(f"/{media_types[name]}")
        finished = BytesIO()
        opened.save(finished, deterministic_id=True)
    return finished.getvalue()


def _header_cells(element: Object) -> Iterator[tuple[Object, str]]:
    """Yield each TH with its scope: Column in a table's head, else Row."""
    waiting = [(element, "Row")]
    while waiting:
        here, scope = waiting.pop()
        for child in _children(here):
            kind = str(child.get("/S", ""))
            if kind == "/TH":
                yield child, scope
            within = {"/THead": "Column", "/Table": "Row"}.get(kind, scope)
            waiting.append((child, within))


def _children(element: Object) -> Iterator[Object]:
    """Yield structure elements among the kids; marked content and annotations are none."""
    from pikepdf import Array, Dictionary

    kids = element if isinstance(element, Array) else element.get("/K", Array())
    for kid in kids if isinstance(kids, Array) else [kids]:
        if isinstance(kid, Dictionary) and "/S" in kid:
            yield kid


def embedded(pdf: bytes, name: str) -> bytes:
    """Read a file that a PDF embeds; empty if there is none of that name."""
    from pikepdf import Pdf

    with Pdf.open(BytesIO(pdf)) as opened:
        spec = opened.attachments.get(name)
        return b"" if spec is None else spec.get_file().read_bytes()
