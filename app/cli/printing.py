"""Aligned tables and short sentences: with rich on a terminal, as plain text elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.cli.calling import Call
    from app.core.jsonvalue import Json


def table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Write rows under their columns, aligned; what is absent is a dash."""
    cells = [[_cell(row.get(name)) for name in columns] for row in rows]
    heads = [name.replace("_", " ").upper() for name in columns]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    lines = [heads, *cells]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def show_list(call: Call, columns: Sequence[str], items: list[dict[str, Any]]) -> None:
    """Write a list as the result."""
    if call.json:
        call.show({"items": items}, "")
    elif not items:
        call.note("nothing there")
    elif call.color and sys.stdout.isatty():
        _rich(columns, items)
    else:
        call.show({}, table(columns, items))


def facts(document: Mapping[str, Any], names: Sequence[str] | None = None) -> str:
    """Write a document's plain members, one a line, aligned."""
    shown = [
        (name.replace("_", " "), _cell(document[name]))
        for name in (names or document)
        if name in document and document[name] not in (None, [], {})
    ]
    width = max((len(name) for name, _ in shown), default=0)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in shown)


def receipt(call: Call, answer: dict[str, Json]) -> None:
    """Write the receipt of something recorded."""
    call.show(answer, f"recorded as entry {answer['index']}: {answer['subject']}")


def _cell(value: object) -> str:
    if value is None or value in ([], {}, ()):
        return "-"
    match value:
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(_cell(one) for one in value)
        case dict():
            return " ".join(f"{name}={_cell(one)}" for name, one in value.items())
        case _:
            return str(value)


def _rich(columns: Sequence[str], items: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    drawn = Table(box=None, pad_edge=False)
    for place, name in enumerate(columns):
        # The first column is what one copies into the next command.
        drawn.add_column(name.replace("_", " ").upper(), overflow="fold", no_wrap=place == 0)
    for item in items:
        drawn.add_row(*(_cell(item.get(name)) for name in columns))
    Console().print(drawn)
