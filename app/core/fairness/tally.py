"""Cells into a sound tally, and back: the form of the API and of the ledger."""

from __future__ import annotations

import unicodedata
from math import prod
from typing import TYPE_CHECKING

from app.core.errors import EmptyGroup, Fault, SchemaMismatch
from app.core.fairness.cells import Cell, Confusion, Counts, Favourable, Selected, Tally

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.core.fairness.cells import Key
    from app.core.jsonvalue import Json

ATTRIBUTE_LIMIT = 3
CELL_LIMIT = 200
TEXT_LIMIT = 200
COUNT_LIMIT = 2**53 - 1

_CONFUSION = ("tp", "fp", "fn", "tn")
_SELECTED = ("n", "selected")


def favourable_of(favourable_outcome: str, positive_label: str | None = None) -> Favourable:
    """Say whether the favourable outcome is the positive prediction.

    ``selected``, ``tp`` and ``fp`` count predictions equal to ``positive_label``. Without
    one it is ``"1"`` where the favourable outcome is ``"0"`` or ``"1"``, else the favourable
    outcome itself.
    """
    codes = {str(code) for code in Favourable}
    positive = positive_label or ("1" if favourable_outcome in codes else favourable_outcome)
    return Favourable.POSITIVE if favourable_outcome == positive else Favourable.NEGATIVE


def parse_tally(attributes: Sequence[str], cells: Sequence[Json], favourable: Favourable) -> Tally:
    """Read cells as the API and the ledger write them.

    A cell is ``{group, n, selected}`` or ``{group, tp, fp, fn, tn}``; both together where
    they agree. ``group`` maps every attribute to a string, or to null where it is unknown.
    Raises SchemaMismatch with pointers ``#/cells/<i>/<member>``, EmptyGroup: nobody counted.
    """
    faults: list[Fault] = []
    read = [_parse_cell(cell, f"#/cells/{i}", faults) for i, cell in enumerate(cells)]
    if faults:
        raise SchemaMismatch("the cells are not counts of groups", faults=faults)
    return tally(attributes, [cell for cell in read if cell is not None], favourable)


def format_cells(tally: Tally) -> list[dict[str, Json]]:
    """Write the cells for the ledger: ``n`` and ``selected`` always, the four where known."""
    return [
        {
            "group": dict(cell.group),
            "n": cell.counts.n,
            "selected": cell.counts.selected,
            **(
                {name: getattr(cell.counts, name) for name in _CONFUSION}
                if isinstance(cell.counts, Confusion)
                else {}
            ),
        }
        for cell in tally.cells
    ]


def tally(attributes: Sequence[str], cells: Sequence[Cell], favourable: Favourable) -> Tally:
    """Check the cells of one evaluation and sort them.

    Raises SchemaMismatch (pointers ``#/attributes`` and ``#/cells/<i>``): 0 or over 3
    attributes, one named twice; a group that lacks an attribute, has another or stands
    there twice; a negative count or one over 2^53 - 1; mixed forms; a text that is empty,
    over 200 characters or hard to tell from another; a full product over 200 cells.
    Raises EmptyGroup: nobody was counted.
    """
    names = tuple(attributes)
    faults = _attribute_faults(names) or _cell_faults(names, cells)
    if faults:
        raise SchemaMismatch("the cells do not make a tally", faults=faults)
    if not any(cell.counts.n for cell in cells):
        raise EmptyGroup("nobody was counted", remedy="send at least one cell with people in it")
    ordered = [Cell(tuple((a, dict(c.group)[a]) for a in names), c.counts) for c in cells]
    ordered.sort(key=lambda cell: [(value is None, value or "") for _, value in cell.group])
    sizes = [len({dict(c.group)[a] for c in ordered} - {None}) for a in names]
    if prod(sizes) > CELL_LIMIT:
        raise SchemaMismatch(
            f"{' x '.join(map(str, sizes))} values make more than {CELL_LIMIT} groups",
            remedy="name fewer attributes, or join values into fewer groups before uploading",
            faults=[Fault("#/attributes", f"at most {CELL_LIMIT} groups")],
        )
    return Tally(names, tuple(ordered), favourable)


def _parse_cell(cell: Json, pointer: str, faults: list[Fault]) -> Cell | None:
    if not isinstance(cell, dict):
        faults.append(Fault(pointer, "a cell is an object"))
        return None
    given = {name: value for name, value in cell.items() if value is not None}
    before = len(faults)
    group = _parse_group(given.pop("group", None), f"{pointer}/group", faults)
    counts = _parse_counts(given, pointer, faults)
    return None if len(faults) > before or counts is None else Cell(group, counts)


