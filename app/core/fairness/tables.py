"""From the finest cells to the tables that a rule asks for."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from app.core.errors import Fault, SchemaMismatch
from app.core.fairness.cells import Confusion, Row, Selected, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.core.fairness.cells import Counts, Tally


def tables_of(
    tally: Tally, attributes: Sequence[str], intersections: Sequence[Sequence[str]] = ()
) -> tuple[Table, ...]:
    """Derive one table per attribute, then one per intersection, in the order asked.

    Raises SchemaMismatch (``#/attributes/<i>``, ``#/intersections/<i>``): not in the tally.
    """
    asked: list[tuple[str, tuple[str, ...]]] = [
        (f"#/attributes/{i}", (name,)) for i, name in enumerate(attributes)
    ]
    asked += [(f"#/intersections/{i}", tuple(names)) for i, names in enumerate(intersections)]
    faults = [
        Fault(pointer, f"not counted: {name}")
        for pointer, names in asked
        for name in names
        if name not in tally.attributes
    ]
    if faults:
        raise SchemaMismatch(
            f"the counts know only {', '.join(tally.attributes)}",
            remedy="upload the predictions with the attributes that the rule names",
            faults=faults,
        )
    return tuple(_table(tally, names) for _, names in asked)


def total(counts: Iterable[Counts], *, labelled: bool) -> Counts:
    """Add counts of one form; of nothing, zeros of that form."""
    if not labelled:
        pairs = [(c.n, c.selected) for c in counts]
        return Selected(sum(n for n, _ in pairs), sum(selected for _, selected in pairs))
    cells = [c for c in counts if isinstance(c, Confusion)]
    return Confusion(
        tp=sum(c.tp for c in cells),
        fp=sum(c.fp for c in cells),
        fn=sum(c.fn for c in cells),
        tn=sum(c.tn for c in cells),
    )


def _table(tally: Tally, names: tuple[str, ...]) -> Table:
    unknown: list[Counts] = []
    members: dict[tuple[str, ...], list[Counts]] = {}
    for cell in tally.cells:
        values = dict(cell.group)
        key = tuple(value for name in names if (value := values[name]) is not None)
        if len(key) < len(names):
            unknown.append(cell.counts)
        else:
            members.setdefault(key, []).append(cell.counts)
    seen = [
        sorted({v for cell in tally.cells if (v := dict(cell.group)[name]) is not None})
        for name in names
    ]
    rows = tuple(
        Row(
            tuple(zip(names, key, strict=True)),
            total(members.get(key, ()), labelled=tally.labelled),
        )
        for key in product(*seen)
    )
    return Table(names, rows, total(unknown, labelled=tally.labelled))