def _parse_group(group: Json, pointer: str, faults: list[Fault]) -> Key:
    if not isinstance(group, dict):
        faults.append(Fault(pointer, "a group maps attributes to values"))
        return ()
    pairs: list[tuple[str, str | None]] = []
    for name, value in group.items():
        if value is None or isinstance(value, str):
            pairs.append((name, value))
        else:
            faults.append(Fault(at(pointer, name), "a value is a string, or null if unknown"))
    return tuple(pairs)


def _parse_counts(given: Mapping[str, Json], pointer: str, faults: list[Fault]) -> Counts | None:
    known = set(given)
    if known not in ({*_SELECTED}, {*_CONFUSION}, {*_SELECTED, *_CONFUSION}):
        faults.append(Fault(pointer, "a cell holds n and selected, or tp, fp, fn and tn"))
        return None
    numbers: dict[str, int] = {}
    for name, value in given.items():
        if isinstance(value, int) and not isinstance(value, bool):
            numbers[name] = value
        else:
            faults.append(Fault(f"{pointer}/{name}", "a count is a whole number"))
    if len(numbers) < len(given):
        return None
    if "tp" not in numbers:
        return Selected(numbers["n"], numbers["selected"])
    counts = Confusion(*(numbers[name] for name in _CONFUSION))
    faults.extend(
        Fault(f"{pointer}/{name}", "does not agree with tp, fp, fn and tn")
        for name in _SELECTED
        if numbers.get(name, getattr(counts, name)) != getattr(counts, name)
    )
    return counts


def _attribute_faults(names: tuple[str, ...]) -> list[Fault]:
    if not 1 <= len(names) <= ATTRIBUTE_LIMIT:
        return [Fault("#/attributes", f"1 to {ATTRIBUTE_LIMIT} attributes are counted together")]
    if len(set(names)) < len(names):
        return [Fault("#/attributes", "an attribute is named twice")]
    return [
        Fault(f"#/attributes/{i}", fault)
        for i, name in enumerate(names)
        if (fault := text_fault(name))
    ]


def _cell_faults(names: tuple[str, ...], cells: Sequence[Cell]) -> list[Fault]:
    faults: list[Fault] = []
    seen: set[frozenset[tuple[str, str | None]]] = set()
    forms = {type(cell.counts) for cell in cells}
    if len(forms) > 1:
        faults.append(Fault("#/cells", "every cell has labels, or none has"))
    for i, cell in enumerate(cells):
        pointer = f"#/cells/{i}"
        faults += _group_faults(names, cell.group, f"{pointer}/group")
        if frozenset(cell.group) in seen:
            faults.append(Fault(f"{pointer}/group", "the group stands here twice"))
        seen.add(frozenset(cell.group))
        faults += _count_faults(cell.counts, pointer)
    return faults


def _group_faults(names: tuple[str, ...], group: Key, pointer: str) -> list[Fault]:
    given = [name for name, _ in group]
    if sorted(given) != sorted(names):
        return [Fault(pointer, f"a group names each attribute once: {', '.join(names)}")]
    return [
        Fault(at(pointer, name), fault)
        for name, value in group
        if value is not None and (fault := text_fault(value))
    ]


def _count_faults(counts: Counts, pointer: str) -> list[Fault]:
    named = (
        [(name, getattr(counts, name)) for name in _SELECTED]
        if isinstance(counts, Selected)
        else [(name, getattr(counts, name)) for name in _CONFUSION]
    )
    faults = [
        Fault(f"{pointer}/{name}", "a count lies between 0 and 2^53 - 1")
        for name, value in named
        if not 0 <= value <= COUNT_LIMIT
    ]
    if counts.selected > counts.n:
        faults.append(Fault(f"{pointer}/selected", "more selected than people"))
    return faults


def at(pointer: str, member: str) -> str:
    """Extend a JSON Pointer by a name that may hold its separators (RFC 6901, section 3)."""
    return f"{pointer}/{member.replace('~', '~0').replace('/', '~1')}"


def text_fault(text: str) -> str | None:
    """Say what makes a name or value unfit: two that look alike would split one group."""
    if not 0 < len(text) <= TEXT_LIMIT:
        return f"a text has 1 to {TEXT_LIMIT} characters; leave the value out if it is unknown"
    if text != text.strip():
        return "white space before or after the text"
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs"} for character in text):
        return "an invisible character in the text"
    if not unicodedata.is_normalized("NFC", text):
        return "letters and their accents written apart (the text is not in Unicode form NFC)"
    return None
